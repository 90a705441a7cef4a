//! The bridge to a real Gymnasium, with `RUN_SLOW=1`.

use worldsmith_core::{Env, ErrorKind, Seed, Space, Step, StepKind, Value};
use worldsmith_env::{EnvPool, conformance, make};

use crate::pool::drive;
use crate::{envs, fixture, numbers};

/// Whether tests with a real Gymnasium were asked for; says how to if not.
fn slow() -> bool {
    // `cargo xtask parity env` makes fixtures and names a Python that has everything.
    let just_made = std::env::var_os("WORLDSMITH_FIXTURES").is_some();
    let asked = just_made || std::env::var("RUN_SLOW").is_ok_and(|v| v == "1");
    if !asked {
        eprintln!(
            "skipped: set RUN_SLOW=1, with gymnasium, minigrid and ale-py in $WORLDSMITH_PYTHON, to run it"
        );
    }
    asked
}

#[test]
fn real_gymnasium_environments_keep_their_promises() {
    if !slow() {
        return;
    }
    for id in [
        "gym:CartPole-v1",
        "gym:CartPole-v1?obs=render&grey=true&size=48x64&max_steps=20",
        "gym:Pendulum-v1?max_steps=30",
        "gym:FrozenLake-v1?kw.map_name=8x8&kw.is_slippery=False",
        "gym:Blackjack-v1",
        "gym:MiniGrid-DoorKey-5x5-v0?max_steps=50",
        "gym:MiniGrid-DoorKey-5x5-v0?obs=symbolic&max_steps=50",
        "gym:BabyAI-GoToLocal-v0?obs=rgb_dict&max_steps=20",
        "gym:ALE/Pong-v5?max_steps=60&frame_skip=4&sticky=0",
        "gym:ALE/Breakout-v5?grey=true&clip_reward=true&max_steps=60",
        "gym:CartPole-v1?frame_skip=3&sticky=0.5",
        "gym:CartPole-v1?frame_stack=4",
        "gym:ALE/Pong-v5?grey=true&size=84&frame_stack=4&max_pool=true&max_steps=60",
    ] {
        conformance::check(&mut *make(id).unwrap(), Seed(2)).unwrap_or_else(|e| panic!("`{id}`: {e}"));
    }
}

#[test]
fn the_bridge_names_what_gymnasium_names() {
    if !slow() {
        return;
    }
    let spec = make("gym:MiniGrid-DoorKey-5x5-v0").unwrap().spec().clone();
    assert_eq!(spec.obs, Space::Image { height: 64, width: 64, channels: 3 });
    assert_eq!(spec.action_names, ["left", "right", "forward", "pickup", "drop", "toggle", "done"]);
    assert_eq!(spec.max_steps, Some(250));
    let pong = make("gym:ALE/Pong-v5?grey=true&size=84&frame_stack=4").unwrap().spec().clone();
    assert_eq!(pong.action_names[..2], ["NOOP", "FIRE"]);
    assert_eq!(pong.obs, Space::Image { height: 84, width: 84, channels: 4 });
    let native = make("gym:ALE/Pong-v5?size=native").unwrap().spec().clone();
    assert_eq!(native.obs, Space::Image { height: 210, width: 160, channels: 3 });
    let skipping = make("gym:CartPole-v1?frame_skip=3&max_steps=20").unwrap().spec().clone();
    assert_eq!(skipping.max_steps, Some(7));
    let entry = "gym:Own?entry=gymnasium.envs.classic_control.cartpole:CartPoleEnv&max_steps=9";
    assert_eq!(make(entry).unwrap().spec().max_steps, Some(9));
}

/// The numbers or bytes of an observation.
fn flat(obs: &Value) -> Vec<f64> {
    match obs {
        Value::Array { data, .. } => data.iter().map(|x| f64::from(*x)).collect(),
        Value::Image(image) => image.data.iter().map(|x| f64::from(*x)).collect(),
        other => panic!("expected numbers or a picture, got {other:?}"),
    }
}

