//! Somebody who plays well: knows the rules and the whole map, works through the achievements in an order that makes sense,
//! and lives as long as it can. It remembers nothing: what it does follows from the state alone.

use worldsmith_core::Rng;

use super::names::{Achievement, Deed, Item, Material, Materials};
use super::route::{Routes, go};
use super::rules::{Amounts, Make, Place, Rules};
use super::shelter;
use super::state::{Facing, Kind, State, distance, plus};
use super::terrain::Cell;

/// What is worked for, in this order unless something else is at hand.
const ORDER: [Achievement; 22] = {
    use Achievement::*;
    [
        CollectWood,
        PlaceTable,
        MakeWoodPickaxe,
        MakeWoodSword,
        CollectSapling,
        PlacePlant,
        CollectDrink,
        EatCow,
        CollectStone,
        PlaceStone,
        MakeStonePickaxe,
        MakeStoneSword,
        WakeUp,
        CollectCoal,
        PlaceFurnace,
        CollectIron,
        MakeIronPickaxe,
        MakeIronSword,
        CollectDiamond,
        DefeatZombie,
        DefeatSkeleton,
        EatPlant,
    ]
};
/// What is done at once when it is near.
const AT_HAND: [Achievement; 5] = {
    use Achievement::*;
    [CollectDrink, EatCow, CollectSapling, DefeatZombie, DefeatSkeleton]
};
/// How near that is, in deeds.
const NEAR: u32 = 8;
/// How near things must be to be taken for later, in deeds.
const BESIDE: u32 = 4;
/// How far is too far to go back to a table, in deeds.
const FAR: u32 = 25;
/// Less daylight than this is night.
const NIGHT: f64 = 0.2;
/// At this health and below it, the expert hides.
const WOUNDED: u8 = 4;
/// How many plans hang on one another at most.
const MOST_DEPTH: usize = 6;

/// What an expert does now.
pub fn advise(rules: &Rules, state: &State, rng: &mut Rng) -> Deed {
    if state.player.sleeping {
        return Deed::Noop;
    }
    let mind = Mind { rules, state, routes: Routes::new(rules, state) };
    let plan = mind.fight().or_else(|| mind.survive()).or_else(|| mind.work());
    plan.unwrap_or_else(|| mind.wander(rng))
}

struct Mind<'a> {
    rules: &'a Rules,
    state: &'a State,
    routes: Routes<'a>,
}

