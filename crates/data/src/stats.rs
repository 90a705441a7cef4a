//! Statistics of a data set, gathered episode by episode in memory that does not grow with it.

use std::collections::BTreeMap;

use serde::Serialize;
use sketches_ddsketch::{Config, DDSketch};
use worldsmith_core::{Episode, Result, Space, Value};

use crate::leaf::{Leaf, leaves};

/// Quantiles of numbers are this close to the true ones, relative to their size.
const QUANTILE_ERROR: f64 = 0.005;
/// Most bins of one sketch; enough for numbers from 1e-9 to 1e9 at this accuracy.
const MAX_BINS: u32 = 4096;
/// Numbers smaller than this count as 0 in a sketch.
const SMALLEST: f64 = 1e-9;
/// Columns of choices are counted as long as they have no more than this many together.
const MAX_CHOICES: usize = 1 << 20;

/// One column over a whole data set, one entry a number (or a channel of pictures, in 0..=255).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnStats {
    /// How many values each entry was taken over.
    pub count: u64,
    /// Mean.
    pub mean: Vec<f64>,
    /// Standard deviation, of the population.
    pub std: Vec<f64>,
    /// Smallest value.
    pub min: Vec<f64>,
    /// Largest value.
    pub max: Vec<f64>,
    /// 1 % of values are below. Exact for pictures, within 0.5 % for numbers.
    pub q01: Vec<f64>,
    /// 99 % of values are below, as exact.
    pub q99: Vec<f64>,
}

/// What a data set holds, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// Number of episodes.
    pub episodes: u64,
    /// Number of actions in all of them.
    pub steps: u64,
    /// Pictures and numbers by column (`obs`, `obs/<keys>`, `action`), `reward`, `return` and `length`.
    pub columns: BTreeMap<String, ColumnStats>,
    /// How often each choice was taken, by column; several choices at once are columns of their own, `action[0]` and so on.
    /// Columns with which there would be more than 2^20 choices in all are left out.
    pub choices: BTreeMap<String, Vec<u64>>,
}

/// Gathers [`Statistics`].
pub struct StatsBuilder {
    episodes: u64,
    steps: u64,
    obs: Vec<Leaf>,
    action: Vec<Leaf>,
    columns: BTreeMap<String, Gathered>,
}

enum Gathered {
    Numbers(Vec<Number>),
    /// How often each of 256 levels was seen, by channel.
    Levels(Vec<[u64; 256]>),
    Choices(Vec<u64>),
    /// Of several choices at once, each.
    Several(Vec<Vec<u64>>),
}

impl StatsBuilder {
    /// Nothing seen yet.
    ///
    /// # Errors
    /// If two leaves of a space have one name.
    pub fn new(obs: &Space, action: &Space) -> Result<Self> {
        let (obs, action) = (leaves(obs, "obs", "obs/")?, leaves(action, "action", "action/")?);
        let mut n_free = MAX_CHOICES;
        let mut columns: BTreeMap<_, _> = obs
            .iter()
            .chain(&action)
            .filter_map(|leaf| Some((leaf.name.clone(), Gathered::of(&leaf.space, &mut n_free)?)))
            .collect();
        for name in ["reward", "return", "length"] {
            columns.insert(name.to_owned(), Gathered::Numbers(vec![Number::default()]));
        }
        Ok(Self { episodes: 0, steps: 0, obs, action, columns })
    }

    /// Adds an episode, which fits the spaces.
    pub fn add(&mut self, episode: &Episode) {
        self.episodes += 1;
        self.steps += episode.len() as u64;
        for (leaves, values) in [(&self.obs, &episode.obs), (&self.action, &episode.actions)] {
            for leaf in leaves {
                if let Some(column) = self.columns.get_mut(&leaf.name) {
                    values.iter().filter_map(|value| leaf.find(value)).for_each(|value| column.add(value));
                }
            }
        }
        let mut number = |name: &str, x: f64| {
            if let Some(Gathered::Numbers(numbers)) = self.columns.get_mut(name) {
                numbers.iter_mut().for_each(|number| number.add(x));
            }
        };
        episode.rewards.iter().for_each(|reward| number("reward", f64::from(*reward)));
        number("return", f64::from(episode.total_reward()));
        number("length", episode.len() as f64);
    }

    /// The statistics of what was added.
    pub fn finish(&self) -> Statistics {
        let (mut columns, mut choices) = (BTreeMap::new(), BTreeMap::new());
        for (name, gathered) in &self.columns {
            match gathered {
                Gathered::Numbers(numbers) => drop(columns.insert(name.clone(), numbers_stats(numbers))),
                Gathered::Levels(levels) => drop(columns.insert(name.clone(), levels_stats(levels))),
                Gathered::Choices(counts) => drop(choices.insert(name.clone(), counts.clone())),
                Gathered::Several(all) => {
                    choices.extend(
                        all.iter().enumerate().map(|(i, counts)| (format!("{name}[{i}]"), counts.clone())),
                    );
                }
            }
        }
        Statistics { episodes: self.episodes, steps: self.steps, columns, choices }
    }
}

