//! Speed of the bridge to Gymnasium: `cargo bench -p worldsmith-env --bench bridge -- ID [N ...]`, with Gymnasium in
//! `$WORLDSMITH_PYTHON`.
//!
//! Steps a second with random actions, resets included, of one environment and of pools of N; the median of some rounds.
//!
//! `bridge --serve` is for `benches/peers/bridge.py`: a case on stdin, an id and `, single` or `, pool of N`, is answered on
//! stdout with steps a second, or with `nan` and a reason on stderr. `bridge --check ID` is for `cargo xtask parity bridge`:
//! whether a real id keeps the promises of an environment, and what its spaces are, as a line of JSON.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::time::{Duration, Instant};

use worldsmith_core::{Env, Error, Result, Seed, Space, Value};
use worldsmith_env::{EnvPool, conformance, make};

/// How long a case is measured, in how many parts; the median counts.
const SPAN: Duration = Duration::from_millis(150);
const ROUNDS: usize = 3;
/// Actions that are drawn beforehand and used again and again.
const N_ACTIONS: usize = 64;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve"] => serve(),
        ["--check", id] => {
            println!("{}", check(id));
            Ok(())
        }
        [id, ref sizes @ ..] => {
            println!("{id}, single: {:.0} steps a second", Case::new(&format!("{id}, single"))?.rate()?);
            for n in sizes {
                let rate = Case::new(&format!("{id}, pool of {n}"))?.rate()?;
                println!("{id}, pool of {n}: {rate:.0} steps a second");
            }
            Ok(())
        }
        [] => {
            println!("no id is given: nothing is measured");
            Ok(())
        }
    }
}

/// What is measured: its workers go on from one question to the next.
enum Case {
    Single { env: Box<dyn Env>, actions: Vec<Value>, n: usize, over: bool },
    Pool { pool: EnvPool, actions: Vec<Vec<Value>>, n: usize },
}

impl Case {
    fn new(case: &str) -> Result<Self> {
        let (id, how) = case.rsplit_once(", ").unwrap_or((case, "single"));
        let mut rng = Seed(1).rng();
        if how == "single" {
            let env = make(id)?;
            let mut action = |i: usize| match &env.spec().action {
                // As in `benches/peers/bridge.py`, so that both sides see the same of a game.
                Space::Discrete { n } => Value::Discrete((i % n) as i64),
                space => space.sample(&mut rng),
            };
            let actions = (0..N_ACTIONS).map(&mut action).collect();
            return Ok(Case::Single { env, actions, n: 0, over: true });
        }
        let n = how.strip_prefix("pool of ").and_then(|n| n.parse().ok());
        let n = n.ok_or_else(|| Error::invalid(format!("expected `single` or `pool of N`, got `{how}`")))?;
        let pool = EnvPool::make(id, n, Seed(2))?;
        let space = pool.spec().action.clone();
        let mut turn = || (0..n).map(|_| space.sample(&mut rng)).collect();
        let actions = (0..N_ACTIONS).map(|_| turn()).collect();
        Ok(Case::Pool { pool, actions, n: 0 })
    }

    /// Does a step of each environment; returns how many those are.
    fn step(&mut self) -> Result<usize> {
        match self {
            Case::Single { env, actions, n, over } => {
                *n += 1;
                let step = if *over { env.reset(Seed(1))? } else { env.step(&actions[*n % N_ACTIONS])? };
                *over = step.kind.is_last();
                Ok(1)
            }
            Case::Pool { pool, actions, n } => {
                *n += 1;
                let steps = pool.step(&actions[*n % N_ACTIONS])?;
                pool.take_finished();
                Ok(steps.len())
            }
        }
    }

    /// Steps a second.
    fn rate(&mut self) -> Result<f64> {
        let mut rates = Vec::new();
        self.step()?;
        for _ in 0..ROUNDS {
            let (began, mut n) = (Instant::now(), 0);
            while began.elapsed() < SPAN {
                n += self.step()?;
            }
            rates.push(n as f64 / began.elapsed().as_secs_f64());
        }
        rates.sort_by(f64::total_cmp);
        Ok(rates[ROUNDS / 2])
    }
}

/// Answers the names of cases; what was asked once stays started.
fn serve() -> Result<()> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let name = line.map_err(|err| Error::invalid(err.to_string()))?;
        let rate = answer(&mut cases, &name).unwrap_or_else(|err| {
            eprintln!("{name}: {err}");
            f64::NAN
        });
        println!("{rate}");
    }
    Ok(())
}

fn answer(cases: &mut BTreeMap<String, Case>, name: &str) -> Result<f64> {
    if !cases.contains_key(name) {
        cases.insert(name.to_owned(), Case::new(name)?);
    }
    cases.get_mut(name).map_or(Ok(f64::NAN), Case::rate)
}

/// What is known of a real id.
fn check(id: &str) -> serde_json::Value {
    let made = make(id).map(|mut env| {
        let spec = env.spec().clone();
        (spec, conformance::check(&mut *env, Seed(3)))
    });
    match made {
        Ok((spec, kept)) => serde_json::json!({
            "obs": spec.obs.to_string(),
            "action": spec.action.to_string(),
            "max_steps": spec.max_steps,
            "error": kept.err().map(|err| err.to_string()),
        }),
        Err(err) => serde_json::json!({"error": err.to_string()}),
    }
}
