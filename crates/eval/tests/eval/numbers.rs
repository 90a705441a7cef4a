//! Events and intervals: hand-computed numbers and coverage.

use worldsmith_core::Seed;
use worldsmith_eval::{
    Estimate, Forecast, auroc, average_precision, bootstrap, bootstrap_groups, brier, calibration_error,
    reliability, student_t, wilson,
};

fn forecasts(pairs: &[(f64, bool)]) -> Vec<Forecast> {
    pairs.iter().map(|(score, happened)| Forecast { score: *score, happened: *happened }).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-4
}

#[test]
fn brier_reliability_and_calibration_error_match_hand_computed_numbers() {
    let all = forecasts(&[(0.1, false), (0.2, false), (0.3, true), (0.9, true), (1.0, true)]);
    assert!(near(brier(&all).unwrap(), (0.01 + 0.04 + 0.49 + 0.01) / 5.0));
    let bins = reliability(&all, 2);
    assert_eq!([bins[0].count, bins[1].count], [3, 2]);
    assert!(near(bins[0].predicted, 0.2) && near(bins[0].observed, 1.0 / 3.0));
    assert!(near(bins[1].predicted, 0.95) && near(bins[1].observed, 1.0));
    let expected = 3.0 / 5.0 * (1.0 / 3.0 - 0.2) + 2.0 / 5.0 * 0.05;
    assert!(near(calibration_error(&bins).unwrap(), expected));
    assert_eq!(brier(&[]), None);
    assert_eq!(calibration_error(&reliability(&[], 10)), None);
}

#[test]
fn ranking_scores_match_hand_computed_numbers_and_share_ties() {
    let all = forecasts(&[(0.1, false), (0.4, false), (0.35, true), (0.8, true)]);
    assert_eq!(auroc(&all), Some(0.75));
    assert!(near(average_precision(&all).unwrap(), 0.5 * 1.0 + 0.5 * 2.0 / 3.0));
    let tied = forecasts(&[(0.5, true), (0.5, false), (0.5, false), (0.5, false)]);
    assert_eq!((auroc(&tied), average_precision(&tied)), (Some(0.5), Some(0.25)));
    let never = forecasts(&[(0.5, false)]);
    assert_eq!((auroc(&never), average_precision(&never)), (None, None));
    let always = forecasts(&[(0.5, true)]);
    assert_eq!((auroc(&always), average_precision(&always)), (None, Some(1.0)));
}

#[test]
fn intervals_match_hand_computed_numbers() {
    let t = student_t(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    assert!(near(t.mean, 3.0) && near(t.low, 1.036_757) && near(t.high, 4.963_243), "{t:?}");
    let w = wilson(8, 10).unwrap();
    assert!(near(w.mean, 0.8) && near(w.low, 0.490_162) && near(w.high, 0.943_318), "{w:?}");
    let (never, always) = (wilson(0, 10).unwrap(), wilson(10, 10).unwrap());
    assert!(near(never.low, 0.0) && near(never.high, 0.277_533), "{never:?}");
    assert!(near(always.low, 0.722_467) && near(always.high, 1.0), "{always:?}");
    let b = bootstrap(&[2.0; 20], Seed(0)).unwrap();
    assert_eq!((b.mean, b.low, b.high, b.n), (2.0, 2.0, 2.0, 20));
    assert!(student_t(&[]).is_none() && bootstrap(&[], Seed(0)).is_none() && wilson(0, 0).is_none());
}

#[test]
fn resampling_groups_weighs_them_by_size_and_ignores_empty_ones() {
    let groups = [(10.0, 10.0), (0.0, 0.0), (0.0, 30.0)];
    let estimate = bootstrap_groups(&groups, Seed(1)).unwrap();
    assert_eq!((estimate.mean, estimate.n), (0.25, 2));
    assert_eq!((estimate.low, estimate.high), (0.0, 1.0), "both groups may be drawn twice");
}

#[test]
fn one_sample_gives_an_unbounded_interval_that_survives_json() {
    let one = student_t(&[3.0]).unwrap();
    assert_eq!((one.mean, one.low, one.high), (3.0, f64::NEG_INFINITY, f64::INFINITY));
    let json = serde_json::to_string(&one).unwrap();
    assert_eq!(json, r#"{"mean":3.0,"low":null,"high":null,"n":1}"#);
    assert_eq!(serde_json::from_str::<Estimate>(&json).unwrap(), one);
    assert!(!one.is_apart_from(&student_t(&[100.0]).unwrap()));
}

#[test]
fn intervals_are_apart_when_they_share_no_number() {
    let at = |low, high| Estimate { mean: (low + high) / 2.0, low, high, n: 9 };
    assert!(at(0.0, 1.0).is_apart_from(&at(1.1, 2.0)) && at(1.1, 2.0).is_apart_from(&at(0.0, 1.0)));
    assert!(!at(0.0, 1.0).is_apart_from(&at(1.0, 2.0)));
    assert!(at(0.1, 1.0).is_above(0.0) && !at(0.0, 1.0).is_above(0.0));
}

/// Share of `n_trials` intervals that hold the truth.
fn coverage(n_trials: u64, truth: f64, draw: impl Fn(Seed) -> Estimate) -> f64 {
    let holds = |i: &u64| {
        let e = draw(Seed(7).index(*i));
        e.low <= truth && truth <= e.high
    };
    (0..n_trials).filter(holds).count() as f64 / n_trials as f64
}

#[test]
fn ninety_five_percent_intervals_hold_the_truth_about_that_often() {
    let t = coverage(4000, 1.0, |seed| {
        let mut rng = seed.rng();
        let values: Vec<f64> = (0..5).map(|_| 1.0 + 2.0 * f64::from(rng.normal())).collect();
        student_t(&values).unwrap()
    });
    assert!((0.94..=0.96).contains(&t), "student t covers {t}");
    let wilson = coverage(4000, 0.1, |seed| {
        let mut rng = seed.rng();
        wilson((0..50).filter(|_| rng.chance(0.1)).count(), 50).unwrap()
    });
    assert!((0.93..=0.985).contains(&wilson), "wilson covers {wilson}");
    let boot = coverage(200, 1.0, |seed| {
        let mut rng = seed.rng();
        // Exponential: skewed, as returns are.
        let values: Vec<f64> = (0..60).map(|_| -f64::from(1.0 - rng.uniform()).ln()).collect();
        bootstrap(&values, seed.derive("resample")).unwrap()
    });
    assert!((0.89..=0.98).contains(&boot), "bootstrap covers {boot}");
}
