//! A ball, a paddle, and a hand-written world model of them: exact, or wrong on purpose.
//!
//! It stands in for a trained run in tests and in the `toy` example. The model sees pictures only: it finds the ball
//! and the paddle by their colours and the velocity by what it saw before.

use std::sync::Arc;

use burn::prelude::{Device, Tensor};
use burn::tensor::TensorData;
use worldsmith::plan::{
    Dream, Latent, Mode, ModelSpec, Observation, Policy, Prediction, RandomPolicy, WorldModel,
};
use worldsmith::{
    Env, EnvSpec, Episode, EpisodeMeta, Image, Result, Rng, Seed, Session, Space, Step, StepKind, Value,
};
use worldsmith_server::{Info, SessionFactory};

const SIZE: usize = 64;
const BALL: usize = 4;
const PADDLE: usize = 14;
const FLOOR: f32 = (SIZE - 6) as f32;
const BALL_COLOUR: [u8; 3] = [255, 214, 102];
const PADDLE_COLOUR: [u8; 3] = [64, 196, 255];
const BACK_COLOUR: [u8; 3] = [12, 16, 28];

/// The whole state; also the model's latent.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Court {
    x: f32,
    y: f32,
    vx: f32,
    vy: f32,
    paddle: f32,
    lost: bool,
    reward: f32,
}

impl Court {
    fn start(x: f32) -> Self {
        let paddle = (SIZE - PADDLE) as f32 / 2.0;
        Self { x, y: 8.0, vx: 1.0, vy: 1.0, paddle, lost: false, reward: 0.0 }
    }

    /// Moves everything by one step; `action` is noop, left, right.
    fn advance(&mut self, action: usize) {
        let push = [0.0, -2.0, 2.0][action];
        self.paddle = (self.paddle + push).clamp(0.0, (SIZE - PADDLE) as f32);
        let wall = (SIZE - BALL) as f32;
        self.x += self.vx;
        self.y += self.vy;
        if self.x < 0.0 || self.x > wall {
            (self.x, self.vx) = (self.x.clamp(0.0, wall), -self.vx);
        }
        if self.y < 0.0 {
            (self.y, self.vy) = (0.0, -self.vy);
        }
        self.reward = 0.0;
        if self.y + BALL as f32 > FLOOR && self.vy > 0.0 {
            let hit = self.x + BALL as f32 > self.paddle && self.x < self.paddle + PADDLE as f32;
            (self.reward, self.lost) = (f32::from(u8::from(hit)), !hit);
            (self.y, self.vy) = (FLOOR - BALL as f32, -self.vy);
        }
    }

    fn draw(&self) -> Image {
        let mut image = Image::new(SIZE, SIZE, 3);
        image.fill_rect(0, 0, SIZE, SIZE, &BACK_COLOUR);
        image.fill_rect(self.paddle.round() as usize, FLOOR as usize, PADDLE, 3, &PADDLE_COLOUR);
        image.fill_rect(self.x.round() as usize, self.y.round() as usize, BALL, BALL, &BALL_COLOUR);
        image
    }

    fn to_row(self) -> Vec<f32> {
        vec![self.x, self.y, self.vx, self.vy, self.paddle, f32::from(u8::from(self.lost)), self.reward]
    }

    fn from_row(row: &[f32]) -> Self {
        let [x, y, vx, vy, paddle, lost, reward] = row.try_into().expect("seven numbers");
        Self { x, y, vx, vy, paddle, lost: lost > 0.5, reward }
    }
}

/// The game: +1 for each ball struck, over when one is missed.
pub struct PaddleBall {
    spec: EnvSpec,
    court: Court,
}

impl PaddleBall {
    /// A game that waits for its reset.
    pub fn new() -> Self {
        let spec = EnvSpec {
            id: "paddle-ball".into(),
            obs: Space::Image { height: SIZE, width: SIZE, channels: 3 },
            action: Space::Discrete { n: 3 },
            action_names: ["noop", "left", "right"].map(String::from).to_vec(),
            max_steps: None,
        };
        Self { spec, court: Court::start(0.0) }
    }
}

impl Env for PaddleBall {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Seed) -> Result<Step> {
        self.court = Court::start(seed.rng().below(SIZE - BALL) as f32);
        Ok(Step::first(Value::Image(self.court.draw())))
    }

    fn step(&mut self, action: &Value) -> Result<Step> {
        self.spec.action.check(action)?;
        self.court.advance(action.as_discrete().unwrap_or(0) as usize);
        let kind = if self.court.lost { StepKind::Terminated } else { StepKind::Mid };
        Ok(Step { kind, obs: Value::Image(self.court.draw()), reward: self.court.reward })
    }
}

/// A model of [`PaddleBall`]; with `drift` above 0 its ball flies too fast and its pictures are grainy.
struct PaddleModel {
    spec: ModelSpec,
    drift: f32,
    device: Device,
}

impl PaddleModel {
    fn latent(&self, court: Court) -> Latent {
        let row = court.to_row();
        let width = row.len();
        Latent::new(vec![("court", Tensor::from_data(TensorData::new(row, [1, width]), &self.device))])
    }

    fn row<const D: usize>(&self, numbers: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(numbers, shape), &self.device)
    }
}

fn court(latent: &Latent) -> Court {
    Court::from_row(&numbers(latent.get("court")))
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("f32")
}

