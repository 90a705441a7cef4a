//! `worldsmith data`: data sets of any format, in and out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use worldsmith::Result;
use worldsmith::data::{
    self, ConvertRequest, Converted, Inspected, ReadOptions, SourceRequest, SplitRequest, Verified,
};

use super::CHECK_FAILED;
use crate::options::PicturesOption;
use crate::progress::Bars;
use crate::{output, signals};

/// Bring recorded episodes in, out, and in order: LeRobot, Minari, Zarr, HDF5, a folder of frames, and more
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: worldsmith data inspect my/lerobot_set\n          \
                  worldsmith data import my/lerobot_set --image-size 64 --out data/pusht\n          \
                  worldsmith train --data data/pusht --out runs/pusht\n          \
                  worldsmith data export data/pusht --to lerobot --out shared/pusht\n\
                  `worldsmith data formats` lists what can be read and written.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the formats, and which can be written
    Formats,
    /// Look into a data set: spaces, size, and what its format left out
    Inspect(Source),
    /// Read data sets into an episode store, which `train --data` takes; interrupted imports go on with `--resume`
    Import(Import),
    /// Write a data set in another format
    Export(Export),
    /// As `export`: from any format to any other
    Convert(Export),
    /// Join data sets of the same spaces into one episode store
    Merge(Import),
    /// Film one episode: an animation and a strip of frames
    Preview(Preview),
    /// Mean, spread, range and quantiles of every column
    Stats(Source),
    /// Split into stores for training and testing, by what the episodes hold, so that none is on both sides
    Split(Split),
    /// Read everything; find damage, episodes that are there twice, and episodes shared between sets
    #[command(
        after_help = "Exits with 1 if something is damaged or two of the data sets share an episode.\n\
                            Example: worldsmith data verify data/train data/test"
    )]
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct Reading {
    /// Format to read, where it cannot be found out
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// Make pictures squares of this many pixels
    #[arg(long, value_name = "PX")]
    image_size: Option<usize>,
    /// Columns to observe, by the format's own names; everything that makes sense if left out
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    columns: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct Source {
    /// File or folder
    path: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, clap::Args)]
struct Import {
    /// Files or folders; several are joined
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Folder of the store
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How the store keeps pictures; if left out, as the data sets do where they are stores, and raw otherwise
    #[arg(long, value_enum, value_name = "HOW")]
    pictures: Option<PicturesOption>,
    /// Go on with a store that was begun
    #[arg(long)]
    resume: bool,
    /// Leave out episodes that are damaged, and say which, instead of stopping at the first
    #[arg(long)]
    skip_damaged: bool,
}

#[derive(Debug, clap::Args)]
struct Export {
    /// File or folder
    path: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Format to write
    #[arg(long, value_name = "NAME")]
    to: String,
    /// File or folder to write
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Steps a second, for formats with clocks; the source's own, or 10, if left out
    #[arg(long, value_name = "N")]
    fps: Option<f32>,
    /// Pictures as compressed video, which is small but not exact, in formats that can hold both
    #[arg(long)]
    video: bool,
    /// How an episode store keeps pictures, where that is the format to write; if left out, as the data set does where it is
    /// a store, and raw otherwise
    #[arg(long, value_enum, value_name = "HOW")]
    pictures: Option<PicturesOption>,
    /// Leave out episodes that are damaged, and say which, instead of stopping at the first
    #[arg(long)]
    skip_damaged: bool,
}

