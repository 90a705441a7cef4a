//! Everything that changes in an episode, as plain objects: the ground, the player, and all that lives.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng};

use super::names::{Achievements, Inventory, Item, Materials};
use super::terrain::{Cell, Terrain};
use crate::look::Look;

/// The whole game at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Steps taken in this episode.
    pub step: u64,
    /// What the ground is made of.
    pub terrain: Terrain,
    /// The player.
    pub player: Player,
    /// All creatures, arrows and plants, oldest first: the order in which they take their turns.
    pub objects: Vec<Object>,
    /// The identity that the next object gets.
    pub next_id: u32,
    /// The squares of [`CHUNK`](super::terrain::CHUNK) cells that ever held somebody, in the order in which they first did, as numbers from the top
    /// left downwards. Only these are kept in balance.
    pub chunks: Vec<u16>,
    /// How often each achievement was done.
    pub achievements: Achievements,
    /// What stays the same for the whole episode.
    pub episode: Episode,
}

/// What is the same for a whole episode: its factors of variation, as far as the rules and pictures need them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Episode {
    /// Length of a day.
    pub day_steps: f32,
    /// How fast hunger and thirst come.
    pub hunger_ratio: f32,
    /// How many zombies there are.
    pub zombie_ratio: f32,
    /// The colours of pictures.
    pub look: Look,
    /// Start of the noise that is seen at night.
    pub noise_seed: u32,
}

/// The one who acts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Player {
    /// Where.
    pub position: Cell,
    /// Where to.
    pub facing: Facing,
    /// Vital signs and things.
    pub inventory: Inventory,
    /// Whether asleep.
    pub sleeping: bool,
    /// Grows until some food is used up.
    pub hunger: f32,
    /// Grows until some drink is used up.
    pub thirst: f32,
    /// Grows awake until energy is used up, falls asleep until some is won.
    pub fatigue: f32,
    /// Grows while nothing lacks until health is won, falls otherwise until it is lost.
    pub recover: f32,
    /// Health at the end of the player's last turn; less of it wakes the player.
    pub last_health: u8,
}

/// A creature, an arrow or a plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its own number, never given to another.
    pub id: u32,
    /// Where.
    pub position: Cell,
    /// How much it can still take.
    pub health: u8,
    /// What it is, and what only its kind has.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// Can be eaten.
    Cow,
    /// Hunts the player.
    Zombie {
        /// Turns beside the player until it hits.
        cooldown: u8,
    },
    /// Lives in tunnels and shoots.
    Skeleton {
        /// Turns until it can shoot.
        reload: u8,
    },
    /// Flies straight on.
    Arrow {
        /// Where to.
        facing: Facing,
    },
    /// Grows from a sapling.
    Plant {
        /// Its age in turns.
        grown: u32,
    },
}

/// One of four directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facing {
    /// To lower columns.
    Left,
    /// To higher columns.
    Right,
    /// To lower rows.
    Up,
    /// To higher rows.
    Down,
}

impl Facing {
    /// All four, in the order in which random directions are drawn.
    pub const ALL: [Facing; 4] = [Facing::Left, Facing::Right, Facing::Up, Facing::Down];

    /// One step that way.
    pub const fn step(self) -> Cell {
        match self {
            Facing::Left => [-1, 0],
            Facing::Right => [1, 0],
            Facing::Up => [0, -1],
            Facing::Down => [0, 1],
        }
    }

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Facing::Left => "left",
            Facing::Right => "right",
            Facing::Up => "up",
            Facing::Down => "down",
        }
    }
}

/// Two cells added.
pub fn plus([x, y]: Cell, [dx, dy]: Cell) -> Cell {
    [x + dx, y + dy]
}

/// Steps between two cells.
pub fn distance([ax, ay]: Cell, [bx, by]: Cell) -> i32 {
    (ax - bx).abs() + (ay - by).abs()
}

impl State {
    /// How light it is, from 0 at midnight to 1 at noon.
    pub fn daylight(&self) -> f64 {
        let progress = (self.step as f64 / f64::from(self.episode.day_steps)) % 1.0 + 0.3;
        1.0 - (std::f64::consts::PI * progress).cos().abs().powi(3)
    }

    /// The object at `cell`, by its place in [`State::objects`].
    pub fn object_at(&self, cell: Cell) -> Option<usize> {
        self.objects.iter().position(|object| object.position == cell)
    }

    /// Whether `cell` is made of one of `ground` and nobody is there.
    pub fn is_free(&self, cell: Cell, ground: Materials) -> bool {
        self.terrain.at(cell).is_some_and(|material| ground.has(material))
            && self.player.position != cell
            && self.object_at(cell).is_none()
    }

