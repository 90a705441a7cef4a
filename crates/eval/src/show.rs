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
    format!("{} ({} to {})", number(e.mean), number(e.low), number(e.high))
}

fn trimmed(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "−")
}

impl Metric {
    /// Name for people, with its unit.
    pub fn label(self) -> &'static str {
        match self {
            Self::Psnr => "PSNR, dB",
            Self::PsnrChanged => "PSNR of changed pixels, dB",
            Self::Ssim => "SSIM",
            Self::Nrmse => "error / std",
            Self::RewardMae => "reward error",
            Self::EndBrier => "end Brier score",
        }
    }

    pub(crate) fn better(self) -> &'static str {
        if self.is_higher_better() { "higher" } else { "lower" }
    }
}
