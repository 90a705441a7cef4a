//! Opening the door: options, binding, and stopping on a flag.

use std::collections::BTreeMap;
use std::io::ErrorKind as IoKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::serve::ListenerExt;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use worldsmith::{Error, ErrorKind, Result, Session};

use crate::guard::Guard;
use crate::http;
use crate::metrics::Metrics;

/// Makes the session of a new connection, on a thread of its own: load the run's checkpoint, make its environment.
pub type SessionFactory = Arc<dyn Fn() -> Result<Session> + Send + Sync>;

/// Shortest token that is accepted, in bytes.
const MIN_TOKEN_LEN: usize = 8;
/// Messages from a player are a few bytes long; less room than this would refuse some of them.
const MIN_MESSAGE_BYTES: usize = 64;
/// How often the stop flag is looked at.
const STOP_POLL: Duration = Duration::from_millis(50);
/// How long open connections may take to say goodbye.
const GRACE: Duration = Duration::from_secs(5);

/// How to serve a run.
#[derive(Clone)]
pub struct ServeOptions {
    /// Address to listen on; port 0 takes any free one. Anything but loopback demands a token.
    pub bind: SocketAddr,
    /// What a client must show, as `?token=` or `authorization: bearer`, to get past the bare page.
    pub token: Option<String>,
    /// Sessions open at once; one more is refused.
    pub max_sessions: usize,
    /// Longest message taken from a client, in bytes.
    pub max_message_bytes: usize,
    /// Makes the session of a new connection.
    pub factory: SessionFactory,
    /// What `/api/info` tells.
    pub info: Info,
    /// Set it to make [`serve`] say goodbye and return.
    pub stop: Arc<AtomicBool>,
}

impl ServeOptions {
    /// Loopback port 7860, no token, 4 sessions, messages of at most 1 KiB.
    pub fn new(info: Info, factory: SessionFactory) -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 7860)),
            token: None,
            max_sessions: 4,
            max_message_bytes: 1024,
            factory,
            info,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    fn check(&self) -> Result<()> {
        let bind = self.bind;
        match &self.token {
            None if !bind.ip().is_loopback() => {
                let message =
                    format!("expected a token to listen on `{bind}`, which others can reach, got none");
                return Err(Error::invalid(message).hint("give `--token`, or listen on `127.0.0.1`"));
            }
            Some(token) if token.len() < MIN_TOKEN_LEN => {
                let message =
                    format!("expected a token of at least {MIN_TOKEN_LEN} bytes, got {}", token.len());
                return Err(Error::invalid(message));
            }
            _ => {}
        }
        if self.max_sessions == 0 {
            return Err(Error::invalid("expected room for at least one session, got 0"));
        }
        if self.max_message_bytes < MIN_MESSAGE_BYTES {
            let got = self.max_message_bytes;
            return Err(Error::invalid(format!(
                "expected at least {MIN_MESSAGE_BYTES} bytes a message, got {got}"
            )));
        }
        Ok(())
    }
}

/// What `/api/info` tells of the run that is served.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Info {
    /// Id of the environment.
    pub env: String,
    /// Names of the discrete actions, in order.
    pub action_names: Vec<String>,
    /// Recipe of the world model.
    pub recipe: String,
    /// Anything else worth telling: preset, steps, checkpoint, return, ...
    pub facts: BTreeMap<String, String>,
}

/// What every connection shares.
pub(crate) struct Shared {
    pub options: ServeOptions,
    pub guard: Guard,
    pub metrics: Metrics,
    /// Sessions open now.
    pub n_open: AtomicUsize,
    /// Becomes true when everybody is asked to leave.
    pub closing: watch::Receiver<bool>,
}

/// Serves until [`ServeOptions::stop`] is set; `on_ready` gets the address once connections are taken.
///
/// # Errors
/// [`ErrorKind::Invalid`] for options that do not hold together; [`ErrorKind::Io`] when the port is in use or not
/// allowed.
pub fn serve(options: ServeOptions, on_ready: impl FnOnce(SocketAddr)) -> Result<()> {
    options.check()?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_io()
        .enable_time()
        .build()
        .map_err(|e| Error::new(ErrorKind::Io, format!("cannot start the server's threads: {e}")))?;
    let served = run(&runtime, options, on_ready);
    runtime.shutdown_timeout(GRACE);
    served
}

fn run(runtime: &Runtime, options: ServeOptions, on_ready: impl FnOnce(SocketAddr)) -> Result<()> {
    runtime.block_on(async {
        let listener = TcpListener::bind(options.bind).await.map_err(|e| cannot_listen(options.bind, &e))?;
        let address = listener.local_addr().map_err(|e| cannot_listen(options.bind, &e))?;
        let stop = options.stop.clone();
        let (close, closing) = watch::channel(false);
        let mut leaving = closing.clone();
        let shared = Arc::new(Shared {
            guard: Guard::new(options.token.clone()),
            metrics: Metrics::default(),
            n_open: AtomicUsize::new(0),
            closing,
            options,
        });
        let seats = shared.clone();
        // A frame is one write: waiting to fill a packet would only add latency.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let server = axum::serve(listener, http::router(shared)).with_graceful_shutdown(async move {
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(STOP_POLL).await;
            }
            close.send_replace(true);
        });
        on_ready(address);
        let farewell = async {
            let served = server.await;
            while seats.n_open.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(STOP_POLL).await;
            }
            served
        };
        let overdue = async {
            let _ = leaving.wait_for(|closing| *closing).await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            done = farewell => done.map_err(|e| Error::new(ErrorKind::Io, format!("the server failed: {e}"))),
            () = overdue => Ok(()),
        }
    })
}

fn cannot_listen(bind: SocketAddr, source: &std::io::Error) -> Error {
    let (why, hint) = match source.kind() {
        IoKind::AddrInUse => {
            ("the port is in use".into(), "choose another with `--port`, or stop the program that has it")
        }
        IoKind::PermissionDenied => {
            ("permission denied".into(), "ports below 1024 are reserved; choose a higher one with `--port`")
        }
        IoKind::AddrNotAvailable => {
            ("this machine has no such address".into(), "`127.0.0.1` always exists; `0.0.0.0` means all")
        }
        _ => (source.to_string(), "choose another address or port"),
    };
    Error::new(ErrorKind::Io, format!("cannot listen on `{bind}`: {why}")).hint(hint)
}