impl Gathered {
    /// What is gathered of a space, if it is, with room for `n_free` choices.
    fn of(space: &Space, n_free: &mut usize) -> Option<Self> {
        let n_choices = match space {
            Space::Discrete { n } => *n,
            Space::MultiDiscrete { nvec } => nvec.iter().fold(0, |sum, n| n.saturating_add(sum)),
            _ => 0,
        };
        *n_free = n_free.checked_sub(n_choices)?;
        match space {
            Space::Box { low, .. } => Some(Gathered::Numbers(vec![Number::default(); low.len()])),
            Space::Image { channels, .. } => Some(Gathered::Levels(vec![[0; 256]; *channels])),
            Space::Discrete { n } => Some(Gathered::Choices(vec![0; *n])),
            Space::MultiDiscrete { nvec } => {
                Some(Gathered::Several(nvec.iter().map(|n| vec![0; *n]).collect()))
            }
            Space::Text { .. } | Space::Dict(_) => None,
        }
    }

    fn add(&mut self, value: &Value) {
        match (self, value) {
            (Gathered::Numbers(numbers), Value::Array { data, .. }) => {
                numbers.iter_mut().zip(data).for_each(|(number, x)| number.add(f64::from(*x)));
            }
            (Gathered::Levels(levels), Value::Image(image)) => {
                for pixel in image.data.chunks_exact(image.channels.max(1)) {
                    levels.iter_mut().zip(pixel).for_each(|(counts, level)| counts[usize::from(*level)] += 1);
                }
            }
            (Gathered::Choices(counts), Value::Discrete(i)) => count(counts, *i),
            (Gathered::Several(all), Value::MultiDiscrete(choices)) => {
                all.iter_mut().zip(choices).for_each(|(counts, i)| count(counts, *i));
            }
            _ => {}
        }
    }
}

/// Counts choice `i`, if there is one of that number.
fn count(counts: &mut [u64], i: i64) {
    if let Some(count) = usize::try_from(i).ok().and_then(|i| counts.get_mut(i)) {
        *count += 1;
    }
}

/// A number over all steps: moments by Welford's method, quantiles by a sketch.
#[derive(Clone)]
struct Number {
    count: u64,
    mean: f64,
    sum_squares: f64,
    min: f64,
    max: f64,
    sketch: DDSketch,
}

impl Default for Number {
    fn default() -> Self {
        let sketch = DDSketch::new(Config::new(QUANTILE_ERROR, MAX_BINS, SMALLEST));
        Self { count: 0, mean: 0.0, sum_squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, sketch }
    }
}

impl Number {
    /// Adds a value; what is not finite is passed over.
    fn add(&mut self, x: f64) {
        if !x.is_finite() {
            return;
        }
        self.count += 1;
        let off = x - self.mean;
        self.mean += off / self.count as f64;
        self.sum_squares += off * (x - self.mean);
        (self.min, self.max) = (self.min.min(x), self.max.max(x));
        self.sketch.add(x);
    }

    fn quantile(&self, q: f64) -> f64 {
        let found = self.sketch.quantile(q).ok().flatten().unwrap_or(f64::NAN);
        found.clamp(self.min, self.max.max(self.min))
    }
}

fn numbers_stats(numbers: &[Number]) -> ColumnStats {
    let each = |f: &dyn Fn(&Number) -> f64| numbers.iter().map(f).collect();
    ColumnStats {
        count: numbers.iter().map(|n| n.count).max().unwrap_or(0),
        mean: each(&|n| n.mean),
        std: each(&|n| (n.sum_squares / n.count.max(1) as f64).sqrt()),
        min: each(&|n| n.min),
        max: each(&|n| n.max),
        q01: each(&|n| n.quantile(0.01)),
        q99: each(&|n| n.quantile(0.99)),
    }
}

