//! `parity`: this project beside the libraries whose data it reads and writes, each in a virtual environment.
//!
//! `parity data`: for every script in `tests/parity/data` its library writes fixtures, the Rust tests run on those, and the
//! library opens what the tests left behind. What all scripts have in common stands in `tests/parity/both_ways.py`.
//! `parity env`: likewise one way, for the worlds of other packages and the scripts in `tests/parity/env`.
//! `parity speed`: the loaders and worlds of others and ours in turns, by the scripts in `benches/peers`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;

/// A virtual environment: what `pip` is asked for.
struct Library {
    name: &'static str,
    packages: &'static [&'static str],
}

const LIBRARIES: &[Library] = &[
    Library {
        name: "arrays",
        packages: &["zarr==3.1.6", "numcodecs==0.16.6", "pyarrow==26.0.1", "pillow==13.0.0"],
    },
    Library { name: "pyav", packages: &["av==18.1.0", "numpy==2.4.6", "pillow==13.0.0"] },
    // Two packages that Minari needs for pictures and does not ask for.
    Library {
        name: "minari",
        packages: &["minari[create,hdf5,arrow]==0.5.4", "pillow==13.0.0", "imageio==2.38.1"],
    },
    Library {
        name: "stable-worldmodel",
        packages: &[
            "stable-worldmodel[env,format]==0.1.1",
            // Later ones break some of its environments.
            "mujoco==3.17.0",
            "h5py==3.16.0",
            "hdf5plugin==7.1.0",
            "imageio-ffmpeg==0.8.1",
            "decord==0.6.0",
        ],
    },
    Library { name: "gymnasium", packages: &["gymnasium==1.4.0", "numpy==2.4.6"] },
    // Alone: it asks for libraries of plots that it does not need to play.
    Library { name: "minatar", packages: &["--no-deps", "minatar==1.0.15", "numpy==2.4.6"] },
    // Without what it asks for: an old Gym, and libraries of windows.
    Library {
        name: "gym-sokoban",
        packages: &[
            "--no-deps",
            "gym-sokoban==0.0.6",
            "gym==0.26.2",
            "gym-notices==0.1.0",
            "cloudpickle==3.1.3",
            "imageio==2.38.1",
            "pillow==13.0.0",
            "numpy==2.4.6",
            "tqdm==4.70.1",
            "requests==2.34.2",
            "urllib3==2.8.0",
            "idna==3.20",
            "certifi==2026.10.19.post1",
            "charset-normalizer==3.5.2",
            "setuptools==80.9.0",
        ],
    },
    Library { name: "minigrid", packages: &["minigrid==3.2.0", "gymnasium==1.4.0", "numpy==2.4.6"] },
    Library {
        name: "robotics",
        packages: &["gymnasium-robotics==1.4.2", "mujoco==4.0.0", "gymnasium==1.4.0", "numpy==2.4.6"],
    },
    Library {
        name: "gym-pusht",
        packages: &["gym-pusht==0.1.8", "pymunk==6.11.1", "gymnasium==1.4.0", "numpy==2.4.6"],
    },
    Library {
        name: "worlds",
        packages: &[
            "gymnasium==1.4.0",
            "envpool==1.2.5",
            "minigrid==3.2.0",
            "crafter==1.8.3",
            "gym-pusht==0.1.8",
        ],
    },
    Library { name: "lerobot", packages: &["lerobot==0.4.4", "torch==2.10.0", "torchcodec==0.10.0"] },
];

/// A script, and the tests that read what it makes and leave what it checks.
struct Script {
    name: &'static str,
    library: &'static str,
    /// Arguments of `cargo test`.
    tests: &'static [&'static str],
    /// Whether worldsmith writes the format.
    checks: bool,
}

/// Tests of the data crate whose names start with the last argument.
macro_rules! data {
    ($module:literal) => {
        &["--package", "worldsmith-data", "--test", "data", $module]
    };
}

/// Tests of the environment crate whose names start with the last argument.
macro_rules! env {
    ($module:literal) => {
        &["--package", "worldsmith-env", "--test", "env", $module]
    };
}

