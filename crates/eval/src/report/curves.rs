//! Learning curves as small multiples.

use super::chart::{Axis, Plot};
use crate::{Curve, show};

/// Points drawn at most; longer curves are averaged in buckets.
const MAX_POINTS: usize = 160;
/// Places that say their value when pointed at.
const MAX_NOTES: usize = 40;

pub(super) fn section(curves: &[Curve]) -> String {
    let charts: String = curves.iter().filter(|c| has_points(c)).map(chart).collect();
    if charts.is_empty() {
        return String::new();
    }
    let lead = "Over the steps of training. Long curves are drawn as averages of neighbouring points.";
    super::section("Learning curves", lead, &format!("<div class=\"charts\">\n{charts}</div>\n"))
}

fn has_points(curve: &Curve) -> bool {
    curve.points.iter().any(|(x, y)| x.is_finite() && y.is_finite())
}

fn chart(curve: &Curve) -> String {
    let points = thinned(&curve.points);
    let unit = if curve.unit.is_empty() { String::new() } else { format!(", {}", curve.unit) };
    let x = Axis::covering(points.iter().map(|p| p.0), "step");
    let y = Axis::covering(points.iter().map(|p| p.1), &format!("{}{unit}", curve.name));
    let mut plot = Plot::new(x, y);
    plot.line("c-model", &points);
    let every = points.len().div_ceil(MAX_NOTES);
    for (x, y) in points.iter().step_by(every) {
        plot.note((*x, *y), &format!("step {}: {}{unit}", show::number(*x), show::number(*y)));
    }
    plot.svg(&format!("{} over training", curve.name))
}

/// Finite points only, averaged in at most [`MAX_POINTS`] buckets of neighbours.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<_> = points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let size = finite.len().div_ceil(MAX_POINTS).max(1);
    let mean = |bucket: &[(f64, f64)]| {
        let n = bucket.len() as f64;
        (bucket.iter().map(|p| p.0).sum::<f64>() / n, bucket.iter().map(|p| p.1).sum::<f64>() / n)
    };
    finite.chunks(size).map(mean).collect()
}