fn levels_stats(levels: &[[u64; 256]]) -> ColumnStats {
    let each = |f: &dyn Fn(&[u64; 256]) -> f64| levels.iter().map(f).collect();
    let total = |counts: &[u64; 256]| counts.iter().sum::<u64>();
    let moment = |counts: &[u64; 256], about: f64, power: i32| -> f64 {
        let sum: f64 =
            counts.iter().enumerate().map(|(x, n)| (x as f64 - about).powi(power) * *n as f64).sum();
        sum / total(counts).max(1) as f64
    };
    let quantile = |counts: &[u64; 256], q: f64| -> f64 {
        let rank = (q * (total(counts).saturating_sub(1)) as f64).round() as u64;
        let mut below = 0;
        let at = counts.iter().position(|n| {
            below += n;
            below > rank
        });
        at.map_or(f64::NAN, |x| x as f64)
    };
    let seen = |counts: &[u64; 256]| counts.iter().position(|n| *n > 0);
    ColumnStats {
        count: levels.iter().map(total).max().unwrap_or(0),
        mean: each(&|c| moment(c, 0.0, 1)),
        std: each(&|c| moment(c, moment(c, 0.0, 1), 2).sqrt()),
        min: each(&|c| seen(c).map_or(f64::NAN, |x| x as f64)),
        max: each(&|c| c.iter().rposition(|n| *n > 0).map_or(f64::NAN, |x| x as f64)),
        q01: each(&|c| quantile(c, 0.01)),
        q99: each(&|c| quantile(c, 0.99)),
    }
}

#[cfg(test)]
mod tests {
    use worldsmith_core::{EpisodeMeta, Image, Seed, Step};

    use super::*;

    fn meta() -> EpisodeMeta {
        let (env, policy, source) = Default::default();
        EpisodeMeta { env, policy, seed: Seed(0), source, task: None }
    }

    #[test]
    fn numbers_pictures_and_choices_are_counted_exactly_where_that_is_promised() {
        let obs = Space::Dict(BTreeMap::from([
            ("view".to_owned(), Space::Image { height: 1, width: 2, channels: 1 }),
            ("x".to_owned(), Space::vector(1, f32::NEG_INFINITY, f32::INFINITY)),
        ]));
        let seen = |t: usize| {
            let view = Image { height: 1, width: 2, channels: 1, data: vec![10, t as u8] };
            Value::Dict(BTreeMap::from([
                ("view".to_owned(), Value::Image(view)),
                ("x".to_owned(), Value::vector(vec![t as f32])),
            ]))
        };
        let mut episode = Episode::start(seen(0), meta());
        for t in 1..=100 {
            episode.push(Value::Discrete(i64::from(t > 75)), Step::mid(seen(t), 0.5)).unwrap();
        }
        let mut stats = StatsBuilder::new(&obs, &Space::Discrete { n: 3 }).unwrap();
        stats.add(&episode);
        let stats = stats.finish();
        let x = &stats.columns["obs/x"];
        assert_eq!((x.count, x.mean[0], x.min[0], x.max[0]), (101, 50.0, 0.0, 100.0));
        // The variance of 0..=100 is (101^2 - 1) / 12.
        assert!((x.std[0] - 850f64.sqrt()).abs() < 1e-9);
        assert!((x.q01[0] - 1.0).abs() < 0.01 && (x.q99[0] - 99.0).abs() < 0.5, "{x:?}");
        let view = &stats.columns["obs/view"];
        assert_eq!(
            (view.count, view.mean[0], view.min[0], view.max[0], view.q99[0]),
            (202, 30.0, 0.0, 100.0, 98.0)
        );
        assert_eq!(stats.choices["action"], [75, 25, 0]);
        assert_eq!((stats.columns["return"].mean[0], stats.columns["length"].max[0]), (50.0, 100.0));
    }

    #[test]
    fn memory_does_not_follow_a_claimed_number_of_choices() {
        let action = Space::MultiDiscrete { nvec: vec![1 << 30; 100] };
        let mut stats = StatsBuilder::new(&Space::Discrete { n: 2 }, &action).unwrap();
        let mut episode = Episode::start(Value::Discrete(0), meta());
        episode.push(Value::MultiDiscrete(vec![7; 100]), Step::mid(Value::Discrete(1), 0.0)).unwrap();
        stats.add(&episode);
        assert_eq!(stats.finish().choices, BTreeMap::from([("obs".to_owned(), vec![1, 1])]));
    }

    #[test]
    fn of_several_choices_at_once_each_is_counted() {
        let (obs, action) = (Space::Discrete { n: 2 }, Space::MultiDiscrete { nvec: vec![2, 3] });
        let mut episode = Episode::start(Value::Discrete(0), meta());
        for choices in [[0, 2], [1, 2], [1, 0]] {
            episode.push(Value::MultiDiscrete(choices.into()), Step::mid(Value::Discrete(1), 0.0)).unwrap();
        }
        let mut stats = StatsBuilder::new(&obs, &action).unwrap();
        stats.add(&episode);
        let choices = stats.finish().choices;
        assert_eq!((&choices["action[0]"], &choices["action[1]"]), (&vec![1, 2], &vec![1, 0, 2]));
        assert_eq!(choices["obs"], [1, 3]);
    }
}
