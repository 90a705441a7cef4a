//! How near dreams stay to the truth: a chart for each metric and a table with every number.

use std::fmt::Write;

use super::chart::{Axis, Plot, legend};
use super::escape;
use crate::{HorizonScores, Metric, OpenLoop, PredictorScores, show};

/// Predictors in the order of results: name and what it does, for the legend.
const PREDICTORS: [(&str, &str); 4] = [
    ("c-model", "model"),
    ("c-copy", "copy: last frame repeated"),
    ("c-mean", "mean: mean training frame"),
    ("c-shuffled", "shuffled: model under wrong actions"),
];

pub(super) fn section(result: &OpenLoop) -> String {
    let measured = |metric: &Metric| {
        result.horizons.iter().any(|h| h.predictors.first().is_some_and(|p| p.scores.contains_key(metric)))
    };
    let metrics: Vec<Metric> = Metric::ALL.into_iter().filter(measured).collect();
    let seen = metrics.iter().filter(|m| !matches!(m, Metric::RewardMse | Metric::EndBrier));
    let charts: String = seen.map(|m| chart(result, *m)).collect();
    let lead = format!(
        "The model is shown {} real steps of an episode it was not trained on, then dreams on alone under the recorded actions: \
         {} windows of {} episodes. Scores are of the mean of {} dreams, which is what the model expects; the film strips \
         show one dream. Intervals are 95 %, bootstrapped over episodes.",
        result.context, result.n_windows, result.n_episodes, result.samples
    );
    let body = format!(
        "{}<div class=\"charts\">\n{charts}</div>\n{}",
        legend(&PREDICTORS),
        table(&result.horizons, &metrics)
    );
    super::section("How far the dream holds", &lead, &body)
}

fn chart(result: &OpenLoop, metric: Metric) -> String {
    let names: Vec<String> = result.horizons.iter().map(|h| h.horizon.to_string()).collect();
    let scored = |i: usize| {
        let at = result.horizons.iter().enumerate();
        at.filter_map(move |(x, h)| Some((x as f64, *h.predictors.get(i)?.scores.get(&metric)?)))
    };
    let ends = (0..PREDICTORS.len()).flat_map(|i| scored(i).flat_map(|(_, e)| [e.mean, e.low, e.high]));
    let label = format!("{} ({} is better)", metric.label(), metric.better());
    let mut plot = Plot::new(Axis::places(&names, "steps ahead"), Axis::covering(ends, &label));
    // The model last, so that it lies on top; each a little aside, so that whiskers do not hide each other.
    for (i, (class, name)) in PREDICTORS.iter().enumerate().rev() {
        let points: Vec<_> = scored(i).map(|(x, e)| (x + (i as f64 - 1.5) * 0.05, e)).collect();
        plot.line(class, &points.iter().map(|(x, e)| (*x, e.mean)).collect::<Vec<_>>());
        for (x, e) in points {
            let at = &result.horizons[x.round() as usize];
            plot.whisker(class, x, e.low, e.high);
            plot.dot(
                class,
                (x, e.mean),
                3.0,
                &format!("{name}, {} steps ahead: {}", at.horizon, show::interval(&e)),
            );
        }
    }
    plot.svg(&format!("{} by steps ahead, for the model and its floors", metric.title()))
}

fn table(horizons: &[HorizonScores], metrics: &[Metric]) -> String {
    let mut out = String::from("<div class=\"scroll\"><table>\n<thead><tr><th>predictor</th>");
    for metric in metrics {
        let _ = write!(out, "<th>{}</th>", escape(&metric.label()));
    }
    out.push_str("<th>reward AUROC</th><th>end AUROC</th></tr></thead>\n");
    for at in horizons {
        let _ = writeln!(
            out,
            "<tbody><tr class=\"group\"><th colspan=\"{}\"><span>{} ahead</span> {}</th></tr>",
            metrics.len() + 3,
            plural(at.horizon, "step"),
            counts(at)
        );
        for predictor in &at.predictors {
            out.push_str(&row(predictor, metrics));
        }
        out.push_str("</tbody>\n");
    }
    out + "</table></div>\n<p class=\"note\">Floors the model does not clearly beat are marked: ≈ the interval of the \
           difference holds zero, ✗ the floor is better. Reward and end are judged over all steps after the previous \
           horizon; an AUROC of 0.5 is chance.</p>\n"
}

fn counts(at: &HorizonScores) -> String {
    if at.n_steps == 0 {
        return "no held-out episode lasts this long".into();
    }
    let parts = [plural(at.n_windows, "window"), plural(at.n_rewards, "reward"), plural(at.n_ends, "end")];
    format!("{} in {}", parts.join(", "), plural(at.n_steps, "step"))
}

fn row(predictor: &PredictorScores, metrics: &[Metric]) -> String {
    let class = if predictor.name == "model" { " class=\"model\"" } else { "" };
    let mut out = format!("<tr{class}><th>{}</th>", escape(&predictor.name));
    for metric in metrics {
        let Some(e) = predictor.scores.get(metric) else {
            out.push_str("<td>–</td>");
            continue;
        };
        let (mark, title) = match predictor.gains.get(metric) {
            None => ("", String::new()),
            Some(gain) => {
                let mark = if gain.low > 0.0 {
                    ""
                } else if gain.high < 0.0 {
                    " ✗"
                } else {
                    " ≈"
                };
                (mark, format!(" title=\"the model is better by {}\"", show::interval(gain)))
            }
        };
        let (mean, range) = show::mean_and_range(e);
        let _ = write!(out, "<td{title}>{mean}<i>{mark}</i><small>{range}</small></td>");
    }
    for score in [predictor.reward_auroc, predictor.end_auroc] {
        let _ = write!(out, "<td>{}</td>", score.map_or("–".into(), show::number));
    }
    out + "</tr>\n"
}

fn plural(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
