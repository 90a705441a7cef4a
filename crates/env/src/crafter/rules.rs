//! What the world obeys, as data: recipes, effects, creatures. The standard rules are those of the `crafter` package;
//! [`Rules::named`] knows others, for methods that must find out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::{Achievement, Deed, Inventory, Item, Material, Materials};

/// How much of some items is needed, used up, won or (negative) lost.
pub type Amounts = BTreeMap<Item, i8>;

/// All that can be different about a world. Its JSON form is the truth that methods which discover rules are judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// What the player starts with.
    pub initial: Inventory,
    /// The most that can be had of anything.
    pub most: u8,
    /// Where creatures can go.
    pub walkable: Materials,
    /// Where the player can go besides, and dies.
    pub deadly: Materials,
    /// Where arrows can fly besides.
    pub flyable: Materials,
    /// What arrows turn to path.
    pub breakable: Materials,
    /// Materials of the standard world of which other ones are made here.
    pub instead: BTreeMap<Material, Material>,
    /// What doing gives at a material.
    pub collect: BTreeMap<Material, Collect>,
    /// What the deeds that place do.
    pub place: BTreeMap<Deed, Place>,
    /// What the deeds that make do.
    pub make: BTreeMap<Deed, Make>,
    /// What eating a cow gives.
    pub cow: Amounts,
    /// What eating a ripe plant gives.
    pub plant: Amounts,
    /// Damage of a hit by who has such an item; the best counts, and bare hands do 1.
    pub weapons: BTreeMap<Item, u8>,
    /// Hunger, thirst, tiredness and healing.
    pub body: Body,
    /// How strong creatures are.
    pub creatures: Creatures,
    /// How many creatures there are.
    pub balance: [Balance; 3],
    /// Steps from the player within which objects take their turns.
    pub awake_cells: i32,
}

/// What is got from a material.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// What must be had.
    pub needs: Amounts,
    /// What is won.
    pub gives: Amounts,
    /// What the material becomes.
    pub leaves: Material,
    /// How often something is won.
    pub chance: f64,
    /// What is achieved.
    pub unlocks: Achievement,
}

/// What is put ahead of the player.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// What is used up.
    pub uses: Amounts,
    /// Where it can be put.
    pub on: Materials,
    /// The material that is put there; none for a plant.
    pub puts: Option<Material>,
    /// What is achieved.
    pub unlocks: Achievement,
}

/// What is made by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Make {
    /// What is used up.
    pub uses: Amounts,
    /// All that must be within one cell, diagonals included.
    pub near: Materials,
    /// What comes out.
    pub gives: Item,
    /// What is achieved.
    pub unlocks: Achievement,
}

/// Counters of the body: each turn they grow by 1; asleep, hunger and thirst by half.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Past this, food falls.
    pub hunger: f32,
    /// Past this, drink falls.
    pub thirst: f32,
    /// Past this, energy falls.
    pub fatigue: f32,
    /// Below this, energy rises.
    pub rest: f32,
    /// Past this, health rises.
    pub recover: f32,
    /// Below this, health falls.
    pub decay: f32,
}

/// Numbers of creatures, arrows and plants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Creatures {
    /// Health of a new cow.
    pub cow_health: u8,
    /// Health of a new zombie.
    pub zombie_health: u8,
    /// Damage of a zombie to who is awake.
    pub zombie_damage: u8,
    /// Damage of a zombie to who sleeps.
    pub zombie_damage_asleep: u8,
    /// Turns beside the player between two hits.
    pub zombie_cooldown: u8,
    /// Health of a new skeleton.
    pub skeleton_health: u8,
    /// Turns between two shots.
    pub skeleton_reload: u8,
    /// Damage of an arrow.
    pub arrow_damage: u8,
    /// Health of a new plant.
    pub plant_health: u8,
    /// A plant that is older than so many turns is ripe.
    pub ripe_after: u32,
}

/// How many creatures of a kind a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Where they appear.
    pub on: Material,
    /// Chance that one appears if there are too few.
    pub spawn_chance: f64,
    /// Steps from the player where one may appear.
    pub spawn_cells: i32,
    /// Chance that one goes if there are too many.
    pub despawn_chance: f64,
    /// Steps from the player where one may go.
    pub despawn_cells: i32,
    /// Cells of `on` that a chunk needs to be given any.
    pub least_cells: usize,
    /// Fewer than this are too few: in the dark, and added in full light.
    pub least: [f64; 2],
    /// More than this are too many: in the dark, and added in full light.
    pub most: [f64; 2],
}

/// Amounts from a list.
pub fn amounts<const N: usize>(list: [(Item, i8); N]) -> Amounts {
    BTreeMap::from(list)
}

