//! How a world comes to be: lakes, shores, mountains with caves, tunnels and ores, woods; then who lives there.
//!
//! Fields of noise and thresholds are those of the `crafter` package, and draws are taken in its order, column by column.

use super::chance::Chance;
use super::names::{Achievements, Material, Materials};
use super::noise::Noise;
use super::rules::Rules;
use super::state::{Episode, Kind, Player, State};
use super::terrain::{Cell, Terrain};

/// Where the field of mountains is higher than this, there is rock.
const MOUNTAIN: f64 = 0.15;

/// How a world is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Land {
    /// Rows and columns.
    pub area: [usize; 2],
    /// How much ore there is; 1 is as in the package.
    pub ore_ratio: f64,
}

/// A new world with the player in its middle.
pub fn generate(rules: &Rules, land: Land, episode: Episode, chance: &mut impl Chance) -> State {
    let [height, width] = land.area;
    let middle = [width as i32 / 2, height as i32 / 2];
    let mut state = State {
        step: 0,
        terrain: Terrain::new(land.area, Material::Grass),
        player: Player::new(middle, rules.initial),
        objects: Vec::new(),
        next_id: 2,
        chunks: Vec::new(),
        achievements: Achievements::new(|_| 0),
        episode,
    };
    state.enter_chunk(middle);
    let noise = Noise::new(chance.below(i32::MAX as usize) as i64);
    let surveyor = Surveyor { noise, middle, ore_ratio: land.ore_ratio };
    let cells = || (0..width as i32).flat_map(|x| (0..height as i32).map(move |y| [x, y]));
    let mut tunnels = vec![false; width * height];
    for (cell, is_tunnel) in cells().zip(&mut tunnels) {
        let (material, tunnel) = surveyor.material(cell, chance);
        *is_tunnel = tunnel;
        state.terrain.set(cell, *rules.instead.get(&material).unwrap_or(&material));
    }
    for (cell, is_tunnel) in cells().zip(tunnels) {
        populate(rules, &mut state, cell, is_tunnel, chance);
    }
    state
}

/// What a world is like at each cell.
struct Surveyor {
    noise: Noise,
    middle: Cell,
    ore_ratio: f64,
}

impl Surveyor {
    /// Noise of layer `z` that changes over `size` cells.
    fn field(&self, x: f64, y: f64, z: f64, size: f64) -> f64 {
        self.noise.at([x / size, y / size, z])
    }

    /// How much a cell belongs to the meadow in which the player starts, from 0 to 1.
    fn start(&self, cell: Cell) -> f64 {
        let gap = gap(cell, self.middle);
        // Farther away noise cannot lift it above one in ten millions.
        let noise = if gap < 24.0 { self.field(cell[0].into(), cell[1].into(), 8.0, 3.0) } else { 0.0 };
        1.0 / (1.0 + (gap - 4.0 - 2.0 * noise).exp())
    }

    /// What a cell is made of, and whether it belongs to a tunnel.
    fn material(&self, cell: Cell, chance: &mut impl Chance) -> (Material, bool) {
        let [x, y] = cell.map(f64::from);
        let start = self.start(cell);
        let water = self.field(x, y, 3.0, 15.0) + 0.15 * self.field(x, y, 3.0, 5.0) + 0.1 - 2.0 * start;
        let coarse = self.field(x, y, 0.0, 15.0) / 1.3 - (4.0 * start + 0.3 * water);
        // The fine field lifts a cell by less than its share.
        let is_low = coarse + 0.3 / 1.3 < MOUNTAIN;
        let mountain = if is_low { coarse } else { coarse + self.field(x, y, 0.0, 5.0) * 0.3 / 1.3 };
        if start > 0.5 {
            (Material::Grass, false)
        } else if mountain > MOUNTAIN {
            self.rock([x, y], mountain, chance)
        } else if 0.25 < water && water <= 0.35 && self.field(x, y, 4.0, 9.0) > -0.2 {
            (Material::Sand, false)
        } else if 0.3 < water {
            (Material::Water, false)
        } else if self.field(x, y, 5.0, 7.0) > 0.0 && chance.uniform() > 0.8 {
            (Material::Tree, false)
        } else {
            (Material::Grass, false)
        }
    }

    /// What a cell in the mountains is made of, and whether it belongs to a tunnel.
    fn rock(&self, [x, y]: [f64; 2], mountain: f64, chance: &mut impl Chance) -> (Material, bool) {
        let rare = |part: f64| 1.0 - part * self.ore_ratio;
        let field = |z, size| self.field(x, y, z, size);
        if field(6.0, 7.0) > 0.15 && mountain > 0.3 {
            (Material::Path, false)
        } else if self.field(2.0 * x, y / 5.0, 7.0, 3.0) > 0.4 || self.field(x / 5.0, 2.0 * y, 7.0, 3.0) > 0.4
        {
            (Material::Path, true)
        } else if field(1.0, 8.0) > 0.0 && chance.uniform() > rare(0.15) {
            (Material::Coal, false)
        } else if field(2.0, 6.0) > 0.4 && chance.uniform() > rare(0.25) {
            (Material::Iron, false)
        } else if mountain > 0.18 && chance.uniform() > rare(0.006) {
            (Material::Diamond, false)
        } else if mountain > 0.3 && field(6.0, 5.0) > 0.35 {
            (Material::Lava, false)
        } else {
            (Material::Stone, false)
        }
    }
}

/// Perhaps puts a creature on a cell.
fn populate(rules: &Rules, state: &mut State, cell: Cell, is_tunnel: bool, chance: &mut impl Chance) {
    /// Where creatures live at first, also where rules let them walk elsewhere.
    const HOMES: Materials = Materials::of(&[Material::Grass, Material::Sand, Material::Path]);
    let Some(material) = state.terrain.at(cell).filter(|material| HOMES.has(*material)) else { return };
    let gap = gap(cell, state.player.position);
    let creatures = &rules.creatures;
    if gap > 3.0 && material == Material::Grass && chance.uniform() > 0.985 {
        state.add(cell, creatures.cow_health, Kind::Cow);
    } else if gap > 10.0 && chance.uniform() > 0.993 {
        state.add(cell, creatures.zombie_health, Kind::Zombie { cooldown: 0 });
    } else if material == Material::Path && is_tunnel && chance.uniform() > 0.95 {
        state.add(cell, creatures.skeleton_health, Kind::Skeleton { reload: 0 });
    }
}

/// How far two cells are apart as the crow flies.
fn gap([ax, ay]: Cell, [bx, by]: Cell) -> f64 {
    f64::from((ax - bx).pow(2) + (ay - by).pow(2)).sqrt()
}
