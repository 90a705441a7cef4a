//! `worldsmith play` and `worldsmith serve`: the page on which a run is played.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use worldsmith::{Loaded, Result, Seed, Stop};
use worldsmith_server::{Info, ServeOptions, serve};

use crate::output::{self, say};
use crate::signals;

/// Play a run's dream in the browser, beside the real game
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: worldsmith play runs/quickstart")]
pub struct Args {
    /// Run folder or checkpoint folder
    run: PathBuf,
    /// Address to listen on; any but loopback demands a token
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    host: IpAddr,
    /// Port to listen on; 0 takes any free one
    #[arg(long, default_value_t = 7860)]
    port: u16,
    /// Secret that clients must show
    #[arg(long)]
    token: Option<String>,
    /// Players at once
    #[arg(long, default_value_t = 4, value_name = "N")]
    max_sessions: usize,
}

pub fn run(args: &Args, json: bool, open: bool) -> Result<ExitCode> {
    let stop = signals::stop_on_ctrl_c()?;
    let loaded = worldsmith::load(&args.run)?;
    loaded.warnings().iter().for_each(|w| say(&format!("warning: {w}")));
    // What would fail for every player should fail here.
    loaded.session(Seed(0))?;
    let run = args.run.clone();
    let factory = Arc::new(move || worldsmith::load(&run)?.session(Seed(0)));
    let options = ServeOptions {
        bind: SocketAddr::new(args.host, args.port),
        token: args.token.clone(),
        max_sessions: args.max_sessions,
        stop: flag(&stop),
        ..ServeOptions::new(info(&loaded), factory)
    };
    serve(options, |address| announce(address, args.token.as_deref(), json, open))?;
    Ok(ExitCode::SUCCESS)
}

fn info(loaded: &Loaded) -> Info {
    let config = loaded.config();
    let fact = |name: &str, value: String| (name.to_string(), value);
    Info {
        env: loaded.spec().id.clone(),
        action_names: loaded.spec().action_names.clone(),
        recipe: config.recipe.clone(),
        facts: BTreeMap::from([
            fact("preset", config.preset.clone()),
            fact("seed", config.seed.to_string()),
            fact("steps", config.run.steps.to_string()),
            fact("checkpoint", loaded.dir().file_name().unwrap_or_default().to_string_lossy().into_owned()),
        ]),
    }
}

/// The server's flag, set when `stop` is.
fn flag(stop: &Stop) -> Arc<AtomicBool> {
    let (flag, stop) = (Arc::new(AtomicBool::new(false)), stop.clone());
    let set = flag.clone();
    thread::spawn(move || {
        while !stop.asked() {
            thread::sleep(Duration::from_millis(50));
        }
        set.store(true, Ordering::SeqCst);
    });
    flag
}

/// Says where the page is and, if asked to, opens it.
fn announce(address: SocketAddr, token: Option<&str>, json: bool, open: bool) {
    let query = token.map_or(String::new(), |t| format!("?token={t}"));
    let url = format!("http://{address}/{query}");
    if json {
        // The reader of stdout waits for this line; nothing else can be done if it left.
        let _ = output::data(true, &serde_json::json!({ "url": url }), |_| String::new());
    } else {
        say(&format!("playing at {url} (ctrl-c ends)"));
    }
    if open && !open_browser(&url) {
        say("open that address in a browser");
    }
}

/// Whether a program took the address.
fn open_browser(url: &str) -> bool {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}
