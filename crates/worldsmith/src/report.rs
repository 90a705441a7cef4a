//! What a judgement leaves in the run folder: `judgement.json` for programs, `report.html` for people.

use std::collections::BTreeMap;
use std::path::Path;

use worldsmith_core::{Error, Result};
use worldsmith_eval::{Curve, Report};

use crate::{Judgement, RunConfig};

/// The file for programs.
pub(crate) const JUDGEMENT: &str = "judgement.json";
const PAGE: &str = "report.html";

/// Writes both files and notes in `judgement` where the page is. The film strips go into the page only.
pub(crate) fn write(judgement: &mut Judgement, config: &RunConfig) -> Result<()> {
    let page = judgement.run.join(PAGE);
    judgement.report = Some(page.clone());
    let html = report(judgement, config)?.html();
    worldsmith_data::write_atomic(&page, html.as_bytes())?;
    judgement.model.iter_mut().for_each(|model| model.strips.clear());
    let json = serde_json::to_string_pretty(judgement).map_err(|e| Error::invalid(e.to_string()))?;
    worldsmith_data::write_atomic(&judgement.run.join(JUDGEMENT), json.as_bytes())
}

fn report(judgement: &Judgement, config: &RunConfig) -> Result<Report> {
    let run = judgement.run.display();
    let world = if judgement.env.is_empty() { "recorded episodes" } else { &judgement.env };
    let facts = [
        ("recipe", format!("{} ({})", judgement.recipe, config.preset)),
        ("environment", world.to_string()),
        ("seed", judgement.seed.to_string()),
        ("environment steps", judgement.env_steps.to_string()),
        ("gradient updates", judgement.updates.to_string()),
        ("training time", format!("{:.0} s", judgement.wall_secs)),
        ("worldsmith", env!("CARGO_PKG_VERSION").to_string()),
    ];
    Ok(Report {
        title: format!("{} on {world}", judgement.recipe),
        facts: facts.map(|(name, value)| (name.to_string(), value)).to_vec(),
        checks: judgement.checks.clone(),
        curves: curves(&judgement.run)?,
        open_loop: judgement.model.clone(),
        returns: judgement.returns.clone(),
        next: vec![
            format!("`worldsmith play {run}` opens the real game and the dream side by side"),
            format!("`worldsmith dream {run}` writes imagined episodes as films"),
            "`worldsmith recipes` lists other methods, `worldsmith envs` other worlds".into(),
        ],
    })
}

/// One curve a number of `metrics.jsonl`.
fn curves(run: &Path) -> Result<Vec<Curve>> {
    let path = run.join("metrics.jsonl");
    let text = std::fs::read_to_string(&path).map_err(|e| Error::io("read the metrics", &path, &e))?;
    let mut points: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for line in text.lines() {
        let line: BTreeMap<String, Option<f64>> = serde_json::from_str(line)
            .map_err(|e| Error::corrupt(&path, format!("not a line of metrics ({e})")))?;
        let Some(step) = line.get("step").copied().flatten() else { continue };
        for (name, value) in line {
            match value {
                Some(value) if !["step", "updates", "wall_secs"].contains(&name.as_str()) => {
                    points.entry(name).or_default().push((step, value));
                }
                _ => {}
            }
        }
    }
    let curve = |(name, points)| Curve { name, unit: String::new(), points };
    Ok(points.into_iter().map(curve).collect())
}
