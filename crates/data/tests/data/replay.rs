//! Replay: alignment, uniformity, eviction, exact resume.

use worldsmith_core::{Episode, ErrorKind, Seed, Space, StepKind, Value};
use worldsmith_data::{Batch, Column, Replay, ReplayState};

use super::{action_space, episode, obs_space, random_episodes};

/// One step as it should come out of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub view: Vec<u8>,
    pub place: Vec<f32>,
    pub action: Vec<f32>,
    pub reward: f32,
    pub first: bool,
    pub terminal: bool,
    pub last: bool,
}

fn replay(capacity: usize, seed: u64) -> Replay {
    Replay::new(&obs_space(), &action_space(), capacity, Seed(seed)).unwrap()
}

/// The steps of episodes one after the other, straight from the definition of the alignment.
pub fn stream(episodes: &[Episode]) -> Vec<Row> {
    let rows = episodes.iter().flat_map(|e| {
        (0..=e.len()).map(move |t| {
            let Value::Dict(parts) = &e.obs[t] else { panic!("observations are dicts") };
            let Value::Array { data, .. } = &parts["where"] else { panic!("`where` is an array") };
            let mut action = vec![0.0; 3];
            if t > 0 {
                action[e.actions[t - 1].as_discrete().unwrap() as usize] = 1.0;
            }
            let ended = t == e.len() && t > 0;
            Row {
                view: e.obs[t].image().unwrap().data.clone(),
                place: data.clone(),
                action,
                reward: if t > 0 { e.rewards[t - 1] } else { 0.0 },
                first: t == 0,
                terminal: ended && e.end == StepKind::Terminated,
                last: ended && e.end.is_last(),
            }
        })
    });
    rows.collect()
}

/// The windows of a batch.
fn windows(batch: &Batch) -> Vec<Vec<Row>> {
    let Column::U8 { shape, data: view } = &batch.obs["view"] else { panic!("`view` is u8") };
    let Column::F32 { data: place, .. } = &batch.obs["where"] else { panic!("`where` is f32") };
    assert_eq!((shape.as_slice(), batch.action_len), (&[2, 1, 1][..], 3));
    let row = |i: usize| Row {
        view: view[i * 2..i * 2 + 2].to_vec(),
        place: place[i * 2..i * 2 + 2].to_vec(),
        action: batch.action[i * 3..i * 3 + 3].to_vec(),
        reward: batch.reward[i],
        first: batch.first[i],
        terminal: batch.terminal[i],
        last: batch.last[i],
    };
    let window = |b: usize| (b * batch.n_steps..(b + 1) * batch.n_steps).map(row).collect();
    (0..batch.n_seqs).map(window).collect()
}

/// Where `window` starts in `stream`; every step of the test streams is distinct.
fn find(stream: &[Row], window: &[Row]) -> usize {
    let start = stream.iter().position(|row| *row == window[0]).expect("a step that was pushed");
    assert_eq!(&stream[start..start + window.len()], window);
    start
}

#[test]
fn windows_are_runs_of_the_stream_of_steps_aligned_on_arrival() {
    let episodes = random_episodes(12, 6, &mut Seed(3).rng());
    let steps = stream(&episodes);
    let mut replay = replay(1000, 0);
    episodes.iter().for_each(|e| replay.push(e).unwrap());
    assert_eq!((replay.len_steps(), replay.n_episodes()), (steps.len(), 12));
    for n_steps in [1, 2, 7, steps.len()] {
        let batch = replay.sample(9, n_steps).unwrap();
        assert_eq!((batch.n_seqs, batch.n_steps), (9, n_steps));
        for window in windows(&batch) {
            find(&steps, &window);
        }
    }
}

#[test]
fn every_window_start_is_equally_likely() {
    let episodes = [episode(0, 4, StepKind::Terminated), episode(1, 9, StepKind::Truncated)];
    let steps = stream(&episodes);
    let mut replay = replay(100, 1);
    episodes.iter().for_each(|e| replay.push(e).unwrap());
    let mut counts = vec![0_u32; steps.len() - 3 + 1];
    for window in windows(&replay.sample(13_000, 3).unwrap()) {
        counts[find(&steps, &window)] += 1;
    }
    // 1000 expected in each of 13 places: five standard deviations are 152.
    assert_eq!(counts.len(), 13);
    assert!(counts.iter().all(|c| (848..=1152).contains(c)), "{counts:?}");
}

#[test]
fn the_oldest_episodes_leave_whole_and_the_rest_stays_intact() {
    let capacity = 23;
    let mut rng = Seed(5).rng();
    let episodes = random_episodes(200, 12, &mut rng);
    let mut replay = replay(capacity, 2);
    for (idx, e) in episodes.iter().enumerate() {
        replay.push(e).unwrap();
        // The longest run of latest episodes that fits.
        let mut first = idx;
        let mut held = e.obs.len();
        while first > 0 && held + episodes[first - 1].obs.len() <= capacity {
            first -= 1;
            held += episodes[first].obs.len();
        }
        assert_eq!((replay.len_steps(), replay.n_episodes()), (held, idx + 1 - first));
        let all = replay.sample(1, held).unwrap();
        assert_eq!(windows(&all)[0], stream(&episodes[first..=idx]));
    }
}

