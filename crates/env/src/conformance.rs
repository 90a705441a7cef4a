//! The promises every environment keeps, as one check. Tests loop it over the registry; authors of new environments run
//! it on theirs.

use worldsmith_core::{Env, Error, Result, Rng, Seed, Space, Step, StepKind, Value};

/// Episodes played by the check.
const N_EPISODES: u64 = 3;
/// Steps after which an episode that does not end by itself is left.
const MAX_STEPS: usize = 1000;

/// Plays random episodes in `env`, which was never reset before, and checks that
/// - a step before the first reset or after the end, and an action outside the space, are errors and change nothing;
/// - every reset gives a first step, every observation lies in its space, rewards are finite;
/// - the time limit of the spec holds;
/// - the same seed and actions give the same steps;
/// - a restored snapshot goes on exactly as the original, and garbage is not restored.
///
/// # Errors
/// [`ErrorKind::Invalid`](worldsmith_core::ErrorKind::Invalid) naming the first broken promise, or the environment's own
/// error.
pub fn check(env: &mut dyn Env, seed: Seed) -> Result<()> {
    let spec = env.spec().clone();
    let valid = spec.action.sample(&mut seed.rng());
    refuses(env, &valid, "a step before the first reset")?;
    for i in 0..N_EPISODES {
        let (env_seed, mut rng) = (seed.derive("env").index(i), seed.derive("actions").index(i).rng());
        let actions: Vec<Value> = (0..MAX_STEPS).map(|_| spec.action.sample(&mut rng)).collect();
        let steps = play(env, env_seed, &actions)?;
        steps.iter().try_for_each(|step| check_step(&spec.obs, step))?;
        ensure(env.spec() == &spec, "a spec that never changes")?;
        if steps.last().is_some_and(|s| s.kind.is_last()) {
            refuses(env, &valid, "a step after the end")?;
        }
        if let Some(limit) = spec.max_steps {
            ensure(steps.len() - 1 <= limit, &format!("at most {limit} steps an episode"))?;
            ensure(steps.len() <= limit || steps[limit].kind.is_last(), "an end at the time limit")?;
        }
        env.reset(env_seed)?;
        refuses(env, &outside(&spec.action), "an action outside its space")?;
        ensure(play(env, env_seed, &actions)? == steps, "the same steps from the same seed and actions")?;
        check_snapshot(env, env_seed, &actions[..steps.len() - 1], &mut rng)?;
    }
    Ok(())
}

/// Resets, then takes `actions` until they or the episode end; the first step included.
fn play(env: &mut dyn Env, seed: Seed, actions: &[Value]) -> Result<Vec<Step>> {
    let first = env.reset(seed)?;
    ensure(
        first.kind == StepKind::First && first.reward == 0.0,
        "a first step without reward after a reset",
    )?;
    let mut steps = vec![first];
    steps.extend(go_on(env, actions)?);
    Ok(steps)
}

fn go_on(env: &mut dyn Env, actions: &[Value]) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    for action in actions {
        steps.push(env.step(action)?);
        if steps.last().is_some_and(|step| step.kind.is_last()) {
            break;
        }
    }
    ensure(steps.iter().all(|step| step.kind != StepKind::First), "a first step only after a reset")?;
    Ok(steps)
}

fn check_step(space: &Space, step: &Step) -> Result<()> {
    space.check(&step.obs)?;
    ensure(step.reward.is_finite(), "a finite reward")
}

/// Saves at a random moment of the episode, plays on, goes back and plays on again.
fn check_snapshot(env: &mut dyn Env, seed: Seed, actions: &[Value], rng: &mut Rng) -> Result<()> {
    let (before, after) = actions.split_at(rng.below(actions.len() + 1));
    play(env, seed, before)?;
    let Some(saved) = env.snapshot() else { return Ok(()) };
    let expected = go_on(env, after)?;
    ensure(env.restore(b"not a saved state").is_err(), "an error for a foreign saved state")?;
    env.reset(seed.derive("elsewhere"))?;
    env.restore(&saved)?;
    ensure(env.snapshot().as_ref() == Some(&saved), "a restored state that is saved alike")?;
    ensure(go_on(env, after)? == expected, "the same steps after a restored snapshot")
}

/// A value that cannot be in `space`.
fn outside(space: &Space) -> Value {
    match space {
        Space::Discrete { n } => Value::Discrete(*n as i64),
        Space::Text { .. } => Value::Discrete(0),
        _ => Value::Text("not an action".into()),
    }
}

fn refuses(env: &mut dyn Env, action: &Value, what: &str) -> Result<()> {
    ensure(env.step(action).is_err(), &format!("an error for {what}"))
}

fn ensure(holds: bool, promise: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::invalid(format!("broken promise: expected {promise}"))) }
}
