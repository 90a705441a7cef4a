//! A learned world imagines what would happen: `cargo run --example dream -- runs/quickstart`
//!
//! The dream is an environment like any other; the real one is only asked for a first observation.

use worldsmith::{Env, Result, Seed};

fn main() -> Result<()> {
    let run = std::env::args().nth(1).unwrap_or_else(|| "runs/quickstart".into());

    let world = worldsmith::load(run)?;
    let first = world.env()?.reset(Seed(0))?;
    let mut dream = world.dream_from(&first.obs, Some(30))?;
    let mut step = dream.reset(Seed(1))?;
    let mut rng = Seed(2).rng();
    while !step.kind.is_last() {
        let action = dream.spec().action.sample(&mut rng);
        step = dream.step(&action)?;
        println!("{action:?}: reward {:.2}, goes on with probability {:.2}", step.reward, dream.cont());
    }
    Ok(())
}
