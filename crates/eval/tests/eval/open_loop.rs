//! Does the judge tell a true model from one that ignores actions, and does it count right?

use burn::prelude::Device;
use worldsmith_core::{Episode, Error, ErrorKind, Result, Seed};
use worldsmith_eval::{Metric, OpenLoop, OpenLoopConfig, PSNR_CAP, Split, open_loop};

use crate::toy::{Flaw, Model, episodes, walk_right};

fn judge_on(flaw: Flaw, held_out: &[Episode], config: &OpenLoopConfig) -> Result<OpenLoop> {
    let device = Device::flex();
    let training = episodes(20, Seed(1));
    let data = Split { training: &training, held_out };
    open_loop(&Model::new(flaw, &device), data, config, &device, Seed(3), &mut |_, _| Ok(()))
}

fn judge(flaw: Flaw) -> OpenLoop {
    let config = OpenLoopConfig { horizons: vec![1, 5, 15], ..OpenLoopConfig::default() };
    judge_on(flaw, &episodes(40, Seed(2)), &config).unwrap()
}

#[test]
fn the_true_model_beats_every_floor_at_every_horizon() {
    let result = judge(Flaw::None);
    assert_eq!(result.deciding_metric(), Metric::Psnr);
    for at in &result.horizons {
        let model = &at.predictors[0];
        let psnr = model.scores[&Metric::Psnr].mean;
        assert!((psnr - PSNR_CAP).abs() < 1e-9, "a true dream is the recording itself, got {psnr}");
        assert_eq!(model.scores[&Metric::Nrmse].mean, 0.0);
        assert_eq!((model.scores[&Metric::RewardMse].mean, model.scores[&Metric::EndBrier].mean), (0.0, 0.0));
        assert!(at.n_rewards > 0 && at.n_ends > 0, "expected rewards and ends to judge, got {at:?}");
        assert_eq!((model.reward_auroc, model.end_auroc), (Some(1.0), Some(1.0)));
        for metric in [Metric::Psnr, Metric::PsnrChanged, Metric::Ssim, Metric::Nrmse] {
            assert!(at.beats_every_floor(metric), "{metric:?} at {}", at.horizon);
        }
        // A single step under a wrong action seldom misses an end.
        assert!(at.horizon == 1 || at.beats_every_floor(Metric::EndBrier), "ends at {}", at.horizon);
        let names: Vec<&str> = at.floors().iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["copy", "mean", "shuffled"]);
    }
    assert_eq!(result.end_ece, Some(0.0));
    assert!(result.checks().iter().all(|c| c.passed));
    assert!((result.means()["psnr@5"] - PSNR_CAP).abs() < 1e-9);
    assert!(result.means()["psnr@5/copy"] < PSNR_CAP - 1.0);
}

#[test]
fn a_model_that_ignores_actions_is_found_out() {
    let result = judge(Flaw::IgnoresActions);
    for at in &result.horizons {
        let shuffled = at.floors().iter().find(|f| f.name == "shuffled").unwrap();
        let gain = shuffled.gains[&Metric::Psnr];
        assert_eq!((gain.low, gain.mean, gain.high), (0.0, 0.0, 0.0), "other actions change nothing");
        assert!(!at.beats_every_floor(Metric::Psnr) && !at.beats_every_floor(Metric::PsnrChanged));
    }
    assert!(result.checks().iter().all(|c| !c.passed));
}

#[test]
fn windows_steps_and_ends_are_counted_as_by_hand() {
    // Six steps, two shown: windows of 5, 4, 3, 2 and 1 steps, each ending in the termination; twice.
    let config =
        OpenLoopConfig { context: 2, horizons: vec![1, 3, 9], stride: 1, ..OpenLoopConfig::default() };
    let result = judge_on(Flaw::None, &[walk_right(6), walk_right(6)], &config).unwrap();
    assert_eq!((result.n_windows, result.n_episodes), (10, 2));
    let counts: Vec<_> = result.horizons.iter().map(|h| (h.n_windows, h.n_steps, h.n_ends)).collect();
    assert_eq!(counts, [(10, 10, 2), (6, 14, 4), (0, 6, 4)]);
    let unreached = &result.horizons[2].predictors[0];
    assert!(!unreached.scores.contains_key(&Metric::Psnr), "no window lasts 9 steps");
    assert_eq!(result.checks().len(), 2, "a horizon nobody reached is not judged");
    let n_forecasts: usize = result.reliability.iter().map(|b| b.count).sum();
    assert_eq!(n_forecasts, 30);
}

