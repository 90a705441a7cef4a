//! Plays 600 steps over the WebSocket of a running server, each as soon as the last one's frame is here, and prints
//! frames per second, the latency of a step as the player feels it, and the bytes of a frame.
//!
//!     cargo run --release -p worldsmith-server --example bench -- ws://127.0.0.1:7860/ws [steps] [you|agent|random]

use std::error::Error;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tungstenite::{Message, WebSocket};

const WARM_UP: usize = 30;
const PAUSE: [u8; 2] = [3, 1];
const STEP: [u8; 1] = [4];
const AUTO_RESET: [u8; 2] = [8, 1];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let url = args.next().unwrap_or_else(|| "ws://127.0.0.1:7860/ws".into());
    let n_steps: usize = args.next().map_or(Ok(600), |n| n.parse())?;
    if n_steps == 0 {
        return Err("expected at least one step, got 0".into());
    }
    let who = match args.next().as_deref() {
        None | Some("random") => 2,
        Some("agent") => 1,
        Some("you") => 0,
        Some(other) => return Err(format!("expected `you`, `agent` or `random`, got `{other}`").into()),
    };
    let mut socket = connect(&url)?;
    next_frame(&mut socket)?;
    for message in [&PAUSE[..], &AUTO_RESET, &[5, who]] {
        socket.send(Message::binary(message.to_vec()))?;
    }
    next_frame(&mut socket)?;
    for _ in 0..WARM_UP {
        step(&mut socket)?;
    }
    let mut latencies = Vec::with_capacity(n_steps);
    let (mut model, mut bytes) = (Duration::ZERO, 0);
    let begun = Instant::now();
    for _ in 0..n_steps {
        let asked = Instant::now();
        let frame = step(&mut socket)?;
        latencies.push(asked.elapsed());
        model += Duration::from_micros(u64::from(u32::from_le_bytes(frame[20..24].try_into()?)));
        bytes += frame.len();
    }
    let wall = begun.elapsed();
    latencies.sort();
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    let at = |share: f64| ms(latencies[((n_steps - 1) as f64 * share) as usize]);
    println!("steps        {n_steps}");
    println!("frames/s     {:.1}", n_steps as f64 / wall.as_secs_f64());
    println!("latency ms   p50 {:.2}  p99 {:.2}  max {:.2}", at(0.5), at(0.99), at(1.0));
    println!("in the model {:.2} ms a step", ms(model) / n_steps as f64);
    println!("a frame      {} bytes", bytes / n_steps);
    Ok(())
}

fn connect(url: &str) -> Result<WebSocket<TcpStream>> {
    let address = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next());
    let address = address.ok_or_else(|| format!("expected `ws://host:port/ws`, got `{url}`"))?;
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(tungstenite::client(url, stream)?.0)
}

fn step(socket: &mut WebSocket<TcpStream>) -> Result<Vec<u8>> {
    socket.send(Message::binary(STEP.to_vec()))?;
    next_frame(socket)
}

fn next_frame(socket: &mut WebSocket<TcpStream>) -> Result<Vec<u8>> {
    loop {
        match socket.read()? {
            Message::Binary(bytes) if bytes[0] == 1 => return Ok(bytes.to_vec()),
            Message::Text(words) if words.contains("\"error\"") => return Err(words.to_string().into()),
            Message::Close(_) => return Err("the server closed the connection".into()),
            _ => {}
        }
    }
}
