//! What the agent earns beside chance, as bars with their intervals.

use std::fmt::Write;

use super::escape;
use crate::{Estimate, ReturnsRow, ReturnsTable, show};

pub(super) fn section(table: &ReturnsTable) -> String {
    let rows = [(&table.agent, "c-model"), (&table.random, "c-mean")];
    let reach = rows.iter().flat_map(|(r, _)| [r.total_reward.mean, r.total_reward.low, r.total_reward.high]);
    // Bars start at zero, so that their lengths can be compared.
    let (low, high) =
        reach.filter(|x| x.is_finite()).fold((0.0f64, 0.0f64), |(l, h), x| (l.min(x), h.max(x)));
    let scale = Scale { low, span: if high > low { high - low } else { 1.0 } };
    let mut bars = String::from("<div class=\"bars\">\n");
    for (row, class) in rows {
        bars.push_str(&bar(row, class, &scale));
    }
    bars.push_str("</div>\n");
    let words = if table.is_better { "The intervals are apart." } else { "The agent is not clearly better." };
    let lead = format!(
        "Return of an episode in the real environment, mean and 95 % interval over {} and {} episodes, each played to its \
         end. {words}",
        table.agent.total_reward.n, table.random.total_reward.n
    );
    super::section("What the agent earns", &lead, &(bars + &numbers(&[&table.agent, &table.random])))
}

/// Maps returns to percent of a bar's track.
struct Scale {
    low: f64,
    span: f64,
}

impl Scale {
    fn percent(&self, x: f64) -> f64 {
        ((x - self.low) / self.span * 100.0).clamp(0.0, 100.0)
    }
}

fn bar(row: &ReturnsRow, class: &str, scale: &Scale) -> String {
    let e = &row.total_reward;
    let (zero, mean) = (scale.percent(0.0), scale.percent(e.mean));
    let (low, high) = (scale.percent(e.low), scale.percent(e.high));
    format!(
        "<div class=\"bar {class}\"><span class=\"who\">{}</span><span class=\"track\" title=\"{}\">\
         <b style=\"left:{:.2}%;width:{:.2}%\"></b><u style=\"left:{low:.2}%;width:{:.2}%\"></u></span>\
         <span class=\"what\">{}</span></div>\n",
        escape(&row.name),
        show::interval(e),
        zero.min(mean),
        (mean - zero).abs(),
        high - low,
        show::mean_and_range(e).0,
    )
}

fn numbers(rows: &[&ReturnsRow]) -> String {
    let mut out = String::from(
        "<div class=\"scroll\"><table>\n<thead><tr><th>policy</th><th>return</th><th>steps</th>\
         <th>share terminated</th><th>episodes</th></tr></thead>\n<tbody>\n",
    );
    let cell = |e: &Estimate| {
        let (mean, range) = show::mean_and_range(e);
        format!("<td>{mean}<small>{range}</small></td>")
    };
    for row in rows {
        let cells = [&row.total_reward, &row.len, &row.terminated].map(cell).concat();
        let _ =
            writeln!(out, "<tr><th>{}</th>{cells}<td>{}</td></tr>", escape(&row.name), row.total_reward.n);
    }
    out + "</tbody></table></div>\n"
}