impl Rules {
    /// The names that [`Rules::named`] knows, with what is different.
    pub const NAMES: [(&'static str, &'static str); 5] = [
        ("standard", "as in the package"),
        ("recipes", "tables, furnaces and tools are made of other things"),
        ("survival", "water is poison, trees are drunk, cows hurt, saplings feed"),
        (
            "terrain",
            "sand kills and lava does not, water can be waded through, coal and iron lie in each other's place",
        ),
        ("mixed", "all of these at once"),
    ];

    /// The rules of that name.
    pub fn named(name: &str) -> Option<Self> {
        let mut rules = Self::standard();
        match name {
            "standard" => {}
            "recipes" => rules.change_recipes(),
            "survival" => rules.change_survival(),
            "terrain" => rules.change_terrain(),
            "mixed" => {
                rules.change_recipes();
                rules.change_survival();
                rules.change_terrain();
            }
            _ => return None,
        }
        Some(rules)
    }

    /// The rules of the package.
    pub fn standard() -> Self {
        use Material::*;
        let vital = |item| item <= Item::Energy;
        Self {
            initial: Inventory::new(|item| if vital(item) { 9 } else { 0 }),
            most: 9,
            walkable: Materials::of(&[Grass, Path, Sand]),
            deadly: Materials::of(&[Lava]),
            flyable: Materials::of(&[Water, Lava]),
            breakable: Materials::of(&[Table, Furnace]),
            instead: BTreeMap::new(),
            collect: standard_collect(),
            place: standard_place(),
            make: standard_make(),
            cow: amounts([(Item::Food, 6)]),
            plant: amounts([(Item::Food, 4)]),
            weapons: BTreeMap::from([(Item::WoodSword, 2), (Item::StoneSword, 3), (Item::IronSword, 5)]),
            body: Body {
                hunger: 25.0,
                thirst: 20.0,
                fatigue: 30.0,
                rest: -10.0,
                recover: 25.0,
                decay: -15.0,
            },
            creatures: Creatures {
                cow_health: 3,
                zombie_health: 5,
                zombie_damage: 2,
                zombie_damage_asleep: 7,
                zombie_cooldown: 5,
                skeleton_health: 3,
                skeleton_reload: 4,
                arrow_damage: 2,
                plant_health: 1,
                ripe_after: 300,
            },
            balance: standard_balance(),
            awake_cells: 18,
        }
    }

    /// Where the player can go, be it to die.
    pub fn player_walks(&self) -> Materials {
        self.walkable.or(self.deadly)
    }

    fn change_recipes(&mut self) {
        use Item::*;
        let mut uses = |deed: Deed, uses: Amounts, near: &[Material]| {
            if let Some(make) = self.make.get_mut(&deed) {
                (make.uses, make.near) = (uses, Materials::of(near));
            }
        };
        uses(Deed::MakeWoodPickaxe, amounts([(Wood, 1), (Sapling, 1)]), &[Material::Table]);
        uses(Deed::MakeWoodSword, amounts([(Wood, 2)]), &[Material::Tree]);
        uses(Deed::MakeStonePickaxe, amounts([(Stone, 3)]), &[Material::Table]);
        uses(Deed::MakeStoneSword, amounts([(Stone, 1), (Coal, 1)]), &[Material::Furnace]);
        uses(Deed::MakeIronPickaxe, amounts([(Iron, 1), (Stone, 2)]), &[Material::Furnace]);
        uses(Deed::MakeIronSword, amounts([(Iron, 1), (Diamond, 1)]), &[Material::Table, Material::Furnace]);
        let mut costs = |deed: Deed, uses: Amounts| {
            if let Some(place) = self.place.get_mut(&deed) {
                place.uses = uses;
            }
        };
        costs(Deed::PlaceTable, amounts([(Wood, 3), (Sapling, 1)]));
        costs(Deed::PlaceFurnace, amounts([(Stone, 2), (Coal, 1)]));
    }

    fn change_survival(&mut self) {
        use Item::*;
        let mut gives = |material: Material, gives: Amounts| {
            if let Some(collect) = self.collect.get_mut(&material) {
                collect.gives = gives;
            }
        };
        gives(Material::Water, amounts([(Health, -1), (Drink, 1)]));
        gives(Material::Tree, amounts([(Wood, 1), (Drink, 3)]));
        gives(Material::Grass, amounts([(Sapling, 1), (Food, 2)]));
        self.cow = amounts([(Food, 6), (Health, -2)]);
        self.plant = amounts([(Food, 4), (Health, 3)]);
    }

    fn change_terrain(&mut self) {
        use Material::*;
        self.walkable = Materials::of(&[Grass, Path, Water, Lava]);
        self.deadly = Materials::of(&[Sand]);
        self.flyable = Materials::of(&[Sand]);
        self.instead = BTreeMap::from([(Coal, Iron), (Iron, Coal)]);
    }
}

