//! Crafter against the package: whole states after each step with its own draws played back, whole new worlds, its tables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use worldsmith_core::{Seed, Value};
use worldsmith_env::crafter::chance::Chance;
use worldsmith_env::crafter::names::{Achievement, Achievements, Deed, Item, Material, Name};
use worldsmith_env::crafter::rules::Rules;
use worldsmith_env::crafter::state::{Episode, Facing, Kind, Object, Player, State};
use worldsmith_env::crafter::symbols;
use worldsmith_env::crafter::terrain::Terrain;
use worldsmith_env::crafter::transition::step;
use worldsmith_env::crafter::world_gen::{Land, generate};
use worldsmith_env::look::Look;
use worldsmith_env::{Skill, conformance, make, make_built_in};

use crate::fixture;

/// Draws of another generator, in the order in which it took them: `k` for `k / 65536`, `-1 - i` for a whole number `i`.
struct Playback(std::vec::IntoIter<i64>);

impl Playback {
    fn of(json: &Json) -> Self {
        Self(json.as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect::<Vec<_>>().into_iter())
    }

    fn next(&mut self) -> i64 {
        self.0.next().expect("not more draws than in the package")
    }
}

impl Chance for Playback {
    fn uniform(&mut self) -> f64 {
        let drawn = self.next();
        assert!(drawn >= 0, "expected a whole number to be drawn, got a uniform one");
        drawn as f64 / 65536.0
    }

    fn below(&mut self, n: usize) -> usize {
        let drawn = -1 - self.next();
        assert!((0..n as i64).contains(&drawn), "expected a draw below {n}, got {drawn}");
        drawn as usize
    }
}

/// A whole state as short lines by name, as `tests/parity/env/crafter.py` writes them.
fn lines(state: &State) -> BTreeMap<String, String> {
    let player = &state.player;
    let [x, y] = player.position;
    let counters = [player.hunger, player.thirst, player.fatigue, player.recover];
    let counters = counters.map(|c| (2.0 * c).to_string()).join(" ");
    let about = format!(
        "{x} {y} {} {} {counters} {}",
        player.facing.name(),
        u8::from(player.sleeping),
        player.last_health
    );
    let mut found = BTreeMap::from([
        ("player".to_string(), about),
        ("inventory".to_string(), joined(player.inventory.iter().map(|(_, n)| n))),
        ("achievements".to_string(), joined(state.achievements.iter().map(|(_, n)| n))),
        ("chunks".to_string(), joined(&state.chunks)),
        ("next".to_string(), state.next_id.to_string()),
    ]);
    for object in &state.objects {
        let [x, y] = object.position;
        let (kind, extra) = told(object);
        found.insert(format!("o{}", object.id), format!("{kind} {x} {y} {}{extra}", object.health));
    }
    for y in 0..state.terrain.height() {
        for (x, material) in state.terrain.row(y).iter().enumerate() {
            let letter = char::from(Terrain::LETTERS[material.index()]);
            found.insert(format!("{x},{y}"), letter.to_string());
        }
    }
    found
}

/// What stands for a symbol in the fixtures.
fn letter(symbol: f32) -> char {
    char::from(b'a' + symbol as u8)
}

fn joined(numbers: impl IntoIterator<Item = impl ToString>) -> String {
    numbers.into_iter().map(|n| n.to_string()).collect::<Vec<_>>().join(" ")
}

fn told(object: &Object) -> (&'static str, String) {
    match object.kind {
        Kind::Cow => ("cow", String::new()),
        Kind::Zombie { cooldown } => ("zombie", format!(" {cooldown}")),
        Kind::Skeleton { reload } => ("skeleton", format!(" {reload}")),
        Kind::Arrow { facing } => ("arrow", format!(" {}", facing.name())),
        Kind::Plant { grown } => ("plant", format!(" {grown}")),
    }
}

