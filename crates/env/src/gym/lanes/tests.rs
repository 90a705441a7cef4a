//! Workers that answer, die, hang and leave, most of them made of shell.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::greeting::SPEC;
use super::*;
use worldsmith_core::Space;

/// A shell command that answers with `frames`, then reads on for ever (a hang) or leaves with a last word.
fn script(frames: &[Vec<u8>], hangs: bool) -> String {
    let mut bytes = Vec::new();
    for frame in frames {
        bytes.extend((frame.len() as u32).to_le_bytes());
        bytes.extend(frame);
    }
    let octal: String = bytes.iter().map(|b| format!("\\{b:03o}")).collect();
    let end = if hangs { "while read x; do :; done" } else { "echo out of memory >&2; exit 3" };
    format!("printf '{octal}'; {end}")
}

fn spec_frame() -> Vec<u8> {
    let mut out = Writer { bytes: vec![SPEC] };
    out.space(&Space::Discrete { n: 9 });
    out.space(&Space::Discrete { n: 2 });
    out.count(0);
    out.count(0);
    out.bytes
}

fn step_frame(kind: StepKind, obs: i64, reward: f32) -> Vec<u8> {
    let mut out = Writer { bytes: vec![STEPPED, kind as u8] };
    out.f32s(&[reward]);
    out.u64(obs as u64);
    out.bytes
}

/// An environment whose `i`-th worker runs the `i`-th script, the last one for ever.
fn fake(scripts: Vec<String>, id: &str) -> Result<Lanes> {
    let n_started = AtomicUsize::new(0);
    let launch = move || {
        let i = n_started.fetch_add(1, Ordering::Relaxed).min(scripts.len() - 1);
        let mut command = Command::new("sh");
        command.args(["-c", &scripts[i]]);
        vec![command]
    };
    Lanes::launch(&Options::parse(id).unwrap().1, 1, true, Box::new(launch))
}

fn turn(env: &mut Lanes, order: Order<'_>) -> Result<Step> {
    env.begin(&[order])?;
    Ok(env.finish()?.pop().unwrap())
}

fn reset(env: &mut Lanes, seed: u64) -> Result<Step> {
    turn(env, Order::Reset(Seed(seed)))
}

fn go(env: &mut Lanes) -> Result<Step> {
    turn(env, Order::Step(&Value::Discrete(1)))
}

#[test]
fn a_dead_worker_truncates_the_episode_and_the_next_reset_starts_another() {
    use StepKind::{First, Mid, Terminated};
    let dying = [spec_frame(), step_frame(First, 1, 0.0), step_frame(Mid, 2, 0.5)];
    let living = [spec_frame(), step_frame(First, 3, 0.0), step_frame(Terminated, 4, 1.0)];
    let mut env = fake(vec![script(&dying, false), script(&living, true)], "gym:fake").unwrap();
    assert_eq!(reset(&mut env, 0).unwrap(), Step::first(Value::Discrete(1)));
    assert_eq!(go(&mut env).unwrap(), Step::mid(Value::Discrete(2), 0.5));
    assert_eq!(go(&mut env).unwrap(), Step::truncated(Value::Discrete(2), 0.0));
    assert_eq!(go(&mut env).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(reset(&mut env, 1).unwrap(), Step::first(Value::Discrete(3)));
    assert_eq!(go(&mut env).unwrap(), Step::terminated(Value::Discrete(4), 1.0));
}

#[test]
fn a_third_failure_without_a_step_in_between_is_an_error_with_the_workers_last_words() {
    let dying = script(&[spec_frame(), step_frame(StepKind::First, 1, 0.0)], false);
    let mut env = fake(vec![dying], "gym:fake").unwrap();
    for seed in 0..2 {
        reset(&mut env, seed).unwrap();
        assert_eq!(go(&mut env).unwrap().kind, StepKind::Truncated);
    }
    reset(&mut env, 2).unwrap();
    let err = go(&mut env).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::External);
    let message = err.to_string();
    assert!(
        message.starts_with("worker of `gym:fake` failed 3 times in a row; the last one died"),
        "{message}"
    );
    assert!(message.contains("exit status: 3") && message.ends_with("it wrote:\nout of memory"), "{message}");
}

#[test]
fn a_worker_that_is_no_longer_needed_may_close_what_it_has_open() {
    let note = std::env::temp_dir().join(format!("worldsmith-farewell-{}", std::process::id()));
    let living = script(&[spec_frame()], true);
    let closing = format!("{living}; sleep 0.05; echo closed > {}", note.display());
    drop(fake(vec![closing], "gym:fake").unwrap());
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "closed\n");
    std::fs::remove_file(note).unwrap();
}

/// A worker that, once it is let go, waits for the other one of two before it leaves a note.
fn pair(dir: &std::path::Path, own: &str, other: &str) -> Lanes {
    let meet = format!("touch {own}; until [ -e {other} ]; do sleep 0.01; done; touch {own}-met");
    let living = script(&[spec_frame()], true);
    fake(vec![format!("cd {}; {living}; {meet}", dir.display())], "gym:fake").unwrap()
}

