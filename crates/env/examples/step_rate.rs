//! How fast environments step here, random actions: `cargo run --release -p worldsmith-env --example step_rate -- ID...`
//!
//! Each id is measured alone and in a pool of four.

use std::time::Instant;

use worldsmith_core::{Result, Seed, Value};
use worldsmith_env::EnvPool;

/// Seconds each figure is measured for.
const SECS: f64 = 3.0;

fn main() -> Result<()> {
    for id in std::env::args().skip(1) {
        println!("{id}: {:.0} steps/s alone, {:.0} steps/s in a pool of 4", rate(&id, 1)?, rate(&id, 4)?);
    }
    Ok(())
}

fn rate(id: &str, n_envs: usize) -> Result<f64> {
    let mut pool = EnvPool::make(id, n_envs, Seed(0))?;
    let (space, mut rng) = (pool.spec().action.clone(), Seed(1).rng());
    pool.reset()?;
    let (start, mut n_steps) = (Instant::now(), 0);
    while start.elapsed().as_secs_f64() < SECS {
        let actions: Vec<Value> = (0..n_envs).map(|_| space.sample(&mut rng)).collect();
        n_steps += pool.step(&actions)?.len();
        pool.take_finished();
    }
    Ok(n_steps as f64 / start.elapsed().as_secs_f64())
}
