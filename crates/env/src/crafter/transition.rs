//! One step of the game: a pure function of rules, state, deed and chance.
//!
//! Turns go by age: the player, then all objects near enough that were there when the step began. Every tenth step creatures
//! appear and go. The order of draws is that of the `crafter` package, so that its draws can be played back.

use super::chance::Chance;
use super::names::{Achievement, Deed, Item};
use super::rules::Rules;
use super::state::{Kind, State, distance};
use super::terrain::Cell;
use crate::world::Outcome;

/// Steps between two looks at how many creatures there are.
const BALANCE_STEPS: u64 = 10;
/// Where objects are that were removed during a step, until it ends.
const NOWHERE: Cell = [i32::MIN / 4; 2];

/// Takes one step. Every unit of health won or lost is 0.1; a step with something done for the first time is 1.
pub fn step(rules: &Rules, state: &mut State, deed: Deed, chance: &mut impl Chance) -> Outcome {
    let (health_before, unlocked_before) = (state.player.inventory[Item::Health], state.n_unlocked());
    state.step = state.step.saturating_add(1);
    let n_objects = state.objects.len();
    let mut turn = Turn { rules, state, chance };
    turn.player(deed);
    for idx in 0..n_objects {
        turn.object(idx);
    }
    turn.state.objects.retain(|object| object.position != NOWHERE);
    if turn.state.step.is_multiple_of(BALANCE_STEPS) {
        turn.balance();
    }
    let health = state.player.inventory[Item::Health];
    let mut reward = f64::from(i16::from(health) - i16::from(health_before)) / 10.0;
    if state.n_unlocked() > unlocked_before {
        reward += 1.0;
    }
    Outcome { reward: reward as f32, terminated: health == 0 }
}

/// A step under way.
pub(super) struct Turn<'a, C> {
    pub rules: &'a Rules,
    pub state: &'a mut State,
    pub chance: &'a mut C,
}

impl<C: Chance> Turn<'_, C> {
    /// The turn of one object, if the player is near enough.
    fn object(&mut self, idx: usize) {
        let object = self.state.objects[idx];
        if distance(object.position, self.state.player.position) >= self.rules.awake_cells {
            return;
        }
        match object.kind {
            Kind::Cow => self.cow(idx),
            Kind::Zombie { cooldown } => self.zombie(idx, cooldown),
            Kind::Skeleton { reload } => self.skeleton(idx, reload),
            Kind::Arrow { facing } => self.arrow(idx, facing),
            Kind::Plant { grown } => self.plant(idx, grown),
        }
    }

    /// Takes an object out of the world; its place in the list stays until the step ends.
    pub fn remove(&mut self, idx: usize) {
        self.state.objects[idx].position = NOWHERE;
    }

    /// Notes that something was done.
    pub fn unlock(&mut self, achievement: Achievement) {
        let n = &mut self.state.achievements[achievement];
        *n = n.saturating_add(1);
    }
}
