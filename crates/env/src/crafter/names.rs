//! The words of the game: what the ground is made of, what is carried, done and achieved; and numbers by such names.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One of a few words in a fixed order.
pub trait Name: Copy + 'static {
    /// All of them, in order.
    const ALL: &'static [Self];

    /// The word, in `snake_case`.
    fn name(self) -> &'static str;

    /// Its place in [`Name::ALL`].
    fn index(self) -> usize;
}

/// An enumeration whose variants are known by their names.
macro_rules! names {
    ($(#[$about:meta])* $kind:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $kind { $($(#[$doc])* $variant,)* }

        impl $kind {
            /// [`Name::name`], where only constants are known.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl Name for $kind {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            fn name(self) -> &'static str {
                self.word()
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

names! {
    /// What a cell of the ground is made of.
    Material {
        /// Can be drunk, not walked on.
        Water = "water",
        /// Walkable; hides saplings.
        Grass = "grass",
        /// Rock.
        Stone = "stone",
        /// Bare ground where rock was taken, and tunnels.
        Path = "path",
        /// Walkable shore.
        Sand = "sand",
        /// Gives wood.
        Tree = "tree",
        /// Deadly to step into.
        Lava = "lava",
        /// Ore.
        Coal = "coal",
        /// Ore.
        Iron = "iron",
        /// Gem.
        Diamond = "diamond",
        /// A workbench.
        Table = "table",
        /// For work with iron.
        Furnace = "furnace",
    }
}

names! {
    /// What the player has: four vital signs, then things.
    Item {
        /// Dead at 0.
        Health = "health",
        /// Falls over time; eating restores it.
        Food = "food",
        /// Falls over time; drinking restores it.
        Drink = "drink",
        /// Falls while awake; sleep restores it.
        Energy = "energy",
        /// To be planted.
        Sapling = "sapling",
        /// From trees.
        Wood = "wood",
        /// From rock.
        Stone = "stone",
        /// From ore.
        Coal = "coal",
        /// From ore.
        Iron = "iron",
        /// From a gem in the rock.
        Diamond = "diamond",
        /// Digs stone and coal.
        WoodPickaxe = "wood_pickaxe",
        /// Digs iron.
        StonePickaxe = "stone_pickaxe",
        /// Digs diamonds.
        IronPickaxe = "iron_pickaxe",
        /// Hits harder than a fist.
        WoodSword = "wood_sword",
        /// Hits harder than wood.
        StoneSword = "stone_sword",
        /// Hits hardest.
        IronSword = "iron_sword",
    }
}

names! {
    /// What the player can do, in the order of the action space.
    Deed {
        /// Nothing.
        Noop = "noop",
        /// Turns left, and goes there if it is free.
        MoveLeft = "move_left",
        /// Turns right, and goes there if it is free.
        MoveRight = "move_right",
        /// Turns up, and goes there if it is free.
        MoveUp = "move_up",
        /// Turns down, and goes there if it is free.
        MoveDown = "move_down",
        /// Collects, hits or eats what is ahead.
        Do = "do",
        /// Falls asleep.
        Sleep = "sleep",
        /// Puts a stone ahead.
        PlaceStone = "place_stone",
        /// Puts a table ahead.
        PlaceTable = "place_table",
        /// Puts a furnace ahead.
        PlaceFurnace = "place_furnace",
        /// Puts a sapling ahead.
        PlacePlant = "place_plant",
        /// Makes a wooden pickaxe.
        MakeWoodPickaxe = "make_wood_pickaxe",
        /// Makes a stone pickaxe.
        MakeStonePickaxe = "make_stone_pickaxe",
        /// Makes an iron pickaxe.
        MakeIronPickaxe = "make_iron_pickaxe",
        /// Makes a wooden sword.
        MakeWoodSword = "make_wood_sword",
        /// Makes a stone sword.
        MakeStoneSword = "make_stone_sword",
        /// Makes an iron sword.
        MakeIronSword = "make_iron_sword",
    }
}

names! {
    /// What is worth a point the first time, in the order of the view `achievements`.
    Achievement {
        /// Dug coal.
        CollectCoal = "collect_coal",
        /// Dug a diamond.
        CollectDiamond = "collect_diamond",
        /// Drank.
        CollectDrink = "collect_drink",
        /// Dug iron.
        CollectIron = "collect_iron",
        /// Found a sapling.
        CollectSapling = "collect_sapling",
        /// Dug stone.
        CollectStone = "collect_stone",
        /// Cut wood.
        CollectWood = "collect_wood",
        /// Killed a skeleton.
        DefeatSkeleton = "defeat_skeleton",
        /// Killed a zombie.
        DefeatZombie = "defeat_zombie",
        /// Ate a cow.
        EatCow = "eat_cow",
        /// Ate a ripe plant.
        EatPlant = "eat_plant",
        /// Made an iron pickaxe.
        MakeIronPickaxe = "make_iron_pickaxe",
        /// Made an iron sword.
        MakeIronSword = "make_iron_sword",
        /// Made a stone pickaxe.
        MakeStonePickaxe = "make_stone_pickaxe",
        /// Made a stone sword.
        MakeStoneSword = "make_stone_sword",
        /// Made a wooden pickaxe.
        MakeWoodPickaxe = "make_wood_pickaxe",
        /// Made a wooden sword.
        MakeWoodSword = "make_wood_sword",
        /// Put a furnace somewhere.
        PlaceFurnace = "place_furnace",
        /// Planted a sapling.
        PlacePlant = "place_plant",
        /// Put a stone somewhere.
        PlaceStone = "place_stone",
        /// Put a table somewhere.
        PlaceTable = "place_table",
        /// Slept until rested.
        WakeUp = "wake_up",
    }
}

/// Number of items.
pub const N_ITEMS: usize = Item::ALL.len();
/// Number of achievements.
pub const N_ACHIEVEMENTS: usize = Achievement::ALL.len();

/// How much the player has of each item.
pub type Inventory = Tally<Item, u8, N_ITEMS>;
/// How often each achievement was done in this episode.
pub type Achievements = Tally<Achievement, u32, N_ACHIEVEMENTS>;

/// A number for each name. Its JSON form is an object that holds every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally<K, T, const N: usize> {
    numbers: [T; N],
    names: PhantomData<K>,
}

impl<K: Name, T: Copy, const N: usize> Tally<K, T, N> {
    /// The number that `of` gives each name.
    pub fn new(of: impl Fn(K) -> T) -> Self {
        Self { numbers: std::array::from_fn(|i| of(K::ALL[i])), names: PhantomData }
    }

    /// Names and numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (K, T)> + Clone + '_ {
        K::ALL.iter().copied().zip(self.numbers)
    }
}

impl<K: Name, T, const N: usize> Index<K> for Tally<K, T, N> {
    type Output = T;

    fn index(&self, name: K) -> &T {
        &self.numbers[name.index()]
    }
}

impl<K: Name, T, const N: usize> IndexMut<K> for Tally<K, T, N> {
    fn index_mut(&mut self, name: K) -> &mut T {
        &mut self.numbers[name.index()]
    }
}

impl<K: Name, T: Copy + Serialize, const N: usize> Serialize for Tally<K, T, N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter().map(|(name, number)| (name.name(), number)))
    }
}

