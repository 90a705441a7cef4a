//! Samplers and windows: held against brute force, hand-computed probabilities, and themselves after a resume.

use std::collections::{BTreeMap, BTreeSet};

use worldsmith_core::{Episode, ErrorKind, Seed, StepKind};
use worldsmith_data::{Batch, Column, Pick, Replay, Sampler, StepId, Window};

use super::replay::{Row, stream};
use super::{action_space, episode, obs_space, random_episodes};

pub const PICKS: [Pick; 5] = [
    Pick::Uniform,
    Pick::Recent { half_life: 7.0 },
    Pick::Balanced,
    Pick::Prioritised { alpha: 0.7, beta: 0.5 },
    Pick::Counted { temperature: 3.0 },
];

fn windows() -> Vec<Window> {
    vec![
        Window::crossing(1),
        Window::crossing(7).burn_in(3),
        Window { burn_in: 2, n_steps: 4, at_least: 2, crosses: true },
        Window::within(1),
        Window::within(2),
        Window::within(5).burn_in(4),
        Window::padded(6, 1).burn_in(9),
        Window::padded(4, 2),
    ]
}

pub fn empty(capacity: usize) -> Replay {
    Replay::new(&obs_space(), &action_space(), capacity, Seed(0)).unwrap()
}

pub fn filled(capacity: usize, episodes: &[Episode]) -> Replay {
    let mut replay = empty(capacity);
    episodes.iter().for_each(|e| replay.push(e).unwrap());
    replay
}

fn id(episode: usize, step: usize) -> StepId {
    StepId { episode: episode as u64, step: step as u64 }
}

/// The names of the steps that should be held: of an episode that does not fit alone its end, else whole episodes.
fn held(episodes: &[Episode], capacity: usize) -> Vec<StepId> {
    let mut ids = Vec::new();
    for (idx, e) in episodes.iter().enumerate().rev() {
        let n = e.obs.len();
        if ids.is_empty() || ids.len() + n <= capacity {
            let own = (n.saturating_sub(capacity)..n).map(|t| id(idx, t));
            ids.splice(0..0, own);
        } else {
            break;
        }
    }
    ids
}

/// The starts of `window` among the steps held, by definition.
fn starts(held: &[StepId], window: &Window) -> BTreeSet<StepId> {
    let is_start = |i: &usize| {
        let own = held[*i..].iter().take_while(|id| id.episode == held[*i].episode).count();
        own >= window.at_least && (!window.crosses || i + window.n_steps <= held.len())
    };
    (0..held.len()).filter(is_start).map(|i| held[i]).collect()
}

/// Row `i` of a batch.
fn row(batch: &Batch, i: usize) -> Row {
    let Column::U8 { data: view, .. } = &batch.obs["view"] else { panic!("`view` is u8") };
    let Column::F32 { data: place, .. } = &batch.obs["where"] else { panic!("`where` is f32") };
    Row {
        view: view[i * 2..i * 2 + 2].to_vec(),
        place: place[i * 2..i * 2 + 2].to_vec(),
        action: batch.action[i * 3..i * 3 + 3].to_vec(),
        reward: batch.reward[i],
        first: batch.first[i],
        terminal: batch.terminal[i],
        last: batch.last[i],
    }
}

fn no_row() -> Row {
    Row {
        view: vec![0; 2],
        place: vec![0.0; 2],
        action: vec![0.0; 3],
        reward: 0.0,
        first: false,
        terminal: false,
        last: false,
    }
}

/// Checks every row and mask of a batch against the episodes themselves.
fn check(batch: &Batch, window: &Window, episodes: &[Episode], held: &[StepId]) {
    let rows: Vec<Vec<Row>> = episodes.iter().map(|e| stream(std::slice::from_ref(e))).collect();
    assert_eq!((batch.n_steps, batch.burn_in), (window.burn_in + window.n_steps, window.burn_in));
    assert_eq!((batch.starts.len(), batch.weights.len()), (batch.n_seqs, batch.n_seqs));
    assert_eq!(batch.mask.len(), batch.n_seqs * batch.n_steps);
    for (b, start) in batch.starts.iter().enumerate() {
        let at = held.iter().position(|id| id == start).expect("a start that is held") as i64;
        for t in 0..batch.n_steps {
            let there = usize::try_from(at + t as i64 - window.burn_in as i64).ok().and_then(|i| held.get(i));
            let is_own = there.is_some_and(|id| id.episode == start.episode);
            let want = match there {
                Some(id) if is_own || window.crosses => rows[id.episode as usize][id.step as usize].clone(),
                _ => no_row(),
            };
            let i = b * batch.n_steps + t;
            assert_eq!((row(batch, i), batch.mask[i]), (want, is_own), "row {t} of {window:?} at {start:?}");
        }
    }
}

