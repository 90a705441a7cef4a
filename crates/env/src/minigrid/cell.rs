//! What can stand on one cell of a grid, in MiniGrid's kinds, colours and door states.
//!
//! A cell is one small number: ten bits for the thing itself and, above them, the same for what a box holds. Three layers fit,
//! so a box may hold a box that holds something, and no more. In saved states, fixtures and tests a cell is a short word, such
//! as `Ky` for a yellow key (see [`Cell::from_str`]).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Rng};

/// What a thing is; the number is MiniGrid's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// Out of sight; never on a board.
    Unseen,
    /// Nothing.
    Empty,
    /// Not to be passed nor seen through.
    Wall,
    /// A coloured tile to walk on.
    Floor,
    /// See [`Latch`].
    Door,
    /// Unlocks doors of its colour.
    Key,
    /// To be picked up.
    Ball,
    /// To be picked up, or opened once for what it holds.
    Box,
    /// Ends the episode well.
    Goal,
    /// Ends the episode badly.
    Lava,
    /// The player, in views of the whole board only.
    Agent,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Unseen,
        Self::Empty,
        Self::Wall,
        Self::Floor,
        Self::Door,
        Self::Key,
        Self::Ball,
        Self::Box,
        Self::Goal,
        Self::Lava,
        Self::Agent,
    ];
    /// The kinds that can be picked up.
    pub const LIFTABLE: [Self; 3] = [Self::Key, Self::Ball, Self::Box];

    /// Its name in missions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unseen => "unseen",
            Self::Empty => "empty",
            Self::Wall => "wall",
            Self::Floor => "floor",
            Self::Door => "door",
            Self::Key => "key",
            Self::Ball => "ball",
            Self::Box => "box",
            Self::Goal => "goal",
            Self::Lava => "lava",
            Self::Agent => "agent",
        }
    }
}

/// The colour of a thing; the number is MiniGrid's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Colour {
    Red,
    Green,
    Blue,
    Purple,
    Yellow,
    Grey,
}

impl Colour {
    /// All of them, by number.
    pub const ALL: [Self; 6] = [Self::Red, Self::Green, Self::Blue, Self::Purple, Self::Yellow, Self::Grey];

    /// A uniform draw.
    pub fn draw(rng: &mut Rng) -> Self {
        Self::ALL[rng.below(Self::ALL.len())]
    }

    /// Its name in missions.
    pub fn name(self) -> &'static str {
        ["red", "green", "blue", "purple", "yellow", "grey"][self as usize]
    }
}

/// How a door is; the number is MiniGrid's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Latch {
    /// To be walked and seen through.
    Open,
    /// Opens when toggled.
    Closed,
    /// Opens when toggled with a key of its colour in hand.
    Locked,
}

const KIND_BITS: u32 = 4;
const LATCH_SHIFT: u32 = 7;
const WANTED: u32 = 1 << 9;
const LAYER_BITS: u32 = 10;

/// One cell: a [`Kind`] with its [`Colour`], a door's [`Latch`], what a box holds, and whether the mission is about this thing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cell(u32);

impl Cell {
    /// Out of sight.
    pub const UNSEEN: Self = Self(0);
    /// Nothing.
    pub const EMPTY: Self = Self::new(Kind::Empty, Colour::Red);
    /// A grey wall.
    pub const WALL: Self = Self::new(Kind::Wall, Colour::Grey);
    /// A green goal.
    pub const GOAL: Self = Self::new(Kind::Goal, Colour::Green);
    /// Lava.
    pub const LAVA: Self = Self::new(Kind::Lava, Colour::Red);
    /// How many values [`Cell::looks`] has.
    pub const N_LOOKS: usize = WANTED as usize;

    /// A thing of this kind and colour; a door is open, a box holds nothing.
    pub const fn new(kind: Kind, colour: Colour) -> Self {
        Self(kind as u32 | (colour as u32) << KIND_BITS)
    }

    /// A door.
    pub const fn door(colour: Colour, latch: Latch) -> Self {
        Self::new(Kind::Door, colour).latched(latch)
    }

