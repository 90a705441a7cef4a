//! The parts of an observation that can be compared, and their averages over the training episodes.

use worldsmith_core::{Episode, Error, Image, Result, Space, StepKind, Value};

/// One observation as a picture and a row of numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// The first picture, if there is one.
    pub image: Option<Image>,
    /// Everything else, flat: numbers as they are, choices one-hot.
    pub vector: Vec<f32>,
}

impl Seen {
    pub fn of(space: &Space, obs: &Value) -> Result<Self> {
        let mut vector = Vec::new();
        flatten(space, obs, &mut vector)?;
        Ok(Self { image: obs.image().cloned(), vector })
    }

    /// The mean of observations of one space, of which there is at least one.
    pub fn mean(all: &[&Seen]) -> Self {
        let (mut pixels, mut sums) = (Vec::new(), Vec::new());
        for seen in all {
            add(
                &mut pixels,
                seen.image.iter().flat_map(|i| &i.data).map(|b| f64::from(*b)).collect::<Vec<_>>(),
            );
            add(&mut sums, seen.vector.iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
        }
        let n = all.len() as f64;
        Self {
            image: all[0].image.as_ref().map(|image| mean_image(image.shape(), &pixels, n)),
            vector: sums.iter().map(|s| (s / n) as f32).collect(),
        }
    }
}

/// Flattens every part that is not a picture or text, in the order of names.
fn flatten(space: &Space, obs: &Value, out: &mut Vec<f32>) -> Result<()> {
    match (space, obs) {
        (Space::Image { .. } | Space::Text { .. }, _) => space.check(obs),
        (Space::Dict(parts), Value::Dict(values)) if parts.keys().eq(values.keys()) => {
            parts.values().zip(values.values()).try_for_each(|(s, v)| flatten(s, v, out))
        }
        _ => space.flatten(obs, out),
    }
}

/// What the floors know of the world.
pub(super) struct Averages<'a> {
    space: &'a Space,
    /// The mean observation.
    pub seen: Seen,
    /// Standard deviation of each number; 1 for a constant one.
    pub std: Vec<f64>,
    /// Mean reward of a step.
    pub reward: f64,
    /// Share of steps at which the world ends.
    pub end: f64,
}

impl<'a> Averages<'a> {
    pub fn of(training: &[Episode], space: &'a Space) -> Result<Self> {
        let n_steps: usize = training.iter().map(Episode::len).sum();
        if n_steps == 0 {
            return Err(Error::invalid("expected training episodes with at least one step, got none"));
        }
        let (mut pixels, mut sums, mut squares, mut n_obs) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
        let mut shape = None;
        for obs in training.iter().flat_map(|e| &e.obs) {
            let seen = Seen::of(space, obs)?;
            if let Some(image) = seen.image {
                add(&mut pixels, image.data.iter().map(|b| f64::from(*b)));
                shape = Some(image.shape());
            }
            add(&mut sums, seen.vector.iter().map(|x| f64::from(*x)));
            add(&mut squares, seen.vector.iter().map(|x| f64::from(*x).powi(2)));
            n_obs += 1.0;
        }
        let std = |(sum, square): (&f64, &f64)| {
            let std = (square / n_obs - (sum / n_obs).powi(2)).max(0.0).sqrt();
            if std > 1e-6 { std } else { 1.0 }
        };
        let n_ends = training.iter().filter(|e| e.end == StepKind::Terminated).count();
        Ok(Self {
            space,
            seen: Seen {
                image: shape.map(|shape| mean_image(shape, &pixels, n_obs)),
                vector: sums.iter().map(|s| (s / n_obs) as f32).collect(),
            },
            std: sums.iter().zip(&squares).map(std).collect(),
            reward: training.iter().flat_map(|e| &e.rewards).map(|r| f64::from(*r)).sum::<f64>()
                / n_steps as f64,
            end: n_ends as f64 / n_steps as f64,
        })
    }

    pub fn seen_in(&self, obs: &Value) -> Result<Seen> {
        Seen::of(self.space, obs)
    }
}

fn add(total: &mut Vec<f64>, row: impl IntoIterator<IntoIter: ExactSizeIterator<Item = f64>>) {
    let row = row.into_iter();
    total.resize(row.len(), 0.0);
    total.iter_mut().zip(row).for_each(|(t, x)| *t += x);
}

fn mean_image([height, width, channels]: [usize; 3], sums: &[f64], n: f64) -> Image {
    Image { height, width, channels, data: sums.iter().map(|s| (s / n).round() as u8).collect() }
}
