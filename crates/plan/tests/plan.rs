//! Dreams keep an environment's promises, and planners find what is best in a world simple enough to know.

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Env, Episode, EpisodeMeta, Result, Rng, Seed, Space, Step, StepKind, Value};
use worldsmith_plan::{
    Dream, Latent, Mode, ModelSpec, Observation, PLANNERS, PlanConfig, PlannerPolicy, Policy, Prediction,
    RewardSum, WorldModel, planner,
};

/// The exact model of a line of places 0 to 5: actions move left or right, place 5 pays 1 and ends the world.
struct Line(ModelSpec);

impl Line {
    fn new() -> Self {
        Self(ModelSpec { obs: Space::vector(1, 0.0, 5.0), action: Space::Discrete { n: 2 } })
    }
}

impl WorldModel for Line {
    fn spec(&self) -> &ModelSpec {
        &self.0
    }

    fn start(&self, n: usize) -> Latent {
        Latent::new(vec![("place", Tensor::zeros([n, 1], &Device::flex()))])
    }

    fn observe(
        &self,
        _latent: &Latent,
        _action: Tensor<2>,
        obs: &Observation,
        _first: &[bool],
        _rng: &mut Rng,
    ) -> Result<Latent> {
        Ok(Latent::new(vec![("place", obs.vectors["obs"].clone())]))
    }

    fn imagine(&self, latent: &Latent, action: Tensor<2>, _rng: &mut Rng) -> Latent {
        let push = action.clone().narrow(1, 1, 1) - action.narrow(1, 0, 1);
        Latent::new(vec![("place", (latent.get("place") + push).clamp(0.0, 5.0))])
    }

    fn predict(&self, latent: &Latent, decode: bool) -> Prediction {
        let place = latent.get("place");
        let there = place.clone().greater_equal_elem(4.5).float().squeeze_dim::<1>(1);
        let obs = decode.then(|| {
            let mut obs = Observation::default();
            obs.vectors.insert("obs".into(), place);
            obs
        });
        Prediction { reward: there.clone(), cont: -there + 1.0, obs, uncertainty: None }
    }
}

fn at(place: f32) -> Value {
    Value::vector(vec![place])
}

fn start() -> Episode {
    let meta = EpisodeMeta {
        env: "line".into(),
        policy: "x".into(),
        seed: Seed(0),
        source: "real".into(),
        task: None,
    };
    let mut episode = Episode::start(at(1.0), meta);
    episode.push(Value::Discrete(1), Step::mid(at(2.0), 0.0)).unwrap();
    episode.push(Value::Discrete(1), Step::truncated(at(3.0), 0.0)).unwrap();
    episode
}

fn dream(context: usize) -> Dream {
    Dream::new(Box::new(Line::new()), "line", vec![start()], context, Some(20), &Device::flex()).unwrap()
}

#[test]
fn every_planner_finds_the_shortest_way_on_a_line() {
    for entry in PLANNERS {
        let config = PlanConfig { horizon: 6, candidates: 200, ..PlanConfig::default() };
        let (model, rng) = (Line::new(), &mut Seed(1).rng());
        let state = Latent::new(vec![(
            "place",
            Tensor::<2>::from_data(TensorData::new(vec![2.0f32], [1, 1]), &Device::flex()),
        )]);
        let plan = (entry.make)(config).plan(&model, &RewardSum { gamma: 0.9 }, &state, rng).unwrap();
        assert!((plan.score - 0.81).abs() < 1e-5, "{}: expected 0.9^2, got {}", entry.name, plan.score);
        assert!(plan.actions[..3].iter().all(|a| a == &[0.0, 1.0]), "{}: {:?}", entry.name, plan.actions);
    }
}

#[test]
fn every_planner_walks_to_the_goal_alone_and_among_others() {
    for entry in PLANNERS {
        let policy = |name| {
            let planner = planner(name, PlanConfig { horizon: 6, ..PlanConfig::default() }).unwrap();
            PlannerPolicy::new(
                Box::new(Line::new()),
                planner,
                Box::new(RewardSum { gamma: 0.9 }),
                &Device::flex(),
            )
        };
        let policy = policy(entry.name);
        let act = |places: &[f32]| {
            let obs: Vec<Value> = places.iter().map(|p| at(*p)).collect();
            let mut memory = policy.start(obs.len());
            policy.act(&mut memory, &obs, &vec![true; obs.len()], Mode::Greedy, &mut Seed(3).rng()).unwrap()
        };
        assert_eq!(act(&[2.0])[0], Value::Discrete(1), "{}", entry.name);
        assert_eq!(act(&[2.0, 3.0, 0.5]), vec![Value::Discrete(1); 3], "{}", entry.name);
    }
    let unknown = planner("cemm", PlanConfig::default()).err().unwrap();
    assert!(unknown.hint_text().unwrap().contains("`cem`"));
}

#[test]
fn a_dream_is_an_environment() {
    let mut dream = dream(1);
    assert!(dream.step(&Value::Discrete(0)).is_err(), "a step before the first reset");
    let first = dream.reset(Seed(0)).unwrap();
    assert_eq!((first.kind, first.obs), (StepKind::First, at(1.0)));
    for place in [2.0, 3.0, 4.0] {
        let step = dream.step(&Value::Discrete(1)).unwrap();
        assert_eq!((step.kind, step.obs, step.reward), (StepKind::Mid, at(place), 0.0));
    }
    let end = dream.step(&Value::Discrete(1)).unwrap();
    assert_eq!((end.kind, end.reward), (StepKind::Terminated, 1.0));
    assert!(dream.step(&Value::Discrete(1)).is_err(), "a step after the end");
    assert!(dream.step(&Value::Discrete(7)).is_err(), "an action outside its space");
}

#[test]
fn a_dream_starts_after_its_context_and_can_be_anchored() {
    let mut dream = dream(2);
    assert_eq!(dream.reset(Seed(0)).unwrap().obs, at(2.0));
    let step = dream.anchor(&Value::Discrete(0), &at(4.0)).unwrap();
    assert_eq!(step.obs, at(4.0));
    assert_eq!(dream.step(&Value::Discrete(1)).unwrap().kind, StepKind::Terminated);
}

#[test]
fn a_long_dream_is_truncated() {
    let mut dream = dream(1);
    dream.reset(Seed(0)).unwrap();
    let kinds: Vec<StepKind> = (0..20).map(|_| dream.step(&Value::Discrete(0)).unwrap().kind).collect();
    assert!(kinds[..19].iter().all(|k| *k == StepKind::Mid) && kinds[19] == StepKind::Truncated);
}

#[test]
fn latents_gather_repeat_and_concatenate_by_rows() {
    let rows = |x: Vec<f32>| {
        let n = x.len();
        Latent::new(vec![("x", Tensor::<2>::from_data(TensorData::new(x, [n, 1]), &Device::flex()))])
    };
    let values = |l: &Latent| l.to_arrays()[0].2.clone();
    let latent = rows(vec![1.0, 2.0]);
    assert_eq!(values(&latent.gather(&[1, 1, 0])), [2.0, 2.0, 1.0]);
    assert_eq!(values(&latent.repeat(2)), [1.0, 1.0, 2.0, 2.0]);
    assert_eq!(values(&Latent::concat(&[latent.clone(), rows(vec![3.0])])), [1.0, 2.0, 3.0]);
    let saved: Vec<_> = latent.to_arrays().into_iter().map(|(n, d, v)| (n.to_string(), d, v)).collect();
    assert_eq!(values(&rows(vec![0.0]).with_arrays(&saved).unwrap()), [1.0, 2.0]);
}
