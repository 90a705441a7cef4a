//! Promises that every registered recipe keeps, checked over the registry itself.

use std::collections::BTreeMap;

use worldsmith_core::{Env, Episode, EpisodeMeta, Seed, Space, Value};
use worldsmith_data::{Replay, crc32};
use worldsmith_plan::{Mode, Observation};
use worldsmith_recipes::{Learner, RECIPES, Recipe};

/// A point on a line: `left` or `right` moves it, the right end pays 1 and ends the episode. Shown as a small picture.
fn walk(picture: bool, seed: Seed) -> Episode {
    let mut rng = seed.rng();
    let draw = |x: usize| {
        if !picture {
            return Value::vector(vec![x as f32 / 4.0]);
        }
        let mut image = worldsmith_core::Image::new(16, 16, 3);
        image.fill_rect(x * 4, 4, 4, 8, &[255, 120, 0]);
        Value::Image(image)
    };
    let mut x = 1;
    let meta =
        EpisodeMeta { env: "line".into(), policy: "random".into(), seed, source: "real".into(), task: None };
    let mut episode = Episode::start(draw(x), meta);
    for t in 1..=20 {
        let right = rng.chance(0.6);
        x = if right { x + 1 } else { x.saturating_sub(1) };
        let obs = draw(x);
        let step = match (x == 3, t == 20) {
            (true, _) => worldsmith_core::Step::terminated(obs, 1.0),
            (_, true) => worldsmith_core::Step::truncated(obs, 0.0),
            _ => worldsmith_core::Step::mid(obs, 0.0),
        };
        episode.push(Value::Discrete(i64::from(right)), step).unwrap();
        if episode.end.is_last() {
            break;
        }
    }
    episode
}

fn spec(picture: bool) -> worldsmith_core::EnvSpec {
    worldsmith_core::EnvSpec {
        id: "line".into(),
        obs: if picture {
            Space::Image { height: 16, width: 16, channels: 3 }
        } else {
            Space::vector(1, 0.0, 1.0)
        },
        action: Space::Discrete { n: 2 },
        action_names: vec!["left".into(), "right".into()],
        max_steps: Some(20),
    }
}

fn replay(picture: bool) -> Replay {
    let spec = spec(picture);
    let mut replay = Replay::new(&spec.obs, &spec.action, 5000, Seed(3)).unwrap();
    (0..40).for_each(|i| replay.push(&walk(picture, Seed(100 + i))).unwrap());
    replay
}

fn tiny(recipe: &dyn Recipe) -> toml::Table {
    let presets: toml::Table = recipe.presets().parse().unwrap();
    recipe.resolve(presets["tiny"]["model"].as_table().unwrap()).unwrap()
}

fn build(recipe: &dyn Recipe, picture: bool, seed: u64) -> Box<dyn Learner> {
    recipe.build(&tiny(recipe), &spec(picture), Seed(seed), &worldsmith_recipes::cpu()).unwrap()
}

/// Greedy actions on the observations of one episode, and a checksum of the saved parameters.
fn fingerprint(learner: &dyn Learner, picture: bool) -> (Vec<Value>, u32) {
    let policy = learner.policy();
    let mut memory = policy.start(1);
    let episode = walk(picture, Seed(7));
    let actions = episode.obs.iter().enumerate().map(|(t, obs)| {
        let rng = &mut Seed(t as u64).rng();
        policy.act(&mut memory, std::slice::from_ref(obs), &[t == 0], Mode::Greedy, rng).unwrap().remove(0)
    });
    let actions = actions.collect();
    let dir = tempfile::tempdir().unwrap();
    learner.save(dir.path()).unwrap();
    (actions, crc32(&std::fs::read(dir.path().join("model.safetensors")).unwrap()))
}

#[test]
fn every_card_is_complete_and_every_preset_resolves() {
    for recipe in RECIPES {
        let card = recipe.card();
        for field in [card.name, card.title, card.reference, card.idea] {
            assert!(!field.is_empty(), "{}: empty field on the card", card.name);
        }
        let presets: toml::Table = recipe.presets().parse().unwrap();
        for preset in ["tiny", "small", "paper"] {
            let model = presets[preset]["model"].as_table().unwrap();
            recipe.resolve(model).unwrap_or_else(|e| panic!("{} {preset}: {e}", card.name));
            assert!(presets[preset]["run"].is_table(), "{} {preset}: no run table", card.name);
        }
        let odd: toml::Table = "no_such_key = 1".parse().unwrap();
        assert!(recipe.resolve(&odd).unwrap_err().to_string().contains("no_such_key"), "{}", card.name);
    }
}