fn end(step: &Step) -> f64 {
    match step.kind {
        StepKind::Terminated => 1.0,
        StepKind::Truncated => 2.0,
        _ => 0.0,
    }
}

/// The action that bridge.py takes in step `t`.
fn action(env: &dyn Env, t: usize) -> Value {
    match &env.spec().action {
        Space::Discrete { n } => Value::Discrete((t * 7 % n) as i64),
        Space::Box { low, .. } => Value::vector(vec![(t % 3) as f32 / 2.0 - 0.5; low.len()]),
        other => panic!("expected choices or numbers, got {other}"),
    }
}

/// Pictures differ by at most one: OpenCV sums up in another order. All else is equal.
fn assert_alike(obs: &Value, expected: &[f64], what: &str) {
    let (got, most) = (flat(obs), if obs.image().is_some() { 1.0 } else { 0.0 });
    assert_eq!(got.len(), expected.len(), "{what}");
    let apart = got.iter().zip(expected).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(apart <= most, "{what}: {apart} apart");
}

#[test]
fn options_do_what_the_wrappers_of_gymnasium_do() {
    if !slow() {
        return;
    }
    let made = fixture("bridge/wrappers.json");
    let seed = Seed(made["seed"].as_u64().unwrap());
    for case in made["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let mut env = make(id).unwrap();
        let (rewards, ends) = (numbers(&case["rewards"]), numbers(&case["ends"]));
        let mut step = env.reset(seed).unwrap();
        for (t, expected) in case["obs"].as_array().unwrap().iter().enumerate() {
            if t > 0 {
                step = env.step(&action(&*env, t - 1)).unwrap();
            }
            let what = format!("`{id}`, step {t}");
            assert_alike(&step.obs, &numbers(expected), &what);
            assert_eq!((step.reward, end(&step)), (rewards[t] as f32, ends[t]), "{what}");
        }
    }
}

#[test]
fn the_maximum_of_two_frames_is_of_the_last_two_there_were_also_where_an_episode_ends_early() {
    if !slow() {
        return;
    }
    let mut pooled = make("gym:CartPole-v1?frame_skip=5&max_pool=true").unwrap();
    let mut single = make("gym:CartPole-v1").unwrap();
    let mut n_early = 0;
    for seed in (0..6).map(Seed) {
        let (mut frames, mut step) = (Vec::new(), pooled.reset(seed).unwrap());
        assert_eq!(step.obs, single.reset(seed).unwrap().obs);
        while !step.kind.is_last() {
            step = pooled.step(&Value::Discrete(1)).unwrap();
            frames.clear();
            while frames.len() < 5 {
                let one = single.step(&Value::Discrete(1)).unwrap();
                frames.push(flat(&one.obs));
                if one.kind.is_last() {
                    break;
                }
            }
            let last = &frames[frames.len().saturating_sub(2)..];
            let expected = (0..4).map(|i| last.iter().map(|frame| frame[i]).fold(f64::MIN, f64::max));
            assert_eq!(flat(&step.obs), expected.collect::<Vec<_>>(), "{seed:?}, {} frames", frames.len());
        }
        n_early += usize::from(frames.len() < 4);
    }
    assert!(n_early > 0);
}

#[test]
fn a_vector_environment_of_gymnasiums_own_gives_whole_episodes() {
    if !slow() {
        return;
    }
    let made = fixture("bridge/vector.json");
    assert_eq!(Seed(0).index(0).index(0).0 % (1 << 31), made["seed"].as_u64().unwrap());
    let mut pool = EnvPool::make(made["id"].as_str().unwrap(), 3, Seed(0)).unwrap();
    let mut was_last = [true; 3];
    for (t, turn) in made["turns"].as_array().unwrap().iter().enumerate() {
        // The first turn resets, whatever the action.
        let actions = [1, 0, t.saturating_sub(1) as i64 / 2 % 2].map(Value::Discrete);
        let steps = pool.step(&actions).unwrap();
        let (rewards, ends) = (numbers(&turn["rewards"]), numbers(&turn["ends"]));
        for (i, step) in steps.iter().enumerate() {
            let what = format!("environment {i}, turn {t}");
            assert_alike(&step.obs, &numbers(&turn["obs"][i]), &what);
            assert_eq!((step.reward, end(step)), (rewards[i] as f32, ends[i]), "{what}");
            assert_eq!(step.kind == StepKind::First, was_last[i], "{what}");
            was_last[i] = step.kind.is_last();
        }
    }
    let finished = pool.take_finished();
    assert!(finished.len() >= 7, "{}", finished.len());
    for episode in finished {
        assert_eq!((episode.obs.len(), episode.end), (episode.len() + 1, StepKind::Terminated));
        // The last observation is one of a fallen pole, not the first of the next episode.
        assert!(flat(episode.obs.last().unwrap())[2].abs() > 0.2095);
        assert!(flat(&episode.obs[0])[2].abs() <= 0.05);
    }
}

