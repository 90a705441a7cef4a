//! Numbers for people: as short as they can be without hiding anything.

use crate::{Estimate, Metric};

/// About three significant digits: `12.3`, `0.0123`, `1.2k`, `3.4M`.
pub fn number(x: f64) -> String {
    let size = x.abs();
    let scaled = |by: f64, unit: &str| format!("{}{unit}", trimmed(x / by, 1));
    match size {
        _ if x.is_nan() => "–".into(),
        _ if x.is_infinite() => if x > 0.0 { "∞" } else { "−∞" }.into(),
        _ if size == 0.0 => "0".into(),
        s if s >= 999_950.0 => scaled(1e6, "M"),
        s if s >= 9_999.5 => scaled(1e3, "k"),
        s if s >= 99.95 => trimmed(x, 0),
        s if s >= 9.995 => trimmed(x, 1),
        s if s >= 0.9995 => trimmed(x, 2),
        s if s >= 0.01 => trimmed(x, 3),
        s if s >= 0.0001 => trimmed(x, 5),
        _ => format!("{x:.1e}").replace('-', "−"),
    }
}

/// `12.3 (11.9 to 12.8)`.
pub fn interval(e: &Estimate) -> String {
    let (mean, range) = mean_and_range(e);
    format!("{mean} ({range})")
}

/// `12.3` and `11.9 to 12.8`, all with the same number of decimals.
pub fn mean_and_range(e: &Estimate) -> (String, String) {
    let largest =
        [e.mean, e.low, e.high].into_iter().filter(|x| x.is_finite()).fold(0.0, |m: f64, x| m.max(x.abs()));
    let decimals = match largest {
        s if s >= 9_999.5 || s == 0.0 => None,
        s => Some((2 - s.log10().floor() as i32).clamp(0, 6) as usize),
    };
    let show = |x: f64| match decimals {
        Some(decimals) if x.is_finite() => format!("{x:.decimals$}").replace('-', "−"),
        _ => number(x),
    };
    (show(e.mean), format!("{} to {}", show(e.low), show(e.high)))
}

fn trimmed(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "−")
}

impl Metric {
    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Psnr => "PSNR",
            Self::PsnrChanged => "PSNR of changed pixels",
            Self::Ssim => "SSIM",
            Self::Nrmse => "error / std",
            Self::RewardMse => "squared reward error",
            Self::EndBrier => "end Brier score",
        }
    }

    /// Unit of its numbers; empty where they have none.
    pub fn unit(self) -> &'static str {
        if matches!(self, Self::Psnr | Self::PsnrChanged) { "dB" } else { "" }
    }

    /// Title and unit, as over a column.
    pub(crate) fn label(self) -> String {
        if self.unit().is_empty() {
            self.title().into()
        } else {
            format!("{}, {}", self.title(), self.unit())
        }
    }

    pub(crate) fn better(self) -> &'static str {
        if self.is_higher_better() { "higher" } else { "lower" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_intervals_share_their_decimals() {
        let shown = [0.0, 5.0, 38.25, 0.98765, 0.004567, 12_345.0, 2.5e6, -3.0, 1e-7, f64::NAN].map(number);
        assert_eq!(shown, ["0", "5", "38.2", "0.988", "0.00457", "12.3k", "2.5M", "−3", "1.0e−7", "–"]);
        let estimate = |mean, low, high| Estimate { mean, low, high, n: 9 };
        assert_eq!(interval(&estimate(0.5, 0.4, 0.7333)), "0.500 (0.400 to 0.733)");
        assert_eq!(interval(&estimate(-12.34, -20.0, 1.0)), "−12.3 (−20.0 to 1.0)");
        assert_eq!(interval(&estimate(3.0, f64::NEG_INFINITY, f64::INFINITY)), "3.00 (−∞ to ∞)");
    }
}