#[test]
fn every_recipe_learns_from_pictures_and_from_numbers() {
    for recipe in RECIPES {
        for picture in [true, false] {
            let (mut learner, mut replay) = (build(*recipe, picture, 0), replay(picture));
            let total = |m: &BTreeMap<&str, f64>| -> f64 {
                ["loss/image", "loss/vector", "loss/reward", "loss/cont", "loss/value"]
                    .iter()
                    .filter_map(|k| m.get(k))
                    .sum()
            };
            let losses: Vec<f64> = (0..60).map(|_| total(&learner.update(&mut replay).unwrap())).collect();
            let (first, last): (f64, f64) = (losses[..5].iter().sum(), losses[55..].iter().sum());
            assert!(last < 0.8 * first, "{} (picture {picture}): {first} then {last}", recipe.card().name);
        }
    }
}

#[test]
fn equal_seeds_give_equal_learners_and_other_seeds_do_not() {
    for recipe in RECIPES {
        let trained = |seed| {
            let (mut learner, mut replay) = (build(*recipe, true, seed), replay(true));
            (0..3).for_each(|_| drop(learner.update(&mut replay).unwrap()));
            fingerprint(&*learner, true)
        };
        assert_eq!(trained(1), trained(1), "{}", recipe.card().name);
        assert_ne!(trained(1).1, trained(2).1, "{}", recipe.card().name);
    }
}

#[test]
fn saving_and_loading_changes_nothing_now_or_later() {
    for recipe in RECIPES {
        let name = recipe.card().name;
        let (mut learner, mut replay) = (build(*recipe, true, 0), replay(true));
        (0..3).for_each(|_| drop(learner.update(&mut replay).unwrap()));
        let dir = tempfile::tempdir().unwrap();
        learner.save(dir.path()).unwrap();
        let mut copy = build(*recipe, true, 99);
        copy.load(dir.path(), false).unwrap();
        assert_eq!(fingerprint(&*learner, true), fingerprint(&*copy, true), "{name}: loaded");
        let state = replay.state();
        let next = learner.update(&mut replay).unwrap();
        replay.restore_state(&state).unwrap();
        assert_eq!(next, copy.update(&mut replay).unwrap(), "{name}: the next update");
        assert_eq!(fingerprint(&*learner, true), fingerprint(&*copy, true), "{name}: after it");
    }
}

#[test]
fn a_loaded_agent_has_finished_exploring() {
    let recipe = worldsmith_recipes::recipe("dqn").unwrap();
    let dir = tempfile::tempdir().unwrap();
    build(recipe, true, 0).save(dir.path()).unwrap();
    let draws = |inference| {
        let mut learner = build(recipe, true, 0);
        learner.load(dir.path(), inference).unwrap();
        let (policy, obs) = (learner.policy(), vec![walk(true, Seed(7)).obs[0].clone(); 400]);
        let rng = &mut Seed(0).rng();
        let acts = policy.act(&mut policy.start(400), &obs, &[true; 400], Mode::Sample, rng).unwrap();
        acts.iter().filter(|a| **a == acts[0]).count()
    };
    assert!(draws(false) < 300, "an agent in training explores");
    assert!(draws(true) > 380 || draws(true) < 20, "a loaded agent acts on what it knows");
}

#[test]
fn pictures_that_cannot_be_halved_evenly_are_refused() {
    for recipe in RECIPES {
        let odd = worldsmith_core::EnvSpec {
            obs: Space::Image { height: 84, width: 84, channels: 3 },
            ..spec(true)
        };
        let err = recipe.build(&tiny(*recipe), &odd, Seed(0), &worldsmith_recipes::cpu()).err().unwrap();
        assert!(err.to_string().contains("84x84x3"), "{}: {err}", recipe.card().name);
    }
}

#[test]
fn a_torn_or_foreign_checkpoint_is_named() {
    for recipe in RECIPES {
        let learner = build(*recipe, true, 0);
        let dir = tempfile::tempdir().unwrap();
        learner.save(dir.path()).unwrap();
        let path = dir.path().join("model.safetensors");
        let err = build(*recipe, false, 0).load(dir.path(), true).unwrap_err().to_string();
        assert!(err.contains("expected parameter") && err.contains("model.safetensors"), "{err}");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let err = build(*recipe, true, 0).load(dir.path(), true).unwrap_err().to_string();
        assert!(err.contains("model.safetensors"), "{err}");
    }
}