impl Mind<'_> {
    /// Hits whoever stands beside the player.
    fn fight(&self) -> Option<Deed> {
        let (gap, enemy) = self.routes.enemy()?;
        if gap == 1 { self.routes.toward(enemy).or(Some(Deed::Do)) } else { None }
    }

    /// Eats, drinks and sleeps before it is too late.
    fn survive(&self) -> Option<Deed> {
        let has = |item| self.routes.has(item);
        let thirst = || self.refill(Item::Drink, 6);
        let hunger = || self.refill(Item::Food, 5);
        let drink_first = has(Item::Drink) <= has(Item::Food);
        let fed = if drink_first { thirst().or_else(hunger) } else { hunger().or_else(thirst) };
        fed.or_else(|| self.rest())
    }

    /// Gets more of a vital sign that is low, or that is not full where a source is beside the way. Who hides waits longer.
    fn refill(&self, item: Item, full: u8) -> Option<Deed> {
        let level = self.routes.has(item);
        let low = if self.hides() { 1 } else { 3 };
        if level <= low {
            return self.gather(item, 0);
        }
        if level > full {
            return None;
        }
        let (cost, cell) = self.source(item)?;
        if cost <= BESIDE { self.take(cell) } else { None }
    }

    /// Whether it is better not to be outside: by night, and when wounded.
    fn hides(&self) -> bool {
        self.state.daylight() < NIGHT || self.routes.has(Item::Health) <= WOUNDED
    }

    fn rest(&self) -> Option<Deed> {
        let energy = self.routes.has(Item::Energy);
        let tired = energy < self.rules.most;
        if shelter::is_sealed(self.rules, self.state) {
            let sleepy = tired && (self.hides() || energy <= 6);
            return if sleepy { Some(Deed::Sleep) } else { self.hides().then_some(Deed::Noop) };
        }
        if energy <= 2 || self.hides() {
            let found = shelter::seek(self.rules, self.state, &self.routes);
            let alone = self.routes.enemy().is_none_or(|(gap, _)| gap > 8);
            return found.or_else(|| (energy <= 2 && alone || energy == 0).then_some(Deed::Sleep));
        }
        None
    }

    fn work(&self) -> Option<Deed> {
        let is_undone = |achievement: &Achievement| self.state.achievements[*achievement] == 0;
        let at_hand = AT_HAND.iter().copied().filter(is_undone).find_map(|a| self.achieve(a, NEAR));
        let in_order = || ORDER.iter().copied().filter(is_undone).find_map(|a| self.achieve(a, u32::MAX));
        at_hand.or_else(|| self.stock()).or_else(in_order)
    }

    /// Takes more of what lies beside the way and will be needed.
    fn stock(&self) -> Option<Deed> {
        [Item::Wood, Item::Stone, Item::Coal, Item::Iron].into_iter().find_map(|item| {
            if self.routes.has(item) >= self.wanted(item) {
                return None;
            }
            let (cost, cell) = self.source(item)?;
            if cost <= BESIDE { self.take(cell) } else { None }
        })
    }

    /// How much of `item` all that is still to be made takes, and some stones for shelter.
    fn wanted(&self, item: Item) -> u8 {
        let is_undone = |achievement: Achievement| self.state.achievements[achievement] == 0;
        let makes = self.rules.make.values().filter(|make| is_undone(make.unlocks)).map(|make| &make.uses);
        let places = self.rules.place.values().filter(|place| is_undone(place.unlocks));
        let uses = makes.chain(places.map(|place| &place.uses));
        let needed: i32 = uses.filter_map(|uses| uses.get(&item)).map(|n| i32::from(*n)).sum();
        let spare = if item == Item::Stone { 3 } else { 0 };
        (needed + spare).clamp(0, self.rules.most.into()) as u8
    }

    /// The next deed for an achievement whose place is at most `reach` deeds away.
    fn achieve(&self, achievement: Achievement, reach: u32) -> Option<Deed> {
        let hunt = |fits: fn(Kind) -> bool| {
            let (cost, cell) = self.creature(fits)?;
            if cost <= reach { self.take(cell) } else { None }
        };
        match achievement {
            Achievement::DefeatZombie => {
                if self.routes.has(Item::Health) >= 5 {
                    hunt(|kind| matches!(kind, Kind::Zombie { .. }))
                } else {
                    None
                }
            }
            Achievement::DefeatSkeleton => {
                if self.routes.has(Item::Health) >= 6 {
                    hunt(|kind| matches!(kind, Kind::Skeleton { .. }))
                } else {
                    None
                }
            }
            Achievement::EatCow => hunt(|kind| kind == Kind::Cow),
            Achievement::EatPlant => self.farm(),
            Achievement::WakeUp => self.nap(),
            _ => self.craft(achievement, reach),
        }
    }

    fn craft(&self, achievement: Achievement, reach: u32) -> Option<Deed> {
        if let Some((deed, make)) = self.rules.make.iter().find(|(_, make)| make.unlocks == achievement) {
            return self.make(*deed, make, 0);
        }
        if let Some((deed, place)) = self.rules.place.iter().find(|(_, place)| place.unlocks == achievement) {
            return self.place(*deed, place, 0);
        }
        let (material, collect) = self.rules.collect.iter().find(|(_, c)| c.unlocks == achievement)?;
        if let Some(deed) = self.lacking(&collect.needs, 0) {
            return deed.filter(|_| reach > NEAR);
        }
        let (cost, cell) = self.nearest_of(*material)?;
        if cost <= reach { self.take(cell) } else { None }
    }

    /// Sleeps a little where nobody is near, by day.
    fn nap(&self) -> Option<Deed> {
        let alone = self.routes.enemy().is_none_or(|(gap, _)| gap > 11);
        let tired = self.routes.has(Item::Energy) < self.rules.most;
        (alone && tired && self.state.daylight() > 0.5).then_some(Deed::Sleep)
    }

    /// Eats a ripe plant, or waits beside a young one, or plants one.
    fn farm(&self) -> Option<Deed> {
        let ripe_after = self.rules.creatures.ripe_after;
        let is_ripe = |kind| matches!(kind, Kind::Plant { grown } if grown > ripe_after);
        if let Some((_, cell)) = self.creature(is_ripe) {
            return self.take(cell);
        }
        match self.creature(|kind| matches!(kind, Kind::Plant { .. })) {
            Some((cost, cell)) if cost > 2 => self.routes.toward(cell),
            Some(_) => Some(Deed::Noop),
            None => self.rules.place.get(&Deed::PlacePlant).and_then(|p| self.place(Deed::PlacePlant, p, 0)),
        }
    }

    /// The first step to have all of these; none at all if they are there, and an empty plan if they cannot be had.
    fn lacking(&self, needs: &Amounts, depth: usize) -> Option<Option<Deed>> {
        let lacks = |(item, n): &(&Item, &i8)| i16::from(self.routes.has(**item)) < i16::from(**n);
        let (item, _) = needs.iter().find(lacks)?;
        Some(if depth < MOST_DEPTH { self.gather(*item, depth + 1) } else { None })
    }

    /// The next deed to get more of `item`.
    fn gather(&self, item: Item, depth: usize) -> Option<Deed> {
        if let Some((_, cell)) = self.source(item) {
            return self.take(cell);
        }
        let makes = self.rules.make.iter().filter(|(_, make)| make.gives == item);
        let made = makes.map(|(deed, make)| self.make(*deed, make, depth)).find(Option::is_some);
        let tools = || {
            let sources = self.rules.collect.values().filter(|c| c.gives.get(&item).is_some_and(|n| *n > 0));
            sources.filter_map(|c| self.lacking(&c.needs, depth)).find_map(|deed| deed)
        };
        made.flatten().or_else(tools)
    }

    /// The nearest place where `item` can be had now, and about how many deeds that takes; wounds count too.
    fn source(&self, item: Item) -> Option<(u32, Cell)> {
        let worth = |gives: &Amounts| gives.get(&item).is_some_and(|n| *n > 0);
        let pain =
            |gives: &Amounts| u32::from(gives.get(&Item::Health).map_or(0, |n| (*n).min(0).unsigned_abs()));
        let collects = self.rules.collect.iter();
        let usable = collects.filter(|(_, c)| worth(&c.gives) && self.state.player.has(&c.needs));
        let grounds = usable.filter_map(|(material, c)| {
            let (cost, cell) = self.nearest_of(*material)?;
            Some((cost + 20 * pain(&c.gives) + (1.0 / c.chance.max(0.01)) as u32, cell))
        });
        let cows = worth(&self.rules.cow).then(|| self.creature(|kind| kind == Kind::Cow)).flatten();
        let cows = cows.map(|(cost, cell)| (cost + 20 * pain(&self.rules.cow), cell));
        grounds.chain(cows).min()
    }

    fn nearest_of(&self, material: Material) -> Option<(u32, Cell)> {
        let here = self.state.player.position;
        self.routes.nearest(|cell| {
            cell != here
                && self.state.terrain.at(cell) == Some(material)
                && self.state.object_at(cell).is_none()
        })
    }

    fn creature(&self, fits: impl Fn(Kind) -> bool) -> Option<(u32, Cell)> {
        let objects = self.state.objects.iter().filter(|object| fits(object.kind));
        objects.filter_map(|o| self.routes.cost(o.position).map(|cost| (cost, o.position))).min()
    }

    /// Goes to `cell` and does what can be done there.
    fn take(&self, cell: Cell) -> Option<Deed> {
        let terrain = &self.state.terrain;
        let ahead = self.state.player.ahead();
        let same = terrain.at(ahead) == terrain.at(cell) && self.state.object_at(ahead).is_none();
        if same && self.state.object_at(cell).is_none() || ahead == cell {
            return Some(Deed::Do);
        }
        self.routes.toward(cell).or(Some(Deed::Do))
    }

    fn make(&self, deed: Deed, make: &Make, depth: usize) -> Option<Deed> {
        if let Some(plan) = self.lacking(&make.uses, depth) {
            return plan;
        }
        if make.near.iter().all(|material| self.is_near(self.state.player.position, material)) {
            return Some(deed);
        }
        self.settle(make.near, depth)
    }

    /// Goes where all of `near` are within one cell, or puts them there.
    fn settle(&self, near: Materials, depth: usize) -> Option<Deed> {
        let fits = |cell| near.iter().all(|material| self.is_near(cell, material));
        let can_stand = |cell| self.state.is_free(cell, self.rules.walkable);
        if let Some((cost, cell)) = self.routes.nearest(|cell| fits(cell) && can_stand(cell))
            && cost <= FAR
        {
            return self.routes.toward(cell);
        }
        let here = self.state.player.position;
        let missing: Vec<_> = near.iter().filter(|material| !self.is_near(here, *material)).collect();
        let placed = |material: Material| self.rules.place.iter().find(|(_, p)| p.puts == Some(material));
        for material in &missing {
            let near_one = |cell| self.is_near(cell, *material) && can_stand(cell);
            let found = self.routes.nearest(near_one).filter(|(cost, _)| *cost <= FAR);
            match (found, placed(*material)) {
                (Some(_), _) if missing.len() > 1 => {}
                (_, Some((_, place))) => {
                    if let Some(plan) = self.lacking(&place.uses, depth) {
                        return plan;
                    }
                }
                (found, None) => return self.routes.toward(found?.1),
            }
        }
        let first = *missing.first()?;
        let near_one = |cell| self.is_near(cell, first) && can_stand(cell);
        match self.routes.nearest(near_one) {
            Some((cost, cell)) if cost <= FAR && missing.len() > 1 => self.routes.toward(cell),
            _ => placed(first).and_then(|(deed, place)| self.place(*deed, place, depth)),
        }
    }

    fn is_near(&self, [x, y]: Cell, material: Material) -> bool {
        let mut cells = (y - 1..=y + 1).flat_map(|y| (x - 1..=x + 1).map(move |x| [x, y]));
        x > 0 && y > 0 && cells.any(|cell| self.state.terrain.at(cell) == Some(material))
    }

    fn place(&self, deed: Deed, place: &Place, depth: usize) -> Option<Deed> {
        if let Some(plan) = self.lacking(&place.uses, depth) {
            return plan;
        }
        let ahead = self.state.player.ahead();
        if self.state.is_free(ahead, place.on) {
            return Some(deed);
        }
        // A step towards such ground, or back and forth on it, leaves some of it ahead.
        let here = self.state.player.position;
        let onward = |facing: &Facing| {
            let [one, two] = [plus(here, facing.step()), plus(plus(here, facing.step()), facing.step())];
            self.state.is_free(one, self.rules.walkable) && self.state.is_free(two, place.on)
        };
        if let Some(facing) = Facing::ALL.into_iter().find(onward) {
            return Some(go(facing));
        }
        let (_, cell) =
            self.routes.nearest(|cell| distance(cell, here) > 1 && self.state.is_free(cell, place.on))?;
        self.routes.toward(cell)
    }

    /// A step anywhere that does not kill.
    fn wander(&self, rng: &mut Rng) -> Deed {
        let facing = Facing::ALL[rng.below(Facing::ALL.len())];
        let ahead = plus(self.state.player.position, facing.step());
        if self.state.is_free(ahead, self.rules.walkable) { go(facing) } else { Deed::Noop }
    }
}
