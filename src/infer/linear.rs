//! Least squares with errors that follow each other: QR by Gram–Schmidt, Newey–West covariance.
//!
//! Sums run in the order of the rows, so equal rows give equal bits. Matrices are lists of rows, and
//! have about ten columns. Leaves out: everything that a daily series of some months does not need.
//!
//! Source: Newey and West (1987), "A simple, positive semi-definite, heteroskedasticity and
//! autocorrelation consistent covariance matrix", Econometrica 55(3); Andrews and Monahan (1992), "An
//! improved heteroskedasticity and autocorrelation consistent covariance matrix estimator",
//! Econometrica 60(4), for the whitening.

/// A column whose part not explained by the columns before it is below this share of it is none.
const RANK_TOLERANCE: f64 = 1e-9;
/// Beyond it the colouring would make any error as large as one likes.
const MOST_PERSISTENCE: f64 = 0.9;

/// A fitted line.
#[derive(Debug, Clone)]
pub struct Fit {
    pub beta: Vec<f64>,
    /// Inverse of X'WX.
    pub bread: Vec<Vec<f64>>,
    /// Rows times root of the weight, as fitted.
    rows: Vec<Vec<f64>>,
    /// Residuals times root of the weight.
    residuals: Vec<f64>,
}

/// Weighted least squares of `y` on `rows`. None where the rows do not decide every coefficient.
pub fn least_squares(rows: &[Vec<f64>], y: &[f64], weights: &[f64]) -> Option<Fit> {
    let width = rows.first()?.len();
    if rows.len() <= width || weights.iter().any(|w| *w <= 0.0) {
        return None;
    }
    let roots: Vec<f64> = weights.iter().map(|w| w.sqrt()).collect();
    let scaled = |(row, root): (&Vec<f64>, &f64)| row.iter().map(|v| v * root).collect();
    let rows: Vec<Vec<f64>> = rows.iter().zip(&roots).map(scaled).collect();
    let y: Vec<f64> = y.iter().zip(&roots).map(|(y, root)| y * root).collect();
    let (q, r) = gram_schmidt(&rows, width)?;
    let inverse = invert_upper(&r);
    let projected: Vec<f64> = q.iter().map(|column| dot(column, &y)).collect();
    let beta: Vec<f64> = inverse.iter().map(|row| dot(row, &projected)).collect();
    let bread: Vec<Vec<f64>> =
        inverse.iter().map(|a| inverse.iter().map(|b| dot(a, b)).collect()).collect();
    let residuals = rows.iter().zip(&y).map(|(row, y)| y - dot(row, &beta)).collect();
    Some(Fit { beta, bread, rows, residuals })
}

impl Fit {
    /// Rows minus coefficients.
    pub fn degrees_of_freedom(&self) -> u32 {
        (self.rows.len() - self.beta.len()) as u32
    }

    /// `contrast` · beta.
    pub fn value(&self, contrast: &[f64]) -> f64 {
        dot(contrast, &self.beta)
    }

    /// The classical standard error of `contrast` · beta, for rows that are independent.
    pub fn plain_error(&self, contrast: &[f64]) -> f64 {
        let spread = dot(&self.residuals, &self.residuals) / f64::from(self.degrees_of_freedom());
        let along: Vec<f64> = self.bread.iter().map(|row| dot(row, contrast)).collect();
        (spread * dot(contrast, &along)).max(0.0).sqrt()
    }

    /// Newey–West's standard error of `contrast` · beta with Bartlett weights up to `lag` rows,
    /// times n / (n - k) for the small sample.
    ///
    /// With a `persistence` other than 0 the scores are whitened by it first and coloured again at
    /// the end: the weights then only have to catch what the persistence leaves.
    pub fn newey_west_error(&self, contrast: &[f64], lag: usize, persistence: f64) -> f64 {
        let along: Vec<f64> = self.bread.iter().map(|row| dot(row, contrast)).collect();
        // The score of each row in the direction asked for; the full matrix is not needed.
        let scores: Vec<f64> =
            self.rows.iter().zip(&self.residuals).map(|(row, u)| dot(row, &along) * u).collect();
        let n = scores.len();
        let mut news = vec![scores[0] * (1.0 - persistence * persistence).sqrt()];
        news.extend(scores.windows(2).map(|pair| pair[1] - persistence * pair[0]));
        let mut variance = dot(&news, &news);
        for l in 1..=lag.min(n.saturating_sub(1)) {
            let weight = 1.0 - l as f64 / (lag as f64 + 1.0);
            variance += 2.0 * weight * dot(&news[l..], &news[..n - l]);
        }
        let coloured = variance / ((1.0 - persistence) * (1.0 - persistence));
        let small_sample = n as f64 / f64::from(self.degrees_of_freedom());
        (coloured * small_sample).max(0.0).sqrt()
    }