/// Worlds, in `tests/parity/env`.
const ENV: &[Script] = &[
    Script { name: "classic", library: "gymnasium", tests: env!("classic::"), checks: false },
    Script { name: "toy_text", library: "gymnasium", tests: env!("toy_text::"), checks: false },
    Script { name: "minatar", library: "minatar", tests: env!("arcade::"), checks: false },
    Script { name: "minigrid", library: "minigrid", tests: env!("minigrid::"), checks: false },
    Script { name: "point_maze", library: "robotics", tests: env!("point_maze::"), checks: false },
    Script { name: "sokoban", library: "gym-sokoban", tests: env!("sokoban::"), checks: false },
    Script { name: "table", library: "gym-pusht", tests: env!("table::"), checks: false },
];

/// Formats, in `tests/parity/data`.
const DATA: &[Script] = &[
    Script {
        name: "blosc",
        library: "arrays",
        tests: &["--package", "worldsmith-data", "--lib", "blosc::"],
        checks: false,
    },
    Script { name: "zarr", library: "arrays", tests: data!("zarr::"), checks: true },
    Script { name: "npz", library: "arrays", tests: data!("npz::"), checks: true },
    Script { name: "frames", library: "arrays", tests: data!("frames::"), checks: true },
    Script {
        name: "video",
        library: "pyav",
        tests: &["--package", "worldsmith-video", "--test", "video"],
        checks: true,
    },
    Script { name: "minari", library: "minari", tests: data!("minari::"), checks: true },
    Script { name: "swm_hdf5", library: "stable-worldmodel", tests: data!("swm_hdf5::"), checks: true },
    Script { name: "swm_folder", library: "stable-worldmodel", tests: data!("swm_folder::"), checks: true },
    Script { name: "swm_lance", library: "stable-worldmodel", tests: data!("swm_lance::"), checks: true },
    Script { name: "lerobot", library: "lerobot", tests: data!("lerobot::"), checks: true },
];

/// A script in `benches/peers`, the libraries it measures, and our side: a bench of one of our crates.
struct Race {
    name: &'static str,
    library: &'static str,
    bench: [&'static str; 2],
}

const SPEED: &[Race] = &[
    Race { name: "store", library: "stable-worldmodel", bench: ["worldsmith-data", "loaders"] },
    Race { name: "video", library: "lerobot", bench: ["worldsmith-data", "loaders"] },
    Race { name: "worlds", library: "worlds", bench: ["worldsmith-env", "worlds"] },
];

/// What `parity` is asked for.
#[derive(Debug, Default, PartialEq)]
pub struct ParityOptions {
    /// Only this script.
    pub only: Option<String>,
    /// Keep the virtual environments for the next time; they take some 20 GB together.
    pub keep: bool,
}

impl ParityOptions {
    /// From the words after `parity data`, `parity env` and `parity speed`.
    ///
    /// # Errors
    /// If one is unknown.
    pub fn parse(args: &[&str]) -> Result<Self> {
        match args {
            [] => Ok(Self::default()),
            ["--keep", rest @ ..] => Ok(Self { keep: true, ..Self::parse(rest)? }),
            ["--only", name, rest @ ..] => Ok(Self { only: Some((*name).to_owned()), ..Self::parse(rest)? }),
            [other, ..] => Err(format!("expected `--only NAME` or `--keep`, got `{other}`")),
        }
    }

    /// Those of `scripts` that are asked for.
    fn choose<'a, T>(&self, scripts: &'a [T], name: impl Fn(&T) -> &str) -> Result<Vec<&'a T>> {
        let Some(only) = &self.only else { return Ok(scripts.iter().collect()) };
        match scripts.iter().find(|script| name(script) == only) {
            Some(script) => Ok(vec![script]),
            None => {
                let known: Vec<&str> = scripts.iter().map(name).collect();
                Err(format!("unknown script `{only}`\n\nhint: known are {}", known.join(", ")))
            }
        }
    }
}

/// Runs both directions of the scripts in the checkout at `root`; says each step on stderr and the outcome on stdout.
///
/// # Errors
/// If something differs or cannot be run.
pub fn parity_data(root: &Path, options: &ParityOptions) -> Result<()> {
    all_ways(root, options, ("data", DATA))
}