#[derive(Debug, clap::Args)]
struct Preview {
    /// File or folder
    path: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Number of the episode
    #[arg(long, default_value_t = 0, value_name = "N")]
    episode: usize,
    /// Where to write, without an ending
    #[arg(long, default_value = "preview", value_name = "PATH")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Split {
    /// File or folder
    path: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Share of the episodes to test on
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    test: f64,
    /// Folder to write the stores `train` and `test` into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on with stores that were begun
    #[arg(long)]
    resume: bool,
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// Files or folders; several are also compared with each other
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

impl Reading {
    fn of(&self, path: &std::path::Path) -> SourceRequest {
        SourceRequest {
            path: path.to_owned(),
            format: self.format.clone(),
            options: ReadOptions { image_size: self.image_size, columns: self.columns.clone() },
        }
    }
}

pub fn run(args: &Args, json: bool) -> Result<ExitCode> {
    let stop = signals::stop_on_ctrl_c()?;
    let mut bars = Bars::new();
    match &args.command {
        Command::Formats => output::data(json, &data::formats(), |all| formats(all))?,
        Command::Inspect(a) => output::data(json, &data::inspect(&a.reading.of(&a.path))?, inspected)?,
        Command::Import(a) | Command::Merge(a) => {
            let request = ConvertRequest {
                sources: a.paths.iter().map(|path| a.reading.of(path)).collect(),
                to: None,
                out: a.out.clone(),
                fps: None,
                video: false,
                pictures: a.pictures.map(PicturesOption::pictures),
                resume: a.resume,
                skip_damaged: a.skip_damaged,
            };
            let done = data::convert(&request, &mut bars, &stop)?;
            bars.finish();
            let next = format!("next: worldsmith train --data {}", a.out.display());
            output::data(json, &done, |done| format!("{}\n{next}", converted(done)))?;
        }
        Command::Export(a) | Command::Convert(a) => {
            let request = ConvertRequest {
                sources: vec![a.reading.of(&a.path)],
                to: Some(a.to.clone()),
                out: a.out.clone(),
                fps: a.fps,
                video: a.video,
                pictures: a.pictures.map(PicturesOption::pictures),
                resume: false,
                skip_damaged: a.skip_damaged,
            };
            let done = data::convert(&request, &mut bars, &stop)?;
            bars.finish();
            output::data(json, &done, converted)?;
        }
        Command::Preview(a) => {
            let shown = data::preview(&a.reading.of(&a.path), a.episode, &a.out)?;
            let text = format!(
                "episode {}: {} steps, return {:.2}\n{}\n{}",
                shown.episode,
                shown.steps,
                shown.total_reward,
                shown.gif.display(),
                shown.strip.display()
            );
            output::data(json, &shown, |_| text)?;
        }
        Command::Stats(a) => {
            let stats = data::stats(&a.reading.of(&a.path), &mut bars, &stop)?;
            bars.finish();
            output::data(json, &stats, render_stats)?;
        }
        Command::Split(a) => {
            let request = SplitRequest {
                set: a.reading.of(&a.path),
                out: a.out.clone(),
                test: a.test,
                resume: a.resume,
            };
            let done = data::split(&request, &mut bars, &stop)?;
            bars.finish();
            output::data(json, &done, |d| {
                format!(
                    "{} episodes in {}\n{} in {}",
                    d.n_train,
                    d.train.display(),
                    d.n_test,
                    d.test.display()
                )
            })?;
        }
        Command::Verify(a) => {
            let sets: Vec<SourceRequest> = a.paths.iter().map(|path| a.reading.of(path)).collect();
            let found = data::verify(&sets, &mut bars, &stop)?;
            bars.finish();
            output::data(json, &found, verified)?;
            if !found.passed {
                return Ok(ExitCode::from(CHECK_FAILED));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn formats(all: &[data::FormatInfo]) -> String {
    let mut rows = vec![vec!["NAME".into(), "WRITES".into(), "WHAT".into()]];
    rows.extend(
        all.iter().map(|f| vec![f.name.into(), if f.writable { "yes" } else { "no" }.into(), f.about.into()]),
    );
    output::table(&rows)
}

fn inspected(set: &Inspected) -> String {
    let mut rows = vec![
        vec!["format".into(), set.format.to_string()],
        vec!["episodes".into(), set.episodes.to_string()],
        vec!["observation".into(), set.obs.to_string()],
        vec!["action".into(), set.action.to_string()],
    ];
    let mut add =
        |name: &str, value: Option<String>| rows.extend(value.map(|value| vec![name.into(), value]));
    add("steps a second", set.fps.map(|fps| fps.to_string()));
    let kept = |kept: data::Pictures| match kept.is_exact() {
        true => format!("kept {kept}"),
        false => format!("kept as {kept} video, which is not exact"),
    };
    add("pictures", set.pictures.map(kept));
    add("first episode", set.first_len.map(|n| format!("{n} steps")));
    add("task", set.task.clone());
    rows.extend(set.notes.iter().map(|note| vec!["note".into(), note.clone()]));
    output::table(&rows)
}

fn converted(done: &Converted) -> String {
    let mut lines = vec![format!("{} episodes in {} ({})", done.episodes, done.out.display(), done.format)];
    lines.push(format!("observation {}, action {}", done.obs, done.action));
    lines.extend(done.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n")
}

fn render_stats(stats: &data::Statistics) -> String {
    let short = |xs: &[f64]| {
        let shown: Vec<String> = xs.iter().take(4).map(|x| format!("{x:.4}")).collect();
        format!("{}{}", shown.join(" "), if xs.len() > 4 { " .." } else { "" })
    };
    let names = ["COLUMN", "MEAN", "STD", "MIN", "1 %", "99 %", "MAX"];
    let mut rows = vec![names.map(String::from).to_vec()];
    for (name, c) in &stats.columns {
        let cells = [&c.mean, &c.std, &c.min, &c.q01, &c.q99, &c.max].map(|xs| short(xs));
        rows.push(std::iter::once(name.clone()).chain(cells).collect());
    }
    let mut lines = vec![format!("{} episodes, {} steps", stats.episodes, stats.steps), output::table(&rows)];
    lines.extend(stats.choices.iter().map(|(name, counts)| format!("{name}: chosen {counts:?} times")));
    lines.join("\n")
}

fn verified(found: &Verified) -> String {
    let place = |p: &data::Place| format!("episode {} of {}", p.episode, p.path.display());
    let mut lines = vec![format!("{} episodes, {} steps read", found.episodes, found.steps)];
    lines.extend(found.damage.iter().map(|d| format!("damaged: {}: {}", place(&d.place), d.error)));
    for group in &found.duplicates {
        let what = if group.leak { "leak" } else { "twice" };
        let places: Vec<String> = group.places.iter().map(place).collect();
        lines.push(format!("{what}: {}", places.join(" = ")));
    }
    lines.push(if found.passed { "whole, and no data set shares an episode" } else { "NOT in order" }.into());
    lines.join("\n")
}
