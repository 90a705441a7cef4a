//! Samplers as files: exact to the bit when they go on, and an error when they were damaged.

use worldsmith_core::{ErrorKind, Rng, Seed, StepKind};
use worldsmith_data::{Batch, Pick, Replay, ReplayState, Sampler, Window};

use super::sampling::{PICKS, empty, filled, three};
use super::{episode, random_episodes};

/// What a learner does in one turn, with priorities and counts given back.
fn turn(sampler: &mut Sampler, replay: &Replay, rng: &mut Rng) -> Option<Batch> {
    let batch = sampler.sample(replay, 5).ok()?;
    let priorities: Vec<f32> = batch.starts.iter().map(|_| 3.0 * rng.uniform()).collect();
    match sampler.pick() {
        Pick::Prioritised { .. } => sampler.update_priorities(replay, &batch.starts, &priorities).unwrap(),
        Pick::Counted { .. } => sampler.add_counts(replay, &batch.starts[..1], 2).unwrap(),
        _ => {}
    }
    Some(batch)
}

#[test]
fn a_sampler_that_was_saved_in_the_middle_goes_on_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let episodes = random_episodes(70, 9, &mut Seed(6).rng());
    let some = [Window::crossing(7).burn_in(3), Window::within(2), Window::padded(6, 1).burn_in(9)];
    for (n, (pick, window)) in PICKS.into_iter().flat_map(|p| some.map(|w| (p, w))).enumerate() {
        let path = dir.path().join(format!("{n}"));
        let mut replay = empty(60);
        let mut sampler = Sampler::new(pick, window, Seed(8)).unwrap();
        let mut rng = Seed(9).rng();
        for e in &episodes[..35] {
            replay.push(e).unwrap();
            turn(&mut sampler, &replay, &mut rng);
        }
        // Pushed, but not yet seen by the sampler.
        replay.push(&episodes[35]).unwrap();
        sampler.save(&path).unwrap();
        let state = serde_json::to_string(&replay.state()).unwrap();

        let n_held = replay.n_episodes();
        let mut replay_too = filled(60, &episodes[36 - n_held..36]);
        replay_too.restore_state(&serde_json::from_str::<ReplayState>(&state).unwrap()).unwrap();
        let mut sampler_too = Sampler::load(&path).unwrap();
        assert_eq!((sampler_too.pick(), sampler_too.window()), (pick, window));
        let mut rng_too = rng.clone();
        for e in &episodes[36..] {
            let batch = turn(&mut sampler, &replay, &mut rng);
            assert_eq!(turn(&mut sampler_too, &replay_too, &mut rng_too), batch, "{pick:?} {window:?}");
            replay.push(e).unwrap();
            replay_too.push(e).unwrap();
        }
    }
}

#[test]
fn a_state_from_before_there_were_samplers_still_loads() {
    let mut replay = filled(100, &[episode(0, 4, StepKind::Terminated)]);
    let old = r#"{"rng":{"s":[1,2,3,4]},"n_episodes":1,"n_steps":5}"#;
    let state: ReplayState = serde_json::from_str(old).unwrap();
    replay.restore_state(&state).unwrap();
    assert_eq!(replay.state(), state);
    let lost = ReplayState { n_steps_gone: u64::MAX, ..state };
    assert_eq!(replay.restore_state(&lost).unwrap_err().kind(), ErrorKind::Mismatch);
}

#[test]
fn a_damaged_file_is_an_error_that_names_it() {
    let (replay, _) = three();
    for pick in PICKS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sampler");
        let mut sampler = Sampler::new(pick, Window::padded(3, 2), Seed(8)).unwrap();
        sampler.sample(&replay, 9).unwrap();
        sampler.save(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut rng = Seed(1).rng();
        let cuts = (0..100).map(|k| whole[..whole.len() * k / 100].to_vec());
        let flips = (0..300).map(|_| {
            let mut bytes = whole.clone();
            let at = rng.below(bytes.len());
            bytes[at] ^= 1 << rng.below(8);
            bytes
        });
        let damaged: Vec<Vec<u8>> = cuts.chain(flips).collect();
        for (i, bytes) in damaged.iter().enumerate() {
            // A new name each time: systems wait for the disk when a file is overwritten.
            let path = dir.path().join(format!("{i}"));
            std::fs::write(&path, bytes).unwrap();
            match Sampler::load(&path) {
                Err(err) => assert!(err.to_string().ends_with(&path.display().to_string()), "{err}"),
                // A flip that changes no meaning, such as a space for another blank of JSON.
                Ok(mut again) => {
                    let batch = sampler.clone().sample(&replay, 9).unwrap();
                    assert_eq!(again.sample(&replay, 9).unwrap(), batch);
                }
            }
        }
    }
    let none = std::path::Path::new("no such sampler");
    assert_eq!(Sampler::load(none).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn a_sampler_can_be_saved_before_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let (replay, _) = three();
    for pick in PICKS {
        let path = dir.path().join("sampler");
        let mut sampler = Sampler::new(pick, Window::within(2), Seed(8)).unwrap();
        sampler.save(&path).unwrap();
        let mut again = Sampler::load(&path).unwrap();
        assert_eq!(again.sample(&replay, 9).unwrap(), sampler.sample(&replay, 9).unwrap());
    }
}
