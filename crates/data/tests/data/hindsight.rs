//! What is made of a batch after it was drawn: new goals and returns over several steps.

use std::collections::BTreeMap;

use worldsmith_core::{Episode, Rng, Seed, Space, Step, StepKind, Value};
use worldsmith_data::{
    Batch, Cell, Column, Goal, Pick, Relabel, Replay, Sampler, StepId, Window, n_step_returns,
};

use super::{action_space, meta};

fn space() -> Space {
    let goal = || Space::vector(2, -1e9, 1e9);
    Space::Dict(BTreeMap::from([("achieved".to_owned(), goal()), ("desired".to_owned(), goal())]))
}

/// What is reached at step `t` of an episode tells both.
fn reached(episode: u64, step: u64) -> Vec<f32> {
    vec![episode as f32, step as f32]
}

fn obs(episode: u64, step: u64) -> Value {
    Value::Dict(BTreeMap::from([
        ("achieved".to_owned(), Value::vector(reached(episode, step))),
        ("desired".to_owned(), Value::vector(vec![-1.0, -1.0])),
    ]))
}

/// Episodes of the given numbers of actions, all rewards -1.
fn replay(lengths: &[u64]) -> Replay {
    let mut replay = Replay::new(&space(), &action_space(), 1000, Seed(0)).unwrap();
    for (idx, n) in (0..).zip(lengths) {
        let mut episode = Episode::start(obs(idx, 0), meta(idx as usize));
        for t in 1..=*n {
            let kind = if t == *n { StepKind::Truncated } else { StepKind::Mid };
            episode.push(Value::Discrete(0), Step { kind, obs: obs(idx, t), reward: -1.0 }).unwrap();
        }
        replay.push(&episode).unwrap();
    }
    replay
}

fn relabel(goal: Goal, share: f32) -> Relabel {
    Relabel { achieved: "achieved".to_owned(), desired: "desired".to_owned(), goal, share }
}

/// How far a step is from its goal; the closure under test.
fn reward(reached: Cell, goal: Cell) -> f32 {
    let (Cell::F32(reached), Cell::F32(goal)) = (reached, goal) else { panic!("goals are numbers") };
    -(reached[0] - goal[0]).abs() - (reached[1] - goal[1]).abs()
}

fn numbers<'a>(batch: &'a Batch, name: &str) -> &'a [f32] {
    let Column::F32 { data, .. } = &batch.obs[name] else { panic!("goals are numbers") };
    data
}

#[test]
fn new_goals_and_rewards_are_those_of_brute_force() {
    let lengths = [3, 0, 7, 12, 1];
    let replay = replay(&lengths);
    let mut rng = Seed(3).rng();
    for (goal, window) in [Goal::Future, Goal::Final, Goal::Random].into_iter().flat_map(|g| {
        [Window::within(2), Window::padded(5, 1).burn_in(2), Window::crossing(6)].map(|w| (g, w))
    }) {
        let before = Sampler::new(Pick::Uniform, window, Seed(1)).unwrap().sample(&replay, 400).unwrap();
        let mut after = before.clone();
        let goals = relabel(goal, 0.6).apply(&mut after, &replay, &mut rng, reward).unwrap();
        for (b, (start, new)) in before.starts.iter().zip(&goals).enumerate() {
            let end = lengths[start.episode as usize];
            if let Some(StepId { episode, step }) = new {
                match goal {
                    Goal::Future if start.step == end => assert_eq!((*episode, *step), (start.episode, end)),
                    Goal::Future => {
                        assert!(*episode == start.episode && (start.step + 1..=end).contains(step));
                    }
                    Goal::Final => assert_eq!((*episode, *step), (start.episode, end)),
                    Goal::Random => assert!(*step <= lengths[*episode as usize]),
                }
            }
            for i in b * before.n_steps..(b + 1) * before.n_steps {
                let pair = i * 2..i * 2 + 2;
                let (mut want_goal, mut want_reward) =
                    (numbers(&before, "desired")[pair.clone()].to_vec(), before.reward[i]);
                if let (Some(id), true) = (new, before.mask[i]) {
                    want_goal = reached(id.episode, id.step);
                    let at = &numbers(&before, "achieved")[pair.clone()];
                    if !before.first[i] {
                        want_reward = -(at[0] - want_goal[0]).abs() - (at[1] - want_goal[1]).abs();
                    }
                }
                assert_eq!((&numbers(&after, "desired")[pair], after.reward[i]), (&*want_goal, want_reward));
            }
        }
        let share = goals.iter().flatten().count();
        assert!(
            (200..=280).contains(&share),
            "240 of 400 expected, five standard deviations are 49: {share}"
        );
        assert_eq!((&after.obs["achieved"], &after.last), (&before.obs["achieved"], &before.last));
    }
}

#[test]
fn future_goals_are_equally_likely_and_start_after_the_window_does() {
    let replay = replay(&[4]);
    let mut batch = Batch::default();
    replay.windows_into(&[StepId { episode: 0, step: 1 }; 3000], &Window::within(2), &mut batch).unwrap();
    let goals = relabel(Goal::Future, 1.0).apply(&mut batch, &replay, &mut Seed(4).rng(), reward).unwrap();
    let mut counts = [0; 5];
    goals.iter().flatten().for_each(|id| counts[id.step as usize] += 1);
    // 1000 expected of each: five standard deviations are 129.
    assert_eq!(counts[..2], [0, 0]);
    assert!(counts[2..].iter().all(|n| (871..=1129).contains(n)), "{counts:?}");
    // The step that reaches its own goal is rewarded for it.
    let hits = goals.iter().enumerate().filter(|(_, id)| id.is_some_and(|id| id.step == 2));
    assert!(hits.into_iter().all(|(b, _)| batch.reward[b * 2 + 1] == 0.0));
}

