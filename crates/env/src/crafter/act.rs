//! The player's turn: deeds, and what the body makes of them.

use super::chance::Chance;
use super::names::{Achievement, Deed, Item, Material, Name};
use super::rules::{Amounts, Make, Place};
use super::state::{Facing, Kind, Player};
use super::terrain::Cell;
use super::transition::Turn;

impl<C: Chance> Turn<'_, C> {
    /// The whole turn of the player, who may be asleep and then does nothing else.
    pub fn player(&mut self, deed: Deed) {
        let deed = if self.state.player.sleeping { self.dream(deed) } else { deed };
        match deed {
            Deed::Noop => {}
            Deed::MoveLeft => self.walk(Facing::Left),
            Deed::MoveRight => self.walk(Facing::Right),
            Deed::MoveUp => self.walk(Facing::Up),
            Deed::MoveDown => self.walk(Facing::Down),
            Deed::Do => self.do_ahead(),
            Deed::Sleep => {
                let player = &mut self.state.player;
                player.sleeping |= player.inventory[Item::Energy] < self.rules.most;
            }
            _ => {
                self.place(deed);
                self.make(deed);
            }
        }
        self.spend();
        self.heal();
        let player = &mut self.state.player;
        for item in Item::ALL {
            player.inventory[*item] = player.inventory[*item].min(self.rules.most);
        }
        player.wake_up_when_hurt();
    }

    /// Sleeps on, or wakes up well rested and does `deed`.
    fn dream(&mut self, deed: Deed) -> Deed {
        if self.state.player.inventory[Item::Energy] < self.rules.most {
            return Deed::Sleep;
        }
        self.state.player.sleeping = false;
        self.unlock(Achievement::WakeUp);
        deed
    }

    fn walk(&mut self, facing: Facing) {
        self.state.player.facing = facing;
        let ahead = self.state.player.ahead();
        if self.state.is_free(ahead, self.rules.player_walks()) {
            self.state.player.position = ahead;
            self.state.enter_chunk(ahead);
        }
        // Also who fails to move away from a deadly place dies there.
        let here = self.state.terrain.at(self.state.player.position);
        if here.is_some_and(|material| self.rules.deadly.has(material)) {
            self.state.player.inventory[Item::Health] = 0;
        }
    }

    fn do_ahead(&mut self) {
        let ahead = self.state.player.ahead();
        if let Some(idx) = self.state.object_at(ahead) {
            self.strike(idx);
        } else if let Some(material) = self.state.terrain.at(ahead) {
            self.collect(ahead, material);
        }
    }

    /// Hits a creature, or eats a plant.
    fn strike(&mut self, idx: usize) {
        let inventory = &self.state.player.inventory;
        let armed = self.rules.weapons.iter().filter(|(item, _)| inventory[**item] > 0);
        let damage = armed.map(|(_, damage)| *damage).max().unwrap_or(0).max(1);
        let object = &mut self.state.objects[idx];
        match &mut object.kind {
            Kind::Plant { grown } if *grown > self.rules.creatures.ripe_after => {
                *grown = 0;
                self.state.player.gain(&self.rules.plant);
                self.unlock(Achievement::EatPlant);
            }
            Kind::Plant { .. } | Kind::Arrow { .. } => {}
            kind => {
                let kind = *kind;
                object.health = object.health.saturating_sub(damage);
                if object.health == 0 {
                    self.kill(kind);
                }
            }
        }
    }

    /// A creature has died by the player's hand.
    fn kill(&mut self, kind: Kind) {
        match kind {
            Kind::Zombie { .. } => self.unlock(Achievement::DefeatZombie),
            Kind::Skeleton { .. } => self.unlock(Achievement::DefeatSkeleton),
            _ => {
                self.state.player.gain(&self.rules.cow);
                self.state.player.hunger = 0.0;
                self.unlock(Achievement::EatCow);
            }
        }
    }

    fn collect(&mut self, ahead: Cell, material: Material) {
        let Some(collect) = self.rules.collect.get(&material) else { return };
        let player = &mut self.state.player;
        if !player.has(&collect.needs) {
            return;
        }
        if collect.gives.get(&Item::Drink).is_some_and(|n| *n > 0) {
            player.thirst = 0.0;
        }
        self.state.terrain.set(ahead, collect.leaves);
        if self.chance.uniform() <= collect.chance {
            self.state.player.gain(&collect.gives);
            self.unlock(collect.unlocks);
        }
    }

    fn place(&mut self, deed: Deed) {
        let Some(Place { uses, on, puts, unlocks }) = self.rules.place.get(&deed) else { return };
        let ahead = self.state.player.ahead();
        if !self.state.is_free(ahead, *on) || !self.state.player.has(uses) {
            return;
        }
        self.state.player.spend(uses);
        match puts {
            Some(material) => self.state.terrain.set(ahead, *material),
            None => self.state.add(ahead, self.rules.creatures.plant_health, Kind::Plant { grown: 0 }),
        }
        self.unlock(*unlocks);
    }

    fn make(&mut self, deed: Deed) {
        let Some(Make { uses, near, gives, unlocks }) = self.rules.make.get(&deed) else { return };
        if !near.iter().all(|material| self.is_near(material)) || !self.state.player.has(uses) {
            return;
        }
        let player = &mut self.state.player;
        player.spend(uses);
        player.inventory[*gives] = player.inventory[*gives].saturating_add(1);
        self.unlock(*unlocks);
    }

    /// Whether the material is within one cell. As in the package, whose slices of the map come out empty there, nothing is
    /// near to who stands in the first row or column.
    fn is_near(&self, material: Material) -> bool {
        let [x, y] = self.state.player.position;
        let mut cells = (y - 1..=y + 1).flat_map(|y| (x - 1..=x + 1).map(move |x| [x, y]));
        x > 0 && y > 0 && cells.any(|cell| self.state.terrain.at(cell) == Some(material))
    }

    /// Hunger, thirst and tiredness.
    fn spend(&mut self) {
        let (body, ratio) = (&self.rules.body, self.state.episode.hunger_ratio);
        let player = &mut self.state.player;
        let pace = ratio * if player.sleeping { 0.5 } else { 1.0 };
        let mut less = |item| player.inventory[item] = player.inventory[item].saturating_sub(1);
        player.hunger += pace;
        if player.hunger > body.hunger {
            player.hunger = 0.0;
            less(Item::Food);
        }
        player.thirst += pace;
        if player.thirst > body.thirst {
            player.thirst = 0.0;
            less(Item::Drink);
        }
        player.fatigue = if player.sleeping { (player.fatigue - 1.0).min(0.0) } else { player.fatigue + 1.0 };
        if player.fatigue < body.rest {
            player.fatigue = 0.0;
            player.inventory[Item::Energy] = player.inventory[Item::Energy].saturating_add(1);
        }
        if player.fatigue > body.fatigue {
            player.fatigue = 0.0;
            player.inventory[Item::Energy] = player.inventory[Item::Energy].saturating_sub(1);
        }
    }

    /// Health comes back while nothing lacks, and goes otherwise.
    fn heal(&mut self) {
        let body = &self.rules.body;
        let player = &mut self.state.player;
        let has = |item| player.inventory[item] > 0;
        let fed = has(Item::Food) && has(Item::Drink) && (has(Item::Energy) || player.sleeping);
        player.recover += match (fed, player.sleeping) {
            (true, true) => 2.0,
            (true, false) => 1.0,
            (false, true) => -0.5,
            (false, false) => -1.0,
        };
        if player.recover > body.recover {
            player.recover = 0.0;
            player.inventory[Item::Health] = player.inventory[Item::Health].saturating_add(1);
        }
        if player.recover < body.decay {
            player.recover = 0.0;
            player.hurt(1);
        }
    }
}

impl Player {
    /// Whether the player has all of these.
    pub fn has(&self, needs: &Amounts) -> bool {
        needs.iter().all(|(item, n)| i16::from(self.inventory[*item]) >= i16::from(*n))
    }

    fn gain(&mut self, amounts: &Amounts) {
        for (item, n) in amounts {
            self.inventory[*item] = self.inventory[*item].saturating_add_signed(*n);
        }
    }

    fn spend(&mut self, amounts: &Amounts) {
        for (item, n) in amounts {
            self.inventory[*item] = self.inventory[*item].saturating_sub(n.unsigned_abs());
        }
    }

    fn wake_up_when_hurt(&mut self) {
        let health = self.inventory[Item::Health];
        self.sleeping &= health >= self.last_health;
        self.last_health = health;
    }
}
