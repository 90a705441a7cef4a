//! What holds for every built-in world: loops over the registry.

use std::path::Path;

use serde_json::{Value as Json, json};
use worldsmith_core::{Rng, Seed, Space, StepKind, Value};
use worldsmith_env::batch::{Actions, BatchEnv, Buffer, Frames};
use worldsmith_env::registry::Maker;
use worldsmith_env::{BuiltIn, EnvEntry, Skill, conformance, envs, make, make_batch, make_built_in};

use crate::page;

/// Every entry, with its id as the context of whatever panics.
fn each(check: impl Fn(&'static EnvEntry)) {
    for entry in envs() {
        eprintln!("`{}`", entry.id);
        check(entry);
    }
}

#[test]
fn every_world_keeps_its_promises_in_every_view_and_under_all_factors() {
    each(|entry| {
        for options in ["obs=all&size=40x56&factors=train", "factors=shifted&max_steps=7"] {
            let id = format!("{}?{options}", entry.id);
            conformance::check(&mut *make(&id).unwrap(), Seed(3)).unwrap_or_else(|e| panic!("`{id}`: {e}"));
        }
    });
}

#[test]
fn every_world_has_a_page_pictures_and_factors_that_shift() {
    each(|entry| {
        assert!(matches!(entry.make, Maker::BuiltIn(_)) && !entry.page.is_empty());
        assert!(!entry.factors.is_empty(), "factors of variation");
        for (i, factor) in entry.factors.iter().enumerate() {
            assert!(entry.factors[..i].iter().all(|other| other.name != factor.name), "{}", factor.name);
            let [low, high] = factor.train;
            let [from, to] = factor.shifted;
            assert!(low < high && from < to, "{}: ranges", factor.name);
            assert!(to <= low || from >= high, "{}: shifted outside train", factor.name);
        }
        let spec = make(&format!("{}?obs=all", entry.id)).unwrap().spec().clone();
        assert_eq!(spec.obs.image().map(|(_, shape)| shape), Some([64, 64, 3]), "a picture of 64x64");
    });
}

#[test]
fn pages_of_the_docs_are_those_of_the_registry() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/worlds");
    let fresh = |name: &str, wanted: String| {
        let got = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        assert!(
            got == wanted,
            "stale: docs/worlds/{name}; run `cargo run -p worldsmith-env --example pages`"
        );
    };
    each(|entry| {
        let stem = page::stem(entry);
        fresh(&format!("{stem}.md"), page::text(entry));
        assert!(dir.join(format!("{stem}.png")).is_file(), "a picture");
    });
    fresh("README.md", page::list());
}

#[test]
fn pictures_of_every_size_can_be_drawn_and_change() {
    each(|entry| {
        let sizes = ["1", "16", "96", "33x70"].into_iter();
        for (view, size) in
            page::pictures(entry).iter().flat_map(|view| sizes.clone().map(move |size| (view, size)))
        {
            let mut env = make_built_in(&format!("{}?size={size}{view}", entry.id)).unwrap();
            let mut rng = Seed(0).rng();
            let mut seen = vec![env.reset(Seed(1)).unwrap().obs];
            while seen.len() < 60 {
                let step = env.step(&env.advise(Skill::Weak, &mut rng)).unwrap();
                seen.push(step.obs);
                if step.kind.is_last() {
                    seen.push(env.reset(Seed(seen.len() as u64)).unwrap().obs);
                }
            }
            assert!(
                size == "1" || seen.iter().any(|obs| obs != &seen[0]),
                "{view}, size {size}: the picture changes"
            );
        }
    });
}

/// Mean return of players of one skill, over `n` episodes of at most 400 steps.
fn mean_return(env: &mut dyn BuiltIn, skill: Skill, n: u64) -> f32 {
    let mut total = 0.0;
    for i in 0..n {
        let mut rng = Seed(9).index(i).rng();
        env.reset(Seed(7).index(i)).unwrap();
        for _ in 0..400 {
            let step = env.step(&env.advise(skill, &mut rng)).unwrap();
            total += step.reward;
            if step.kind.is_last() {
                break;
            }
        }
    }
    total / n as f32
}

