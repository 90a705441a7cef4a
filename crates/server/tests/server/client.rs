//! A server on a free port and a player who talks to it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};
use worldsmith::Result;
use worldsmith_server::{ServeOptions, serve};

use crate::paddle;

/// Only a broken server makes a client wait so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; stops when dropped.
pub struct Server {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Server {
    /// Serves the toy, its model a little wrong, with options changed by `change`.
    pub fn start(change: impl FnOnce(&mut ServeOptions)) -> Self {
        let mut options = ServeOptions::new(paddle::info(), paddle::factory(0.06, true));
        options.bind = SocketAddr::from(([127, 0, 0, 1], 0));
        change(&mut options);
        let stop = options.stop.clone();
        let (ready, address) = mpsc::channel();
        let thread = std::thread::spawn(move || serve(options, |a| ready.send(a).unwrap()));
        let address = address.recv().expect("the server starts");
        Self { address, stop, thread: Some(thread) }
    }

    /// Sets the stop flag without waiting.
    pub fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Stops, and says how [`serve`] ended.
    pub fn stop(mut self) -> Result<()> {
        self.ask_to_stop();
        self.thread.take().unwrap().join().expect("no panic")
    }

    /// Status and whole answer of a GET with extra header lines.
    pub fn get(&self, path: &str, headers: &[&str]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|h| h.starts_with("host:")) {
            request += &format!("host: {}\r\n", self.address);
        }
        headers.iter().for_each(|h| request += &format!("{h}\r\n"));
        write!(stream, "{request}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer[9..12].parse().unwrap(), answer)
    }

    /// A number from `/metrics`.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics", &[]).1;
        let line = text.lines().find(|l| l.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Asks `/metrics` again and again until `test` is content with the number called `name`; returns it.
    pub fn until(&self, name: &str, test: impl Fn(u64) -> bool) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.metric(name);
            if test(value) {
                return value;
            }
            assert!(Instant::now() < deadline, "{name} stays {value}");
        }
    }

    /// Opens `/ws`, or says the HTTP status that refused it.
    pub fn connect(&self, query: &str, origin: Option<&str>) -> std::result::Result<Client, u16> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut request = format!("ws://{}/ws{query}", self.address).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Client { socket }),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(answer.status().as_u16())
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// A player who was greeted and has seen the first frame.
    pub fn player(&self) -> Client {
        let mut client = self.connect("", None).expect("let in");
        assert_eq!(client.words()["type"], "hello");
        assert_eq!(client.frame().step, 0);
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A connected player.
pub struct Client {
    socket: WebSocket<TcpStream>,
}

/// What a frame message says, as far as tests care.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub flags: u8,
    pub action: u16,
    pub step: u32,
    pub episode: u32,
    pub dropped: u32,
    pub seed: u64,
    pub surprise: f32,
    /// Both pictures as they were sent.
    pub pictures: Vec<u8>,
}

impl Client {
    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.send(Message::binary(bytes.to_vec())).unwrap();
    }

    pub fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// Holds `action`, takes one step and returns its frame.
    pub fn step(&mut self, action: u8) -> Frame {
        self.send(&[1, action, 0]);
        self.send(&[4]);
        self.frame()
    }

    /// The next frame, whatever comes before it.
    pub fn frame(&mut self) -> Frame {
        loop {
            if let Message::Binary(bytes) = self.socket.read().unwrap()
                && bytes[0] == 1
            {
                return parse(&bytes);
            }
        }
    }

    /// The next text message, whatever comes before it.
    pub fn words(&mut self) -> serde_json::Value {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The next binary message that is no frame.
    pub fn pong(&mut self) -> Vec<u8> {
        loop {
            if let Message::Binary(bytes) = self.socket.read().unwrap()
                && bytes[0] != 1
            {
                return bytes.to_vec();
            }
        }
    }

    /// The code the server closes with, whatever comes before it.
    pub fn close_code(&mut self) -> u16 {
        loop {
            match self.socket.read() {
                Ok(Message::Close(frame)) => return frame.map_or(CloseCode::Status, |f| f.code).into(),
                Ok(_) => {}
                Err(error) => panic!("expected to be told goodbye, got {error}"),
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Frame {
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    Frame {
        flags: bytes[1],
        action: u16::from_le_bytes([bytes[4], bytes[5]]),
        step: u32_at(8),
        episode: u32_at(16),
        dropped: u32_at(24),
        seed: u64::from_le_bytes(bytes[28..36].try_into().unwrap()),
        surprise: f32::from_bits(u32_at(56)),
        pictures: bytes[64..].to_vec(),
    }
}
