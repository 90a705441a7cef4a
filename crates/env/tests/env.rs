//! Built-in environments against their references, the registry, the pool, and (with `RUN_SLOW=1`) the bridge to a real
//! Gymnasium.

use serde_json::Value as Json;
use worldsmith_core::{Env, EnvSpec, ErrorKind, Result, Seed, Space, Step, StepKind, Value};
use worldsmith_env::breakout::Game;
use worldsmith_env::{CartPole, ENVS, EnvPool, Options, conformance, make};

fn fixture(text: &str) -> Json {
    serde_json::from_str(text).expect("a fixture is JSON")
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// One environment made by each id.
fn envs(ids: &[&str]) -> Vec<Box<dyn Env>> {
    ids.iter().map(|id| make(id).unwrap()).collect()
}

#[test]
fn every_registered_environment_keeps_its_promises() {
    let variants = ["breakout?sticky=0.3&max_steps=5", "breakout?max_steps=none", "cartpole?max_steps=9"];
    for id in ENVS.iter().map(|e| e.id).chain(variants) {
        conformance::check(&mut *make(id).unwrap(), Seed(1)).unwrap_or_else(|e| panic!("`{id}`: {e}"));
    }
}

/// An environment that says one thing of its observations and shows another.
struct Liar(EnvSpec);

impl Env for Liar {
    fn spec(&self) -> &EnvSpec {
        &self.0
    }
    fn reset(&mut self, _: Seed) -> Result<Step> {
        Ok(Step::first(Value::Discrete(7)))
    }
    fn step(&mut self, action: &Value) -> Result<Step> {
        self.0.action.check(action)?;
        Ok(Step::terminated(Value::Discrete(7), 0.0))
    }
}

#[test]
fn conformance_names_the_first_broken_promise() {
    let space = Space::Discrete { n: 2 };
    let spec = EnvSpec {
        id: "liar".into(),
        obs: space.clone(),
        action: space,
        action_names: Vec::new(),
        max_steps: Some(1),
    };
    let err = conformance::check(&mut Liar(spec), Seed(0)).unwrap_err();
    assert_eq!(err.to_string(), "broken promise: expected an error for a step before the first reset");
}

#[test]
fn breakout_equals_minatar_cell_for_cell() {
    let fixture = fixture(include_str!("fixtures/breakout.json"));
    let mut cleared = 0;
    for episode in fixture["episodes"].as_array().unwrap() {
        let states: Vec<Vec<f64>> = episode["states"].as_array().unwrap().iter().map(numbers).collect();
        let mut game = Game::new(states[0][1] == 9.0);
        let mut reward = 0.0;
        for (t, state) in states.iter().enumerate() {
            if t > 0 {
                let push = match episode["actions"].as_str().unwrap().as_bytes()[t - 1] {
                    b'l' => -1,
                    b'r' => 1,
                    _ => 0,
                };
                reward = game.act(push);
            }
            let bits: u32 = game.bricks.iter().flatten().enumerate().map(|(i, b)| u32::from(*b) << i).sum();
            cleared += u32::from(bits == 0);
            let [ball_x, ball_y] = game.ball.map(f64::from);
            let [trail_x, trail_y] = game.trail.map(f64::from);
            let paddle = f64::from(game.paddle);
            let (bits, reward, lost) = (f64::from(bits), f64::from(reward), f64::from(u8::from(game.lost)));
            let got = [paddle, ball_x, ball_y, trail_x, trail_y, bits, reward, lost];
            assert_eq!(got[..], state[..], "seed {}, step {t}", episode["seed"]);
        }
    }
    assert!(cleared > 1, "the fixture clears a wall more than once");
}

#[test]
fn cartpole_equals_gymnasium_from_the_same_state() {
    let fixture = fixture(include_str!("fixtures/cartpole.json"));
    for rollout in fixture["rollouts"].as_array().unwrap() {
        let mut env = CartPole::new(&Options::parse("cartpole").unwrap().1).unwrap();
        env.reset_to(numbers(&rollout["start"]).try_into().unwrap());
        let actions = rollout["actions"].as_str().unwrap().bytes();
        for (t, (action, expected)) in actions.zip(rollout["steps"].as_array().unwrap()).enumerate() {
            let expected = numbers(expected);
            let step = env.step(&Value::Discrete(i64::from(action == b'r'))).unwrap();
            let Value::Array { data, .. } = &step.obs else { panic!("expected numbers") };
            for (got, want) in data.iter().zip(&expected) {
                assert!(
                    (f64::from(*got) - want).abs() <= 1e-6 * want.abs().max(1.0),
                    "step {t}: {got} {want}"
                );
            }
            assert_eq!(f64::from(step.reward), expected[4]);
            let ends = [step.kind == StepKind::Terminated, step.kind == StepKind::Truncated];
            assert_eq!(ends, [expected[5] == 1.0, expected[6] == 1.0], "step {t}");
        }
    }
}

#[test]
fn a_wrong_id_says_what_was_meant() {
    let error = |id: &str| make(id).err().unwrap_or_else(|| panic!("`{id}` should be refused"));
    let hint = |id: &str| error(id).hint_text().unwrap_or_default().to_string();
    assert_eq!(error("breakot").kind(), ErrorKind::Unknown);
    assert_eq!(hint("breakot"), "did you mean `breakout`? `worldsmith envs` lists all");
    assert_eq!(hint("breakout?stiky=0.1"), "did you mean `sticky`? `worldsmith envs` lists all");
    assert_eq!(hint("gym:CartPole-v1?gray=true"), "did you mean `grey`? `worldsmith envs` lists all");
    assert!(hint("CartPole-v1").contains("`gym:CartPole-v1`"));
    for (id, message) in [
        (
            "breakout?sticky=2",
            "option `sticky` of `breakout?sticky=2`: expected a number from 0 to 1, got `2`",
        ),
        (
            "breakout?sticky=nan",
            "option `sticky` of `breakout?sticky=nan`: expected a number from 0 to 1, got `nan`",
        ),
        (
            "cartpole?max_steps=0",
            "option `max_steps` of `cartpole?max_steps=0`: expected a whole number from 1, or `none`, got `0`",
        ),
        ("breakout?sticky", "expected `name=value` after the `?` of `breakout?sticky`, got `sticky`"),
        (
            "breakout?sticky=0&sticky=1",
            "expected option `sticky` once in `breakout?sticky=0&sticky=1`, got it twice",
        ),
        ("gym:", "expected a Gymnasium id after `gym:`, got none"),
    ] {
        assert_eq!(error(id).to_string(), message);
        assert_eq!(error(id).kind(), ErrorKind::Invalid);
    }
}

#[test]
fn a_missing_python_names_the_pip_command() {
    let err = make("gym:MiniGrid-Empty-5x5-v0?python=no-such-python-here").err().unwrap();
    assert_eq!(err.kind(), ErrorKind::External);
    assert!(err.hint_text().unwrap().contains("pip install gymnasium minigrid"), "{err}");
}

/// Steps a pool `n` times with random actions from `seed`.
fn drive(pool: &mut EnvPool, n: usize, seed: u64) -> Vec<Vec<Step>> {
    let mut rng = Seed(seed).rng();
    let space = pool.spec().action.clone();
    let mut turn =
        || pool.step(&(0..pool.len()).map(|_| space.sample(&mut rng)).collect::<Vec<_>>()).unwrap();
    (0..n).map(|_| turn()).collect()
}

#[test]
fn a_pool_resets_by_itself_and_hands_back_whole_episodes() {
    let mut pool = EnvPool::new(envs(&["cartpole"; 3]), Seed(5)).unwrap();
    let turns = drive(&mut pool, 200, 0);
    assert!(turns[0].iter().all(|step| step.kind == StepKind::First));
    for pair in turns.windows(2) {
        for (before, after) in pair[0].iter().zip(&pair[1]) {
            assert_eq!(before.kind.is_last(), after.kind == StepKind::First);
        }
    }
    let finished = pool.take_finished();
    let n_ends = turns.iter().flatten().filter(|step| step.kind.is_last()).count();
    assert_eq!(finished.len(), n_ends);
    assert!(pool.take_finished().is_empty());
    for episode in &finished {
        let last = episode.obs.last().unwrap();
        let total = episode.total_reward();
        assert_eq!(
            (episode.obs.len(), total, episode.end),
            (episode.len() + 1, episode.len() as f32, StepKind::Terminated)
        );
        let mut env = make("cartpole").unwrap();
        assert_eq!(env.reset(episode.meta.seed).unwrap().obs, episode.obs[0]);
        assert_eq!(&episode.actions.iter().map(|a| env.step(a).unwrap().obs).last().unwrap(), last);
    }
    let first_seeds = (0..3).map(|i| Seed(5).index(i).index(0));
    assert!(first_seeds.into_iter().all(|seed| finished.iter().any(|e| e.meta.seed == seed)));
}

#[test]
fn a_restored_pool_goes_on_bit_for_bit_with_its_episodes() {
    let ids = ["breakout?sticky=0.2"; 2];
    let mut pool = EnvPool::new(envs(&ids), Seed(5)).unwrap();
    pool.set_policy("somebody");
    drive(&mut pool, 11, 1);
    let saved = pool.snapshot().unwrap();
    let mut other = EnvPool::new(envs(&ids), Seed(6)).unwrap();
    other.restore(&saved).unwrap();
    assert_eq!(other.snapshot().unwrap(), saved);
    assert_eq!(drive(&mut pool, 60, 2), drive(&mut other, 60, 2));
    let (finished, again) = (pool.take_finished(), other.take_finished());
    assert!(finished.len() > 4 && finished == again);
    assert!(finished.iter().all(|e| e.meta.policy == "somebody" && e.meta.env == ids[0]));
    assert_eq!(pool.episode(0), other.episode(0));
}

#[test]
fn a_pool_refuses_torn_states_unlike_environments_and_wrong_actions() {
    let mut pool = EnvPool::new(envs(&["cartpole"; 2]), Seed(0)).unwrap();
    drive(&mut pool, 5, 0);
    let saved = pool.snapshot().unwrap();
    for len in 0..saved.len() {
        assert!(pool.restore(&saved[..len]).is_err(), "length {len}");
    }
    let mut single = EnvPool::new(envs(&["cartpole"]), Seed(0)).unwrap();
    assert_eq!(single.restore(&saved).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(
        EnvPool::new(envs(&["cartpole", "breakout"]), Seed(0)).err().unwrap().kind(),
        ErrorKind::Mismatch
    );
    assert!(EnvPool::new(Vec::new(), Seed(0)).is_err());
    assert!(pool.step(&[Value::Discrete(0)]).is_err());
    let before = pool.snapshot();
    assert!(pool.step(&[Value::Discrete(0), Value::Discrete(2)]).is_err());
    assert_eq!(pool.snapshot(), before, "a refused action moves nothing");
}

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
    let fixture = fixture(include_str!("fixtures/bridge.json"));
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