#[test]
fn the_floors_say_what_they_promise() {
    // Copying after one step right: the thing is one cell off, 3 pixels wrong where it was and 3 where it is.
    let config = OpenLoopConfig { context: 2, horizons: vec![1], stride: 1, ..OpenLoopConfig::default() };
    let result = judge_on(Flaw::None, &[walk_right(6), walk_right(6)], &config).unwrap();
    let floors = result.horizons[0].floors();
    let level = |x: f64| (x / 255.0).powi(2);
    let mse = 6.0 * (level(255.0) + 2.0 * level(40.0)) / (12.0 * 12.0 * 3.0);
    let copy = floors[0].scores[&Metric::Psnr].mean;
    assert!((copy + 10.0 * mse.log10()).abs() < 1e-9, "copy scores {copy}");
    let changed = floors[0].scores[&Metric::PsnrChanged].mean;
    assert!(changed < copy && changed < floors[1].scores[&Metric::PsnrChanged].mean);
    assert_eq!(floors[0].end_auroc, Some(0.5), "a constant ranks nothing");
    // All windows walk right, so another window's actions are no worse.
    assert_eq!(floors[2].gains[&Metric::Psnr].mean, 0.0);
}

#[test]
fn an_end_head_that_flips_coins_is_badly_calibrated() {
    let result = judge(Flaw::CoinFlipEnds);
    let n_steps: usize = result.horizons.iter().map(|h| h.n_steps).sum();
    let n_ends: usize = result.horizons.iter().map(|h| h.n_ends).sum();
    let expected = 0.5 - n_ends as f64 / n_steps as f64;
    assert!((result.end_ece.unwrap() - expected).abs() < 1e-9);
    let brier = result.horizons[0].predictors[0].scores[&Metric::EndBrier].mean;
    assert_eq!(brier, 0.25);
    let mean_floor = &result.horizons[0].floors()[1];
    assert!(mean_floor.gains[&Metric::EndBrier].high < 0.0, "the base rate is better than a coin");
}

#[test]
fn the_same_seed_gives_the_same_verdict_in_any_batch_size() {
    let held_out = episodes(12, Seed(5));
    let judged = |batch| {
        let config =
            OpenLoopConfig { horizons: vec![1, 4], max_windows: 15, batch, ..OpenLoopConfig::default() };
        judge_on(Flaw::None, &held_out, &config).unwrap()
    };
    let result = judged(32);
    assert_eq!(result.n_windows, 15);
    assert_eq!(result, judged(32));
    assert_eq!(result, judged(4), "this model draws no noise, so batches do not matter");
}

#[test]
fn strips_show_real_and_dreamt_frames_side_by_side() {
    let result = judge(Flaw::None);
    assert_eq!(result.strips.len(), 3);
    for strip in &result.strips {
        assert_eq!(strip.steps[..2], [0, 1]);
        assert_eq!(strip.steps.len(), strip.real.len());
        assert_eq!(strip.real, strip.dream);
    }
}

#[test]
fn a_result_survives_json_and_names_its_metrics() {
    let result = judge(Flaw::None);
    let json = serde_json::to_value(&result).unwrap();
    let psnr = &json["horizons"][0]["predictors"][1]["gains"]["psnr"]["n"];
    assert_eq!(psnr.as_u64(), Some(result.horizons[0].floors()[0].gains[&Metric::Psnr].n as u64));
    assert!(serde_json::from_value::<OpenLoop>(json).unwrap() == result, "something was lost");
}

#[test]
fn what_cannot_be_judged_is_refused_with_a_reason() {
    let held_out = episodes(4, Seed(2));
    let message =
        |flaw, held_out: &[Episode], config| judge_on(flaw, held_out, &config).unwrap_err().to_string();
    let config = OpenLoopConfig::default();
    let falling = OpenLoopConfig { horizons: vec![5, 1], ..config.clone() };
    assert_eq!(message(Flaw::None, &held_out, falling), "expected rising horizons from 1 on, got [5, 1]");
    let blind = OpenLoopConfig { context: 0, ..config.clone() };
    assert_eq!(message(Flaw::None, &held_out, blind), "expected `context` of at least 1, got 0");
    assert_eq!(message(Flaw::None, &[], config.clone()), "expected at least 2 windows to judge, got 0");
    let err = judge_on(Flaw::NotANumber, &held_out, &config).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Diverged);
    assert_eq!(err.to_string(), "expected a finite reward at step 1 of the dream, got NaN");
}

#[test]
fn progress_counts_up_and_may_stop_the_judging() {
    let (device, training) = (Device::flex(), episodes(8, Seed(1)));
    let data = Split { training: &training, held_out: &training };
    let config = OpenLoopConfig { batch: 2, horizons: vec![1], ..OpenLoopConfig::default() };
    let mut calls = Vec::new();
    let err =
        open_loop(&Model::new(Flaw::None, &device), data, &config, &device, Seed(3), &mut |done, total| {
            calls.push((done, total));
            if calls.len() == 2 { Err(Error::new(ErrorKind::Interrupted, "stopped")) } else { Ok(()) }
        });
    assert_eq!(err.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!((calls[0].0, calls[1].0), (2, 4));
}