#[test]
fn world_models_answer_in_the_shapes_they_promise() {
    for recipe in RECIPES {
        let Some(model) = build(*recipe, true, 0).model() else { continue };
        let device = worldsmith_recipes::cpu();
        let episode = walk(true, Seed(5));
        let obs = Observation::stack(&model.spec().obs, &episode.obs[..2], &device).unwrap();
        let rng = &mut Seed(0).rng();
        let action = burn::tensor::Tensor::<2>::zeros([2, 2], &device);
        let latent = model.observe(&model.start(2), action.clone(), &obs, &[true, true], rng).unwrap();
        let latent = model.imagine(&latent, action, rng);
        let prediction = model.predict(&latent, true);
        assert_eq!(prediction.reward.dims(), [2]);
        assert_eq!(prediction.cont.dims(), [2]);
        let seen = prediction.obs.expect("a decoder").unstack(&model.spec().obs).unwrap();
        seen.iter().for_each(|value| model.spec().obs.check(value).unwrap());
    }
}

#[test]
fn golden_numbers_have_not_moved() {
    for recipe in RECIPES {
        let name = recipe.card().name;
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name).join("golden.toml");
        let (mut learner, mut replay) = (build(*recipe, true, 0), replay(true));
        let dir = tempfile::tempdir().unwrap();
        learner.save(dir.path()).unwrap();
        let file = std::fs::read(dir.path().join("model.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
        let n_params: usize =
            tensors.tensors().iter().map(|(_, t)| t.shape().iter().product::<usize>()).sum();
        let mut golden = toml::Table::new();
        golden.insert("parameters".into(), (n_params as i64).into());
        for step in [0, 3] {
            let mut metrics = learner.update(&mut replay).unwrap();
            if step == 3 {
                (0..2).for_each(|_| metrics = learner.update(&mut replay).unwrap());
            }
            let losses = metrics.iter().filter(|(k, _)| k.starts_with("loss/"));
            golden.insert(
                format!("after_{step}"),
                losses.map(|(k, v)| (k.to_string(), (*v).into())).collect::<toml::Table>().into(),
            );
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, toml::to_string(&golden).unwrap()).unwrap();
        }
        let kept: toml::Table = std::fs::read_to_string(&path).unwrap_or_default().parse().unwrap();
        assert_eq!(
            kept.get("parameters"),
            golden.get("parameters"),
            "{name}: run with UPDATE_GOLDEN=1 if this was meant"
        );
        for step in ["after_0", "after_3"] {
            for (term, value) in golden[step].as_table().unwrap() {
                let want = kept[step][term].as_float().unwrap();
                let got = value.as_float().unwrap();
                // Vector widths differ between machines, and with them the order of sums.
                assert!(
                    (got - want).abs() <= 2e-3 * want.abs().max(0.1),
                    "{name} {step} {term}: {got}, golden {want}"
                );
            }
        }
    }
}

#[test]
fn a_trained_recipe_acts_in_a_real_environment() {
    for recipe in RECIPES {
        let mut env = worldsmith_env::make("cartpole").unwrap();
        let mut learner =
            recipe.build(&tiny(*recipe), env.spec(), Seed(0), &worldsmith_recipes::cpu()).unwrap();
        let (obs, action) = (env.spec().obs.clone(), env.spec().action.clone());
        let mut replay = Replay::new(&obs, &action, 1000, Seed(0)).unwrap();
        for i in 0..10 {
            replay.push(&play(&mut *env, Seed(i), |rng, _| action.sample(rng))).unwrap();
        }
        learner.update(&mut replay).unwrap();
        let (policy, mut first) = (learner.policy(), true);
        let mut memory = policy.start(1);
        let episode = play(&mut *env, Seed(50), |rng, obs| {
            let first = std::mem::take(&mut first);
            policy.act(&mut memory, std::slice::from_ref(obs), &[first], Mode::Sample, rng).unwrap().remove(0)
        });
        assert!(episode.end.is_last() && !episode.is_empty());
    }
}

fn play(
    env: &mut dyn Env,
    seed: Seed,
    mut act: impl FnMut(&mut worldsmith_core::Rng, &Value) -> Value,
) -> Episode {
    let mut rng = seed.rng();
    let meta = EpisodeMeta { env: "x".into(), policy: "x".into(), seed, source: "real".into(), task: None };
    let mut episode = Episode::start(env.reset(seed).unwrap().obs, meta);
    while !episode.end.is_last() {
        let action = act(&mut rng, &episode.obs[episode.len()]);
        let step = env.step(&action).unwrap();
        episode.push(action, step).unwrap();
    }
    episode
}
