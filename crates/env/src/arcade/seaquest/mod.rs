//! Seaquest by MinAtar's rules: shoot fish and submarines, pick up divers, come up for air.
//!
//! A fish or submarine shot is worth 1; coming up with six divers is worth up to 10 for the air that is left. Coming up
//! costs a diver and makes the sea more dangerous. The order in which things move is the reference's and decides who meets
//! whom.

mod expert;
mod picture;
mod sea;

use serde::{Deserialize, Serialize};
use worldsmith_core::Rng;

use sea::take_out;
pub use sea::{Arrival, Arrivals, Bullet, DiverArrival, Swimmer};

use super::minatar::{self, CELLS, LAST, Planes, RAMPING, Rules, STICKY, on_grid, steps};
use crate::canvas::Canvas;
use crate::factors::Factor;
use crate::look::HUE;
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

/// Steps between two shots of the player.
const COOL_STEPS: i32 = 5;
/// Steps between two shots of an enemy.
const ENEMY_SHOT_STEPS: i32 = 10;
const DIVER_SPAWN_STEPS: i32 = 30;
/// Steps between two moves of a diver, less one.
const DIVER_MOVE_STEPS: i32 = 5;
/// Divers that the submarine can carry.
const MAX_DIVERS: i32 = 6;
/// The lowest row that the submarine can reach.
const DEEPEST: i32 = 8;
/// Enemies move no faster than this.
const FASTEST_MOVE: i32 = 2;

const FACTORS: &[Factor] = &[
    HUE,
    Factor {
        name: "spawn_steps",
        about: "steps between two arrivals of enemies at the start",
        default: 20.0,
        train: [16.0, 26.0],
        shifted: [8.0, 14.0],
    },
    Factor {
        name: "air_steps",
        about: "steps that a full supply of air lasts",
        default: 200.0,
        train: [160.0, 260.0],
        shifted: [90.0, 150.0],
    },
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "seaquest",
    about: "Seaquest by MinAtar's rules, RGB, 6 actions, 1 point a fish or submarine shot, more for divers",
    page: "\
A submarine hunts, saves divers and must come up for air, on a grid of ten by ten.

- `pixels`: the sea below its surface; air is the bar in the last row, divers on board the dots in it.
- `planes`: front, back, own bullets, trails, their bullets, fish, submarines, air, divers on board, divers, as 10x10x10
  numbers.
- Actions: `noop`, `left`, `up`, `right`, `down`, `fire` (every fifth step at most); with chance `sticky` the last one is
  repeated.
- Reward: 1 a fish or submarine; up to 10 for the air left when coming up with six divers.
- Ends when the player meets an enemy or a bullet, is out of air, or comes up without divers; cut off after 2,500 steps
  (MinAtar: never). Every time the player comes up enemies become more and faster, unless `ramping=false`.
- Equal to MinAtar 1.0.15's game, cell by cell, given the same arrivals; these are drawn with the same chances. As there,
  coming up with six divers leaves one fewer than none on board, with which one may come up again.
- The expert plays short plans to their end among what it sees, and takes divers up when air or room run out.",
    options: &[
        STICKY,
        RAMPING,
        OptionEntry { name: "max_steps", default: "2500", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| minatar::insert::<Game>(options, FACTORS, Some(2500))),
};

/// The whole game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Game {
    /// Column and row of the submarine's front.
    pub player: [i32; 2],
    /// Whether it looks to the right.
    pub right: bool,
    /// Steps of air left.
    pub air: i32,
    /// Steps of air in a full supply.
    pub air_steps: i32,
    /// Divers on board; fewer than none after bringing up six.
    pub n_divers: i32,
    /// Whether it is up since before this step.
    pub surfaced: bool,
    /// Steps until it can shoot.
    pub cool_timer: i32,
    /// Its bullets, oldest first.
    pub bullets: Vec<Bullet>,
    /// Bullets of enemies, oldest first.
    pub hostile_bullets: Vec<Bullet>,
    /// Fish, oldest first.
    pub fish: Vec<Swimmer>,
    /// Enemy submarines, oldest first.
    pub submarines: Vec<Swimmer>,
    /// Divers in the water, oldest first.
    pub divers: Vec<Swimmer>,
    /// Steps until an enemy arrives.
    pub spawn_timer: i32,
    /// Steps between arrivals.
    pub spawn_steps: i32,
    /// Steps until a diver arrives.
    pub diver_timer: i32,
    /// Steps an enemy rests between moves.
    pub move_steps: i32,
    /// How often the game became harder.
    pub ramp_level: i32,
    /// Whether the game is over.
    pub lost: bool,
}

