//! Who gets in: addresses, tokens, hosts, origins; and what the page is made of.

use std::net::SocketAddr;

use worldsmith::ErrorKind;
use worldsmith_server::{ServeOptions, serve};

use crate::client::Server;
use crate::paddle;

const TOKEN: &str = "correct-horse";

fn refused(change: impl FnOnce(&mut ServeOptions)) -> worldsmith::Error {
    let mut options = ServeOptions::new(paddle::info(), paddle::factory(0.0, false));
    options.bind = SocketAddr::from(([127, 0, 0, 1], 0));
    change(&mut options);
    serve(options, |_| panic!("served")).unwrap_err()
}

#[test]
fn an_address_that_others_can_reach_demands_a_token() {
    let open = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = refused(|o| o.bind = open);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "expected a token to listen on `0.0.0.0:0`, which others can reach, got none"
    );
    let error = refused(|o| (o.bind, o.token) = (open, Some("short".into())));
    assert_eq!(error.to_string(), "expected a token of at least 8 bytes, got 5");
}

#[test]
fn a_port_in_use_is_said_plainly() {
    let server = Server::start(|_| {});
    let error = refused(|o| o.bind = server.address);
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.to_string(), format!("cannot listen on `{}`: the port is in use", server.address));
    assert!(error.hint_text().unwrap().contains("--port"));
}

#[test]
fn room_for_nobody_is_refused() {
    assert_eq!(refused(|o| o.max_sessions = 0).kind(), ErrorKind::Invalid);
    assert_eq!(refused(|o| o.max_message_bytes = 1).kind(), ErrorKind::Invalid);
}

#[test]
fn a_token_opens_everything_but_the_bare_page_which_is_open() {
    let server = Server::start(|o| o.token = Some(TOKEN.into()));
    assert_eq!(server.get("/", &[]).0, 200);
    assert_eq!(server.get("/healthz", &[]).0, 200);
    for path in ["/api/info", "/metrics"] {
        assert_eq!(server.get(path, &[]).0, 401, "{path}");
        assert_eq!(server.get(&format!("{path}?token=wrong-horse"), &[]).0, 401, "{path}");
        assert_eq!(server.get(&format!("{path}?token={TOKEN}"), &[]).0, 200, "{path}");
        assert_eq!(server.get(path, &["authorization: Bearer correct-horse"]).0, 200, "{path}");
    }
    assert_eq!(server.connect("", None).err(), Some(401));
    assert!(server.connect(&format!("?token={TOKEN}"), None).is_ok());
}

#[test]
fn pages_of_other_sites_cannot_play_or_read() {
    let server = Server::start(|_| {});
    let own = format!("http://{}", server.address);
    assert!(server.connect("", Some(&own)).is_ok());
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(server.connect("", Some(origin)).err(), Some(403), "{origin}");
    }
    assert_eq!(server.get("/api/info", &["origin: http://evil.example"]).0, 403);
    assert_eq!(server.get("/api/info", &["host: evil.example"]).0, 403);
}

#[test]
fn the_facts_of_the_run_are_told() {
    let server = Server::start(|_| {});
    let (status, answer) = server.get("/api/info", &[]);
    assert_eq!(status, 200);
    let body: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!((&body["env"], &body["facts"]["drift"]), (&"paddle-ball".into(), &"on purpose".into()));
}

#[test]
fn the_page_is_whole_and_asks_nobody_else_for_anything() {
    let server = Server::start(|_| {});
    let (_, index) = server.get("/", &[]);
    assert!(index.contains("content-security-policy: default-src 'none'"), "{index}");
    for asset in ["/style.css", "/app.js", "/keys.js", "/link.js", "/spark.js", "/wire.js"] {
        let (status, text) = server.get(asset, &[]);
        assert_eq!(status, 200, "{asset}");
        assert!(!text.contains("://"), "{asset} names another address");
        for line in text.lines().filter(|l| l.starts_with("import ")) {
            let file = line.split('\'').nth(1).unwrap().trim_start_matches('.');
            assert_eq!(server.get(file, &[]).0, 200, "{asset} imports {file}");
        }
    }
    assert_eq!(server.get("/nothing", &[]).0, 404);
}