/// Compares our worlds with those of other packages, made just now; says each step on stderr and the outcome on stdout.
///
/// # Errors
/// If something differs or cannot be run.
pub fn parity_env(root: &Path, options: &ParityOptions) -> Result<()> {
    all_ways(root, options, ("env", ENV))
}

fn all_ways(root: &Path, options: &ParityOptions, (kind, scripts): (&str, &'static [Script])) -> Result<()> {
    let work = Work::new(root);
    let asked = options.choose(scripts, |script| script.name)?;
    let mut outcomes = Vec::new();
    for library in LIBRARIES {
        let mut scripts = asked.iter().filter(|script| script.library == library.name).peekable();
        if scripts.peek().is_none() {
            continue;
        }
        let python = work.install(library);
        for script in scripts {
            outcomes.push((*script, python.clone().and_then(|python| work.both_ways(kind, script, &python))));
        }
        work.tidy_up(options, library.name);
    }
    work.tidy_up(options, MADE);
    summary(&outcomes)
}

/// Measures the loaders of other libraries and ours in turns; the figures go to stdout.
///
/// # Errors
/// If something cannot be run.
pub fn parity_speed(root: &Path, options: &ParityOptions) -> Result<()> {
    let work = Work::new(root);
    for Race { name, library, bench } in options.choose(SPEED, |race| race.name)? {
        let bench = work.build_bench(*bench)?;
        let library = LIBRARIES.iter().find(|known| known.name == *library);
        let library = library.expect("a test looks each of them up");
        let python = work.install(library)?;
        let script = root.join(format!("benches/peers/{name}.py"));
        let mut command = Command::new(&python);
        run(name, command.arg(script).arg(&bench).current_dir(root))?;
        work.tidy_up(options, library.name);
    }
    Ok(())
}

fn summary(outcomes: &[(&Script, Result<()>)]) -> Result<()> {
    println!("{:<12} {:<18} {:<6} {:<6} outcome", "script", "library", "read", "write");
    for (script, outcome) in outcomes {
        let write = if script.checks { "yes" } else { "none" };
        let outcome = outcome.as_ref().map_or_else(String::as_str, |()| "same");
        println!("{:<12} {:<18} {:<6} {:<6} {outcome}", script.name, script.library, "yes", write);
    }
    match outcomes.iter().filter(|(_, outcome)| outcome.is_err()).count() {
        0 => Ok(()),
        n => Err(format!("parity: {n} of {} scripts found a difference or did not run", outcomes.len())),
    }
}

/// The folder of fixtures that were just made.
const MADE: &str = "made";

/// Where things are.
struct Work<'a> {
    root: &'a Path,
    /// Where cargo's tests leave files.
    tmp: PathBuf,
    /// Virtual environments and fixtures that were just made.
    dir: PathBuf,
}

impl<'a> Work<'a> {
    fn new(root: &'a Path) -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Self { root, tmp: target.join("tmp"), dir: target.join("parity") }
    }

    /// Removes a folder that nobody wants to keep.
    fn tidy_up(&self, options: &ParityOptions, name: &str) {
        if !options.keep {
            let _ = fs::remove_dir_all(self.dir.join(name));
        }
    }