#[test]
fn goals_that_do_not_fit_are_refused() {
    let replay = replay(&[4]);
    let mut batch = Batch::default();
    replay.windows_into(&[StepId { episode: 0, step: 1 }], &Window::within(2), &mut batch).unwrap();
    let mut apply = |relabel: Relabel, reward: fn(Cell, Cell) -> f32| {
        let mut rng: Rng = Seed(0).rng();
        relabel.apply(&mut batch, &replay, &mut rng, reward).map_err(|err| err.to_string())
    };
    let wanted = |name: &str| Relabel { desired: name.to_owned(), ..relabel(Goal::Final, 1.0) };
    assert_eq!(apply(wanted("other"), reward).unwrap_err(), "expected an observation `other`, got none");
    let same = "expected two observations of one shape, got `achieved` and `achieved`";
    assert_eq!(apply(wanted("achieved"), reward).unwrap_err(), same);
    let err = apply(relabel(Goal::Final, 1.5), reward).unwrap_err();
    assert_eq!(err, "expected a `share` in 0..=1, got 1.5");
    let err = apply(relabel(Goal::Final, 1.0), |_, _| f32::NAN).unwrap_err();
    assert_eq!(err, "expected finite rewards of new goals, got NaN");
    assert!(apply(relabel(Goal::Final, 0.0), |_, _| f32::NAN).unwrap().iter().all(Option::is_none));
    assert!(apply(relabel(Goal::Final, 1.0), reward).is_ok());
}

#[test]
fn returns_over_several_steps_are_those_computed_by_hand() {
    // Two episodes in one window: rewards 0 1 2 4 (the world ends), 0 8 16 (cut off). Discount one half.
    let batch = |mask: [bool; 7]| Batch {
        n_seqs: 1,
        n_steps: 7,
        reward: vec![0.0, 1.0, 2.0, 4.0, 0.0, 8.0, 16.0],
        first: vec![true, false, false, false, true, false, false],
        terminal: vec![false, false, false, true, false, false, false],
        last: vec![false, false, false, true, false, false, true],
        mask: mask.to_vec(),
        ..Batch::default()
    };
    let crossing = batch([true, true, true, true, false, false, false]);
    let one = n_step_returns(&crossing, 1, 0.5);
    assert_eq!(one.reward, [1.0, 2.0, 4.0, 0.0, 8.0, 16.0, 0.0]);
    assert_eq!(one.discount, [0.5, 0.5, 0.0, 0.0, 0.5, 0.5, 1.0]);
    assert_eq!(one.next, [1, 2, 3, 3, 5, 6, 6]);
    let two = n_step_returns(&crossing, 2, 0.5);
    assert_eq!(two.reward, [2.0, 4.0, 4.0, 0.0, 16.0, 16.0, 0.0]);
    assert_eq!(two.discount, [0.25, 0.0, 0.0, 0.0, 0.25, 0.5, 1.0]);
    assert_eq!(two.next, [2, 3, 3, 3, 6, 6, 6]);
    // Ends count wherever they lie, also between two episodes that are not the start's.
    assert_eq!(n_step_returns(&batch([false; 7]), 2, 0.5), two);
    let many = n_step_returns(&crossing, usize::MAX, 0.5);
    assert_eq!(many.reward, [3.0, 4.0, 4.0, 0.0, 16.0, 16.0, 0.0]);
    assert_eq!((many.discount[0], many.next[0]), (0.0, 3));

    // The same steps, the last three of them empty: sums stop with the episode even if it did not end there.
    let mut padded = batch([true, true, true, true, false, false, false]);
    padded.first[4] = false;
    padded.terminal[3] = false;
    let two = n_step_returns(&padded, 2, 0.5);
    assert_eq!((&two.reward[..4], &two.next[..4]), (&[2.0, 4.0, 4.0, 0.0][..], &[2, 3, 3, 3][..]));
    assert_eq!(two.discount[..4], [0.25, 0.25, 0.5, 1.0]);

    // And from a replay: rewards of -1 until the end, windows of three steps with at least one transition.
    let replay = replay(&[1, 5]);
    let window = Window::padded(4, 2);
    let batch = Sampler::new(Pick::Uniform, window, Seed(1)).unwrap().sample(&replay, 200).unwrap();
    let returns = n_step_returns(&batch, 3, 0.5);
    for (b, start) in batch.starts.iter().enumerate() {
        let left = [1, 5][start.episode as usize] - start.step;
        let (sum, discount) = [(-1.0, 0.5), (-1.5, 0.25), (-1.75, 0.125)][left.min(3) as usize - 1];
        assert_eq!((returns.reward[b * 4], returns.discount[b * 4]), (sum, discount));
        assert_eq!(returns.next[b * 4], b * 4 + left.min(3) as usize);
    }
}