    /// How much an error keeps of the one before it, between 0 and [`MOST_PERSISTENCE`]: that of
    /// the residuals, plus what the fit takes out of it where errors are independent.
    pub fn persistence(&self) -> f64 {
        let all = dot(&self.residuals, &self.residuals);
        if all <= 0.0 {
            return 0.0;
        }
        let n = self.residuals.len();
        let kept = dot(&self.residuals[1..], &self.residuals[..n - 1]) / all;
        let shared = |pair: &[Vec<f64>]| {
            let along: Vec<f64> = self.bread.iter().map(|row| dot(row, &pair[1])).collect();
            dot(&pair[0], &along)
        };
        let taken: f64 = self.rows.windows(2).map(shared).sum();
        (kept + taken / f64::from(self.degrees_of_freedom())).clamp(0.0, MOST_PERSISTENCE)
    }
}

/// Columns, or rows, of numbers.
type Matrix = Vec<Vec<f64>>;

/// Orthonormal columns, and the triangle that makes the rows of them. Each column is projected
/// twice: once loses digits where columns are nearly alike.
fn gram_schmidt(rows: &[Vec<f64>], width: usize) -> Option<(Matrix, Matrix)> {
    let mut q: Vec<Vec<f64>> = Vec::with_capacity(width);
    let mut r = vec![vec![0.0; width]; width];
    for j in 0..width {
        let mut column: Vec<f64> = rows.iter().map(|row| row[j]).collect();
        let before = dot(&column, &column).sqrt();
        for _ in 0..2 {
            for (i, unit) in q.iter().enumerate() {
                let share = dot(unit, &column);
                r[i][j] += share;
                column.iter_mut().zip(unit).for_each(|(value, u)| *value -= share * u);
            }
        }
        let length = dot(&column, &column).sqrt();
        if length <= before * RANK_TOLERANCE || length == 0.0 {
            return None;
        }
        r[j][j] = length;
        q.push(column.iter().map(|value| value / length).collect());
    }
    Some((q, r))
}

fn invert_upper(r: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = r.len();
    let mut inverse = vec![vec![0.0; n]; n];
    for j in 0..n {
        inverse[j][j] = 1.0 / r[j][j];
        for i in (0..j).rev() {
            let sum: f64 = (i + 1..=j).map(|k| r[i][k] * inverse[k][j]).sum();
            inverse[i][j] = -sum / r[i][i];
        }
    }
    inverse
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| sum + x * y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_four_points_by_hand() {
        // y = 1, 3, 2, 6 at x = 0..3: slope 1.4, intercept 0.9; residuals .1 .7 -1.7 .9.
        let rows: Vec<Vec<f64>> = (0..4).map(|x| vec![1.0, f64::from(x)]).collect();
        let fit = least_squares(&rows, &[1.0, 3.0, 2.0, 6.0], &[1.0; 4]).expect("a full rank");
        assert!((fit.beta[0] - 0.9).abs() < 1e-12 && (fit.beta[1] - 1.4).abs() < 1e-12);
        // Residual sum of squares 4.2 over 2, and x has a sum of squares of 5.
        assert!((fit.plain_error(&[0.0, 1.0]) - (2.1_f64 / 5.0).sqrt()).abs() < 1e-12);
        // Without lags: sum of ((x - 1.5) / 5 * u)^2, times 4 / 2.
        let scores = [-1.5 * 0.1, -0.5 * 0.7, 0.5 * -1.7, 1.5 * 0.9].map(|s: f64| s / 5.0);
        let white: f64 = scores.iter().map(|s| s * s).sum::<f64>() * 2.0;
        assert!((fit.newey_west_error(&[0.0, 1.0], 0, 0.0) - white.sqrt()).abs() < 1e-12);
        // One lag has weight 1/2, and counts twice.
        let pairs: f64 = scores.windows(2).map(|w| w[0] * w[1]).sum::<f64>() * 2.0;
        let found = fit.newey_west_error(&[0.0, 1.0], 1, 0.0);
        assert!((found - (white + pairs).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn weights_count_a_row_as_often_as_they_say() {
        let rows = vec![vec![1.0, 0.0], vec![1.0, 0.0], vec![1.0, 1.0], vec![1.0, 1.0]];
        let fit = least_squares(&rows, &[1.0, 4.0, 5.0, 9.0], &[2.0, 1.0, 1.0, 3.0]);
        let beta = fit.expect("a full rank").beta;
        assert!((beta[0] - 2.0).abs() < 1e-12 && (beta[1] - 6.0).abs() < 1e-12);
    }

    #[test]
    fn what_the_rows_do_not_decide_has_no_fit() {
        let same = vec![vec![1.0, 2.0]; 5];
        assert!(least_squares(&same, &[1.0; 5], &[1.0; 5]).is_none());
        assert!(least_squares(&[vec![1.0]], &[1.0], &[1.0]).is_none());
        assert!(least_squares(&[], &[], &[]).is_none());
    }
}
