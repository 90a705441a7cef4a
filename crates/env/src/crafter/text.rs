//! What is seen, in words.

use std::fmt::{Error, Write};

use super::draw::in_view;
use super::names::{Item, Material, Name};
use super::state::{Kind, State, distance};
use super::terrain::Cell;
use super::tiles::{COLUMNS, MAP_ROWS};

/// More than any text is long, in characters.
pub const MOST_TEXT: usize = 1024;

/// Writes what the player sees: how it is, what it has, what lies ahead, and the nearest of each kind in view.
pub fn write(state: &State, text: &mut String) {
    // Only a text that cannot grow would fail.
    let _ = body(state, text).and_then(|()| nearby(state, text));
}

fn body(state: &State, text: &mut String) -> Result<(), Error> {
    let player = &state.player;
    let inventory = || player.inventory.iter();
    let hour = if state.daylight() < 0.5 { "night" } else { "day" };
    let sleep = if player.sleeping { "asleep" } else { "awake" };
    writeln!(text, "{hour}, {sleep}")?;
    for (i, (item, n)) in inventory().take_while(|(item, _)| *item <= Item::Energy).enumerate() {
        write!(text, "{}{} {n}", if i == 0 { "" } else { ", " }, item.name())?;
    }
    text.write_str("\nhas: ")?;
    let things = inventory().filter(|(item, n)| *item > Item::Energy && *n > 0);
    let n_things = things.clone().count();
    for (i, (item, n)) in things.enumerate() {
        write!(text, "{}{} {n}", if i == 0 { "" } else { ", " }, item.name())?;
    }
    if n_things == 0 {
        text.write_str("nothing")?;
    }
    let ahead = player.ahead();
    let material = state.terrain.at(ahead).map_or("nothing", Name::name);
    let what = state.object_at(ahead).map_or(material, |idx| word(state.objects[idx].kind));
    write!(text, "\nfaces: {what} ({})\nsees:", player.facing.name())
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Cow => "cow",
        Kind::Zombie { .. } => "zombie",
        Kind::Skeleton { .. } => "skeleton",
        Kind::Arrow { .. } => "arrow",
        Kind::Plant { .. } => "plant",
    }
}

/// The nearest of everything in view.
fn nearby(state: &State, text: &mut String) -> Result<(), Error> {
    let middle = state.player.position;
    let (rows, columns) = (MAP_ROWS as i32 / 2, COLUMNS as i32 / 2);
    let cells = || {
        let rows = middle[1] - rows..=middle[1] + rows;
        rows.flat_map(move |y| (middle[0] - columns..=middle[0] + columns).map(move |x| [x, y]))
    };
    let mut separator = " ";
    let mut say = |word: &str, cell: Option<Cell>| {
        let Some([x, y]) = cell else { return Ok(()) };
        write!(text, "{separator}{word}")?;
        separator = ", ";
        let [dx, dy] = [x - middle[0], y - middle[1]];
        for (steps, [less, more]) in [(dx, ["left", "right"]), (dy, ["up", "down"])] {
            if steps != 0 {
                write!(text, " {} {}", steps.abs(), if steps < 0 { less } else { more })?;
            }
        }
        Ok(())
    };
    for material in Material::ALL {
        let found = cells().filter(|cell| *cell != middle && state.terrain.at(*cell) == Some(*material));
        say(material.name(), found.min_by_key(|cell| distance(*cell, middle)))?;
    }
    for kind in ["cow", "zombie", "skeleton", "arrow", "plant"] {
        let found = state.objects.iter().filter(|object| word(object.kind) == kind);
        let seen = found.map(|object| object.position).filter(|cell| in_view(*cell, middle).is_some());
        say(kind, seen.min_by_key(|cell| distance(*cell, middle)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_all_that_the_player_needs() {
        let mut state = State::meadow();
        state.terrain.set([2, 4], Material::Water);
        state.terrain.set([4, 5], Material::Tree);
        state.add([7, 3], 3, Kind::Cow);
        let mut text = String::new();
        write(&state, &mut text);
        assert_eq!(
            text,
            "day, awake\nhealth 9, food 9, drink 9, energy 9\nhas: wood 2\nfaces: tree (down)\n\
             sees: water 2 left, grass 1 up, tree 1 down, cow 3 right 1 up"
        );
    }
}