#[test]
fn what_players_see_lies_in_its_space_and_their_states_can_be_restored() {
    each(|entry| {
        for ((_, skill), factors) in Skill::ALL.into_iter().zip(["default", "train", "shifted"]) {
            let id = format!("{}?obs=all&size=16&factors={factors}", entry.id);
            let mut env = make_built_in(&id).unwrap();
            let space = env.spec().obs.clone();
            let mut rng = Seed(8).rng();
            for episode in 0..3 {
                let mut step = env.reset(Seed(2).index(episode)).unwrap();
                for t in 0..300 {
                    space.check(&step.obs).unwrap_or_else(|err| panic!("`{id}`, step {t}: {err}"));
                    if t % 8 == 0 {
                        let saved = env.snapshot().unwrap();
                        env.restore(&saved).unwrap_or_else(|err| panic!("`{id}`, step {t}: {err}"));
                    }
                    if step.kind.is_last() {
                        break;
                    }
                    step = env.step(&env.advise(skill, &mut rng)).unwrap();
                }
            }
        }
    });
}

#[test]
fn experts_play_better_than_chance_and_weak_players_in_between() {
    each(|entry| {
        let mut env = make_built_in(entry.id).unwrap();
        let [random, weak, expert] = Skill::ALL.map(|(_, skill)| mean_return(&mut *env, skill, 12));
        eprintln!("    random {random:.2}, weak {weak:.2}, expert {expert:.2}");
        assert!(expert > random && weak >= random && expert >= weak);
    });
}

/// What one environment of a batch is to do, and the same for all as a list.
enum Turn {
    Choices(Vec<i64>),
    Numbers(Vec<f32>),
}

impl Turn {
    fn of(actions: &[Value]) -> Self {
        match actions[0] {
            Value::Discrete(_) => Turn::Choices(actions.iter().filter_map(Value::as_discrete).collect()),
            _ => Turn::Numbers(
                actions
                    .iter()
                    .flat_map(|action| match action {
                        Value::Array { data, .. } => data.clone(),
                        other => panic!("an action of a built-in world, got {other:?}"),
                    })
                    .collect(),
            ),
        }
    }

    fn actions(&self) -> Actions<'_> {
        match self {
            Turn::Choices(all) => Actions::Choices(all),
            Turn::Numbers(all) => Actions::Numbers(all),
        }
    }
}

/// Part `i` of `n` of a buffer as the value that one environment shows.
fn part(buffer: &Buffer, space: &Space, i: usize, n: usize) -> Value {
    match (buffer, space) {
        (Buffer::Numbers(all), Space::Box { shape, .. }) => {
            let len = all.len() / n;
            Value::Array { shape: shape.clone(), data: all[i * len..(i + 1) * len].to_vec() }
        }
        (Buffer::Pixels(all), Space::Image { height, width, channels }) => {
            let len = all.len() / n;
            let mut image = worldsmith_core::Image::new(*height, *width, *channels);
            image.data.copy_from_slice(&all[i * len..(i + 1) * len]);
            Value::Image(image)
        }
        (Buffer::Choices(all), _) => Value::Discrete(all[i]),
        (Buffer::Texts(all), _) => Value::Text(all[i].clone()),
        other => panic!("a buffer that fits its space, got {other:?}"),
    }
}

/// What environment `i` of a batch shows.
fn shown(frames: &Frames, obs: &Space, i: usize, n: usize) -> Value {
    match obs {
        Space::Dict(parts) => Value::Dict(
            frames
                .views
                .iter()
                .map(|(name, buffer)| ((*name).to_string(), part(buffer, &parts[*name], i, n)))
                .collect(),
        ),
        _ => part(&frames.views[0].1, obs, i, n),
    }
}