    /// A box with `inside` in it; `None` if that is a box that holds a full box.
    pub fn boxed(colour: Colour, inside: Self) -> Option<Self> {
        if inside == Self::EMPTY {
            return Some(Self::new(Kind::Box, colour));
        }
        let shifted = inside.0.checked_mul(1 << LAYER_BITS)?;
        (shifted >> (3 * LAYER_BITS) == 0).then(|| Self(Self::new(Kind::Box, colour).0 | shifted))
    }

    /// The same door with another latch.
    pub const fn latched(self, latch: Latch) -> Self {
        Self(self.0 & !(3 << LATCH_SHIFT) | (latch as u32) << LATCH_SHIFT)
    }

    /// The same thing as one that the mission is about.
    pub const fn wanted(self) -> Self {
        Self(self.0 | WANTED)
    }

    /// Whether the mission is about this very thing.
    pub fn is_wanted(self) -> bool {
        self.0 & WANTED != 0
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        Kind::ALL[(self.0 & ((1 << KIND_BITS) - 1)) as usize]
    }

    /// Its colour; red for nothing.
    pub fn colour(self) -> Colour {
        Colour::ALL[(self.0 >> KIND_BITS & 7) as usize]
    }

    /// How a door is; open for everything else.
    pub fn latch(self) -> Latch {
        [Latch::Open, Latch::Closed, Latch::Locked][(self.0 >> LATCH_SHIFT & 3) as usize]
    }

    /// What a box holds, nothing for everything else.
    pub fn inside(self) -> Self {
        match self.0 >> LAYER_BITS {
            0 => Self::EMPTY,
            bits => Self(bits),
        }
    }

    /// Kind, colour and door state as MiniGrid's three numbers.
    pub fn encoded(self) -> [u8; 3] {
        let bits = self.0;
        [(bits & 15) as u8, (bits >> KIND_BITS & 7) as u8, (bits >> LATCH_SHIFT & 3) as u8]
    }

    /// A number below [`Cell::N_LOOKS`], the same for all that look the same.
    pub fn looks(self) -> usize {
        (self.0 & (WANTED - 1)) as usize
    }

    /// Whether one sees what is behind it.
    pub fn is_see_through(self) -> bool {
        match self.kind() {
            Kind::Wall => false,
            Kind::Door => self.latch() == Latch::Open,
            _ => true,
        }
    }

    /// Whether the agent can be where it is.
    pub fn can_enter(self) -> bool {
        match self.kind() {
            Kind::Empty | Kind::Floor | Kind::Goal | Kind::Lava => true,
            Kind::Door => self.latch() == Latch::Open,
            _ => false,
        }
    }

    /// Whether the agent can pick it up.
    pub fn can_lift(self) -> bool {
        Kind::LIFTABLE.contains(&self.kind())
    }

    /// Whether it is a key to the door `door`.
    pub fn opens(self, door: Self) -> bool {
        self.kind() == Kind::Key && self.colour() == door.colour()
    }
}

/// Letters of kinds, with the latch of doors.
const LETTERS: [(char, Kind, Latch); 10] = [
    ('W', Kind::Wall, Latch::Open),
    ('F', Kind::Floor, Latch::Open),
    ('O', Kind::Door, Latch::Open),
    ('D', Kind::Door, Latch::Closed),
    ('L', Kind::Door, Latch::Locked),
    ('K', Kind::Key, Latch::Open),
    ('A', Kind::Ball, Latch::Open),
    ('B', Kind::Box, Latch::Open),
    ('G', Kind::Goal, Latch::Open),
    ('V', Kind::Lava, Latch::Open),
];
/// Letters of [`Colour::ALL`].
const COLOUR_LETTERS: [char; 6] = ['r', 'g', 'b', 'p', 'y', 'e'];
const EMPTY_WORD: &str = "..";
const WALL_WORD: &str = "##";

