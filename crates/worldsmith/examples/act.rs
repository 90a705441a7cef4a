//! A trained agent plays one episode of its game: `cargo run --example act -- runs/quickstart`

use worldsmith::{Result, Seed};

fn main() -> Result<()> {
    let run = std::env::args().nth(1).unwrap_or_else(|| "runs/quickstart".into());

    let mut agent = worldsmith::load(run)?;
    let mut env = agent.env()?;
    let mut step = env.reset(Seed(0))?;
    let mut total = 0.0;
    while !step.kind.is_last() {
        step = env.step(&agent.act(&step)?)?;
        total += step.reward;
    }

    println!("return {total}");
    Ok(())
}
