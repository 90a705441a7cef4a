//! Dodge the fireballs: a stand-in for VizDoom's Take Cover.
//!
//! The rules are worldsmith's own. The room is the unit square, `y` down. Monsters pace along the far end and throw fireballs
//! at the player, who strafes along the near one. The picture of the room is in `room.rs`.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::room;
use crate::blueprint::blueprint;
use crate::factors::Factor;
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

/// How far from the top the player stands, and the monsters.
pub const PLAYER_Y: f32 = 0.9;
/// How far from the top the monsters stand.
pub const MONSTER_Y: f32 = 0.08;
/// Half the width of the player.
pub const PLAYER_RADIUS: f32 = 0.045;
/// Half the width of a fireball.
pub const FIREBALL_RADIUS: f32 = 0.03;
/// As many as there can be at once.
pub const MAX_MONSTERS: usize = 8;
/// As many as can fly at once.
pub const MAX_FIREBALLS: usize = 32;

const PLAYER_SPEED: f32 = 0.03;
const MONSTER_SPEED: f32 = 0.004;
/// Monsters keep this far from the walls.
const MONSTER_INSET: f32 = 0.08;
const FIRST_MONSTERS: usize = 2;
/// Steps after which another monster comes.
const MONSTER_STEPS: u32 = 60;
/// Steps between two fireballs of a monster: the fewest, and how many chances decide about.
const SHOT_STEPS: (u32, usize) = (16, 24);

const FACTORS: &[Factor] = &[
    HUE,
    LIGHT,
    Factor {
        name: "fireball_speed",
        about: "how fast fireballs fly, in rooms a step",
        default: 0.03,
        train: [0.024, 0.034],
        shifted: [0.036, 0.045],
    },
    Factor {
        name: "aim_spread",
        about: "how far from the player a fireball may be aimed, in rooms",
        default: 0.25,
        train: [0.2, 0.35],
        shifted: [0.0, 0.15],
    },
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "fireballs",
    about: "dodge the fireballs, as in VizDoom's Take Cover: RGB from above or first person, strafing, 1 point a step",
    page: "\
Monsters throw fireballs from the far end of a room; the player strafes at the near end.

- `pixels`: the room from above, the player below. `ahead`: what the player sees, first person. `state`: the player's x,
  then for each of 8 monsters whether it is there and its x, and for each of 32 fireballs whether it flies, x, y and its x
  and y speed; in rooms, and rooms a step.
- Action: a number from -1 (left) to 1 (right), 0.03 rooms a step at most; with `actions=choices`: `stay`, `left`, `right`.
- Reward: 1 a step survived. Ends when a fireball meets the player; cut off after 500 steps.
- Two monsters at the start, one more every 60 steps, 8 at most. Each throws every 16 to 39 steps, at a place up to
  0.25 rooms to either side of the player: aim is partly chance, flight is straight and ends at the walls.
- A stand-in with rules of its own, not a copy: Take Cover has its monsters walk about, and takes several hits.
- The expert knows where the fireballs will be in the next 40 steps and keeps out of their way.",
    options: &[
        OptionEntry { name: "actions", default: "number", about: "`number` or `choices`" },
        OptionEntry { name: "max_steps", default: "500", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let world = Fireballs::new(options)?;
        let (action, action_names): (_, &'static [&'static str]) = if world.takes_choices {
            (Space::Discrete { n: 3 }, &["stay", "left", "right"])
        } else {
            (Space::Box { shape: vec![1], low: vec![-1.0], high: vec![1.0] }, &[])
        };
        let (mut low, mut high) = (vec![0.0], vec![1.0]);
        (0..MAX_MONSTERS).for_each(|_| high.extend([1.0, 1.0]));
        low.resize(high.len(), 0.0);
        for _ in 0..MAX_FIREBALLS {
            low.extend([0.0, 0.0, 0.0, -0.1, -0.1]);
            high.extend([1.0, 1.0, 1.0, 0.1, 0.1]);
        }
        let views = vec![
            View::pixels("pixels", options)?,
            View::pixels("ahead", options)?,
            View::numbers("state", &low, &high),
        ];
        blueprint(world, Face { action, action_names, views, max_steps: Some(500) }, FACTORS, options)
    }),
};