/// The word that [`Cell::from_str`] reads.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::EMPTY {
            return f.write_str(EMPTY_WORD);
        }
        if *self == Self::WALL {
            return f.write_str(WALL_WORD);
        }
        let is_own = |(_, kind, latch): &&(char, Kind, Latch)| (*kind, *latch) == (self.kind(), self.latch());
        let letter = LETTERS.iter().find(is_own).map_or('?', |(letter, ..)| *letter);
        write!(f, "{letter}{}", COLOUR_LETTERS[self.colour() as usize])?;
        if self.is_wanted() {
            f.write_str("*")?;
        }
        if self.inside() == Self::EMPTY { Ok(()) } else { write!(f, "({})", self.inside()) }
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `..` is nothing and `##` a grey wall. Other things are two letters: `W`all, `F`loor, `K`ey, b`A`ll, `B`ox, `G`oal, la`V`a,
/// a door that is `O`pen, cl`D`sed or `L`ocked; then `r`ed, `g`reen, `b`lue, `p`urple, `y`ellow, gr`e`y. A `*` after them
/// marks what the mission is about. What a box holds follows in brackets, as in `Br(Ky)`.
impl FromStr for Cell {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let wrong = || Error::invalid(format!("expected a cell such as `..`, `##` or `Ky`, got `{word}`"));
        match word {
            EMPTY_WORD => return Ok(Self::EMPTY),
            WALL_WORD => return Ok(Self::WALL),
            _ => {}
        }
        let mut letters = word.chars();
        let (kind, colour) = (letters.next(), letters.next());
        let is_own = |(letter, ..): &&(char, Kind, Latch)| Some(*letter) == kind;
        let (_, kind, latch) = LETTERS.iter().find(is_own).ok_or_else(wrong)?;
        let colour = COLOUR_LETTERS.iter().position(|letter| Some(*letter) == colour).ok_or_else(wrong)?;
        let colour = Colour::ALL[colour];
        let rest = letters.as_str();
        let (is_wanted, rest) = rest.strip_prefix('*').map_or((false, rest), |rest| (true, rest));
        let cell = match rest {
            "" => Self::new(*kind, colour).latched(*latch),
            _ if *kind != Kind::Box => return Err(wrong()),
            rest => {
                let inside =
                    rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or_else(wrong)?;
                // A word is three letters and two brackets a layer at most; longer ones are not followed down.
                let inside = if inside.len() > 16 { return Err(wrong()) } else { inside.parse()? };
                Self::boxed(colour, inside).ok_or_else(wrong)?
            }
        };
        Ok(if is_wanted { cell.wanted() } else { cell })
    }
}

impl Serialize for Cell {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<str>::deserialize(from)?;
        word.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were_and_others_are_refused() {
        for word in [
            "..",
            "##",
            "Wr",
            "Fb",
            "Og",
            "Dp",
            "Ly*",
            "Ke",
            "Ar*",
            "Bb",
            "Br(Ky)",
            "Br*(Bg(Ab*))",
            "Gg",
            "Vr",
        ] {
            assert_eq!(word.parse::<Cell>().unwrap().to_string(), word);
        }
        for word in [
            "",
            "K",
            "Kx",
            "Qr",
            "Ky(Ab)",
            "Br(Ky",
            "Br()",
            "Kyy",
            "##*",
            "Br(Bg(Bb(Ky)))",
            "Br(Bg(Bb))x",
            "ßr",
        ] {
            assert!(word.parse::<Cell>().is_err(), "{word}");
        }
        assert!("B".repeat(1_000_000).parse::<Cell>().is_err());
        assert!("Br(".repeat(100_000).parse::<Cell>().is_err());
    }

    #[test]
    fn a_box_holds_a_full_box_and_no_more() {
        let key = Cell::new(Kind::Key, Colour::Yellow).wanted();
        let one = Cell::boxed(Colour::Red, key).unwrap();
        let two = Cell::boxed(Colour::Blue, one).unwrap();
        assert_eq!((two.inside(), two.inside().inside(), key.inside()), (one, key, Cell::EMPTY));
        assert_eq!(Cell::boxed(Colour::Grey, two), None);
        assert!(two.can_lift() && !two.is_wanted() && two.inside().inside().is_wanted());
    }

    #[test]
    fn numbers_are_minigrids() {
        assert_eq!("Lp*".parse::<Cell>().unwrap().encoded(), [4, 3, 2]);
        assert_eq!("Be(Ky)".parse::<Cell>().unwrap().encoded(), [7, 5, 0]);
        assert_eq!(Cell::EMPTY.encoded(), [1, 0, 0]);
        assert_eq!(Cell::UNSEEN.encoded(), [0; 3]);
        assert_eq!(Cell::WALL.encoded(), [2, 5, 0]);
    }
}