#[test]
fn windows_and_masks_are_those_of_brute_force_while_episodes_come_and_leave() {
    let capacity = 40;
    let mut episodes = random_episodes(60, 12, &mut Seed(5).rng());
    episodes[20] = episode(20, 55, StepKind::Truncated);
    for window in windows() {
        for pick in PICKS {
            let mut replay = empty(capacity);
            let mut sampler = Sampler::new(pick, window, Seed(1)).unwrap();
            let mut batch = Batch::default();
            for n in 1..=episodes.len() {
                replay.push(&episodes[n - 1]).unwrap();
                if n % 3 == 0 && n < 50 {
                    continue;
                }
                let held = held(&episodes[..n], capacity);
                let starts = starts(&held, &window);
                match sampler.sample_into(&replay, 6, &mut batch) {
                    Ok(()) => check(&batch, &window, &episodes[..n], &held),
                    Err(_) => assert!(starts.is_empty(), "{pick:?} {window:?} has starts {starts:?}"),
                }
                assert!(batch.starts.iter().all(|start| starts.is_empty() || starts.contains(start)));
            }
        }
    }
}

#[test]
fn every_start_is_drawn_in_the_end_and_nothing_else() {
    let episodes = random_episodes(60, 12, &mut Seed(6).rng());
    let (replay, held) = (filled(50, &episodes), held(&episodes, 50));
    for window in windows() {
        for pick in PICKS {
            let mut sampler = Sampler::new(pick, window, Seed(2)).unwrap();
            let drawn: BTreeSet<StepId> = match sampler.sample(&replay, 20_000) {
                Ok(batch) => batch.starts.into_iter().collect(),
                Err(_) => BTreeSet::new(),
            };
            assert_eq!(drawn, starts(&held, &window), "{pick:?} {window:?}");
        }
    }
}

/// Draws `n` batches of `size` and compares how often each start came with its probability, by a chi-square that fair
/// draws exceed once in a thousand times at most.
fn check_frequencies(sampler: &mut Sampler, replay: &Replay, want: &[(StepId, f64)]) {
    let (n, size) = (1000, 10);
    let mut counts: BTreeMap<StepId, f64> = BTreeMap::new();
    for _ in 0..n {
        sampler
            .sample(replay, size)
            .unwrap()
            .starts
            .iter()
            .for_each(|s| *counts.entry(*s).or_default() += 1.0);
    }
    let total: f64 = want.iter().map(|(_, p)| p).sum();
    let chi_square: f64 = want
        .iter()
        .map(|(id, p)| {
            let expected = (n * size) as f64 * p / total;
            (counts.remove(id).unwrap_or(0.0) - expected).powi(2) / expected
        })
        .sum();
    assert!(counts.is_empty(), "{counts:?} should never be drawn");
    // Wilson and Hilferty: the 99.9 % point of a chi-square with `k` degrees of freedom.
    let k = want.len() as f64 - 1.0;
    let limit = k * (1.0 - 2.0 / (9.0 * k) + 3.09 * (2.0 / (9.0 * k)).sqrt()).powi(3);
    assert!(chi_square < limit, "{:?}: chi-square {chi_square} of at most {limit}", sampler.pick());
}

/// Three episodes of 2, 5 and 9 steps: 1, 4 and 8 transitions.
pub fn three() -> (Replay, Vec<StepId>) {
    let lengths = [1, 4, 8];
    let episodes: Vec<Episode> =
        lengths.iter().enumerate().map(|(idx, n)| episode(idx, *n, StepKind::Terminated)).collect();
    let starts = lengths.iter().enumerate().flat_map(|(idx, n)| (0..*n).map(move |t| id(idx, t)));
    (filled(100, &episodes), starts.collect())
}