impl Game {
    /// Takes one step; `arrivals` says what comes when it is time, [`Arrivals::draw`] draws it. Returns the reward.
    pub fn turn(&mut self, choice: usize, ramping: bool, arrivals: &Arrivals) -> f32 {
        if self.lost {
            return 0.0;
        }
        if self.spawn_timer == 0 {
            arrivals.enemy.iter().for_each(|enemy| self.let_in(enemy));
            self.spawn_timer = self.spawn_steps;
        }
        if self.diver_timer == 0 {
            let diver = |diver: DiverArrival| Swimmer::at_edge(diver.right, diver.row, DIVER_MOVE_STEPS, 0);
            self.divers.extend(arrivals.diver.map(diver));
            self.diver_timer = DIVER_SPAWN_STEPS;
        }
        self.steer(choice);
        let mut n_shot = self.move_bullets();
        self.move_divers();
        n_shot += self.move_submarines();
        self.move_hostile_bullets();
        n_shot += self.move_fish();
        for timer in [&mut self.spawn_timer, &mut self.diver_timer, &mut self.cool_timer] {
            *timer -= i32::from(*timer > 0);
        }
        self.lost |= self.air <= 0;
        n_shot as f32 + self.breathe(ramping) as f32
    }

    /// An enemy arrives, unless another in its row comes the other way.
    fn let_in(&mut self, Arrival { right, submarine, row }: &Arrival) {
        let in_the_way = |other: &Swimmer| other.at[1] == *row && other.right != *right;
        if self.submarines.iter().chain(&self.fish).any(in_the_way) {
            return;
        }
        if *submarine {
            self.submarines.push(Swimmer::at_edge(*right, *row, self.move_steps, ENEMY_SHOT_STEPS));
        } else {
            self.fish.push(Swimmer::at_edge(*right, *row, self.move_steps, 0));
        }
    }

    fn steer(&mut self, choice: usize) {
        let [x, y] = &mut self.player;
        match choice {
            1 => (*x, self.right) = ((*x - 1).max(0), false),
            2 => *y = (*y - 1).max(0),
            3 => (*x, self.right) = ((*x + 1).min(LAST), true),
            4 => *y = (*y + 1).min(DEEPEST),
            5 if self.cool_timer == 0 => {
                self.bullets.push(Bullet { at: self.player, right: self.right });
                self.cool_timer = COOL_STEPS;
            }
            _ => {}
        }
    }

    /// Own bullets fly, newest first; returns how many hit.
    fn move_bullets(&mut self) -> i32 {
        let mut n_shot = 0;
        for i in (0..self.bullets.len()).rev() {
            self.bullets[i].fly();
            let bullet = self.bullets[i];
            if !bullet.is_inside() {
                take_out(&mut self.bullets, i);
                continue;
            }
            for swimmers in [&mut self.fish, &mut self.submarines] {
                if let Some(hit) = swimmers.iter().position(|swimmer| swimmer.at == bullet.at) {
                    swimmers.remove(hit);
                    take_out(&mut self.bullets, i);
                    n_shot += 1;
                    break;
                }
            }
        }
        n_shot
    }