/// The rules.
#[derive(Debug)]
pub struct Fireballs {
    takes_choices: bool,
}

/// Everything that changes. Places are in rooms from the top left, speeds in rooms a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Where the player stands.
    pub player_x: f32,
    /// The monsters, in the order in which they came.
    pub monsters: [Option<Monster>; MAX_MONSTERS],
    /// What flies.
    pub fireballs: [Option<Fireball>; MAX_FIREBALLS],
    /// Steps until another monster comes.
    pub monster_timer: u32,
    /// How fast fireballs fly.
    pub fireball_speed: f32,
    /// How far from the player a fireball may be aimed.
    pub aim_spread: f32,
    /// Colours of the episode.
    pub look: Look,
}

/// A monster at the far end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Monster {
    /// Where it stands.
    pub x: f32,
    /// Whether it paces to the right.
    pub right: bool,
    /// Steps until it throws.
    pub timer: u32,
}

/// A fireball in flight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fireball {
    /// Where it is.
    pub at: [f32; 2],
    /// Where it goes in a step.
    pub velocity: [f32; 2],
}

impl Monster {
    fn new(rng: &mut Rng) -> Self {
        let x = MONSTER_INSET + (1.0 - 2.0 * MONSTER_INSET) * rng.uniform();
        Self { x, right: rng.chance(0.5), timer: shot_steps(rng) }
    }

    fn pace(&mut self) {
        self.x += if self.right { MONSTER_SPEED } else { -MONSTER_SPEED };
        if self.x != self.x.clamp(MONSTER_INSET, 1.0 - MONSTER_INSET) {
            self.right = !self.right;
        }
        self.x = self.x.clamp(MONSTER_INSET, 1.0 - MONSTER_INSET);
    }
}

fn shot_steps(rng: &mut Rng) -> u32 {
    SHOT_STEPS.0 + rng.below(SHOT_STEPS.1) as u32
}

impl Fireball {
    fn fly(&mut self) {
        self.at = [self.at[0] + self.velocity[0], self.at[1] + self.velocity[1]];
    }

    /// Whether it has met no wall yet.
    fn is_inside(&self) -> bool {
        self.at.iter().all(|x| (0.0..=1.0).contains(x))
    }

    /// Whether it meets a player at `x`.
    fn meets(&self, x: f32) -> bool {
        (self.at[0] - x).hypot(self.at[1] - PLAYER_Y) < PLAYER_RADIUS + FIREBALL_RADIUS
    }
}

impl Fireballs {
    fn new(options: &Options) -> Result<Self> {
        Ok(Self { takes_choices: options.choice("actions", &["number", "choices"])? == 1 })
    }
}