impl<'de, K: Name, T, const N: usize> Deserialize<'de> for Tally<K, T, N>
where
    T: Copy + Default + DeserializeOwned,
{
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut numbers = BTreeMap::<String, T>::deserialize(from)?;
        let mut tally = Self::new(|_| T::default());
        for name in K::ALL {
            let number = numbers.remove(name.name());
            tally[*name] =
                number.ok_or_else(|| D::Error::custom(format!("expected `{}`, got none", name.name())))?;
        }
        match numbers.keys().next() {
            None => Ok(tally),
            Some(name) => Err(D::Error::custom(unknown(name))),
        }
    }
}

fn unknown(name: impl Display) -> String {
    format!("expected known names, got `{name}`")
}

/// A set of materials. Its JSON form is a list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Material>", into = "Vec<Material>")]
pub struct Materials(u16);

impl Materials {
    /// These.
    pub const fn of(all: &[Material]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < all.len() {
            bits |= 1 << all[i] as u16;
            i += 1;
        }
        Self(bits)
    }

    /// Whether it holds `material`.
    pub const fn has(self, material: Material) -> bool {
        self.0 >> material as u16 & 1 == 1
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Material> {
        Material::ALL.iter().copied().filter(move |material| self.has(*material))
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl From<Vec<Material>> for Materials {
    fn from(all: Vec<Material>) -> Self {
        Self::of(&all)
    }
}

impl From<Materials> for Vec<Material> {
    fn from(set: Materials) -> Self {
        set.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_json_names_agree_and_numbers_come_back() {
        fn agree<K: Name + Serialize>() {
            for name in K::ALL {
                assert_eq!(serde_json::to_value(name).unwrap(), name.name());
            }
        }
        agree::<Material>();
        agree::<Item>();
        agree::<Deed>();
        agree::<Achievement>();
        let inventory = Inventory::new(|item| item as u8);
        let json = serde_json::to_string(&inventory).unwrap();
        assert!(json.starts_with(r#"{"health":0,"food":1,"#));
        assert_eq!(serde_json::from_str::<Inventory>(&json).unwrap(), inventory);
        assert!(serde_json::from_str::<Inventory>(&json.replace("food", "foot")).is_err());
        assert!(serde_json::from_str::<Inventory>(&json.replace("\"food\":1,", "")).is_err());
    }

    #[test]
    fn a_set_of_materials_is_a_list_of_names() {
        let set = Materials::of(&[Material::Lava, Material::Grass]);
        assert!(set.has(Material::Lava) && !set.has(Material::Water));
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(json, r#"["grass","lava"]"#);
        assert_eq!(serde_json::from_str::<Materials>(&json).unwrap(), set);
    }
}
