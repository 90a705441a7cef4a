//! Sessions without a server: two worlds, one player.

use worldsmith::{
    Actor, Env, EnvSpec, ErrorKind, Frame, Image, Result, Seed, Session, Space, Step, StepKind, Value, World,
};

use crate::paddle;

const LEFT: Actor = Actor::You(Value::Discrete(1));
const STILL: Actor = Actor::You(Value::Discrete(0));

fn exact() -> Session {
    paddle::session(0.0, true, Seed(3)).unwrap()
}

fn wrong() -> Session {
    paddle::session(0.06, true, Seed(3)).unwrap()
}

fn play(session: &mut Session, actor: &Actor, n: usize) -> Vec<Frame> {
    (0..n).map(|_| session.tick(actor).unwrap()).collect()
}

#[test]
fn the_dream_of_an_exact_model_is_what_happens() {
    let frames = play(&mut exact(), &Actor::Agent, 300);
    for frame in &frames {
        assert_eq!(frame.surprise, Some(0.0), "step {}", frame.step);
        assert_eq!(frame.real, frame.dream);
    }
    let last = frames.last().unwrap();
    assert!(last.real.total >= 2.0 && last.horizon == 300, "{} {}", last.real.total, last.horizon);
}

#[test]
fn a_wrong_model_drifts_and_anchoring_brings_it_back() {
    let mean = |frames: &[Frame]| frames.iter().filter_map(|f| f.surprise).sum::<f32>() / frames.len() as f32;
    let free = play(&mut wrong(), &Actor::Agent, 60);
    let mut session = wrong();
    session.settings_mut().anchor_every = 5;
    let anchored = play(&mut session, &Actor::Agent, 60);
    let horizons: Vec<usize> = anchored[..6].iter().map(|f| f.horizon).collect();
    assert_eq!(horizons, [1, 2, 3, 4, 0, 1]);
    assert!(mean(&anchored) < 0.7 * mean(&free), "{} {}", mean(&anchored), mean(&free));
    assert_eq!(free[0].uncertainty, Some(0.06));
}

#[test]
fn the_same_seed_and_inputs_give_the_same_frames() {
    let mut session = wrong();
    let first = play(&mut session, &Actor::Random, 40);
    let again = play(&mut wrong(), &Actor::Random, 40);
    assert_eq!(first, again);
    session.reset(Seed(3)).unwrap();
    let images = |frames: &[Frame]| -> Vec<(Image, Image)> {
        frames.iter().map(|f| (f.real.image.clone(), f.dream.image.clone())).collect()
    };
    assert_eq!(images(&play(&mut session, &Actor::Random, 40)), images(&first));
    session.reset(Seed(4)).unwrap();
    assert_ne!(images(&play(&mut session, &Actor::Random, 40)), images(&first));
}

#[test]
fn worlds_that_ended_stand_still_until_the_pair_is_reset() {
    let mut session = exact();
    let last = play(&mut session, &LEFT, 100).pop().unwrap();
    assert_eq!((last.real.kind, last.dream.kind), (StepKind::Terminated, StepKind::Terminated));
    assert!(last.step < 100);
    assert_eq!(last.predicted_end, 1.0);
    assert_eq!(session.tick(&LEFT).unwrap(), last);
    session.settings_mut().auto_reset = true;
    let fresh = session.tick(&LEFT).unwrap();
    assert_eq!((fresh.step, fresh.episode, fresh.seed), (0, 1, Seed(4)));
    assert_eq!(fresh.real.kind, StepKind::First);
}

/// A session whose dream has ended while the real world goes on.
fn early_end() -> Session {
    for seed in 0..50 {
        let mut session = paddle::session(0.3, true, Seed(seed)).unwrap();
        for _ in 0..200 {
            let frame = session.tick(&Actor::Agent).unwrap();
            if frame.dream.kind.is_last() && !frame.real.kind.is_last() {
                return session;
            }
        }
    }
    panic!("no dream ended early");
}

#[test]
fn a_dream_that_ended_too_early_stands_still_and_is_woken_by_anchoring() {
    let mut session = early_end();
    let before = session.frame().unwrap();
    let still = session.tick(&Actor::Agent).unwrap();
    assert_eq!((&still.dream.image, still.surprise), (&before.dream.image, None));
    assert_ne!(still.real.image, before.real.image);
    session.settings_mut().anchor_every = 1;
    let woken = session.tick(&Actor::Agent).unwrap();
    assert_eq!((woken.dream.kind, woken.horizon), (StepKind::Mid, 0));
    assert!(woken.surprise.is_some());
}

#[test]
fn a_world_left_alone_starts_anew_after_a_while_if_asked_to() {
    let mut session = early_end();
    session.settings_mut().auto_reset = true;
    let frames = play(&mut session, &Actor::Agent, 60);
    assert!(frames.iter().any(|f| f.episode == 1));
}

#[test]
fn the_agent_can_look_at_the_dream_instead() {
    let mut session = wrong();
    let real = play(&mut session, &Actor::Agent, 60);
    session.reset(Seed(3)).unwrap();
    session.settings_mut().agent_sees = World::Dream;
    let dream = play(&mut session, &Actor::Agent, 60);
    let actions = |frames: &[Frame]| frames.iter().map(|f| f.action.clone()).collect::<Vec<_>>();
    assert_ne!(actions(&real), actions(&dream));
}

#[test]
fn impossible_actions_and_missing_agents_are_errors_and_change_nothing() {
    let mut session = paddle::session(0.0, false, Seed(3)).unwrap();
    let before = session.tick(&STILL).unwrap();
    let bad = Actor::You(Value::Discrete(3));
    assert_eq!(session.tick(&bad).unwrap_err().to_string(), "expected Discrete(3), got discrete 3");
    assert_eq!(session.tick(&Actor::Agent).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(session.frame().unwrap(), before);
}

/// An environment of other spaces than the toy's.
struct Other(EnvSpec);

impl Env for Other {
    fn spec(&self) -> &EnvSpec {
        &self.0
    }

    fn reset(&mut self, _: Seed) -> Result<Step> {
        Ok(Step::first(Value::vector(vec![0.0])))
    }

    fn step(&mut self, _: &Value) -> Result<Step> {
        Ok(Step::mid(Value::vector(vec![0.0]), 0.0))
    }
}

#[test]
fn an_environment_and_a_dream_that_do_not_fit_name_both_specs() {
    let spec = EnvSpec {
        id: "other".into(),
        obs: Space::vector(1, -1.0, 1.0),
        action: Space::Discrete { n: 2 },
        action_names: Vec::new(),
        max_steps: None,
    };
    let error =
        Session::new(Box::new(Other(spec)), paddle::dream(0.0).unwrap(), None, Seed(0)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    let text = error.to_string();
    assert!(text.contains("Discrete(2)") && text.contains("Image(64x64x3)"), "{text}");
}