#[test]
fn frequencies_are_the_rules_own() {
    let (replay, starts) = three();
    let sampler = |pick| Sampler::new(pick, Window::within(2), Seed(3)).unwrap();
    let with = |p: &dyn Fn(usize, StepId) -> f64| -> Vec<(StepId, f64)> {
        starts.iter().enumerate().map(|(rank, id)| (*id, p(rank, *id))).collect()
    };
    check_frequencies(&mut sampler(Pick::Uniform), &replay, &with(&|_, _| 1.0));
    let recent = Pick::Recent { half_life: 2.5 };
    check_frequencies(
        &mut sampler(recent),
        &replay,
        &with(&|rank, _| 0.5_f64.powf((12 - rank) as f64 / 2.5)),
    );
    let balanced = with(&|_, id| [1.0, 0.25, 0.125][id.episode as usize]);
    check_frequencies(&mut sampler(Pick::Balanced), &replay, &balanced);

    // Priorities 0, 1, 4, 9, .. to the power of one half are 0, 1, 2, 3, ..
    let mut prioritised = sampler(Pick::Prioritised { alpha: 0.5, beta: 1.0 });
    let squares: Vec<f32> = (0..13).map(|rank| (rank * rank) as f32).collect();
    prioritised.update_priorities(&replay, &starts, &squares).unwrap();
    check_frequencies(&mut prioritised, &replay, &with(&|rank, _| rank as f64)[1..]);
}

#[test]
fn a_very_long_half_life_is_uniform_and_a_very_short_one_is_the_newest() {
    let (replay, starts) = three();
    let sampler = |half_life| Sampler::new(Pick::Recent { half_life }, Window::within(2), Seed(4)).unwrap();
    let even: Vec<(StepId, f64)> = starts.iter().map(|id| (*id, 1.0)).collect();
    check_frequencies(&mut sampler(1e30), &replay, &even);
    let newest = sampler(1e-30).sample(&replay, 50).unwrap();
    assert!(newest.starts.iter().all(|start| *start == id(2, 7)));
}

#[test]
fn importance_weights_are_those_of_the_paper() {
    let replay = filled(100, &[episode(0, 2, StepKind::Terminated)]);
    let mut sampler =
        Sampler::new(Pick::Prioritised { alpha: 1.0, beta: 1.0 }, Window::within(2), Seed(0)).unwrap();
    sampler.update_priorities(&replay, &[id(0, 0), id(0, 1)], &[1.0, 3.0]).unwrap();
    // P is 1/4 and 3/4; (N P)^-1 is 2 and 2/3; over the largest: 1 and 1/3.
    let batch = sampler.sample(&replay, 4).unwrap();
    // One draw from each quarter of the total: exactly one is the first start.
    assert_eq!(batch.starts, [id(0, 0), id(0, 1), id(0, 1), id(0, 1)]);
    assert_eq!(batch.weights, [1.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]);
    sampler.set_beta(0.5).unwrap();
    let weights = sampler.sample(&replay, 4).unwrap().weights;
    assert!((weights[1] - (1.0_f32 / 3.0).sqrt()).abs() < 1e-7);
    sampler.set_beta(0.0).unwrap();
    assert_eq!(sampler.sample(&replay, 4).unwrap().weights, [1.0; 4]);
    assert!(sampler.set_beta(1.5).is_err() && sampler.set_beta(f32::NAN).is_err());
}

#[test]
fn a_new_start_has_the_largest_priority_ever_given() {
    let mut replay = filled(100, &[episode(0, 1, StepKind::Terminated)]);
    let mut sampler =
        Sampler::new(Pick::Prioritised { alpha: 1.0, beta: 1.0 }, Window::within(2), Seed(0)).unwrap();
    sampler.update_priorities(&replay, &[id(0, 0)], &[5.0]).unwrap();
    sampler.update_priorities(&replay, &[id(0, 0)], &[2.0]).unwrap();
    replay.push(&episode(1, 1, StepKind::Terminated)).unwrap();
    check_frequencies(&mut sampler, &replay, &[(id(0, 0), 2.0), (id(1, 0), 5.0)]);
}