#[test]
fn vector_environments_take_the_options_that_are_theirs() {
    if !slow() {
        return;
    }
    let id = "gym:ALE/Breakout-v5?vector=true&grey=true&size=84&frame_stack=4&clip_reward=true&max_steps=12";
    let mut pool = EnvPool::make(id, 2, Seed(1)).unwrap();
    assert_eq!(pool.spec().obs, Space::Image { height: 84, width: 84, channels: 4 });
    for turn in drive(&mut pool, 30, 0) {
        turn.iter().for_each(|step| pool.spec().obs.check(&step.obs).unwrap());
    }
    let finished = pool.take_finished();
    assert!(finished.len() >= 4 && finished.iter().all(|e| e.len() <= 12), "{}", finished.len());
    let refused = |id: &str| EnvPool::make(id, 2, Seed(0)).err().unwrap().to_string();
    assert!(refused("gym:Acrobot-v1?vector=true").contains("has no vector environment for it"));
}

#[test]
fn a_missing_package_or_id_names_what_to_do() {
    if !slow() {
        return;
    }
    let error = |id: &str| make(id).err().unwrap();
    let unknown = error("gym:CartPol-v1");
    assert_eq!(unknown.kind(), ErrorKind::External);
    assert!(unknown.to_string().contains("Did you mean: `CartPole`"), "{unknown}");
    let missing = error("gym:Some-v0?import=no_such_module");
    assert!(missing.to_string().contains("cannot import `no_such_module`"), "{missing}");
    assert!(missing.hint_text().unwrap().contains("pip install"));
    let entry = error("gym:Some-v0?entry=json:NoSuchName").to_string();
    assert!(entry.contains("Python cannot find `json:NoSuchName`"), "{entry}");
    let pooled = error("gym:MiniGrid-Empty-5x5-v0?obs=rgb_dict&max_pool=true&frame_skip=2").to_string();
    assert!(pooled.contains("it cannot be wrapped: The observation space must have the shape"), "{pooled}");
    let words = error("gym:BabyAI-GoToLocal-v0?obs=rgb_dict&frame_stack=2").to_string();
    assert!(words.contains("expected no text to stack"), "{words}");
}

#[test]
fn workers_asked_side_by_side_or_shared_answer_as_one_after_the_other() {
    if !slow() {
        return;
    }
    for id in ["gym:CartPole-v1", "gym:MiniGrid-Empty-5x5-v0?max_steps=20"] {
        let mut in_turn = EnvPool::new(envs(&[id; 3]), Seed(4)).unwrap();
        let (expected, episodes) = (drive(&mut in_turn, 60, 0), in_turn.take_finished());
        let query = if id.contains('?') { '&' } else { '?' };
        for id in [id.to_owned(), format!("{id}{query}envs_per_worker=2")] {
            let mut together = EnvPool::make(&id, 3, Seed(4)).unwrap();
            assert_eq!(drive(&mut together, 60, 0), expected, "`{id}`");
            let finished = together.take_finished();
            assert!(
                finished.iter().zip(&episodes).all(|(a, b)| (&a.obs, a.meta.seed) == (&b.obs, b.meta.seed))
            );
            assert_eq!(finished.len(), episodes.len());
            assert!(together.snapshot().is_none());
        }
    }
}
