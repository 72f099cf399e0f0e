"""Holds src/infer to other programs: statsmodels, diff-diff, differences, and plain numpy.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install -r scripts/infer/requirements.txt
    /tmp/reference/bin/python scripts/infer/reference.py          # verifies the committed numbers
    /tmp/reference/bin/python scripts/infer/reference.py --write  # makes them anew

The fixtures in tests/infer/fixtures are made here from a fixed seed; `expected.csv` holds what the
other programs make of them, and `cargo test infer` holds the Rust code to it.
"""

import argparse
import csv
import datetime
import pathlib
import sys

import numpy as np
import pandas as pd
import statsmodels.api as sm
from diff_diff import CallawaySantAnna, DifferenceInDifferences
from differences import ATTgt
from scipy import stats

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "tests" / "infer" / "fixtures"
START = datetime.date(2026, 1, 5)
PRE, RAMP, POST = 56, 14, 56
DAYS = PRE + RAMP + POST
LATER = PRE + RAMP + 35  # the day on which `later` changes itself
WEEKDAYS = [13, 12, 11, 10, 10, 5, 4]
TREATED, CONTROLS = "changed", ["control_a", "control_b", "control_c"]
BLOCK, DRAWS = 7, 2000
SEED = 0x63686174_6B70695F_696E6665_725F3031


# ---------------------------------------------------------------- fixtures


def panel(weighted):
    """Rows of date, service, services, cost in millionths. Unless `weighted`, all services are
    asked for equally often before the change, so that their weights are equal."""
    rng = np.random.default_rng(20260105)
    rows = []
    for number, service in enumerate([TREATED, *CONTROLS, "later"]):
        error = 0.0
        for day in range(DAYS):
            error = 0.5 * error + 0.3 * rng.standard_t(4)
            services = WEEKDAYS[day % 7] * (1 + number if weighted else 3)
            if day >= PRE:
                services += int(rng.integers(0, 4))
            cost = 5 + 0.5 * number + error + 0.02 * day + (0.4 if day % 7 > 4 else 0)
            changes = {TREATED: PRE, "later": LATER}.get(service, DAYS)
            cost -= min(max(day - changes + 1, 0) / RAMP, 1) * 1.25
            date = START + datetime.timedelta(days=day)
            rows.append((date.isoformat(), service, services, round(cost * services * 1e6)))
    return rows


def holdout():
    rng = np.random.default_rng(7)
    rows = []
    for number in range(120):
        arm = "treated" if number % 3 else "holdout"
        services = 1 + int(rng.geometric(0.4))
        cost = sum(rng.lognormal(1.5, 0.8) for _ in range(services))
        cost -= 0.4 * services if arm == "treated" else 0
        rows.append((f"customer_{number:03}", arm, services, round(cost * 1e6)))
    return rows


# ---------------------------------------------------------------- the same draws


class Pcg:
    """PCG64-MCG (XSL-RR 128/64), from its definition."""

    def __init__(self, seed):
        self.state = seed | 1

    def below(self, n):
        self.state = self.state * 0x2360ED051FC65DA44385DF649FCCF645 % (1 << 128)
        turn = self.state >> 122
        low = ((self.state >> 64) ^ self.state) & ((1 << 64) - 1)
        turned = (low >> turn | low << (64 - turn)) & ((1 << 64) - 1)
        return turned * n >> 64


def blocks(pcg, days):
    drawn, block = [], min(BLOCK, len(days))
    while len(drawn) < len(days):
        start = pcg.below(len(days) - block + 1)
        drawn.extend(days[start : start + min(block, len(days) - len(drawn))])
    return np.array(drawn)


# ---------------------------------------------------------------- estimates


class Series:
    """Services and cost by day, for each service."""

    def __init__(self, rows):
        frame = pd.DataFrame(rows, columns=["date", "service", "services", "micros"])
        self.services = {s: g["services"].to_numpy() for s, g in frame.groupby("service")}
        self.cost = {s: g["micros"].to_numpy() / 1e6 for s, g in frame.groupby("service")}

    def ratio(self, service, days):
        return self.cost[service][days].sum() / self.services[service][days].sum()


BEFORE = np.arange(PRE)
AFTER = np.arange(PRE + RAMP, DAYS)


def did(series, controls, before=BEFORE, after=AFTER):
    """Fixed weights: shares of the services before the change."""
    shares = np.array([series.services[c][BEFORE].sum() for c in controls], float)
    shares /= shares.sum()
    change = lambda s: series.ratio(s, after) - series.ratio(s, before)
    return change(TREATED) - sum(w * change(c) for w, c in zip(shares, controls))