    fn move_divers(&mut self) {
        for i in (0..self.divers.len()).rev() {
            if self.takes_in(self.divers[i].at) {
                take_out(&mut self.divers, i);
                self.n_divers += 1;
                continue;
            }
            if !self.divers[i].swim(DIVER_MOVE_STEPS) {
                continue;
            }
            let at = self.divers[i].at;
            if !on_grid(at) {
                take_out(&mut self.divers, i);
            } else if self.takes_in(at) {
                take_out(&mut self.divers, i);
                self.n_divers += 1;
            }
        }
    }

    fn takes_in(&self, at: [i32; 2]) -> bool {
        at == self.player && self.n_divers < MAX_DIVERS
    }

    /// Enemy submarines swim and shoot, newest first; returns how many swam into a bullet.
    fn move_submarines(&mut self) -> i32 {
        let mut n_shot = 0;
        for i in (0..self.submarines.len()).rev() {
            self.lost |= self.submarines[i].at == self.player;
            let (mut place, mut submarine) = (Some(i), self.submarines[i]);
            if submarine.swim(self.move_steps) {
                self.submarines[i] = submarine;
                (place, n_shot) = match self.meet(submarine.at) {
                    Meeting::Nothing => (place, n_shot),
                    Meeting::Gone => (take_out(&mut self.submarines, i), n_shot),
                    Meeting::Shot => (take_out(&mut self.submarines, i), n_shot + 1),
                };
            }
            // It still shoots when it is gone.
            if submarine.shot_timer == 0 {
                submarine.shot_timer = ENEMY_SHOT_STEPS;
                self.hostile_bullets.push(Bullet { at: submarine.at, right: submarine.right });
            } else {
                submarine.shot_timer -= 1;
            }
            if let Some(place) = place {
                self.submarines[place] = submarine;
            }
        }
        n_shot
    }

    fn move_fish(&mut self) -> i32 {
        let mut n_shot = 0;
        for i in (0..self.fish.len()).rev() {
            self.lost |= self.fish[i].at == self.player;
            if !self.fish[i].swim(self.move_steps) {
                continue;
            }
            match self.meet(self.fish[i].at) {
                Meeting::Nothing => continue,
                Meeting::Gone => {}
                Meeting::Shot => n_shot += 1,
            }
            take_out(&mut self.fish, i);
        }
        n_shot
    }

    /// Whom an enemy meets that has just swum to `at`.
    fn meet(&mut self, at: [i32; 2]) -> Meeting {
        if !on_grid(at) {
            return Meeting::Gone;
        }
        if at == self.player {
            self.lost = true;
            return Meeting::Nothing;
        }
        match self.bullets.iter().position(|bullet| bullet.at == at) {
            None => Meeting::Nothing,
            Some(bullet) => {
                self.bullets.remove(bullet);
                Meeting::Shot
            }
        }
    }

    fn move_hostile_bullets(&mut self) {
        for i in (0..self.hostile_bullets.len()).rev() {
            self.lost |= self.hostile_bullets[i].at == self.player;
            self.hostile_bullets[i].fly();
            if self.hostile_bullets[i].is_inside() {
                self.lost |= self.hostile_bullets[i].at == self.player;
            } else {
                take_out(&mut self.hostile_bullets, i);
            }
        }
    }

    /// Uses air below, or comes up; returns what divers are worth.
    fn breathe(&mut self, ramping: bool) -> i32 {
        if self.player[1] > 0 {
            self.air -= 1;
            self.surfaced = false;
            return 0;
        }
        if self.surfaced {
            return 0;
        }
        if self.n_divers == 0 {
            self.lost = true;
            return 0;
        }
        self.surfaced = true;
        let mut reward = 0;
        if self.n_divers == MAX_DIVERS {
            self.n_divers = 0;
            reward = self.air * CELLS / self.air_steps;
        }
        self.air = self.air_steps;
        self.n_divers = self.n_divers.saturating_sub(1);
        if ramping && (self.spawn_steps > 1 || self.move_steps > FASTEST_MOVE) {
            self.move_steps -= i32::from(self.move_steps > FASTEST_MOVE && self.ramp_level % 2 == 1);
            self.spawn_steps -= i32::from(self.spawn_steps > 1);
            self.ramp_level += 1;
        }
        reward
    }