    /// Puts a new object on a free cell.
    pub fn add(&mut self, position: Cell, health: u8, kind: Kind) {
        self.objects.push(Object { id: self.next_id, position, health, kind });
        self.next_id = self.next_id.saturating_add(1);
        self.enter_chunk(position);
    }

    /// Notes that somebody is at `cell`.
    pub fn enter_chunk(&mut self, cell: Cell) {
        let chunk = self.terrain.chunk_of(cell);
        if !self.chunks.contains(&chunk) {
            self.chunks.push(chunk);
        }
    }

    /// Achievements done at least once.
    pub fn n_unlocked(&self) -> usize {
        self.achievements.iter().filter(|(_, n)| *n > 0).count()
    }

    /// Checks a state from outside for an area of `[height, width]` cells.
    ///
    /// # Errors
    /// If a later step or picture could fail on it.
    pub fn check(&self, area: [usize; 2]) -> Result<()> {
        let wrong = |what: String| Err(Error::invalid(what));
        let terrain = &self.terrain;
        if [terrain.height(), terrain.width()] != area {
            let [height, width] = area;
            let got = format!("{}x{}", terrain.height(), terrain.width());
            return wrong(format!("expected terrain of {height}x{width} cells, got {got}"));
        }
        let mut taken = vec![false; terrain.height() * terrain.width()];
        for cell in std::iter::once(self.player.position).chain(self.objects.iter().map(|o| o.position)) {
            match terrain.index(cell) {
                Some(i) if !taken[i] => taken[i] = true,
                _ => return wrong(format!("expected one body a cell of the area, got another at {cell:?}")),
            }
        }
        let n_chunks = terrain.n_chunks();
        let mut known = vec![false; n_chunks];
        for chunk in &self.chunks {
            if known.get(usize::from(*chunk)) != Some(&false) {
                return wrong(format!("expected chunks below {n_chunks}, each once, got {chunk}"));
            }
            known[usize::from(*chunk)] = true;
        }
        let Player { hunger, thirst, fatigue, recover, .. } = self.player;
        let Episode { day_steps, hunger_ratio, zombie_ratio, look, .. } = self.episode;
        let counters = [hunger, thirst, fatigue, recover];
        let ratios = [day_steps, hunger_ratio, zombie_ratio];
        let fits = counters.iter().all(|x| x.abs() <= 1e3) && ratios.iter().all(|x| (0.0..=1e4).contains(x));
        if fits && day_steps >= 1.0 {
            look.check()
        } else {
            wrong(format!("expected small counters and ratios, got {counters:?} and {ratios:?}"))
        }
    }
}

impl Player {
    /// At full strength, with nothing, facing down.
    pub fn new(position: Cell, inventory: Inventory) -> Self {
        let last_health = inventory[Item::Health];
        let [hunger, thirst, fatigue, recover] = [0.0; 4];
        let (facing, sleeping) = (Facing::Down, false);
        Self { position, facing, inventory, sleeping, hunger, thirst, fatigue, recover, last_health }
    }

    /// The cell ahead.
    pub fn ahead(&self) -> Cell {
        plus(self.position, self.facing.step())
    }

    /// Takes `damage`.
    pub fn hurt(&mut self, damage: u8) {
        let health = &mut self.inventory[Item::Health];
        *health = health.saturating_sub(damage);
    }
}

impl Episode {
    /// From `day_steps`, `hunger_ratio` and `zombie_ratio`, and how it looks.
    pub fn new([day_steps, hunger_ratio, zombie_ratio]: [f32; 3], look: Look, rng: &mut Rng) -> Self {
        Self { day_steps, hunger_ratio, zombie_ratio, look, noise_seed: rng.next_u64() as u32 }
    }
}

#[cfg(test)]
impl State {
    /// Nine by nine cells of grass at noon, with the player, who has two pieces of wood, in the middle.
    pub fn meadow() -> Self {
        use super::names::Material;
        let mut inventory = Inventory::new(|item| if item <= Item::Energy { 9 } else { 0 });
        inventory[Item::Wood] = 2;
        let look = Look::new([0.0, 1.0]);
        Self {
            step: 60,
            terrain: Terrain::new([9, 9], Material::Grass),
            player: Player::new([4, 4], inventory),
            objects: Vec::new(),
            next_id: 2,
            chunks: vec![0],
            achievements: Achievements::new(|_| 0),
            episode: Episode { day_steps: 300.0, hunger_ratio: 1.0, zombie_ratio: 1.0, look, noise_seed: 0 },
        }
    }
}
