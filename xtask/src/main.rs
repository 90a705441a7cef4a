//! Project chores: `cargo xtask <chore>`.

use std::path::Path;
use std::process::{Command, ExitCode};

use xtask::{ParityOptions, RULES, Result, Tree};

const USAGE: &str = "\
usage: cargo xtask <chore>

chores:
  tidy               check the rules of ARCHITECTURE.md and STYLE.md, and list what is getting long
  new-recipe <name>  start a recipe from the template and register it
  readme [--check]   write the README's table of methods from evidence/ and the recipes' cards
                     (--check: write nothing, fail if it is stale)
  parity data [--only NAME] [--keep]
                     install the libraries of other formats with pip and compare with them, both ways
                     (--keep: leave the virtual environments for the next time)
  parity env [--only NAME] [--keep]
                     likewise for the worlds of other packages, from injected states
  parity bridge [--only NAME] [--keep]
                     try real environments behind the bridge to Gymnasium and write docs/bridge.md
                     (--page: only write the page of what was found before)
  parity speed [--only NAME] [--keep]
                     measure their loaders and worlds and ours in turns";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args[..] {
        ["tidy"] => tidy(),
        ["new-recipe", name] => new_recipe(name),
        ["readme"] => readme(false),
        ["readme", "--check"] => readme(true),
        ["parity", "data", ref options @ ..] => parity(xtask::parity_data, options),
        ["parity", "env", ref options @ ..] => parity(xtask::parity_env, options),
        ["parity", "bridge", "--page"] => xtask::write_bridge_page(&xtask::root()),
        ["parity", "bridge", ref options @ ..] => parity(xtask::parity_bridge, options),
        ["parity", "speed", ref options @ ..] => parity(xtask::parity_speed, options),
        ["--help" | "-h" | "help"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn tidy() -> Result<()> {
    let tree = Tree::read(&xtask::root())?;
    for note in xtask::think_again(&tree) {
        println!("think again: {note}");
    }
    let mut n_problems = 0;
    for rule in RULES {
        for problem in (rule.check)(&tree) {
            println!("{problem} [{}]", rule.name);
            n_problems += 1;
        }
    }
    match n_problems {
        0 => Ok(()),
        n => Err(format!("tidy: {n} problems; STYLE.md says what each rule is for")),
    }
}

fn new_recipe(name: &str) -> Result<()> {
    for path in xtask::new_recipe(&xtask::root(), name)? {
        println!("{path}");
    }
    // Where rustfmt breaks lines depends on how long the name is.
    let fmt = Command::new("cargo")
        .args(["fmt", "--package", "worldsmith-recipes"])
        .current_dir(xtask::root())
        .status();
    if !fmt.is_ok_and(|status| status.success()) {
        return Err("cannot run `cargo fmt`; the recipe is there, unformatted".to_string());
    }
    println!(
        "next: read the paper with crates/recipes/src/{name}/mod.rs open; docs/adding-a-recipe.md goes step by step"
    );
    Ok(())
}

fn parity(chore: fn(&Path, &ParityOptions) -> Result<()>, options: &[&str]) -> Result<()> {
    chore(&xtask::root(), &ParityOptions::parse(options)?)
}

fn readme(check: bool) -> Result<()> {
    let path = xtask::root().join("README.md");
    let old = std::fs::read_to_string(&path).map_err(|e| format!("cannot read README.md: {e}"))?;
    let new = xtask::with_table(&old, &xtask::render_table(&xtask::root())?)?;
    if old == new {
        return Ok(());
    }
    if check {
        return Err("README.md is stale\n\nhint: run `cargo xtask readme`".to_string());
    }
    std::fs::write(&path, new).map_err(|e| format!("cannot write README.md: {e}"))
}