/// What happened from one state to the next, so that a fixture in which something never happens is noticed.
fn events(before: &State, after: &State, deed: Deed) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for (achievement, n) in after.achievements.iter() {
        if n > before.achievements[achievement] {
            seen.insert(achievement.name().to_string());
        }
    }
    let kinds = |state: &State| BTreeMap::from_iter(state.objects.iter().map(|o| (o.id, *o)));
    let (old, new) = (kinds(before), kinds(after));
    for (id, object) in &old {
        match new.get(id) {
            None if object.health > 0 => seen.insert(format!("{} goes", told(object).0)),
            None => seen.insert(format!("{} ends", told(object).0)),
            Some(now) if now.health < object.health => seen.insert(format!("{} is hurt", told(object).0)),
            Some(now) if now.position != object.position => seen.insert(format!("{} moves", told(object).0)),
            Some(_) => false,
        };
    }
    for object in new.values().filter(|object| !old.contains_key(&object.id)) {
        seen.insert(format!("{} comes", told(object).0));
    }
    let health = |state: &State| i32::from(state.player.inventory[Item::Health]);
    match health(after) - health(before) {
        ..=-6 => seen.insert("hard hit".into()),
        -5..=-2 => seen.insert("hit".into()),
        -1 => seen.insert("weakens".into()),
        1.. => seen.insert("heals".into()),
        0 => false,
    };
    for item in [Item::Food, Item::Drink, Item::Energy] {
        if after.player.inventory[item] < before.player.inventory[item] {
            seen.insert(format!("less {}", item.name()));
        }
    }
    match (before.player.sleeping, after.player.sleeping) {
        (false, true) => seen.insert("falls asleep".into()),
        (true, false) => seen.insert("wakes".into()),
        _ => false,
    };
    if after.player.inventory[Item::Energy] > before.player.inventory[Item::Energy] {
        seen.insert("rests".into());
    }
    for y in 0..after.terrain.height() {
        for (old, new) in before.terrain.row(y).iter().zip(after.terrain.row(y)).filter(|(a, b)| a != b) {
            let broken = matches!(old, Material::Table | Material::Furnace) && *new == Material::Path;
            if broken && deed != Deed::PlaceStone {
                seen.insert(format!("{} breaks", old.name()));
            }
        }
    }
    let on = after.terrain.at(after.player.position);
    if on == Some(Material::Lava) && health(after) == 0 {
        seen.insert("burns".into());
    }
    seen
}

/// What must happen somewhere in the rollouts, beside all achievements.
const EVENTS: &str = "cow moves,cow is hurt,cow ends,cow comes,cow goes,zombie moves,zombie is hurt,zombie comes,\
    zombie goes,skeleton moves,skeleton is hurt,skeleton comes,skeleton goes,arrow moves,arrow comes,arrow ends,\
    plant comes,plant ends,hit,hard hit,weakens,heals,less food,less drink,less energy,falls asleep,wakes,rests,table breaks,\
    furnace breaks,burns";

#[test]
fn every_step_leads_to_the_state_of_the_package_with_its_draws() {
    let fixture = fixture("crafter/steps.json");
    let rules = Rules::standard();
    let (mut seen, mut n_steps) = (BTreeSet::new(), 0);
    for (i, rollout) in fixture["rollouts"].as_array().unwrap().iter().enumerate() {
        let mut state: State = serde_json::from_value(rollout["start"].clone()).unwrap();
        state.check([state.terrain.height(), state.terrain.width()]).unwrap();
        let mut expected = lines(&state);
        for (t, told) in rollout["steps"].as_array().unwrap().iter().enumerate() {
            let deed = Deed::ALL[told[0].as_u64().unwrap() as usize];
            let before = state.clone();
            let mut draws = Playback::of(&told[3]);
            let outcome = step(&rules, &mut state, deed, &mut draws);
            for (name, line) in told[4].as_object().unwrap() {
                match line.as_str() {
                    Some(line) => expected.insert(name.clone(), line.to_string()),
                    None => expected.remove(name),
                };
            }
            let got = lines(&state);
            if got != expected {
                let differs = |(name, line): &(&String, &String)| expected.get(*name) != Some(*line);
                let got: Vec<_> = got.iter().filter(differs).collect();
                panic!("rollout {i}, step {t}, {deed:?}: expected {}, got {got:?}", told[4]);
            }
            assert_eq!(draws.0.len(), 0, "rollout {i}, step {t}: draws left");
            assert!((f64::from(outcome.reward) - told[1].as_f64().unwrap()).abs() < 1e-6);
            assert_eq!(outcome.terminated, told[2] == 1, "rollout {i}, step {t}");
            seen.append(&mut events(&before, &state, deed));
            n_steps += 1;
        }
        assert!((state.daylight() - rollout["daylight"].as_f64().unwrap()).abs() < 1e-12);
        let mut seen = vec![0.0; state.terrain.height() * state.terrain.width()];
        symbols::map(&state, &mut seen);
        let letters =
            seen.chunks(state.terrain.width()).map(|row| row.iter().map(|code| letter(*code)).collect());
        assert_eq!(json(&letters.collect::<Vec<String>>()), rollout["semantic"]);
    }
    eprintln!("{n_steps} steps: {seen:?}");
    let missing: Vec<_> = EVENTS
        .split(',')
        .chain(Achievement::ALL.iter().map(|a| a.name()))
        .filter(|event| !seen.contains(*event))
        .collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
}

