//! The bridge to a real Gymnasium, with `RUN_SLOW=1`.

use worldsmith_core::{ErrorKind, Seed, Space, Value};
use worldsmith_env::{EnvPool, conformance, make};

use crate::pool::drive;
use crate::{envs, fixture, numbers};

/// Whether tests with a real Gymnasium were asked for; says how to if not.
fn slow() -> bool {
    let asked = std::env::var("RUN_SLOW").is_ok_and(|v| v == "1");
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
    ] {
        conformance::check(&mut *make(id).unwrap(), Seed(2)).unwrap_or_else(|e| panic!("`{id}`: {e}"));
    }
}

#[test]
fn the_bridge_shows_what_gymnasium_shows() {
    if !slow() {
        return;
    }
    let spec = make("gym:MiniGrid-DoorKey-5x5-v0").unwrap().spec().clone();
    assert_eq!(spec.obs, Space::Image { height: 64, width: 64, channels: 3 });
    assert_eq!(spec.action_names, ["left", "right", "forward", "pickup", "drop", "toggle", "done"]);
    assert_eq!(spec.max_steps, Some(250));
    let pong = make("gym:ALE/Pong-v5").unwrap().spec().clone();
    assert_eq!(pong.action_names[..2], ["NOOP", "FIRE"]);
    let fixture = fixture("bridge/cartpole.json");
    let mut env = make("gym:CartPole-v1").unwrap();
    let mut step = env.reset(Seed(fixture["seed"].as_u64().unwrap())).unwrap();
    for (t, expected) in fixture["obs"].as_array().unwrap().iter().enumerate() {
        let Value::Array { data, .. } = &step.obs else { panic!("expected numbers") };
        assert_eq!(data.iter().map(|x| f64::from(*x)).collect::<Vec<_>>(), numbers(expected), "step {t}");
        step = env.step(&Value::Discrete(1)).unwrap();
    }
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
}

#[test]
fn workers_asked_side_by_side_answer_as_one_after_the_other() {
    if !slow() {
        return;
    }
    for id in ["gym:CartPole-v1", "gym:MiniGrid-Empty-5x5-v0?max_steps=20"] {
        let mut together = EnvPool::make(id, 3, Seed(4)).unwrap();
        let mut in_turn = EnvPool::new(envs(&[id; 3]), Seed(4)).unwrap();
        assert_eq!(drive(&mut together, 60, 0), drive(&mut in_turn, 60, 0), "`{id}`");
        assert_eq!(together.take_finished(), in_turn.take_finished());
        assert!(together.snapshot().is_none());
    }
}
