//! Playing over the socket: frames, commands, limits.

use std::sync::Arc;

use worldsmith::Error;

use crate::client::Server;

const RESET: [u8; 9] = [2, 5, 0, 0, 0, 0, 0, 0, 0];
const PAUSED: u8 = 8;

#[test]
fn a_player_is_greeted_and_starts_paused() {
    let server = Server::start(|_| {});
    let mut client = server.connect("", None).unwrap();
    let hello = client.words();
    assert_eq!(hello["env"], "paddle-ball");
    assert_eq!(hello["actions"], serde_json::json!(["noop", "left", "right"]));
    assert_eq!(hello["idle"], 0);
    assert_eq!(hello["agent"], "follower");
    let first = client.frame();
    assert_eq!((first.step, first.flags & PAUSED, first.action), (0, PAUSED, u16::MAX));
}

#[test]
fn frames_change_with_the_actions_of_the_player() {
    let server = Server::start(|_| {});
    let mut client = server.player();
    let mut play = |action: u8| {
        client.send(&RESET);
        let start = client.frame();
        assert_eq!((start.step, start.seed), (0, 5));
        let last = (0..8).map(|_| client.step(action)).last().unwrap();
        assert_eq!((last.step, last.action), (8, u16::from(action)));
        last.pictures
    };
    let (left, right, again) = (play(1), play(2), play(1));
    assert_ne!(left, right);
    assert_eq!(left, again);
}

#[test]
fn the_game_goes_on_by_itself_until_it_is_paused() {
    let server = Server::start(|_| {});
    let mut client = server.player();
    client.send(&[7, 60]);
    client.send(&[5, 1]);
    client.send(&[3, 0]);
    let mut last = client.frame();
    while last.step < 10 {
        let next = client.frame();
        assert!(next.step >= last.step);
        last = next;
    }
    client.send(&[3, 1]);
    while client.frame().flags & PAUSED == 0 {}
    client.send(&[10, 7, 0, 0, 0]);
    assert_eq!(client.pong(), [2, 7, 0, 0, 0]);
}

#[test]
fn anchoring_keeps_the_surprise_of_a_wrong_model_down() {
    let server = Server::start(|_| {});
    let mut client = server.player();
    let mut worst = |every: u8| {
        client.send(&[6, every, 0]);
        client.send(&RESET);
        client.frame();
        (0..30).map(|_| client.step(0).surprise).fold(0.0, f32::max)
    };
    let (free, anchored) = (worst(0), worst(1));
    assert!(anchored < 0.5 * free, "anchored {anchored}, free {free}");
}

#[test]
fn malformed_messages_are_answered_and_the_session_goes_on() {
    let server = Server::start(|_| {});
    let mut client = server.player();
    let bad: [&[u8]; 6] = [&[], &[77], &[1], &[5, 9], &[1, 200, 0], &[7, 61]];
    for bytes in bad {
        client.send(bytes);
        let answer = client.words();
        assert_eq!((&answer["type"], &answer["fatal"]), (&"error".into(), &false.into()), "{bytes:?}");
    }
    client.say("hello?");
    assert_eq!(client.words()["message"], "expected a binary message, got text");
    assert_eq!(client.step(1).step, 1);
}

#[test]
fn an_agent_that_does_not_exist_is_refused_in_words() {
    let server = Server::start(|o| o.factory = crate::paddle::factory(0.0, false));
    let mut client = server.player();
    client.send(&[5, 1]);
    assert_eq!(client.words()["message"], "expected a run with an agent, got a world model alone");
    assert_eq!(client.step(1).step, 1);
}

#[test]
fn one_session_too_many_is_refused_and_its_place_is_free_again_later() {
    let server = Server::start(|o| o.max_sessions = 1);
    let first = server.player();
    let mut second = server.connect("", None).unwrap();
    let refusal = second.words();
    assert_eq!((&refusal["message"], &refusal["fatal"]), (&"all 1 sessions are taken".into(), &true.into()));
    assert_eq!(second.close_code(), 1013);
    assert_eq!(server.metric("worldsmith_sessions_refused_total"), 1);
    drop(first);
    server.until("worldsmith_sessions_open", |n| n == 0);
    server.player();
}

#[test]
fn a_message_that_is_too_long_ends_the_connection_with_a_reason() {
    let server = Server::start(|o| o.max_message_bytes = 64);
    let mut client = server.player();
    client.send(&[0; 65]);
    let answer = client.words();
    assert_eq!(answer["hint"], "a message has at most 64 bytes");
    assert_eq!(client.close_code(), 1009);
}

#[test]
fn a_client_that_does_not_read_misses_frames_instead_of_filling_memory() {
    let server = Server::start(|_| {});
    let mut client = server.player();
    client.send(&[7, 60]);
    client.send(&[3, 0]);
    // Far more pictures than the system's socket buffers hold: the server can no longer send.
    const RESETS: u32 = 3000;
    (0..RESETS).for_each(|_| client.send(&RESET));
    let (mut sent, mut made) = (0, 0);
    while sent != server.metric("worldsmith_frames_sent_total") {
        sent = server.metric("worldsmith_frames_sent_total");
        made = server.until("worldsmith_step_seconds_count", |n| n >= made + 15);
    }
    // Nothing was sent during 15 steps, so at least 14 of their frames must be missing.
    let mut frame = client.frame();
    while frame.episode < RESETS {
        frame = client.frame();
    }
    assert!(frame.dropped >= 14, "{} dropped", frame.dropped);
}

#[test]
fn a_run_that_does_not_load_is_told_to_the_player_and_the_server_lives_on() {
    let broken = || Err(Error::invalid("expected a run, got none").hint("train one"));
    let server = Server::start(|o| o.factory = Arc::new(broken));
    let mut client = server.connect("", None).unwrap();
    let answer = client.words();
    assert_eq!(
        (&answer["message"], &answer["hint"]),
        (&"expected a run, got none".into(), &"train one".into())
    );
    assert_eq!(client.close_code(), 1011);
    assert_eq!(server.get("/healthz", &[]).0, 200);
}

#[test]
fn a_session_that_panics_takes_nobody_with_it() {
    let server = Server::start(|o| o.factory = Arc::new(|| panic!("on purpose")));
    let mut client = server.connect("", None).unwrap();
    assert_eq!(client.words()["fatal"], true);
    assert_eq!(client.close_code(), 1011);
    server.until("worldsmith_sessions_open", |n| n == 0);
}

#[test]
fn the_stop_flag_says_goodbye_to_players_and_ends_the_server() {
    let server = Server::start(|_| {});
    let mut client = server.player();
    server.ask_to_stop();
    assert_eq!(client.close_code(), 1001);
    server.stop().unwrap();
}
