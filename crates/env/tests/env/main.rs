//! Built-in environments against their references, the registry, the pool, and (with `RUN_SLOW=1`) the bridge to a real
//! Gymnasium.

mod arcade;
mod bridge;
mod classic;
mod crafter;
mod driving;
mod first_person;
mod minigrid;
mod page;
mod point_maze;
mod pool;
mod sokoban;
mod table;
mod toy_text;
mod wall;
mod worlds;

use std::path::Path;

use serde_json::Value as Json;
use worldsmith_core::{Env, EnvSpec, ErrorKind, Result, Seed, Space, Step, Value};
use worldsmith_env::{conformance, make};

/// The fixture `group/name`: the one checked in, or the one that was just made where `WORLDSMITH_FIXTURES` names a folder.
fn fixture(path: &str) -> Json {
    let made = std::env::var_os("WORLDSMITH_FIXTURES").map(|dir| Path::new(&dir).join(path));
    let checked_in = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    let path = made.unwrap_or_else(checked_in);
    let text = std::fs::read(&path).unwrap_or_else(|err| panic!("{err}: {}", path.display()));
    serde_json::from_slice(&text).expect("a fixture is JSON")
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// One environment made by each id.
pub fn envs(ids: &[&str]) -> Vec<Box<dyn Env>> {
    ids.iter().map(|id| make(id).unwrap()).collect()
}

#[test]
fn every_registered_environment_keeps_its_promises() {
    let variants = ["breakout?sticky=0.3&max_steps=5", "breakout?max_steps=none", "cartpole?max_steps=9"];
    for id in worldsmith_env::envs().map(|e| e.id).chain(variants) {
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
