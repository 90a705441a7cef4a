//! The page: whole, safe, self-contained.

use burn::prelude::Device;
use worldsmith_core::Seed;
use worldsmith_eval::{
    Check, Curve, EpisodeScore, OpenLoopConfig, Report, ReturnsTable, Split, compare, open_loop,
};

use crate::toy::{Flaw, Model, episodes};

fn returns() -> ReturnsTable {
    let score = |total_reward| EpisodeScore {
        seed: Seed(0),
        total_reward,
        len: 10,
        end: worldsmith_core::StepKind::Terminated,
    };
    let agent: Vec<_> = (0..50).map(|i| score(10.0 + f64::from(i % 7))).collect();
    let random: Vec<_> = (0..50).map(|i| score(f64::from(i % 3))).collect();
    compare("actor", &agent, &random, Seed(0)).unwrap()
}

fn full() -> Report {
    let (device, data) = (Device::flex(), episodes(12, Seed(1)));
    let split = Split { training: &data, held_out: &data };
    let config = OpenLoopConfig { horizons: vec![1, 5], ..OpenLoopConfig::default() };
    let model = Model::new(Flaw::None, &device);
    let result = open_loop(&model, split, &config, &device, Seed(0), &mut |_, _| Ok(())).unwrap();
    let returns = returns();
    Report {
        title: "a run".into(),
        facts: vec![("env".into(), "corridor".into())],
        checks: result.checks().into_iter().chain([returns.check()]).collect(),
        curves: vec![Curve {
            name: "loss".into(),
            unit: "nats".into(),
            points: vec![(0.0, 3.0), (10.0, 1.0)],
        }],
        open_loop: Some(result),
        returns: Some(returns),
        next: vec!["`worldsmith play runs/quickstart` opens the page".into()],
    }
}

#[test]
fn a_full_report_has_every_part() {
    let html = full().html();
    for part in [
        "✓ 3 of 3 checks passed",
        "How far the dream holds",
        "What the agent earns",
        "Film strips",
        "Does it know when the world ends?",
        "Learning curves",
        "<code>worldsmith play runs/quickstart</code> opens the page",
        "prefers-color-scheme: dark",
        "<title>step 0: 3, nats</title>",
        "data:image/png;base64,iVBORw0KGgo",
    ] {
        assert!(html.contains(part), "no `{part}` in the report");
    }
}

#[test]
fn the_report_needs_nothing_from_outside_and_runs_no_script() {
    let html = full().html();
    for banned in ["http:", "https:", "<script", "<link", "@import", "url(", "NaN", "inf\""] {
        assert!(!html.contains(banned), "`{banned}` in the report");
    }
    let sources = html.matches("src=\"").count();
    assert_eq!(sources, html.matches("src=\"data:image/png").count());
}

#[test]
fn elements_are_closed_in_the_order_they_were_opened() {
    let html = full().html();
    let mut open = Vec::new();
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        if ["!doctype", "meta", "img"].contains(&name) || tag.ends_with('/') {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed by <{tag}>");
        } else {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

#[test]
fn every_text_is_escaped() {
    let evil = "<script>alert('x')</script>\"&".to_string();
    let report = Report {
        title: evil.clone(),
        facts: vec![(evil.clone(), evil.clone())],
        checks: vec![Check { name: evil.clone(), passed: false, detail: evil.clone() }],
        curves: vec![Curve { name: evil.clone(), unit: evil.clone(), points: vec![(0.0, 1.0)] }],
        open_loop: None,
        returns: None,
        next: vec![evil.clone(), format!("`{evil}`")],
    };
    let html = report.html();
    assert!(!html.contains("<script") && !html.contains("'x'"));
    // Title twice, fact twice, check twice, curve: caption, description and note; next twice.
    assert!(html.matches("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;").count() >= 11);
    assert!(html.contains("✗ 1 of 1 checks failed"));
}

#[test]
fn an_empty_report_and_curves_that_are_not_finite_still_make_a_page() {
    let html = Report { title: "empty".into(), ..Report::default() }.html();
    assert!(html.contains("<h1>empty</h1>") && !html.contains("<section"));
    let odd = |points| Curve { name: "odd".into(), unit: String::new(), points };
    let curves = vec![
        odd(vec![(0.0, f64::NAN), (1.0, f64::INFINITY)]),
        odd(vec![]),
        odd(vec![(1.0, 2.0), (2.0, 2.0)]),
    ];
    let html = Report { curves, ..Report::default() }.html();
    assert_eq!(html.matches("<svg").count(), 1, "only the finite curve is drawn");
    assert!(!html.contains("NaN"));
}