#[test]
fn a_batch_on_any_number_of_threads_takes_the_steps_of_single_environments() {
    each(|entry| {
        let id = format!("{}?obs=all&size=16&max_steps=9&factors=train", entry.id);
        for n_threads in [1, 3] {
            let n = 5;
            let mut batch = make_batch(&id, n, n_threads).unwrap();
            let mut frames = batch.frames();
            batch.reset(Seed(4), &mut frames).unwrap();
            let mut single: Vec<_> = (0..n).map(|_| make_built_in(&id).unwrap()).collect();
            let (mut is_over, mut n_episodes) = (vec![true; n], vec![0; n]);
            let obs = batch.spec().obs.clone();
            let mut rng = Seed(5).rng();
            let mut actions = vec![Value::Discrete(0); n];
            for t in 0..25 {
                for (i, env) in single.iter_mut().enumerate() {
                    let step = if is_over[i] {
                        n_episodes[i] += 1;
                        env.reset(Seed(4).index(i as u64).index(n_episodes[i] - 1)).unwrap()
                    } else {
                        env.step(&actions[i]).unwrap()
                    };
                    is_over[i] = step.kind.is_last();
                    assert_eq!((frames.kinds[i], frames.rewards[i]), (step.kind, step.reward), "step {t}");
                    assert_eq!(shown(&frames, &obs, i, n), step.obs, "step {t}");
                }
                actions = random_actions(&*batch, n, &mut rng);
                batch.step(Turn::of(&actions).actions(), &mut frames).unwrap();
            }
        }
    });
}

fn random_actions(batch: &dyn BatchEnv, n: usize, rng: &mut Rng) -> Vec<Value> {
    (0..n).map(|_| batch.spec().action.sample(rng)).collect()
}

#[test]
fn a_batch_refuses_wrong_actions_and_stays_usable() {
    each(|entry| {
        let mut batch = make_batch(entry.id, 2, 1).unwrap();
        let mut frames = batch.frames();
        let good = batch.advise(Skill::Random, &mut Seed(0).rng());
        let good = Turn::of(&good);
        assert!(batch.step(good.actions(), &mut frames).is_err(), "a step before the reset");
        batch.reset(Seed(0), &mut frames).unwrap();
        let before = frames.clone();
        for wrong in [
            Turn::Choices(vec![]),
            Turn::Choices(vec![0, 1_000_000]),
            Turn::Choices(vec![0, -1]),
            Turn::Numbers(vec![f32::NAN; 64]),
            Turn::Numbers(vec![]),
        ] {
            assert!(batch.step(wrong.actions(), &mut frames).is_err());
        }
        assert_eq!(frames, before);
        let mut foreign = Frames { views: Vec::new(), ..frames.clone() };
        assert!(batch.step(good.actions(), &mut foreign).is_err());
        batch.step(good.actions(), &mut frames).unwrap();
        assert!(frames.kinds.iter().all(|kind| *kind != StepKind::First));
    });
    assert!(make_batch("cartpole", 0, 1).is_err() && make_batch("cartpole", 1, 0).is_err());
    assert!(make_batch("breakout", 2, 1_000_000).is_ok(), "as many threads as there is work for");
}

/// A state that was saved after `n` steps.
fn saved_after(env: &mut dyn BuiltIn, n: usize, rng: &mut Rng) -> Vec<u8> {
    env.reset(Seed(1)).unwrap();
    for _ in 0..n {
        if env.step(&env.advise(Skill::Weak, rng)).unwrap().kind.is_last() {
            env.reset(Seed(2)).unwrap();
        }
    }
    env.snapshot().unwrap()
}

/// At most `n` steps of an expert, until an end or an error.
fn play_on(env: &mut dyn BuiltIn, n: usize, rng: &mut Rng) {
    for _ in 0..n {
        match env.step(&env.advise(Skill::Expert, rng)) {
            Ok(step) if !step.kind.is_last() => {}
            _ => break,
        }
    }
}