impl World for Fireballs {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let mut monsters = [None; MAX_MONSTERS];
        monsters[..FIRST_MONSTERS].fill_with(|| Some(Monster::new(rng)));
        State {
            player_x: 0.5,
            monsters,
            fireballs: [None; MAX_FIREBALLS],
            monster_timer: MONSTER_STEPS,
            look: Look::new([factors[0], factors[1]]),
            fireball_speed: factors[2],
            aim_spread: factors[3],
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, rng: &mut Rng) -> Outcome {
        let push = match action {
            Action::Choice(choice) => [0.0, -1.0, 1.0][choice],
            Action::Numbers(numbers) => numbers[0],
        };
        state.player_x = strafed(state.player_x, push);
        for slot in &mut state.fireballs {
            if let Some(fireball) = slot {
                fireball.fly();
                if !fireball.is_inside() {
                    *slot = None;
                }
            }
        }
        let is_hit = state.fireballs.iter().flatten().any(|fireball| fireball.meets(state.player_x));
        state.move_monsters(rng);
        Outcome { reward: if is_hit { 0.0 } else { 1.0 }, terminated: is_hit }
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        match out {
            Sight::Pixels(mut canvas) if view == 0 => room::draw_from_above(state, &mut canvas),
            Sight::Pixels(mut canvas) => room::draw_ahead(state, &mut canvas),
            Sight::Numbers(numbers) => state.write(numbers),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        state.look.check()?;
        let unit = 0.0..=1.0;
        let monster = |monster: &Monster| unit.contains(&monster.x) && (1..=1000).contains(&monster.timer);
        let fireball = |fireball: &Fireball| {
            fireball.is_inside()
                && fireball.velocity.iter().all(|x| (-0.1..=0.1).contains(x))
                && fireball.velocity[1] >= 0.005
        };
        let is_sound = unit.contains(&state.player_x)
            && (0.005..=0.1).contains(&state.fireball_speed)
            && unit.contains(&state.aim_spread)
            && (1..=1000).contains(&state.monster_timer)
            && state.monsters.iter().flatten().all(monster)
            && state.fireballs.iter().flatten().all(fireball);
        if is_sound {
            Ok(())
        } else {
            Err(Error::invalid("expected everybody in the room and timers that run, got others"))
        }
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let push = state.dodge();
        if self.takes_choices {
            Value::Discrete(match push {
                0 => 0,
                ..0 => 1,
                _ => 2,
            })
        } else {
            Value::Array { shape: vec![1], data: vec![push as f32] }
        }
    }
}

/// Where a player at `x` is after a step with `push` from -1 to 1.
fn strafed(x: f32, push: f32) -> f32 {
    (x + PLAYER_SPEED * push).clamp(PLAYER_RADIUS, 1.0 - PLAYER_RADIUS)
}

impl State {
    /// Monsters pace and throw; now and then another one comes.
    fn move_monsters(&mut self, rng: &mut Rng) {
        for monster in self.monsters.iter_mut().flatten() {
            monster.pace();
            monster.timer -= 1;
            if monster.timer > 0 {
                continue;
            }
            monster.timer = shot_steps(rng);
            let aim = self.player_x + self.aim_spread * (2.0 * rng.uniform() - 1.0);
            let [dx, dy] = [aim.clamp(0.0, 1.0) - monster.x, PLAYER_Y - MONSTER_Y];
            let scale = self.fireball_speed / dx.hypot(dy);
            let thrown = Fireball { at: [monster.x, MONSTER_Y], velocity: [dx * scale, dy * scale] };
            if let Some(slot) = self.fireballs.iter_mut().find(|slot| slot.is_none()) {
                *slot = Some(thrown);
            }
        }
        self.monster_timer -= 1;
        if self.monster_timer == 0 {
            self.monster_timer = MONSTER_STEPS;
            if let Some(slot) = self.monsters.iter_mut().find(|slot| slot.is_none()) {
                *slot = Some(Monster::new(rng));
            }
        }
    }

    fn write(&self, numbers: &mut [f32]) {
        numbers.fill(0.0);
        let (own, others) = numbers.split_at_mut(1);
        let (monsters, fireballs) = others.split_at_mut(2 * MAX_MONSTERS);
        own[0] = self.player_x;
        for (out, monster) in monsters.chunks_exact_mut(2).zip(&self.monsters) {
            if let Some(monster) = monster {
                out.copy_from_slice(&[1.0, monster.x]);
            }
        }
        for (out, fireball) in fireballs.chunks_exact_mut(5).zip(&self.fireballs) {
            if let Some(Fireball { at: [x, y], velocity: [vx, vy] }) = fireball {
                out.copy_from_slice(&[1.0, *x, *y, *vx, *vy]);
            }
        }
    }