def bootstrap(series, controls):
    pcg, draws = Pcg(SEED), []
    for _ in range(DRAWS):
        before = blocks(pcg, BEFORE)
        after = blocks(pcg, AFTER)
        draws.append(did(series, controls, before, after))
    k = PRE // BLOCK
    return np.std(draws, ddof=1) * np.sqrt(k / (k - 1)) * stats.t.ppf(0.975, 2 * (k - 1))


def segmented(series):
    """Level, slope and weekday by statsmodels; whitened errors by numpy."""
    days = np.concatenate([BEFORE, AFTER])
    since = (days - AFTER[0]).astype(float)
    after = (since >= 0).astype(float)
    columns = [np.ones_like(since), since, after, since * after]
    columns += [(days % 7 == n).astype(float) for n in range(1, 7)]
    x = np.column_stack(columns)
    weights = series.services[TREATED][days].astype(float)
    y = series.cost[TREATED][days] / weights
    contrast = np.zeros(10)
    contrast[2] = 1
    contrast[3] = (since * after * weights).sum() / (after * weights).sum()
    out = {}
    model = sm.WLS(y, x, weights=weights)
    for n, beta in enumerate(model.fit().params):
        out[f"segmented_beta_{n}"] = beta
    out["segmented_plain_error"] = float(np.sqrt(contrast @ model.fit().cov_params() @ contrast))
    for lag in (0, 3, 7):
        robust = model.fit(cov_type="HAC", cov_kwds={"maxlags": lag, "use_correction": True})
        out[f"segmented_newey_west_error_{lag}"] = np.sqrt(contrast @ robust.cov_params() @ contrast)
    out["segmented_value"] = contrast @ model.fit().params
    # The whitening, on what statsmodels fitted.
    roots = np.sqrt(weights)
    scaled, residuals = x * roots[:, None], (y - x @ model.fit().params) * roots
    n, k = scaled.shape
    bread = np.linalg.inv(scaled.T @ scaled)
    hat = scaled @ bread @ scaled.T
    kept = (residuals[1:] * residuals[:-1]).sum() / (residuals**2).sum()
    rho = np.clip(kept + np.trace(hat, offset=1) / (n - k), 0, 0.9)
    scores = scaled @ bread @ contrast * residuals
    news = np.concatenate([[scores[0] * np.sqrt(1 - rho**2)], scores[1:] - rho * scores[:-1]])
    variance = news @ news
    for lag in range(1, 4):
        variance += 2 * (1 - lag / 4) * (news[lag:] @ news[:-lag])
    error = np.sqrt(variance / (1 - rho) ** 2 * n / (n - k))
    out["segmented_persistence"] = rho
    out["segmented_half_width"] = error * stats.t.ppf(0.975, (n - k) // 7)
    return out


def two_by_two(series, weighted):
    """Weighted least squares of day costs on group, time and both; of windows by diff-diff."""
    out = {}
    days = np.concatenate([BEFORE, AFTER])
    rows = [
        (s == TREATED, d >= PRE, series.cost[s][d] / series.services[s][d], series.services[s][d])
        for s in (TREATED, CONTROLS[0])
        for d in days
    ]
    group, time, y, weights = np.array(rows, float).T
    x = np.column_stack([np.ones_like(y), group, time, group * time])
    out["did_one_control"] = sm.WLS(y, x, weights=weights).fit().params[3]
    agree(out["did_one_control"], did(series, CONTROLS[:1]), "2x2 by days")
    if not weighted:
        windows = pd.DataFrame(
            [
                {"unit": s, "y": series.ratio(s, w), "treated": int(s == TREATED), "post": p}
                for s in (TREATED, *CONTROLS)
                for p, w in ((0, BEFORE), (1, AFTER))
            ]
        )
        fit = DifferenceInDifferences(vcov_type="classical").fit(
            windows, outcome="y", treatment="treated", post="post"
        )
        out["did_three_controls"] = fit.att
    else:
        # A regression of the changes, weighted by the services before.
        change = [series.ratio(s, AFTER) - series.ratio(s, BEFORE) for s in (TREATED, *CONTROLS)]
        weights = [series.services[s][BEFORE].sum() for s in (TREATED, *CONTROLS)]
        x = np.column_stack([np.ones(4), [1, 0, 0, 0]])
        out["did_three_controls"] = sm.WLS(change, x, weights=weights).fit().params[1]
    agree(out["did_three_controls"], did(series, CONTROLS), "2x2 by windows")
    out["did_half_width"] = bootstrap(series, CONTROLS)
    return out


def group_time(series):
    """Windows as periods: before, the days until `later` changes, the days from then on."""
    stretches = {1: BEFORE, 2: AFTER[AFTER < LATER], 3: AFTER[AFTER >= LATER]}
    groups = {TREATED: 2, "later": 3}
    rows = [
        {"unit": n, "period": p, "y": series.ratio(s, days), "group": groups.get(s, 0)}
        for n, s in enumerate([TREATED, *CONTROLS, "later"])
        for p, days in stretches.items()
    ]
    frame = pd.DataFrame(rows)
    fit = CallawaySantAnna(control_group="not_yet_treated", base_period="universal").fit(
        frame, outcome="y", unit="unit", time="period", first_treat="group"
    )
    found = {key: effect["effect"] for key, effect in fit.group_time_effects.items()}
    out = {"att_first_stretch": found[(2, 2)], "att_second_stretch": found[(2, 3)]}
    other = frame.assign(group=frame["group"].replace(0, np.nan)).set_index(["unit", "period"])
    fit = ATTgt(data=other, cohort_column="group").fit(
        "y", control_group="not_yet_treated", est_method="reg", progress_bar=False
    )
    table = fit.to_pandas()["ATTgtElements"][""]["ATT"]
    # Both take the days before as the base of the first group.
    for name, time in (("att_first_stretch", 2), ("att_second_stretch", 3)):
        agree(out[name], table[(2, 1, time)], f"diff-diff and differences, {name}")
    shares = [series.services[TREATED][stretches[t]].sum() for t in (2, 3)]
    both = np.array([out["att_first_stretch"], out["att_second_stretch"]])
    out["att"] = float(both @ shares / sum(shares))
    return out


def randomised(rows):
    frame = pd.DataFrame(rows, columns=["unit", "arm", "services", "micros"]).sort_values("unit")
    arms = [frame[frame["arm"] == arm] for arm in ("treated", "holdout")]
    ratio = lambda services, micros: micros.sum() / 1e6 / services.sum()
    value = ratio(arms[0]["services"], arms[0]["micros"]) - ratio(arms[1]["services"], arms[1]["micros"])
    columns = [(a["services"].to_numpy(), a["micros"].to_numpy()) for a in arms]
    pcg, draws = Pcg(SEED), []
    for _ in range(DRAWS):
        sides = []
        for services, micros in columns:
            picked = [pcg.below(len(services)) for _ in services]
            sides.append(ratio(services[picked], micros[picked]))
        draws.append(sides[0] - sides[1])
    n = min(len(a) for a in arms)
    error = np.std(draws, ddof=1) * np.sqrt(n / (n - 1))
    # The delta method, which needs no draws, says nearly the same.
    variance = 0
    for services, micros in columns:
        cost = micros / 1e6
        linear = (cost - cost.sum() / services.sum() * services) / services.mean()
        variance += linear.var(ddof=1) / len(linear)
    agree(error / np.sqrt(variance), 1, "bootstrap over units and delta method", 0.1)
    return {"holdout_value": value, "holdout_half_width": error * stats.t.ppf(0.975, n - 1)}


def agree(one, other, what, tolerance=1e-9):
    if not abs(one - other) <= tolerance * max(1, abs(other)):
        sys.exit(f"{what}: {one} and {other}")


def expected():
    out = {}
    for name, weighted in (("equal", False), ("weighted", True)):
        series = Series(panel(weighted))
        found = {**two_by_two(series, weighted), **segmented(series)}
        if not weighted:
            found.update(group_time(series))
        out.update({f"{name}_{key}": float(value) for key, value in found.items()})
    out.update({key: float(value) for key, value in randomised(holdout()).items()})
    return out


def files(numbers):
    return {
        "panel_equal.csv": [("date", "service", "services", "cost_micros"), *panel(False)],
        "panel_weighted.csv": [("date", "service", "services", "cost_micros"), *panel(True)],
        "holdout.csv": [("unit", "arm", "services", "cost_micros"), *holdout()],
        "expected.csv": [("name", "value"), *((k, repr(v)) for k, v in numbers.items())],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make fixtures and numbers anew")
    write = parser.parse_args().write
    numbers = expected()
    for name, rows in files(numbers).items():
        path = FIXTURES / name
        if write:
            with path.open("w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
            continue
        with path.open(newline="") as file:
            stored = [tuple(row) for row in csv.reader(file)]
        if name != "expected.csv":
            if stored != [tuple(map(str, row)) for row in rows]:
                sys.exit(f"{name} is not what this program makes")
            continue
        for (key, value), (mine, found) in zip(stored[1:], rows[1:], strict=True):
            if key != mine:
                sys.exit(f"expected.csv has {key} where {mine} belongs")
            agree(float(value), float(found), key, 1e-6)
    print(f"{len(numbers)} numbers {'written' if write else 'agree'}")


if __name__ == "__main__":
    main()