#[test]
fn a_damaged_saved_state_is_refused_or_played_on_without_a_panic() {
    each(|entry| {
        let mut env = make_built_in(&format!("{}?obs=all&size=24", entry.id)).unwrap();
        let mut rng = Seed(6).rng();
        let saved = saved_after(&mut *env, 5, &mut rng);
        for _ in 0..150 {
            let mut damaged = saved.clone();
            let at = rng.below(damaged.len());
            // Digits for digits half of the time, so that the JSON stays whole and the numbers go wrong.
            damaged[at] = match damaged[at] {
                b'0'..=b'9' => b'0' + rng.below(10) as u8,
                byte => byte ^ (1 << rng.below(8)),
            };
            if env.restore(&damaged).is_err() {
                continue;
            }
            play_on(&mut *env, 20, &mut rng);
        }
        env.restore(&saved).unwrap();
        assert_eq!(env.snapshot().unwrap(), saved);
    });
}

/// The places of all numbers in a saved state, as JSON pointers.
fn numbers(value: &Json, at: &str, places: &mut Vec<String>) {
    match value {
        Json::Number(_) => places.push(at.to_string()),
        Json::Array(list) => {
            list.iter().enumerate().for_each(|(i, part)| numbers(part, &format!("{at}/{i}"), places));
        }
        Json::Object(parts) => {
            parts.iter().for_each(|(name, part)| numbers(part, &format!("{at}/{name}"), places))
        }
        _ => {}
    }
}

#[test]
fn a_saved_state_with_an_absurd_number_is_refused_or_played_on_without_a_panic() {
    let absurd = [
        json!(0),
        json!(-1),
        json!(i32::MAX),
        json!(i32::MIN),
        json!(u32::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e30),
        json!(-1e30),
    ];
    each(|entry| {
        let mut env = make_built_in(&format!("{}?obs=all&size=16", entry.id)).unwrap();
        let mut rng = Seed(6).rng();
        let saved: Json = serde_json::from_slice(&saved_after(&mut *env, 12, &mut rng)).unwrap();
        let mut places = Vec::new();
        numbers(&saved, "", &mut places);
        // All places of small states, some of large ones.
        let some = places.iter().step_by(places.len().div_ceil(64));
        for (place, number) in some.flat_map(|place| absurd.iter().map(move |number| (place, number))) {
            let mut changed = saved.clone();
            *changed.pointer_mut(place).unwrap() = number.clone();
            if env.restore(changed.to_string().as_bytes()).is_err() {
                continue;
            }
            eprintln!("    {place} = {number}");
            play_on(&mut *env, 10, &mut rng);
        }
    });
}

#[test]
fn a_saved_state_whose_generator_would_give_zeros_alone_is_refused() {
    let mut env = make_built_in("asterix").unwrap();
    let mut saved: Json = serde_json::from_slice(&saved_after(&mut *env, 3, &mut Seed(0).rng())).unwrap();
    env.restore(saved.to_string().as_bytes()).unwrap();
    // Draws without bias would be tried for ever.
    saved["rng"]["s"] = json!([0, 0, 0, 0]);
    let err = env.restore(saved.to_string().as_bytes()).unwrap_err().to_string();
    assert!(err.contains("not all zeros"), "{err}");
}

#[test]
fn a_saved_state_at_the_end_of_all_counting_is_played_on() {
    each(|entry| {
        let mut env = make_built_in(entry.id).unwrap();
        env.reset(Seed(1)).unwrap();
        let saved = String::from_utf8(env.snapshot().unwrap()).unwrap();
        let far = saved.replace("\"n_steps\":0", &format!("\"n_steps\":{}", usize::MAX));
        assert_ne!(far, saved);
        env.restore(far.as_bytes()).unwrap();
        env.step(&env.advise(Skill::Expert, &mut Seed(2).rng())).unwrap();
    });
}
