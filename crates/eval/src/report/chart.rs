//! A small plotting kit: axes, lines, dots and whiskers as inline SVG, coloured by the page's style sheet.

use std::fmt::Write;

use super::escape;
use crate::show;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;

/// A range with labelled places.
pub(super) struct Axis {
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
    label: String,
}

impl Axis {
    /// Covers all finite `values` with about four round ticks.
    pub fn covering(values: impl Iterator<Item = f64>, label: &str) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in values.filter(|x| x.is_finite()) {
            (low, high) = (low.min(x), high.max(x));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= 1e-12 * low.abs().max(high.abs()) {
            // All values are one: leave room around it.
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
            (low, high) = (low - room, high + room);
        }
        let step = round_step((high - low) / 4.0);
        let first = (low / step).floor() as i64;
        let last = (high / step).ceil() as i64;
        let ticks = (first..=last).map(|i| i as f64 * step).map(|x| (x, show::number(x))).collect();
        Self { low: first as f64 * step, high: last as f64 * step, ticks, label: label.into() }
    }

    /// Equal places `0, 1, 2, ..`, one a name.
    pub fn places(names: &[String], label: &str) -> Self {
        let ticks = names.iter().enumerate().map(|(i, name)| (i as f64, name.clone())).collect();
        Self { low: -0.4, high: names.len() as f64 - 0.6, ticks, label: label.into() }
    }

    fn share(&self, x: f64) -> f64 {
        ((x - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// The largest of 1, 2, 5 times a power of ten that is not above `rough` by much.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * power >= rough * 0.8).unwrap_or(10.0);
    step * power
}

/// A chart being drawn.
pub(super) struct Plot {
    x: Axis,
    y: Axis,
    body: String,
}

impl Plot {
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, body: String::new() }
    }

    /// A line through `points`; `class` colours it.
    pub fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let at = |(x, y): &(f64, f64)| format!("{:.1},{:.1}", self.px(*x), self.py(*y));
        let path = points.iter().map(at).collect::<Vec<_>>().join(" ");
        let _ = writeln!(self.body, "<polyline class=\"line {class}\" points=\"{path}\"/>");
    }

    /// A dot of `radius` pixels that says `title` when pointed at.
    pub fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64, title: &str) {
        let (x, y, title) = (self.px(x), self.py(y), escape(title));
        let dot = format!("<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>");
        // An unseen larger disc makes the dot easy to point at.
        let _ = writeln!(
            self.body,
            "<g><title>{title}</title><circle class=\"reach\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"8\"/>{dot}</g>"
        );
    }

    /// A place without a mark that says `title` when pointed at.
    pub fn note(&mut self, (x, y): (f64, f64), title: &str) {
        let (x, y, title) = (self.px(x), self.py(y), escape(title));
        let _ = writeln!(
            self.body,
            "<circle class=\"reach note\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{title}</title></circle>"
        );
    }

    /// A vertical whisker from `low` to `high`.
    pub fn whisker(&mut self, class: &str, x: f64, low: f64, high: f64) {
        let (x, y1, y2) = (self.px(x), self.py(low), self.py(high));
        let _ = writeln!(
            self.body,
            "<line class=\"whisker {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y1:.1}\" y2=\"{y2:.1}\"/>"
        );
    }

    /// The chart with its axes; `name` describes it to those who cannot see it.
    pub fn svg(&self, name: &str) -> String {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let mut grid = String::new();
        for (y, text) in &self.y.ticks {
            let (at, text) = (self.py(*y), escape(text));
            let _ = writeln!(
                grid,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"tick end\" x=\"{}\" y=\"{:.1}\">{text}</text>",
                LEFT - 6.0,
                at + 3.5
            );
        }
        for (x, text) in &self.x.ticks {
            let (at, text) = (self.px(*x), escape(text));
            let _ = writeln!(
                grid,
                "<text class=\"tick mid\" x=\"{at:.1}\" y=\"{}\">{text}</text>",
                bottom + 15.0
            );
        }
        let axes = format!(
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>\
             <text class=\"label mid\" x=\"{}\" y=\"{}\">{}</text>",
            (LEFT + right) / 2.0,
            HEIGHT - 6.0,
            escape(&self.x.label)
        );
        let name = escape(name);
        let caption = escape(&self.y.label);
        format!(
            "<figure class=\"chart\"><figcaption>{caption}</figcaption>\
             <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{name}\">\n{grid}{axes}\n{}</svg></figure>\n",
            self.body
        )
    }

    fn px(&self, x: f64) -> f64 {
        LEFT + self.x.share(x) * (WIDTH - LEFT - RIGHT)
    }

    fn py(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.share(y) * (HEIGHT - TOP - BOTTOM)
    }
}

/// Names beside their colours.
pub(super) fn legend(entries: &[(&str, &str)]) -> String {
    let mut out = String::from("<ul class=\"legend\">");
    for (class, name) in entries {
        let _ = write!(out, "<li class=\"{class}\">{}</li>", escape(name));
    }
    out + "</ul>\n"
}