/// Where `colour` first appears, rows first.
fn find(pixels: &[f32], colour: [u8; 3]) -> Option<(f32, f32)> {
    let alike = |p: &[f32]| p.iter().zip(colour).all(|(x, c)| (x * 255.0 - f32::from(c)).abs() < 2.0);
    let at = pixels.chunks_exact(3).position(alike)?;
    Some(((at % SIZE) as f32, (at / SIZE) as f32))
}

impl WorldModel for PaddleModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn start(&self, _n: usize) -> Latent {
        self.latent(Court::start(0.0))
    }

    fn observe(
        &self,
        latent: &Latent,
        action: Tensor<2>,
        obs: &Observation,
        first: &[bool],
        rng: &mut Rng,
    ) -> Result<Latent> {
        let before = if first[0] { latent.clone() } else { self.imagine(latent, action, rng) };
        let mut now = court(&before);
        let pixels = numbers(obs.images["obs"].clone());
        if let Some((x, y)) = find(&pixels, BALL_COLOUR) {
            (now.x, now.y) = (x, y);
        }
        if let Some((x, _)) = find(&pixels, PADDLE_COLOUR) {
            now.paddle = x;
        }
        now.lost = false;
        Ok(self.latent(now))
    }

    fn imagine(&self, latent: &Latent, action: Tensor<2>, _rng: &mut Rng) -> Latent {
        let mut now = court(latent);
        let action = numbers(action).iter().position(|x| *x > 0.5).unwrap_or(0);
        now.advance(action);
        now.x = (now.x + self.drift * now.vx).clamp(0.0, (SIZE - BALL) as f32);
        self.latent(now)
    }

    fn predict(&self, latent: &Latent, decode: bool) -> Prediction {
        let now = court(latent);
        let obs = decode.then(|| {
            let image = now.draw();
            let mut grain = Seed((now.x * 64.0 + now.y) as u64).rng();
            let noise = if self.drift > 0.0 { 0.02 } else { 0.0 };
            let pixels = image.data.iter().map(|b| f32::from(*b) / 255.0 + noise * grain.normal()).collect();
            let mut obs = Observation::default();
            obs.images.insert("obs".into(), self.row(pixels, [1, SIZE, SIZE, 3]));
            obs
        });
        Prediction {
            reward: self.row(vec![now.reward], [1]),
            cont: self.row(vec![if now.lost { 0.0 } else { 1.0 }], [1]),
            obs,
            uncertainty: (self.drift > 0.0).then(|| self.row(vec![self.drift], [1])),
        }
    }
}

/// Follows the ball.
struct Follower(RandomPolicy);

impl Policy for Follower {
    fn name(&self) -> &str {
        "follower"
    }

    fn start(&self, n: usize) -> Latent {
        self.0.start(n)
    }

    fn act(&self, _: &mut Latent, obs: &[Value], _: &[bool], _: Mode, _: &mut Rng) -> Result<Vec<Value>> {
        let follow = |obs: &Value| {
            let pixels: Vec<f32> =
                obs.image().into_iter().flat_map(|i| &i.data).map(|b| f32::from(*b) / 255.0).collect();
            let (ball, paddle) = (find(&pixels, BALL_COLOUR), find(&pixels, PADDLE_COLOUR));
            let gap = ball.map_or(0.0, |b| b.0) - paddle.map_or(0.0, |p| p.0 + 5.0);
            Value::Discrete(if gap < -1.0 { 1 } else { i64::from(gap > 1.0) * 2 })
        };
        Ok(obs.iter().map(follow).collect())
    }
}

/// A dream of the game; `drift` 0 is exact.
///
/// # Errors
/// Never, unless the toy is broken.
pub fn dream(drift: f32) -> Result<Dream> {
    let mut env = PaddleBall::new();
    let (env_id, policy) = (env.spec.id.clone(), "none".to_string());
    let meta = EpisodeMeta { env: env_id.clone(), policy, seed: Seed(0), source: "real".into(), task: None };
    let start = Episode::start(env.reset(Seed(0))?.obs, meta);
    let spec = ModelSpec { obs: env.spec.obs.clone(), action: env.spec.action.clone() };
    let device = Device::flex();
    let model = Box::new(PaddleModel { spec, drift, device: device.clone() });
    Dream::new(model, &env_id, vec![start], 1, None, &device)
}

/// A session of the game and its dream. It has an agent if `with_agent`.
///
/// # Errors
/// Never, unless the toy is broken.
pub fn session(drift: f32, with_agent: bool, seed: Seed) -> Result<Session> {
    let env = PaddleBall::new();
    let follower = Follower(RandomPolicy { action: env.spec.action.clone() });
    let agent = with_agent.then(|| Box::new(follower) as Box<dyn Policy>);
    Session::new(Box::new(env), dream(drift)?, agent, seed)
}

/// A factory of such sessions, with seed 0.
pub fn factory(drift: f32, with_agent: bool) -> SessionFactory {
    Arc::new(move || session(drift, with_agent, Seed(0)))
}

/// What `/api/info` tells of it.
pub fn info() -> Info {
    Info {
        env: "paddle-ball".into(),
        action_names: ["noop", "left", "right"].map(String::from).to_vec(),
        recipe: "hand-written".into(),
        facts: [("drift".to_string(), "on purpose".to_string())].into(),
    }
}
