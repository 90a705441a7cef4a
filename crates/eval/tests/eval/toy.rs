//! A corridor that can be modelled exactly, its true model, and worse ones.

use std::collections::BTreeMap;

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{
    Env, EnvSpec, Episode, EpisodeMeta, Error, Image, Result, Rng, Seed, Space, Step, StepKind, Value,
};
use worldsmith_plan::{Latent, ModelSpec, Observation, Prediction, WorldModel};

/// Cells of the corridor. A step left or right; a reward at the left end; the right end ends the world.
pub const N_CELLS: usize = 12;

/// What is seen: a picture of the corridor, and the cell as a number.
pub fn obs_space() -> Space {
    Space::Dict(BTreeMap::from([
        ("cell".to_string(), Space::vector(1, 0.0, N_CELLS as f32)),
        ("view".to_string(), Space::Image { height: N_CELLS, width: N_CELLS, channels: 3 }),
    ]))
}

fn view(cell: usize) -> Image {
    let mut image = Image::new(N_CELLS, N_CELLS, 3);
    image.fill_rect(0, 0, N_CELLS, 3, &[90, 90, 200]);
    image.fill_rect(cell, 6, 1, 3, &[255, 40, 40]);
    image
}

fn observation(cell: usize) -> Value {
    let number = Value::vector(vec![cell as f32]);
    Value::Dict(BTreeMap::from([
        ("cell".to_string(), number),
        ("view".to_string(), Value::Image(view(cell))),
    ]))
}

fn moved(cell: usize, action: i64) -> usize {
    (cell as i64 + action * 2 - 1).clamp(0, N_CELLS as i64 - 1) as usize
}

/// The corridor itself.
pub struct Corridor {
    spec: EnvSpec,
    cell: usize,
    n_steps: usize,
}

impl Corridor {
    pub fn new() -> Self {
        let spec = EnvSpec {
            id: "corridor".into(),
            obs: obs_space(),
            action: Space::Discrete { n: 2 },
            action_names: vec!["left".into(), "right".into()],
            max_steps: Some(60),
        };
        Self { spec, cell: 0, n_steps: 0 }
    }
}

impl Env for Corridor {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Seed) -> Result<Step> {
        self.cell = 3 + seed.rng().below(5);
        self.n_steps = 0;
        Ok(Step::first(observation(self.cell)))
    }

    fn step(&mut self, action: &Value) -> Result<Step> {
        self.spec.action.check(action)?;
        self.cell = moved(self.cell, action.as_discrete().unwrap_or(0));
        self.n_steps += 1;
        let (obs, reward) = (observation(self.cell), if self.cell == 0 { 1.0 } else { 0.0 });
        Ok(match (self.cell == N_CELLS - 1, self.n_steps == 60) {
            (true, _) => Step::terminated(obs, reward),
            (false, true) => Step::truncated(obs, reward),
            (false, false) => Step::mid(obs, reward),
        })
    }
}

/// Episodes of a random walk.
pub fn episodes(n: usize, seed: Seed) -> Vec<Episode> {
    let mut env = Corridor::new();
    let mut rng = seed.rng();
    let mut episode = |i: usize| {
        let seed = seed.index(i as u64);
        let meta = EpisodeMeta {
            env: "corridor".into(),
            policy: "random".into(),
            seed,
            source: "real".into(),
            task: None,
        };
        let mut episode = Episode::start(env.reset(seed).unwrap().obs, meta);
        while !episode.end.is_last() {
            let action = env.spec().action.sample(&mut rng);
            let step = env.step(&action).unwrap();
            episode.push(action, step).unwrap();
        }
        episode
    };
    (0..n).map(&mut episode).collect()
}

/// An episode straight to the right, terminated after `n_steps` steps from the cell that takes.
pub fn walk_right(n_steps: usize) -> Episode {
    let start = N_CELLS - 1 - n_steps;
    let seed = Seed(0);
    let meta = EpisodeMeta {
        env: "corridor".into(),
        policy: "right".into(),
        seed,
        source: "real".into(),
        task: None,
    };
    let mut episode = Episode::start(observation(start), meta);
    for t in 1..=n_steps {
        let obs = observation(start + t);
        let step = if t == n_steps { Step::terminated(obs, 0.0) } else { Step::mid(obs, 0.0) };
        episode.push(Value::Discrete(1), step).unwrap();
    }
    assert_eq!(episode.end, StepKind::Terminated);
    episode
}

/// How a toy model errs.
#[derive(Clone, Copy, PartialEq)]
pub enum Flaw {
    /// Not at all: the true model.
    None,
    /// It ignores actions: everything stays where it was.
    IgnoresActions,
    /// It says at every step that the world ends with probability one half.
    CoinFlipEnds,
    /// Its rewards are not numbers.
    NotANumber,
}

/// A model of the corridor.
pub struct Model {
    spec: ModelSpec,
    flaw: Flaw,
    device: Device,
}

impl Model {
    pub fn new(flaw: Flaw, device: &Device) -> Self {
        let spec = ModelSpec { obs: obs_space(), action: Space::Discrete { n: 2 } };
        Self { spec, flaw, device: device.clone() }
    }

    fn latent(&self, cells: Vec<f32>) -> Latent {
        let n = cells.len();
        Latent::new(vec![("cell", Tensor::from_data(TensorData::new(cells, [n, 1]), &self.device))])
    }

    fn row(&self, numbers: Vec<f32>) -> Tensor<1> {
        let n = numbers.len();
        Tensor::from_data(TensorData::new(numbers, [n]), &self.device)
    }
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().unwrap()
}

impl WorldModel for Model {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn start(&self, n: usize) -> Latent {
        self.latent(vec![0.0; n])
    }

    fn observe(
        &self,
        _latent: &Latent,
        _action: Tensor<2>,
        obs: &Observation,
        first: &[bool],
        _rng: &mut Rng,
    ) -> Result<Latent> {
        let cells = obs.vectors.get("cell").ok_or_else(|| Error::invalid("expected a cell"))?;
        assert_eq!(cells.dims()[0], first.len());
        Ok(self.latent(floats(cells.clone())))
    }

    fn imagine(&self, latent: &Latent, action: Tensor<2>, _rng: &mut Rng) -> Latent {
        let cells = floats(latent.get("cell"));
        if self.flaw == Flaw::IgnoresActions {
            return self.latent(cells);
        }
        let actions = floats(action);
        let step = |(cell, flat): (&f32, &[f32])| moved(*cell as usize, i64::from(flat[1] > 0.5)) as f32;
        self.latent(cells.iter().zip(actions.chunks(2)).map(step).collect())
    }

    fn predict(&self, latent: &Latent, decode: bool) -> Prediction {
        let cells: Vec<usize> = floats(latent.get("cell")).iter().map(|c| *c as usize).collect();
        let each = |f: &dyn Fn(usize) -> f32| self.row(cells.iter().map(|c| f(*c)).collect());
        let values: Vec<Value> = cells.iter().map(|c| observation(*c)).collect();
        let flaw = self.flaw;
        Prediction {
            reward: each(&|c| match flaw {
                Flaw::NotANumber => f32::NAN,
                _ => f32::from(u8::from(c == 0)),
            }),
            cont: each(&|c| match flaw {
                Flaw::CoinFlipEnds => 0.5,
                _ => f32::from(u8::from(c != N_CELLS - 1)),
            }),
            obs: decode.then(|| Observation::stack(&self.spec.obs, &values, &self.device).unwrap()),
            uncertainty: None,
        }
    }
}