    /// The first push (-1, 0 or 1) of the safest way among what flies now; of equal ones that nearest to the middle.
    fn dodge(&self) -> i32 {
        const HORIZON: usize = 40;
        /// Places on each side of the present one.
        const REACH: usize = 34;
        let place = |i: usize| self.player_x + PLAYER_SPEED * (i as f32 - REACH as f32);
        // Worth of standing at a place after a step, from the last one back.
        let mut worth = [0.0_f32; 2 * REACH + 1];
        for t in (1..=HORIZON).rev() {
            let here: [f32; 2 * REACH + 1] = std::array::from_fn(|i| self.comfort(place(i), t));
            let best = |i: usize| {
                let near = worth[i.saturating_sub(1)..(i + 2).min(worth.len())].iter();
                near.copied().fold(f32::NEG_INFINITY, f32::max)
            };
            worth = std::array::from_fn(|i| here[i] + 0.98 * best(i));
        }
        let choice = [0, -1, 1].into_iter().max_by(|a, b| {
            let worth = |push: &i32| worth[(REACH as i32 + push) as usize];
            worth(a).total_cmp(&worth(b)).then(b.abs().cmp(&a.abs()))
        });
        choice.unwrap_or_default()
    }

    /// How good it is to stand at `x` in `t` steps.
    fn comfort(&self, x: f32, t: usize) -> f32 {
        if !(PLAYER_RADIUS..=1.0 - PLAYER_RADIUS).contains(&x) {
            return -1000.0;
        }
        let mut comfort = -0.05 * (x - 0.5).abs();
        for Fireball { at, velocity } in self.fireballs.iter().flatten() {
            let dy = at[1] + velocity[1] * t as f32 - PLAYER_Y;
            let room = (at[0] + velocity[0] * t as f32 - x).hypot(dy) - PLAYER_RADIUS - FIREBALL_RADIUS;
            comfort -= if room < 0.0 { 100.0 } else { (0.04 - room).max(0.0) };
        }
        comfort
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Seed;

    /// Without monsters, who throw at 0.03 rooms a step and never beside the player.
    fn empty_room() -> (Fireballs, State, Rng) {
        let world = Fireballs { takes_choices: true };
        let mut rng = Seed(1).rng();
        let state = world.start(&[0.0, 1.0, 0.03, 0.0], &mut rng);
        (world, State { monsters: [None; MAX_MONSTERS], ..state }, rng)
    }

    #[test]
    fn a_fireball_flies_straight_to_where_it_was_aimed_and_ends_the_game_there() {
        let (world, mut state, mut rng) = empty_room();
        state.monsters[0] = Some(Monster { x: 0.3, right: true, timer: 1 });
        let mut n_steps = 0;
        while !world.act(&mut state, Action::Choice(0), &mut rng).terminated {
            n_steps += 1;
        }
        // It is thrown in the first step, has 0.844 rooms to go less 0.075, at 0.03 a step.
        let way = (0.5_f32 - 0.304).hypot(PLAYER_Y - MONSTER_Y) - PLAYER_RADIUS - FIREBALL_RADIUS;
        assert_eq!(n_steps, 1 + (way / 0.03).floor() as usize);
    }

    #[test]
    fn a_fireball_ends_where_it_meets_a_wall() {
        let (world, mut state, mut rng) = empty_room();
        state.player_x = 0.9;
        // At x 0.01 after a step, and beyond the side wall after two.
        state.fireballs[0] = Some(Fireball { at: [0.03, 0.85], velocity: [-0.02, 0.02] });
        for flies in [true, false] {
            world.act(&mut state, Action::Choice(0), &mut rng);
            world.check(&state).unwrap();
            assert_eq!(state.fireballs[0].is_some(), flies);
        }
    }

    #[test]
    fn who_steps_aside_survives() {
        let (world, mut state, mut rng) = empty_room();
        state.fireballs[0] = Some(Fireball { at: [0.5, 0.5], velocity: [0.0, 0.03] });
        for t in 0..20 {
            let push = if t < 3 { [1.0] } else { [0.0] };
            assert!(!world.act(&mut state, Action::Numbers(&push), &mut rng).terminated, "step {t}");
        }
        assert_eq!(state.fireballs, [None; MAX_FIREBALLS]);
    }
}