    /// Cells of the last row that the air fills, and those of the divers on board.
    fn gauges(&self) -> [std::ops::Range<i32>; 2] {
        [0..self.air.max(0) * CELLS / self.air_steps, LAST - self.n_divers.clamp(0, MAX_DIVERS)..LAST]
    }

    /// The cell behind the front.
    fn back(&self) -> [i32; 2] {
        let [x, y] = self.player;
        [if self.right { x - 1 } else { x + 1 }, y]
    }
}

/// What becomes of an enemy where it swam.
enum Meeting {
    Nothing,
    Gone,
    Shot,
}

impl Rules for Game {
    const ACTIONS: &'static [&'static str] = &["noop", "left", "up", "right", "down", "fire"];
    const N_PLANES: usize = 10;

    fn start(factors: &[f32], _: &mut Rng) -> Self {
        let (spawn_steps, air_steps) = (steps(factors[0]), steps(factors[1]));
        Self {
            player: [5, 0],
            right: false,
            air: air_steps,
            air_steps,
            n_divers: 0,
            surfaced: true,
            cool_timer: 0,
            bullets: Vec::new(),
            hostile_bullets: Vec::new(),
            fish: Vec::new(),
            submarines: Vec::new(),
            divers: Vec::new(),
            spawn_timer: spawn_steps,
            spawn_steps,
            diver_timer: DIVER_SPAWN_STEPS,
            move_steps: 5,
            ramp_level: 0,
            lost: false,
        }
    }

    fn act(&mut self, choice: usize, ramping: bool, rng: &mut Rng) -> f32 {
        let arrivals = Arrivals::draw(self, rng);
        self.turn(choice, ramping, &arrivals)
    }

    fn is_over(&self) -> bool {
        self.lost
    }

    fn is_sound(&self) -> bool {
        let timers = [self.cool_timer, self.spawn_timer, self.diver_timer, self.ramp_level];
        let swimmers = [&self.fish, &self.submarines, &self.divers];
        let bullets = [&self.bullets, &self.hostile_bullets];
        on_grid(self.player)
            && on_grid(self.back())
            && self.player[1] <= DEEPEST
            && (1..=10_000).contains(&self.air_steps)
            && (-1..=self.air_steps).contains(&self.air)
            && (-1_000_000..=MAX_DIVERS).contains(&self.n_divers)
            && timers.iter().all(|steps| (0..=1_000_000).contains(steps))
            && [self.spawn_steps, self.move_steps].iter().all(|steps| (1..=10_000).contains(steps))
            && swimmers.iter().all(|all| all.len() <= 256 && all.iter().all(Swimmer::is_sound))
            && bullets.iter().all(|all| all.len() <= 256 && all.iter().all(|bullet| on_grid(bullet.at)))
    }

    fn mark(&self, planes: &mut Planes<'_>) {
        planes.mark(self.player, 0);
        planes.mark(self.back(), 1);
        self.bullets.iter().for_each(|bullet| planes.mark(bullet.at, 2));
        self.hostile_bullets.iter().for_each(|bullet| planes.mark(bullet.at, 4));
        for (swimmers, plane) in [(&self.fish, 5), (&self.submarines, 6), (&self.divers, 9)] {
            for swimmer in swimmers {
                planes.mark(swimmer.at, plane);
                planes.mark(swimmer.behind(), 3);
            }
        }
        for (cells, plane) in self.gauges().into_iter().zip([7, 8]) {
            cells.for_each(|x| planes.mark([x, LAST], plane));
        }
    }

    fn draw(&self, hue_deg: f32, canvas: &mut Canvas<'_>) {
        picture::draw(self, hue_deg, canvas);
    }

    fn expert(&self) -> usize {
        expert::choose(self)
    }
}
