//! The acting half of a run: a policy in a pool of environments, as a state that can be saved between any two steps.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use worldsmith_core::{EnvSpec, Episode, Error, Result, Rng, Seed, StepKind, Value};
use worldsmith_env::{EnvPool, Skill};
use worldsmith_plan::{Latent, Mode, Policy, RandomPolicy};

const POOL: &str = "pool.bin";
const MEMORY: &str = "memory.safetensors";

/// A policy that acts in all environments of a pool at once.
pub(crate) struct Actor {
    pool: EnvPool,
    policy: Box<dyn Policy>,
    /// Acts instead of the policy.
    script: Option<Skill>,
    /// What the policy remembers; `None` until it acts for the first time, which it does without a past.
    memory: Option<Latent>,
    rng: Rng,
    /// Stands in for an observation between two episodes, where there is nothing to see.
    blank: Value,
}

impl Actor {
    /// A random policy in `n` copies of the environment `id`, each between episodes.
    pub fn new(id: &str, n: usize, seed: Seed) -> Result<Self> {
        let pool = EnvPool::make(id, n, seed.derive("env"))?;
        let action = pool.spec().action.clone();
        let blank = pool.spec().obs.sample(&mut Seed(0).rng());
        let rng = seed.derive("act").rng();
        let policy = Box::new(RandomPolicy { action });
        Ok(Self { pool, policy, script: None, memory: None, rng, blank })
    }

    pub fn spec(&self) -> &EnvSpec {
        self.pool.spec()
    }

    /// Environments stepped together.
    pub fn n_envs(&self) -> usize {
        self.pool.len()
    }

    /// Lets `policy` act from now on. A policy of the same name goes on with the memory of the one before.
    pub fn set_policy(&mut self, policy: Box<dyn Policy>) {
        if policy.name() != self.policy.name() {
            self.memory = None;
        }
        self.pool.set_policy(policy.name());
        self.policy = policy;
    }

    /// Lets the environments' own script act from now on, under the name of its skill.
    ///
    /// # Errors
    /// If they have none.
    pub fn set_script(&mut self, name: &str, skill: Skill) -> Result<()> {
        self.pool.advise(skill, &mut self.rng.clone())?;
        self.pool.set_policy(name);
        self.script = Some(skill);
        Ok(())
    }

    /// One action in every environment; those between episodes start a new one instead. Returns how many actions
    /// counted, and the episodes that ended.
    pub fn step(&mut self, mode: Mode) -> Result<(u64, Vec<Episode>)> {
        let actions = match self.script {
            Some(skill) => self.pool.advise(skill, &mut self.rng)?,
            None => self.act(mode)?,
        };
        let steps = self.pool.step(&actions)?;
        let n_taken = steps.iter().filter(|s| s.kind != StepKind::First).count();
        Ok((n_taken as u64, self.pool.take_finished()))
    }

    /// What the policy does now.
    fn act(&mut self, mode: Mode) -> Result<Vec<Value>> {
        let rows = || (0..self.pool.len()).map(|i| self.pool.episode(i));
        let obs: Vec<Value> =
            rows().map(|e| e.and_then(|e| e.obs.last()).unwrap_or(&self.blank).clone()).collect();
        let new_here = self.memory.is_none();
        let first: Vec<bool> = rows().map(|e| new_here || e.is_none_or(Episode::is_empty)).collect();
        let memory = self.memory.get_or_insert_with(|| self.policy.start(obs.len()));
        self.policy.act(memory, &obs, &first, mode, &mut self.rng)
    }

    /// The episodes that are going on, cut off here.
    pub fn cut_off(&self) -> Vec<Episode> {
        let running = (0..self.pool.len()).filter_map(|i| self.pool.episode(i)).filter(|e| !e.is_empty());
        running.map(|e| Episode { end: StepKind::Truncated, ..e.clone() }).collect()
    }

    /// The stream that actions are drawn from.
    pub fn rng(&self) -> &Rng {
        &self.rng
    }

    /// Whether the environments can be saved, so that a run goes on exactly where it stopped.
    pub fn can_be_saved(&self) -> bool {
        self.pool.snapshot().is_some()
    }

    /// Writes environments and memory into the checkpoint `dir`. Environments that cannot be saved are left out.
    pub fn save(&self, dir: &Path) -> Result<()> {
        let Some(bytes) = self.pool.snapshot() else { return Ok(()) };
        let path = dir.join(POOL);
        std::fs::write(&path, bytes).map_err(|e| Error::io("write the environments", &path, &e))?;
        match &self.memory {
            Some(memory) if memory.batch() > 0 => write_memory(memory, &dir.join(MEMORY)),
            _ => Ok(()),
        }
    }

    /// Whether the checkpoint `dir` holds environments.
    pub fn is_saved(dir: &Path) -> bool {
        dir.join(POOL).exists()
    }

    /// Goes back to what [`Actor::save`] wrote under the policy that acts now. Where no environments were saved, new
    /// episodes start.
    pub fn restore(&mut self, dir: &Path, rng: Option<Rng>) -> Result<()> {
        self.rng = rng.unwrap_or_else(|| self.rng.clone());
        let (pool, memory) = (dir.join(POOL), dir.join(MEMORY));
        if !Self::is_saved(dir) {
            return Ok(());
        }
        let bytes = std::fs::read(&pool).map_err(|e| Error::io("read the environments", &pool, &e))?;
        self.pool.restore(&bytes).map_err(|e| e.at(&pool))?;
        if memory.exists() {
            let empty = self.policy.start(self.pool.len());
            self.memory = Some(read_memory(&empty, &memory)?);
        }
        Ok(())
    }
}

fn write_memory(memory: &Latent, path: &Path) -> Result<()> {
    let arrays: Vec<(&'static str, [usize; 2], Vec<u8>)> = memory
        .to_arrays()
        .into_iter()
        .map(|(name, dims, data)| (name, dims, data.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let broken = |e| Error::invalid(format!("cannot save the policy's memory: {e}"));
    let mut views = Vec::new();
    for (name, dims, bytes) in &arrays {
        views.push((*name, TensorView::new(Dtype::F32, dims.to_vec(), bytes).map_err(broken)?));
    }
    let bytes = safetensors::serialize(views, None).map_err(broken)?;
    std::fs::write(path, bytes).map_err(|e| Error::io("write the policy's memory", path, &e))
}

fn read_memory(empty: &Latent, path: &Path) -> Result<Latent> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read the policy's memory", path, &e))?;
    let file = safetensors::SafeTensors::deserialize(&bytes)
        .map_err(|e| Error::corrupt(path, format!("not a safetensors file ({e})")))?;
    let mut arrays = Vec::new();
    for (name, view) in file.tensors() {
        let [rows, width] = *view.shape() else {
            return Err(Error::corrupt(path, format!("`{name}`: expected 2 axes, got {:?}", view.shape())));
        };
        let numbers = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        arrays.push((name, [rows, width], numbers.collect()));
    }
    empty.with_arrays(&arrays).map_err(|e| e.at(path))
}