#[test]
fn of_an_episode_longer_than_the_capacity_the_end_is_kept() {
    let (long, next) = (episode(1, 30, StepKind::Terminated), episode(2, 3, StepKind::Terminated));
    let mut replay = replay(10, 2);
    replay.push(&episode(0, 5, StepKind::Terminated)).unwrap();
    replay.push(&long).unwrap();
    assert_eq!((replay.len_steps(), replay.n_episodes()), (10, 1));
    let all = replay.sample(1, 10).unwrap();
    assert_eq!(windows(&all)[0], stream(&[long])[21..]);
    replay.push(&next).unwrap();
    assert_eq!((replay.len_steps(), replay.n_episodes()), (4, 1));
}

#[test]
fn transitions_never_run_over_the_end_of_an_episode() {
    let episodes = random_episodes(10, 4, &mut Seed(8).rng());
    let steps = stream(&episodes);
    let mut replay = replay(1000, 4);
    episodes.iter().for_each(|e| replay.push(e).unwrap());
    let mut seen = vec![false; steps.len()];
    for window in windows(&replay.sample_transitions(4000).unwrap()) {
        assert!(!window[1].first);
        seen[find(&steps, &window)] = true;
    }
    let all: usize = episodes.iter().map(Episode::len).sum();
    assert_eq!(seen.iter().filter(|s| **s).count(), all, "every transition is drawn in the end");
}

#[test]
fn a_restored_replay_samples_exactly_as_the_unbroken_one() {
    let episodes = random_episodes(40, 9, &mut Seed(6).rng());
    let mut unbroken = replay(60, 7);
    episodes[..30].iter().for_each(|e| unbroken.push(e).unwrap());
    unbroken.sample(5, 4).unwrap();
    let json = serde_json::to_string(&unbroken.state()).unwrap();

    // Another seed on purpose: the state must decide.
    let mut restored = replay(60, 99);
    episodes[..30].iter().for_each(|e| restored.push(e).unwrap());
    let state: ReplayState = serde_json::from_str(&json).unwrap();
    restored.restore_state(&state).unwrap();
    for e in &episodes[30..] {
        unbroken.push(e).unwrap();
        restored.push(e).unwrap();
        assert_eq!(restored.sample(3, 6).unwrap(), unbroken.sample(3, 6).unwrap());
        assert_eq!(restored.sample_transitions(3).unwrap(), unbroken.sample_transitions(3).unwrap());
    }
    let err = replay(60, 0).restore_state(&state).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Mismatch);
}

#[test]
fn what_has_no_tensor_form_or_does_not_fit_is_refused() {
    let text = Space::Text { max_len: 9 };
    let err = Replay::new(&text, &action_space(), 10, Seed(0)).unwrap_err();
    assert_eq!(err.to_string(), "observation `obs`: text has no tensor form yet");
    let picture = Space::Image { height: 2, width: 2, channels: 3 };
    assert!(Replay::new(&obs_space(), &picture, 10, Seed(0)).is_err());
    assert!(Replay::new(&picture, &action_space(), 1, Seed(0)).is_err());
    let err = Replay::new(&picture, &action_space(), usize::MAX / 64, Seed(0)).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Invalid);

    let mut replay = replay(10, 0);
    assert!(replay.sample_transitions(1).is_err());
    assert!(!replay.can_sample(1));
    replay.push(&episode(0, 2, StepKind::Mid)).unwrap();
    assert!(replay.can_sample(3) && !replay.can_sample(4) && !replay.can_sample(0));
    let err = replay.sample(1, 4).unwrap_err();
    assert_eq!(err.to_string(), "expected a window of 1..=3 steps, got 4");

    let before = replay.sample(1, 3).unwrap();
    let mut bad = episode(1, 3, StepKind::Mid);
    bad.obs[2] = Value::Discrete(1);
    let err = replay.push(&bad).unwrap_err();
    assert!(err.to_string().starts_with("observation 2: expected Dict("), "{err}");
    let mut bad = episode(1, 3, StepKind::Mid);
    bad.actions[1] = Value::Discrete(3);
    assert_eq!(replay.push(&bad).unwrap_err().to_string(), "action 1: expected Discrete(3), got discrete 3");
    let mut bad = episode(1, 3, StepKind::Mid);
    bad.rewards[0] = f32::NAN;
    assert_eq!(replay.push(&bad).unwrap_err().to_string(), "expected finite rewards, got NaN at 0");
    bad.rewards.pop();
    assert!(replay.push(&bad).is_err());
    assert_eq!(replay.sample(1, 3).unwrap(), before);
}

#[test]
fn a_replay_of_mapped_pictures_hands_out_what_one_in_memory_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = worldsmith_data::Store::create(dir.path(), &obs_space(), &action_space()).unwrap();
    for episode in random_episodes(12, 9, &mut Seed(3).rng()) {
        store.append(&episode).unwrap();
    }
    let new = [Replay::new, Replay::mapped];
    // Small enough for old episodes to leave.
    let [mut kept, mut mapped] = new.map(|new| new(&obs_space(), &action_space(), 30, Seed(1)).unwrap());
    for idx in 0..store.len() {
        kept.push_stored(&store, idx).unwrap();
        mapped.push_stored(&store, idx).unwrap();
        if kept.can_sample(7) {
            assert_eq!(mapped.sample(20, 7).unwrap(), kept.sample(20, 7).unwrap());
        }
    }
    assert!(kept.n_episodes() < store.len(), "some have left");
    assert!(mapped.push(&episode(0, 2, StepKind::Mid)).is_err());
}
