//! What this machine offers and what is missing, found by looking.

use std::path::Path;
use std::process::Command;

use serde::Serialize;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// Version of worldsmith.
    pub version: &'static str,
    /// Operating system and processor family, such as `linux-x86_64`.
    pub platform: String,
    /// Processor cores this process may use.
    pub cores: usize,
    /// Vector instructions that the kernels can use here.
    pub cpu_features: Vec<&'static str>,
    /// Memory of the machine, in MiB, where the system tells.
    pub memory_mib: Option<u64>,
    /// Memory still free for programs, in MiB, where the system tells.
    pub memory_free_mib: Option<u64>,
    /// Free space where runs would be written, in MiB, where the system tells.
    pub disk_free_mib: Option<u64>,
    /// Whether this program was built with a GPU backend.
    pub gpu: bool,
    /// The Python that the Gymnasium bridge would use, if any.
    pub python: Option<Python>,
}

/// A Python interpreter and the packages the Gymnasium bridge can use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Python {
    /// Command that starts it.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Package and version, or `None` where it is not installed.
    pub packages: Vec<(String, Option<String>)>,
}

const PACKAGES: [&str; 4] = ["numpy", "gymnasium", "minigrid", "ale_py"];

/// Looks at this machine; `runs` is the folder runs would be written to.
pub fn doctor(runs: &Path) -> Health {
    Health {
        version: env!("CARGO_PKG_VERSION"),
        platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        cpu_features: cpu_features(),
        memory_mib: meminfo("MemTotal:"),
        memory_free_mib: meminfo("MemAvailable:"),
        disk_free_mib: disk_free_mib(runs),
        gpu: cfg!(feature = "vulkan"),
        python: python(),
    }
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    let found = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ];
    found.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_features() -> Vec<&'static str> {
    if cfg!(target_arch = "aarch64") { vec!["neon"] } else { Vec::new() }
}

fn meminfo(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Free space by POSIX `df`, at `path` or the nearest folder above it that exists.
fn disk_free_mib(path: &Path) -> Option<u64> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.ancestors().find(|p| p.exists())?;
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let available = text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()?;
    Some(available / 1024)
}

/// The first Python that runs, looked for where the Gymnasium bridge looks.
fn python() -> Option<Python> {
    let named = std::env::var("WORLDSMITH_PYTHON").ok();
    let active = std::env::var("VIRTUAL_ENV").ok().map(|dir| format!("{dir}/bin/python"));
    let usual = ["python3", "python"].map(|name| Some(name.to_string()));
    [named, active].into_iter().chain(usual).flatten().find_map(ask)
}

/// Asks a Python which packages it can import, without importing them.
fn ask(program: String) -> Option<Python> {
    let script = format!(
        "import sys, importlib.util as u, importlib.metadata as m\nprint(sys.version.split()[0])\n\
         for p in {PACKAGES:?}:\n    if u.find_spec(p): print(p, m.version(p.replace('_', '-')))"
    );
    let output = Command::new(&program).args(["-c", &script]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut lines = text.lines();
    let version = lines.next()?.to_string();
    let found: Vec<(&str, &str)> = lines.filter_map(|l| l.split_once(' ')).collect();
    let version_of = |name: &str| found.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string());
    let packages = PACKAGES.iter().map(|name| (name.to_string(), version_of(name))).collect();
    Some(Python { program, version, packages })
}
