//! Whether the end head means what it says: foretold against observed frequency, with counts.

use std::fmt::Write;

use super::chart::{Axis, Plot};
use crate::{Bin, OpenLoop, show, wilson};

pub(super) fn section(result: &OpenLoop) -> String {
    let bins: Vec<&Bin> = result.reliability.iter().filter(|b| b.count > 0).collect();
    if bins.is_empty() {
        return String::new();
    }
    let ece = result.end_ece.map_or("not measured".into(), show::number);
    let lead = format!(
        "When the model says the world ends with some probability, how often does it? On the dashed line it means what \
         it says; larger dots hold more forecasts. Expected calibration error: {ece}."
    );
    let body = format!("<div class=\"charts pair\">\n{}{}</div>\n", chart(&bins), table(&bins));
    super::section("Does it know when the world ends?", &lead, &body)
}

fn chart(bins: &[&Bin]) -> String {
    let unit = || [0.0, 1.0].into_iter();
    let x = Axis::covering(unit(), "foretold probability of an end");
    let mut plot = Plot::new(x, Axis::covering(unit(), "observed frequency of an end"));
    plot.line("diagonal", &[(0.0, 0.0), (1.0, 1.0)]);
    for bin in bins {
        if let Some(rate) = rate(bin) {
            plot.whisker("c-model", bin.predicted, rate.low, rate.high);
        }
        let radius = 3.0 + (bin.count as f64).log10();
        let title = format!(
            "{} forecasts of {}: happened {}",
            bin.count,
            show::number(bin.predicted),
            show::number(bin.observed)
        );
        plot.dot("c-model", (bin.predicted, bin.observed), radius, &title);
    }
    plot.svg("Reliability of the end head")
}

fn table(bins: &[&Bin]) -> String {
    let mut out = String::from(
        "<div class=\"scroll\"><table>\n<thead><tr><th>bin</th><th>foretold</th><th>observed</th><th>count</th></tr></thead>\n<tbody>\n",
    );
    for bin in bins {
        let interval = rate(bin)
            .map_or(String::new(), |r| format!("{} to {}", show::number(r.low), show::number(r.high)));
        let _ = writeln!(
            out,
            "<tr><th>{} to {}</th><td>{}</td><td>{}<small>{interval}</small></td><td>{}</td></tr>",
            show::number(bin.low),
            show::number(bin.high),
            show::number(bin.predicted),
            show::number(bin.observed),
            bin.count
        );
    }
    out + "</tbody></table></div>\n"
}

fn rate(bin: &Bin) -> Option<crate::Estimate> {
    wilson((bin.observed * bin.count as f64).round() as usize, bin.count)
}