#[test]
fn bad_priorities_are_refused_and_change_nothing() {
    let (replay, starts) = three();
    let mut sampler =
        Sampler::new(Pick::Prioritised { alpha: 0.6, beta: 0.4 }, Window::within(2), Seed(0)).unwrap();
    let mut untouched = sampler.clone();
    for bad in [f32::NAN, -1.0, f32::INFINITY, -0.001] {
        let err = sampler.update_priorities(&replay, &starts[..2], &[0.5, bad]).unwrap_err();
        assert_eq!(err.to_string(), format!("expected a finite priority of at least 0, got {bad}"));
    }
    let err = sampler.update_priorities(&replay, &starts[..2], &[0.5]).unwrap_err();
    assert_eq!(err.to_string(), "expected 2 priorities for 2 starts, got 1");
    // What is no start, or not there, is passed over: the last step of an episode has no transition.
    let strangers = [id(0, 1), id(1, 4), id(2, 99), id(7, 0)];
    sampler.update_priorities(&replay, &strangers, &[9.0; 4]).unwrap();
    assert_eq!(sampler.sample(&replay, 50).unwrap(), untouched.sample(&replay, 50).unwrap());

    sampler.update_priorities(&replay, &starts, &[0.0; 13]).unwrap();
    let err = sampler.sample(&replay, 1).unwrap_err();
    assert!(err.to_string().starts_with("expected a start for a window of 2 steps"), "{err}");

    let mut uniform = Sampler::new(Pick::Uniform, Window::within(2), Seed(0)).unwrap();
    assert!(uniform.update_priorities(&replay, &starts[..1], &[1.0]).is_err());
    assert!(uniform.add_counts(&replay, &starts[..1], 1).is_err() && uniform.set_beta(0.5).is_err());
}

#[test]
fn counts_are_how_often_a_start_was_drawn_and_even_out() {
    let mut episodes = vec![episode(0, 4, StepKind::Terminated), episode(1, 8, StepKind::Terminated)];
    let mut replay = filled(30, &episodes);
    let mut sampler = Sampler::new(Pick::Counted { temperature: 2.0 }, Window::within(2), Seed(5)).unwrap();
    let mut counts: BTreeMap<StepId, u32> = BTreeMap::new();
    for n in 2..300 {
        if n % 40 == 0 && n < 200 {
            episodes.push(episode(episodes.len(), 6, StepKind::Truncated));
            replay.push(&episodes[episodes.len() - 1]).unwrap();
        }
        for start in sampler.sample(&replay, 7).unwrap().starts {
            *counts.entry(start).or_default() += 1;
        }
        for start in starts(&held(&episodes, 30), &Window::within(2)) {
            assert_eq!(sampler.count(&replay, start).unwrap(), counts.get(&start).copied().unwrap_or(0));
        }
    }
    let now = starts(&held(&episodes, 30), &Window::within(2));
    let now: Vec<u32> = now.iter().map(|start| sampler.count(&replay, *start).unwrap()).collect();
    let (least, most) = (now.iter().min().unwrap(), now.iter().max().unwrap());
    assert!(most - least <= 14, "counts should lie within a few temperatures: {now:?}");

    // Counted a hundred times elsewhere, a start is not drawn any more: e^-50 stands against 1.
    let chosen = id(episodes.len() - 1, 2);
    let before = sampler.count(&replay, chosen).unwrap();
    sampler.add_counts(&replay, &[chosen, id(0, 0)], 100).unwrap();
    assert_eq!(sampler.count(&replay, chosen), Some(before + 100));
    assert!(sampler.sample(&replay, 200).unwrap().starts.iter().all(|start| *start != chosen));
    assert_eq!(sampler.count(&replay, id(0, 0)), None, "it has left");
    assert_eq!(sampler.count(&replay, id(episodes.len() - 1, 6)), None, "a last step starts no transition");
}