    /// The bench that `benches/peers` asks for our side.
    fn build_bench(&self, [package, bench]: [&str; 2]) -> Result<PathBuf> {
        let mut command = Command::new("cargo");
        command.args(["bench", "--package", package, "--bench", bench, "--no-run"]);
        command.arg("--message-format=json-render-diagnostics").current_dir(self.root);
        let built =
            command.stderr(Stdio::inherit()).output().map_err(|err| format!("cannot run cargo: {err}"))?;
        let text = String::from_utf8_lossy(&built.stdout);
        let mut programs = text.lines().filter_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            message["executable"].as_str().map(PathBuf::from)
        });
        programs.next_back().ok_or_else(|| format!("cannot build the bench `{bench}`"))
    }

    /// The Python of a virtual environment with the packages of `library`, which is made if it is not there.
    fn install(&self, library: &Library) -> Result<PathBuf> {
        let venv = self.dir.join(library.name);
        let python = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        // Written last, so that an installation that was cut short starts anew.
        let stamp = venv.join("packages.txt");
        let packages = library.packages.join("\n");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == packages) {
            return Ok(python);
        }
        let _ = fs::remove_dir_all(&venv);
        let found = ["python3", "python"].into_iter().find(|name| {
            let version =
                Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            version.is_ok_and(|status| status.success())
        });
        let system = found.ok_or(
            "expected a `python3` on the path, found none\n\nhint: install Python 3.11, for example `apt-get install python3 python3-venv`",
        )?;
        step(library.name, Command::new(system).args(["-m", "venv"]).arg(&venv))?;
        step(
            library.name,
            Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(library.packages),
        )?;
        fs::write(&stamp, packages).map_err(|err| format!("cannot write: {err}: {}", stamp.display()))?;
        Ok(python)
    }

    /// The library writes and our tests read; what they wrote the library opens.
    fn both_ways(&self, kind: &str, script: &Script, python: &Path) -> Result<()> {
        let path = self.root.join(format!("tests/parity/{kind}/{}.py", script.name));
        let run_script = |what: &str, dir: &Path| {
            step(script.name, Command::new(python).arg(&path).arg(what).arg(dir).current_dir(self.root))
        };
        let made = self.dir.join(MADE);
        run_script("make", &made.join(script.name))?;
        let mut tests = Command::new("cargo");
        tests.args(["test", "--quiet"]).args(script.tests).current_dir(self.root);
        tests.env("WORLDSMITH_FIXTURES", &made);
        step(script.name, &mut tests)?;
        if script.checks { run_script("check", &self.tmp.join(script.name)) } else { Ok(()) }
    }
}

/// Runs `command` with its words on stderr.
fn step(name: &str, command: &mut Command) -> Result<()> {
    run(name, command.stdout(std::io::stderr()))
}

/// Says what is run, and runs it.
fn run(name: &str, command: &mut Command) -> Result<()> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    eprintln!("{name}: {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("failed: {line}")),
        Err(err) => Err(format!("cannot run: {err}: {line}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_has_an_entry_and_every_entry_a_script_and_a_library() {
        // Started by hand: it needs no library but Gymnasium, and the tests that read it are slow ones.
        let by_hand = "bridge";
        for (kind, scripts) in [("data", DATA), ("env", ENV)] {
            let mut found: Vec<String> = fs::read_dir(crate::root().join("tests/parity").join(kind))
                .unwrap()
                .filter_map(|entry| {
                    entry.unwrap().file_name().to_str()?.strip_suffix(".py").map(str::to_owned)
                })
                .filter(|name| name != by_hand)
                .collect();
            let mut listed: Vec<&str> = scripts.iter().map(|script| script.name).collect();
            found.sort();
            listed.sort_unstable();
            assert_eq!(found, listed);
        }
        let libraries = DATA.iter().chain(ENV).map(|script| script.library);
        for wanted in libraries.chain(SPEED.iter().map(|race| race.library)) {
            assert!(LIBRARIES.iter().any(|library| library.name == wanted), "{wanted}");
        }
        for Race { name, .. } in SPEED {
            assert!(crate::root().join(format!("benches/peers/{name}.py")).is_file(), "{name}");
        }
    }

    #[test]
    fn versions_are_pinned() {
        for package in LIBRARIES.iter().flat_map(|library| library.packages) {
            assert!(package.contains("==") || package.starts_with("--"), "{package}");
        }
    }

    #[test]
    fn options_are_known_names_or_refused() {
        let both = ParityOptions { only: Some("zarr".to_owned()), keep: true };
        assert_eq!(ParityOptions::parse(&["--keep", "--only", "zarr"]), Ok(both));
        assert!(ParityOptions::parse(&["--only"]).is_err());
        let slip = ParityOptions { only: Some("zar".to_owned()), keep: false };
        assert!(slip.choose(DATA, |script| script.name).err().unwrap().contains("known are blosc, zarr"));
        assert_eq!(ParityOptions::default().choose(SPEED, |race| race.name).unwrap().len(), SPEED.len());
    }
}
