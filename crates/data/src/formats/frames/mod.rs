//! Train on your own game: a folder of pictures, or a video, with a table of actions.
//!
//! ```text
//! mygame/episode-0/00000.png          mygame/episode-0.mp4           mygame/00000.png
//! mygame/episode-0/00001.png    or    mygame/episode-0.csv    or     mygame/00001.png
//! mygame/episode-0/actions.csv        mygame/episode-1.mp4           mygame/actions.csv
//! mygame/episode-1/..                 mygame/episode-1.csv
//! ```
//!
//! Alignment: row `t` of the table says what was done after frame `t` was seen, and what came of it: `reward`,
//! `terminated`, `truncated` (or `done`). `N` frames have `N - 1` rows; a last row `N` says what was done after the
//! last frame, which led to no frame and is left out. Columns of numbers beside those were seen with frame `t`. A
//! last row without an action only says what was seen with the last frame.
//!
//! Tables are CSV, JSON Lines or Parquet; pictures PNG or JPEG; both may be mixed. What is written: PNG or, if asked for, an
//! H.264 video, which is not exact; CSV, `episode.json` (seed and the like) and `worldsmith.json` (spaces). The format holds
//! one picture an observation and no text.

mod layout;
mod play;
mod schema;
mod survey;
mod table;
mod write;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use worldsmith_core::{Episode, Error, Result, Space};

use self::layout::Place;
use self::play::Play;
use self::schema::{Declared, Part};
use self::survey::Survey;
use super::choice::Choice;
use super::{Format, ReadOptions, Source, SourceInfo};
use crate::leaf::Leaf;

/// Registry entry.
pub const FORMAT: Format = Format {
    name: "frames",
    about: "your own game: pictures or a video an episode, and a table of actions (CSV, JSON Lines, Parquet)",
    detect: layout::looks_like,
    open,
    create: Some(write::create),
};

struct Frames {
    places: Vec<Place>,
    info: SourceInfo,
    schema: Schema,
}

/// What every episode is read with.
struct Schema {
    choice: Choice,
    picture: Option<Leaf>,
    numbers: Vec<Part>,
    actions: Vec<Part>,
    /// Names of the choices, if the tables name them.
    words: Vec<String>,
}

fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Source>> {
    let dir = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let declared = Declared::read(dir)?;
    let places = layout::places(path)?;
    let (found, mut notes) = match (&declared.obs, &declared.action) {
        (Some(obs), Some(action)) => {
            let actions = schema::action_parts(action).map_err(|err| err.at(path))?;
            (
                Found {
                    obs: obs.clone(),
                    action: action.clone(),
                    actions,
                    words: declared.actions,
                    fps: None,
                },
                Vec::new(),
            )
        }
        _ => look_through(&places, &declared.actions)?,
    };
    let choice = Choice::new(&found.obs, schema::PICTURE, &options.columns).map_err(|err| err.at(path))?;
    let (picture, numbers) = schema::obs_parts(&choice).map_err(|err| err.at(path))?;
    if numbers.is_empty() {
        notes.retain(|note| note != play::UNSEEN);
    }
    let info = SourceInfo {
        obs: choice.space.clone(),
        action: found.action,
        fps: declared.fps.or(found.fps),
        notes,
    };
    let schema = Schema { choice, picture, numbers, actions: found.actions, words: found.words };
    Ok(Box::new(Frames { places, info, schema }))
}

struct Found {
    obs: Space,
    action: Space,
    actions: Vec<Part>,
    words: Vec<String>,
    fps: Option<f32>,
}

/// Looks through all tables, and at the first picture of each episode.
fn look_through(places: &[Place], names: &[String]) -> Result<(Found, Vec<String>)> {
    let (mut survey, mut notes) = (Survey::default(), Vec::new());
    let (mut shape, mut fps) = ([0; 3], None);
    for place in places {
        let play = Play::open(place)?;
        survey.add(&place.name, &play.table).map_err(|err| err.at(&place.table))?;
        notes.extend(play.remark());
        fps = fps.or(play.fps());
        // A grey picture, say a black one at the start, is often stored as grey in a coloured set.
        let [height, width, channels] = play.shape()?;
        shape = if shape == [0; 3] {
            [height, width, channels]
        } else {
            [shape[0], shape[1], shape[2].max(channels)]
        };
    }
    notes.sort();
    notes.dedup();
    let first = places.first().map_or(Path::new(""), |place| &place.table);
    let (action, actions, words) = survey.actions(names).map_err(|err| err.at(first))?;
    survey.remarks(&words, &mut notes);
    if !survey.has("reward") {
        notes.push("There is no column `reward`: rewards are 0.".to_owned());
    }
    let (numbers, left_out) = survey.numbers();
    if !left_out.is_empty() {
        notes.push(format!(
            "Columns that number the rows or hold words were left out: {}.",
            left_out.join(", ")
        ));
    }
    let [height, width, channels] = shape;
    let mut obs = Space::Image { height, width, channels };
    if !numbers.is_empty() {
        let vector = |n: usize| Space::vector(n, f32::NEG_INFINITY, f32::INFINITY);
        let mut parts: BTreeMap<String, Space> =
            numbers.into_iter().map(|(name, n)| (name, vector(n))).collect();
        if parts.insert(schema::PICTURE.to_owned(), obs).is_some() {
            return Err(Error::invalid("expected numbers under another name than `image`").at(first));
        }
        obs = Space::Dict(parts);
    }
    Ok((Found { obs, action, actions, words, fps }, notes))
}

impl Source for Frames {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn n_episodes(&self) -> usize {
        self.places.len()
    }

    fn read(&mut self, idx: usize) -> Result<Episode> {
        self.place(idx).and_then(|place| Play::open(place)?.read(&self.schema, None))
    }

    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        self.place(idx).and_then(|place| Play::open(place)?.read(&self.schema, Some(steps)))
    }
}

impl Frames {
    fn place(&self, idx: usize) -> Result<&Place> {
        let n = self.places.len();
        self.places
            .get(idx)
            .ok_or_else(|| Error::invalid(format!("expected an episode below {n}, got {idx}")))
    }
}