#[test]
fn a_sampler_stays_with_its_replay() {
    let (replay, _) = three();
    let mut sampler = Sampler::new(Pick::Uniform, Window::within(2), Seed(0)).unwrap();
    sampler.sample(&replay, 1).unwrap();
    for other in [empty(100), filled(99, &[episode(0, 50, StepKind::Mid)])] {
        assert_eq!(sampler.sample(&other, 1).unwrap_err().kind(), ErrorKind::Mismatch);
    }
    sampler.sample(&replay, 1).unwrap();
    let err =
        Sampler::new(Pick::Uniform, Window::within(2), Seed(0)).unwrap().sample(&empty(9), 1).unwrap_err();
    let want = "expected a start for a window of 2 steps, 2 of them of one episode, got none";
    assert_eq!(err.to_string(), want);
    for bad in [
        Pick::Recent { half_life: 0.0 },
        Pick::Recent { half_life: f32::NAN },
        Pick::Prioritised { alpha: 1.1, beta: 0.0 },
        Pick::Prioritised { alpha: 0.5, beta: -0.1 },
        Pick::Counted { temperature: f32::INFINITY },
    ] {
        assert!(Sampler::new(bad, Window::within(2), Seed(0)).is_err(), "{bad:?}");
    }
}

#[test]
fn the_replays_own_draws_are_plain_uniform_numbers_of_its_stream() {
    // Runs that were recorded depend on this order of draws.
    let episodes = random_episodes(20, 9, &mut Seed(4).rng());
    let mut replay = empty(1000);
    episodes.iter().for_each(|e| replay.push(e).unwrap());
    let ids = held(&episodes, 1000);
    let mut rng = Seed(0).rng();
    let windows: Vec<StepId> = (0..50).map(|_| ids[rng.below(ids.len() - 7 + 1)]).collect();
    assert_eq!(replay.sample(50, 7).unwrap().starts, windows);
    let mut transitions = Vec::new();
    while transitions.len() < 50 {
        let at = rng.below(ids.len() - 1);
        if ids[at + 1].step != 0 {
            transitions.push(ids[at]);
        }
    }
    assert_eq!(replay.sample_transitions(50).unwrap().starts, transitions);
}

#[test]
fn a_batch_in_used_memory_is_the_batch_in_fresh_memory() {
    let episodes = random_episodes(40, 12, &mut Seed(7).rng());
    let replay = filled(200, &episodes);
    let held = held(&episodes, 200);
    let mut used = Batch::default();
    // Bytes enough for several threads first, then smaller, then of padding.
    for (n, window) in
        [(12_000, Window::crossing(64)), (3, Window::within(2)), (40, Window::padded(9, 1).burn_in(5))]
    {
        let mut sampler = Sampler::new(Pick::Uniform, window, Seed(1)).unwrap();
        let fresh = sampler.clone().sample(&replay, n).unwrap();
        sampler.sample_into(&replay, n, &mut used).unwrap();
        assert_eq!(used, fresh);
        let mut some = Batch::default();
        replay.windows_into(&used.starts[n - 3..], &window, &mut some).unwrap();
        check(&some, &window, &episodes, &held);
        let tail = (n - 3) * window_len(&window)..;
        assert_eq!((some.reward, some.mask), (used.reward[tail.clone()].to_vec(), used.mask[tail].to_vec()));
    }
    let err = replay.windows_into(&[id(99, 0)], &Window::within(2), &mut used).unwrap_err();
    assert_eq!(err.to_string(), "expected a step that is held, got step 0 of episode 99");
    // A batch of another replay is no obstacle.
    let space = worldsmith_core::Space::Dict(BTreeMap::from([
        ("other".to_owned(), action_space()),
        ("view".to_owned(), action_space()),
    ]));
    let mut other = Replay::new(&space, &action_space(), 10, Seed(0)).unwrap();
    let value = |n| {
        let part = worldsmith_core::Value::Discrete(n);
        worldsmith_core::Value::Dict(BTreeMap::from([
            ("other".to_owned(), part.clone()),
            ("view".to_owned(), part),
        ]))
    };
    other.push(&Episode::start(value(1), super::meta(0))).unwrap();
    other.sample_into(2, 1, &mut used).unwrap();
    assert_eq!(used, {
        other.windows_into(&[id(0, 0); 2], &Window::crossing(1), &mut Batch::default()).unwrap();
        let mut fresh = Batch::default();
        other.sample_into(2, 1, &mut fresh).unwrap();
        fresh
    });
}

fn window_len(window: &Window) -> usize {
    window.burn_in + window.n_steps
}
