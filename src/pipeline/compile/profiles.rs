//! `profile`: a vendor's name, a map that changes some of its settings, or a list of these.

use super::super::profile::{KNOWN, Profile};
use super::super::spec::{Node, Value, parse};
use super::findings::{Fields, Findings, hint};
use super::settings::MOST_SESSION_DAYS;

pub(super) fn profiles(node: Option<&Node>, out: &mut Findings) -> Vec<Profile> {
    let Some(node) = node else { return Vec::new() };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() {
        out.report(node.place, "there must be a profile", "leave the key out for none");
    }
    let mut profiles: Vec<Profile> = Vec::new();
    for item in items {
        let Some(profile) = profile(item, out) else { continue };
        if profiles.iter().any(|other| other.name == profile.name) {
            let message = format!("`{}` is given twice", profile.name);
            out.report(item.place, message, "leave one of them out");
        }
        profiles.push(profile);
    }
    profiles
}

fn profile(node: &Node, out: &mut Findings) -> Option<Profile> {
    if !matches!(node.value, Value::Map(_)) {
        return known(node, out);
    }
    let mut fields = out.map(node, "profile")?;
    let remedy = "add the vendor: `name: copilot`";
    let vendor = fields.need("name", remedy, out);
    let mut profile = vendor.and_then(|vendor| known(vendor, out));
    let mut ignored = EMPTY;
    change(profile.as_mut().unwrap_or(&mut ignored), &mut fields, out);
    fields.close(out);
    profile
}

const EMPTY: Profile = Profile {
    name: String::new(),
    timeout_us: 0,
    counts_tests: false,
    counts_copies: false,
    must_stay_closed: false,
    metrics: Vec::new(),
    outcome: String::new(),
};

/// What a pipeline may say otherwise: what a vendor lets its customers choose, or reports differ in.
fn change(profile: &mut Profile, fields: &mut Fields<'_>, out: &mut Findings) {
    let timeout = fields.get("timeout");
    if let Some(us) = timeout.and_then(|node| out.duration(node, false, MOST_SESSION_DAYS)) {
        profile.timeout_us = us;
    }
    if let Some(flag) = fields.get("counts_tests").and_then(|node| out.flag(node)) {
        profile.counts_tests = flag;
    }
    if let Some(flag) = fields.get("counts_copies").and_then(|node| out.flag(node)) {
        profile.counts_copies = flag;
    }
}

/// The rules of the vendor that `node` names, as they come with the program.
fn known(node: &Node, out: &mut Findings) -> Option<Profile> {
    let name = out.text(node)?;
    let Some((name, yaml)) = KNOWN.iter().find(|(known, _)| *known == name) else {
        let remedy = hint(name, KNOWN.iter().map(|(known, _)| *known));
        out.report(node.place, format!("`{name}` is not a vendor with a profile"), remedy);
        return None;
    };
    let mut own = Findings::new(format!("sql/profiles/{name}.yaml"));
    let profile = parse(yaml).ok().and_then(|root| read(name, &root, &mut own));
    if profile.is_none() || !own.is_empty() {
        out.report(node.place, format!("the profile of `{name}` is damaged"), "install it again");
        return None;
    }
    profile
}

fn read(name: &str, root: &Node, out: &mut Findings) -> Option<Profile> {
    let mut fields = out.map(root, "profile")?;
    let mut profile = Profile { name: name.to_owned(), ..EMPTY };
    change(&mut profile, &mut fields, out);
    profile.must_stay_closed = fields.get("must_stay_closed").and_then(|node| out.flag(node))?;
    let metrics = fields.get("metrics").and_then(|node| out.list(node))?;
    profile.metrics = metrics.iter().filter_map(|node| out.name(node)).collect();
    profile.outcome = fields.get("outcome").and_then(|node| out.text(node))?.to_owned();
    fields.close(out);
    (profile.timeout_us > 0 && !profile.metrics.is_empty()).then_some(profile)
}