fn standard_collect() -> BTreeMap<Material, Collect> {
    use Achievement::*;
    let collect = |material, needs: Amounts, gives, leaves, chance, unlocks| {
        let gives = amounts([(gives, 1)]);
        (material, Collect { needs, gives, leaves, chance, unlocks })
    };
    let with = |tool| amounts([(tool, 1)]);
    let (none, path) = (Amounts::new, Material::Path);
    let wood = with(Item::WoodPickaxe);
    BTreeMap::from([
        collect(Material::Tree, none(), Item::Wood, Material::Grass, 1.0, CollectWood),
        collect(Material::Stone, wood.clone(), Item::Stone, path, 1.0, CollectStone),
        collect(Material::Coal, wood, Item::Coal, path, 1.0, CollectCoal),
        collect(Material::Iron, with(Item::StonePickaxe), Item::Iron, path, 1.0, CollectIron),
        collect(Material::Diamond, with(Item::IronPickaxe), Item::Diamond, path, 1.0, CollectDiamond),
        collect(Material::Water, none(), Item::Drink, Material::Water, 1.0, CollectDrink),
        collect(Material::Grass, none(), Item::Sapling, Material::Grass, 0.1, CollectSapling),
    ])
}

fn standard_place() -> BTreeMap<Deed, Place> {
    use Material::*;
    let place = |deed, item, n, on: &[Material], puts, unlocks| {
        (deed, Place { uses: amounts([(item, n)]), on: Materials::of(on), puts, unlocks })
    };
    let ground = [Grass, Sand, Path];
    let anywhere = [Grass, Sand, Path, Water, Lava];
    BTreeMap::from([
        place(Deed::PlaceStone, Item::Stone, 1, &anywhere, Some(Stone), Achievement::PlaceStone),
        place(Deed::PlaceTable, Item::Wood, 2, &ground, Some(Table), Achievement::PlaceTable),
        place(Deed::PlaceFurnace, Item::Stone, 4, &ground, Some(Furnace), Achievement::PlaceFurnace),
        place(Deed::PlacePlant, Item::Sapling, 1, &[Grass], None, Achievement::PlacePlant),
    ])
}

fn standard_make() -> BTreeMap<Deed, Make> {
    use Item::*;
    let table = Materials::of(&[Material::Table]);
    let both = Materials::of(&[Material::Table, Material::Furnace]);
    let make = |deed, uses: &[Item], near, gives, unlocks| {
        let uses = uses.iter().map(|item| (*item, 1)).collect();
        (deed, Make { uses, near, gives, unlocks })
    };
    let iron = [Wood, Coal, Iron];
    BTreeMap::from([
        make(Deed::MakeWoodPickaxe, &[Wood], table, WoodPickaxe, Achievement::MakeWoodPickaxe),
        make(Deed::MakeStonePickaxe, &[Wood, Stone], table, StonePickaxe, Achievement::MakeStonePickaxe),
        make(Deed::MakeIronPickaxe, &iron, both, IronPickaxe, Achievement::MakeIronPickaxe),
        make(Deed::MakeWoodSword, &[Wood], table, WoodSword, Achievement::MakeWoodSword),
        make(Deed::MakeStoneSword, &[Wood, Stone], table, StoneSword, Achievement::MakeStoneSword),
        make(Deed::MakeIronSword, &iron, both, IronSword, Achievement::MakeIronSword),
    ])
}

/// Zombies, skeletons and cows, in the order in which they are balanced.
fn standard_balance() -> [Balance; 3] {
    let zombies = Balance {
        on: Material::Grass,
        spawn_chance: 0.3,
        spawn_cells: 6,
        despawn_chance: 0.4,
        despawn_cells: 0,
        least_cells: 50,
        least: [3.5, -3.0],
        most: [3.5, -3.0],
    };
    let skeletons = Balance {
        on: Material::Path,
        spawn_chance: 0.1,
        spawn_cells: 7,
        despawn_chance: 0.1,
        despawn_cells: 7,
        least_cells: 6,
        least: [1.0, 0.0],
        most: [2.0, 0.0],
    };
    let cows = Balance {
        on: Material::Grass,
        spawn_chance: 0.01,
        spawn_cells: 5,
        despawn_chance: 0.1,
        despawn_cells: 5,
        least_cells: 30,
        least: [1.0, 0.0],
        most: [1.5, 1.0],
    };
    [zombies, skeletons, cows]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_set_differs_and_comes_back_from_json() {
        let all = Rules::NAMES.map(|(name, _)| Rules::named(name).unwrap());
        for (i, rules) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != rules));
            let json = serde_json::to_string(rules).unwrap();
            assert_eq!(&serde_json::from_str::<Rules>(&json).unwrap(), rules);
        }
        assert_eq!(Rules::named("unknown"), None);
    }
}