#[test]
fn new_worlds_are_those_of_the_package_with_its_draws() {
    let fixture = fixture("crafter/worlds.json");
    let rules = Rules::standard();
    let episode = plain_episode();
    let (mut n_same, mut n_worlds) = (0, 0);
    for world in fixture["worlds"].as_array().unwrap() {
        let rows: Vec<String> = serde_json::from_value(world["terrain"].clone()).unwrap();
        let digits = world["draws"].as_str().unwrap();
        let draw = |i: usize| i64::from_str_radix(&digits[4 * i..4 * i + 4], 16).unwrap();
        let mut draws = vec![-1 - world["noise_seed"].as_i64().unwrap()];
        draws.extend((0..digits.len() / 4).map(draw));
        // A cell within rounding of a threshold may take another draw; then all later ones are those of other cells.
        draws.extend([32768; 9]);
        let mut chance = Playback(draws.into_iter());
        let land = Land { area: [rows.len(), rows[0].len()], ore_ratio: 1.0 };
        let state = generate(&rules, land, episode, &mut chance);
        let objects: Vec<String> = state
            .objects
            .iter()
            .map(|o| format!("{} {} {} {} {}", o.id, told(o).0, o.position[0], o.position[1], o.health))
            .collect();
        let same = Vec::<String>::from(state.terrain) == rows
            && serde_json::to_value(&objects).unwrap() == world["objects"]
            && serde_json::to_value(&state.chunks).unwrap() == world["chunks"]
            && chance.0.len() == 9;
        n_same += usize::from(same);
        n_worlds += 1;
    }
    eprintln!("{n_same} of {n_worlds} worlds are the same in every cell");
    assert!(n_same * 100 >= n_worlds * 97);
}

fn plain_episode() -> Episode {
    Episode::new([300.0, 1.0, 1.0], Look::new([0.0, 1.0]), &mut Seed(0).rng())
}