#[test]
fn workers_can_be_let_go_side_by_side() {
    let dir = std::env::temp_dir().join(format!("worldsmith-let-go-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let mut both = [pair(&dir, "a", "b"), pair(&dir, "b", "a")];
    both.iter_mut().for_each(Lanes::hang_up);
    drop(both);
    let met = ["a-met", "b-met"].map(|note| dir.join(note).exists());
    std::fs::remove_dir_all(dir).unwrap();
    assert_eq!(met, [true; 2]);
}

#[test]
fn a_worker_that_reports_an_error_may_close_what_it_has_open() {
    let note = std::env::temp_dir().join(format!("worldsmith-error-{}", std::process::id()));
    let mut error = Writer { bytes: vec![ERROR] };
    error.blob(b"");
    error.blob(b"the simulator broke");
    let broken = script(&[spec_frame(), step_frame(StepKind::First, 1, 0.0), error.bytes], true);
    let closing = format!("{broken}; sleep 0.05; echo closed > {}", note.display());
    let mut env = fake(vec![closing], "gym:fake").unwrap();
    reset(&mut env, 0).unwrap();
    assert_eq!(go(&mut env).unwrap().kind, StepKind::Truncated);
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "closed\n");
    std::fs::remove_file(note).unwrap();
}

#[test]
fn a_silent_worker_counts_as_dead() {
    let silent = script(&[spec_frame()], true);
    let mut env = fake(vec![silent], "gym:fake").unwrap();
    env.timeout = Duration::from_millis(50);
    let message = reset(&mut env, 0).unwrap_err().to_string();
    assert!(message.contains("the last one did not answer within 50ms"), "{message}");
}

#[test]
fn a_chatty_or_refusing_worker_is_an_error_that_says_so() {
    let error = |script: String| fake(vec![script], "gym:ALE/Pong-v5").err().unwrap();
    let chatty = error("echo Hello from a chatty package; while read x; do :; done".into());
    assert!(chatty.to_string().contains("sent no proper frame"), "{chatty}");
    let mut refusal = Writer { bytes: vec![ERROR] };
    refusal.blob(b"import");
    refusal.blob(b"Python lacks a package: no module named ale_py");
    let refused = error(script(&[refusal.bytes], true));
    assert_eq!(refused.kind(), ErrorKind::External);
    assert!(refused.to_string().contains("Python lacks a package"), "{refused}");
    assert!(refused.hint_text().unwrap().contains("pip install gymnasium ale-py"));
    let torn = error(script(&[spec_frame()[..4].to_vec()], true));
    assert_eq!(torn.kind(), ErrorKind::Corrupt);
}

/// An environment of a module that lies in the folder `dir`, where the worker starts; `None` unless Python was asked for.
fn at_hand(dir: &std::path::Path) -> Option<Lanes> {
    if !std::env::var("RUN_SLOW").is_ok_and(|v| v == "1") {
        eprintln!("skipped: set RUN_SLOW=1, with gymnasium in $WORLDSMITH_PYTHON, to run it");
        return None;
    }
    let module = "from gymnasium.envs.classic_control import CartPoleEnv\n\
                  class Env(CartPoleEnv):\n    def close(self):\n        open('closed', 'w').close()\n";
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join("own_env.py"), module).unwrap();
    std::fs::write(dir.join("random.py"), "raise RuntimeError('taken for that of Python')\n").unwrap();
    let options = Options::parse("gym:Own?entry=own_env:Env&max_steps=9").unwrap().1;
    let (pythons, dir) = (config::pythons(&options), dir.to_path_buf());
    let launch = move || {
        let mut commands: Vec<Command> = pythons.iter().map(config::command).collect();
        commands.iter_mut().for_each(|command| _ = command.current_dir(&dir));
        commands
    };
    Some(Lanes::launch(&options, 1, false, Box::new(launch)).unwrap())
}

#[test]
fn what_lies_at_hand_is_found_but_not_taken_for_pythons_own() {
    let dir = std::env::temp_dir().join(format!("worldsmith-at-hand-{}", std::process::id()));
    let Some(mut env) = at_hand(&dir) else { return };
    assert_eq!(reset(&mut env, 0).unwrap().kind, StepKind::First);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_worker_whose_answer_nobody_wants_closes_its_environments() {
    let dir = std::env::temp_dir().join(format!("worldsmith-unread-{}", std::process::id()));
    let Some(mut env) = at_hand(&dir) else { return };
    reset(&mut env, 0).unwrap();
    env.begin(&[Order::Step(&Value::Discrete(1))]).unwrap();
    drop(env);
    let is_closed = dir.join("closed").exists();
    std::fs::remove_dir_all(dir).unwrap();
    assert!(is_closed);
}