/// Compares the means of numbers of which each episode has one list: within four standard errors of the difference.
fn same_means(names: &[&str], ours: &[Vec<f64>], theirs: &Json) {
    let theirs: Vec<Vec<f64>> = theirs.as_array().unwrap().iter().map(crate::numbers).collect();
    let moments = |all: &[Vec<f64>], i: usize| {
        let n = all.len() as f64;
        let mean = all.iter().map(|counts| counts[i]).sum::<f64>() / n;
        (mean, all.iter().map(|counts| (counts[i] - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
    };
    for (i, name) in names.iter().enumerate() {
        let ((ours, our_var), (theirs, their_var)) = (moments(ours, i), moments(&theirs, i));
        eprintln!("{name}: {ours:.2} here, {theirs:.2} in the package");
        assert!((ours - theirs).abs() <= 4.0 * (our_var + their_var).sqrt(), "{name}: {ours} {theirs}");
    }
}

const CREATURES: [&str; 3] = ["cow", "zombie", "skeleton"];

fn creatures(state: &State) -> [f64; 3] {
    CREATURES.map(|kind| state.objects.iter().filter(|object| told(object).0 == kind).count() as f64)
}

#[test]
fn worlds_hold_as_much_of_everything_as_those_of_the_package() {
    let land = Land { area: [64, 64], ore_ratio: 1.0 };
    let count = |seed| {
        let state = generate(&Rules::standard(), land, plain_episode(), &mut Seed(5).index(seed).rng());
        let cells: Vec<Material> = (0..64).flat_map(|y| state.terrain.row(y).to_vec()).collect();
        let ground = Material::ALL.iter().map(|m| cells.iter().filter(|c| *c == m).count() as f64);
        ground.chain(creatures(&state)).collect()
    };
    let names: Vec<_> = Material::ALL.iter().map(|m| m.name()).chain(CREATURES).collect();
    same_means(&names, &(0..200).map(count).collect::<Vec<_>>(), &fixture("crafter/worlds.json")["counts"]);
}

#[test]
fn as_many_creatures_appear_and_go_as_in_the_package() {
    let rules = Rules::standard();
    let land = Land { area: [64, 64], ore_ratio: 1.0 };
    let count = |seed| {
        let mut rng = Seed(6).index(seed).rng();
        let mut state = generate(&rules, land, plain_episode(), &mut rng);
        let mut later = |n_steps| {
            for _ in 0..n_steps {
                state.player.inventory = rules.initial;
                step(&rules, &mut state, Deed::Noop, &mut rng);
            }
            creatures(&state)
        };
        [later(90), later(120)].concat()
    };
    let names = ["cows by day", "zombies", "skeletons", "cows by night", "zombies", "skeletons"];
    same_means(
        &names,
        &(0..200).map(count).collect::<Vec<_>>(),
        &fixture("crafter/worlds.json")["populations"],
    );
}

/// A player with `things` who faces a cell of `ahead`, in a meadow.
fn facing(rules: &Rules, ahead: Material, things: &[(Item, u8)]) -> State {
    let mut player = Player::new([4, 4], rules.initial);
    player.facing = Facing::Right;
    things.iter().for_each(|(item, n)| player.inventory[*item] = *n);
    let mut terrain = Terrain::new([9, 9], Material::Grass);
    terrain.set([5, 4], ahead);
    let achievements = Achievements::new(|_| 0);
    let (objects, chunks) = (Vec::new(), vec![0]);
    State { step: 0, terrain, player, objects, next_id: 2, chunks, achievements, episode: plain_episode() }
}

#[test]
fn altered_rules_change_recipes_effects_and_ground() {
    use Item::*;
    let after = |name: &str, ahead, things: &[(Item, u8)], deed| {
        let rules = Rules::named(name).unwrap();
        let mut state = facing(&rules, ahead, things);
        step(&rules, &mut state, deed, &mut Seed(0).rng());
        state
    };
    for (name, is_changed) in [("standard", false), ("recipes", true), ("mixed", true)] {
        let built = after(name, Material::Grass, &[(Wood, 3)], Deed::PlaceTable);
        assert_eq!(built.terrain.at([5, 4]) == Some(Material::Table), !is_changed, "{name}");
        let built = after(name, Material::Grass, &[(Wood, 3), (Sapling, 1)], Deed::PlaceTable);
        assert_eq!(built.player.inventory[Wood], if is_changed { 0 } else { 1 });
        let armed = after(name, Material::Tree, &[(Wood, 2)], Deed::MakeWoodSword);
        assert_eq!(armed.player.inventory[WoodSword], u8::from(is_changed));
    }
    for (name, is_changed) in [("standard", false), ("survival", true), ("mixed", true)] {
        let drunk = after(name, Material::Water, &[(Drink, 5)], Deed::Do);
        assert_eq!(
            (drunk.player.inventory[Health], drunk.player.inventory[Drink]),
            (9 - u8::from(is_changed), 6)
        );
        let cut = after(name, Material::Tree, &[(Drink, 5)], Deed::Do);
        assert_eq!(cut.player.inventory[Drink], if is_changed { 8 } else { 5 });
    }
    for (name, is_changed) in [("standard", false), ("terrain", true), ("mixed", true)] {
        let health = |ground| after(name, ground, &[], Deed::MoveRight).player.inventory[Health];
        assert_eq!(
            [health(Material::Sand), health(Material::Lava)],
            if is_changed { [0, 9] } else { [9, 0] }
        );
        let waded = after(name, Material::Water, &[], Deed::MoveRight);
        assert_eq!(waded.player.position, if is_changed { [5, 4] } else { [4, 4] });
    }
}

#[test]
fn a_step_is_a_pure_function_of_a_state_that_is_plain_json() {
    let rules = Rules::standard();
    let land = Land { area: [32, 32], ore_ratio: 1.0 };
    let mut state = generate(&rules, land, plain_episode(), &mut Seed(8).rng());
    let mut rng = Seed(9).rng();
    for i in 0..300 {
        let text = serde_json::to_string(&state).unwrap();
        let mut again: State = serde_json::from_str(&text).unwrap();
        assert_eq!(again, state);
        let (mut chance, deed) = (rng.clone(), Deed::ALL[(i * 7) % Deed::ALL.len()]);
        let outcome = step(&rules, &mut state, deed, &mut rng);
        assert_eq!(step(&rules, &mut again, deed, &mut chance), outcome);
        assert_eq!(again, state);
    }
    let told = json(&state);
    assert_eq!(told["terrain"].as_array().unwrap().len(), 32);
    let first = told["objects"][0].as_object().unwrap();
    assert!(["id", "kind", "position", "health"].iter().all(|field| first.contains_key(*field)));
    assert!(told["player"]["inventory"]["wood_pickaxe"].is_u64());
}

#[test]
fn worlds_of_all_sizes_and_rules_keep_their_promises() {
    for options in ["area=9&rules=mixed", "area=13", "area=128&rules=terrain&factors=shifted"] {
        let id = format!("crafter?obs=all&{options}");
        conformance::check(&mut *make(&id).unwrap(), Seed(1)).unwrap_or_else(|e| panic!("`{id}`: {e}"));
    }
    for wrong in ["area=8", "area=129", "area=x", "rules=unknown"] {
        let err = make(&format!("crafter?{wrong}")).err().unwrap().to_string();
        assert!(err.contains("expected") && err.contains("got"), "{err}");
    }
}

/// How many achievements a player of `skill` has after at most 400 steps, on average over some episodes.
fn mean_achievements(id: &str, skill: Skill) -> f32 {
    const N_EPISODES: u64 = 6;
    let mut env = make_built_in(&format!("{id}obs=achievements")).unwrap();
    let mut total = 0.0;
    for i in 0..N_EPISODES {
        let mut rng = Seed(3).index(i).rng();
        let mut last = env.reset(Seed(4).index(i)).unwrap();
        for _ in 0..400 {
            if !last.kind.is_last() {
                last = env.step(&env.advise(skill, &mut rng)).unwrap();
            }
        }
        let Value::Array { data, .. } = last.obs else { panic!("achievements are numbers") };
        total += data.iter().sum::<f32>();
    }
    total / N_EPISODES as f32
}

#[test]
fn experts_achieve_much_weak_players_some_and_random_ones_little_under_all_rules() {
    for rules in Rules::NAMES.map(|(name, _)| name) {
        let id = format!("crafter?rules={rules}&");
        let [random, weak, expert] = Skill::ALL.map(|(_, skill)| mean_achievements(&id, skill));
        eprintln!("{rules}: random {random:.1}, weak {weak:.1}, expert {expert:.1} achievements");
        assert!(expert > weak + 2.0 && weak > random + 2.0 && expert > 12.0);
    }
}

#[test]
fn the_standard_rules_hold_the_tables_of_the_package() {
    let tables = fixture("crafter/rules.json");
    let rules = Rules::standard();
    let names = |list: &Json| -> Vec<String> { serde_json::from_value(list.clone()).unwrap() };
    fn all<K: Name>() -> Vec<String> {
        K::ALL.iter().map(|name| name.name().to_string()).collect()
    }
    assert_eq!(names(&tables["actions"]), all::<Deed>());
    assert_eq!(names(&tables["materials"]), all::<Material>());
    assert_eq!(names(&tables["achievements"]), all::<Achievement>());
    assert_eq!(json(&rules.walkable).sorted(), tables["walkable"].sorted());
    for (item, limits) in tables["items"].as_object().unwrap() {
        let initial = rules.initial.iter().find(|(known, _)| known.name() == item).unwrap().1;
        assert_eq!(
            [limits["max"].as_u64(), limits["initial"].as_u64()],
            [rules.most, initial].map(|n| Some(n.into()))
        );
    }
    assert_eq!(rules.collect.len(), tables["collect"].as_object().unwrap().len());
    for (material, rule) in &rules.collect {
        let table = &tables["collect"][material.name()];
        assert_eq!(json(&rule.needs), table["require"]);
        assert_eq!(json(&rule.gives), table["receive"]);
        assert_eq!(rule.leaves.name(), table["leaves"]);
        assert_eq!(rule.chance, table.get("probability").map_or(1.0, |p| p.as_f64().unwrap()));
        let given = rule.gives.keys().next().unwrap().name();
        assert_eq!(rule.unlocks.name(), format!("collect_{given}"));
    }
    assert_eq!(rules.place.len(), tables["place"].as_object().unwrap().len());
    for (deed, rule) in &rules.place {
        let table = &tables["place"][deed.name().strip_prefix("place_").unwrap()];
        assert_eq!(json(&rule.uses), table["uses"]);
        assert_eq!(json(&rule.on).sorted(), table["where"].sorted());
        assert_eq!(rule.puts.is_some(), table["type"] == "material");
        assert_eq!(rule.unlocks.name(), deed.name());
    }
    assert_eq!(rules.make.len(), tables["make"].as_object().unwrap().len());
    for (deed, rule) in &rules.make {
        let table = &tables["make"][rule.gives.name()];
        assert_eq!(json(&rule.uses), table["uses"]);
        assert_eq!(json(&rule.near).sorted(), table["nearby"].sorted());
        assert_eq!(table["gives"], 1);
        assert_eq!([deed.name(), rule.unlocks.name()], [&format!("make_{}", rule.gives.name()); 2]);
    }
}

fn json(value: &impl serde::Serialize) -> Json {
    serde_json::to_value(value).unwrap()
}

/// A list of names in an order that does not depend on who wrote it.
trait Sorted {
    fn sorted(&self) -> Vec<String>;
}

impl Sorted for Json {
    fn sorted(&self) -> Vec<String> {
        let mut names: Vec<String> = serde_json::from_value(self.clone()).unwrap();
        names.sort();
        names
    }
}
