//! The metadata of a data set that is being written: `info.json`, `stats.json`, the tasks and the episodes.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, LargeStringArray, ListArray, RecordBatch, StringArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};
use serde_json::{Value as Json, json};
use worldsmith_core::{Error, Result};

use super::arrays::{Cell, Scalar};
use super::parts::Part;
use super::shards::{CHUNK_FILES, Place, complete, start, unwritable};
use super::stats::{self, Stats};

/// Templates of the paths.
const DATA_PATH: &str = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet";
const VIDEO_PATH: &str = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4";
/// Sizes from which on files are full, as LeRobot has them, in units of 1024 * 1024 bytes.
pub(super) const DATA_FILE_MB: u64 = 100;
pub(super) const VIDEO_FILE_MB: u64 = 200;

/// How much there is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    /// Episodes.
    pub episodes: usize,
    /// Rows.
    pub rows: usize,
    /// Tasks.
    pub tasks: usize,
}

/// One episode, for the table of episodes.
#[derive(Debug)]
pub(super) struct Line {
    /// Its number.
    pub number: usize,
    /// Its task.
    pub task: String,
    /// Its rows among all rows.
    pub rows: std::ops::Range<usize>,
    /// Where they lie.
    pub data: Place,
    /// For each video, where its frames lie, when the first is shown, and when the last is over.
    pub clips: Vec<(Place, f64, f64)>,
    /// Statistics of each feature that has any.
    pub stats: Vec<Stats>,
}

/// `info.json`.
pub(super) fn info(parts: &[Part], fps: f64, totals: Totals) -> Json {
    let feature = |part: &Part| {
        let mut feature = part.cell.feature();
        if let Cell::Frame([height, width, channels]) = part.cell {
            feature["info"] = json!({
                "video.height": height, "video.width": width, "video.codec": "h264", "video.pix_fmt": "yuv420p",
                "video.is_depth_map": false, "video.fps": clock(fps), "video.channels": channels, "has_audio": false,
            });
        }
        (part.name.clone(), feature)
    };
    let described: serde_json::Map<String, Json> = parts.iter().map(feature).collect();
    json!({
        "codebase_version": "v3.0",
        "robot_type": null,
        "total_episodes": totals.episodes,
        "total_frames": totals.rows,
        "total_tasks": totals.tasks,
        "chunks_size": CHUNK_FILES,
        "data_files_size_in_mb": DATA_FILE_MB,
        "video_files_size_in_mb": VIDEO_FILE_MB,
        "fps": clock(fps),
        "splits": {"train": format!("0:{}", totals.episodes)},
        "data_path": DATA_PATH,
        "video_path": parts.iter().any(is_video).then_some(VIDEO_PATH),
        "features": described,
    })
}

/// `stats.json`, out of the statistics of each feature that has any.
pub(super) fn stats(parts: &[Part], stats: &[Stats]) -> Json {
    with_stats(parts).zip(stats).map(|(part, stats)| (part.name.clone(), stats.json())).collect()
}

/// What the tables say of their columns to `datasets`.
pub(super) fn hugging_face(parts: &[Part]) -> String {
    let tabled = parts.iter().filter(|part| !is_video(part));
    let features: Json = tabled.map(|part| (part.name.clone(), part.cell.hugging_face())).collect();
    json!({"info": {"features": features}}).to_string()
}

fn is_video(part: &Part) -> bool {
    matches!(part.cell, Cell::Frame(_))
}

fn with_stats(parts: &[Part]) -> impl Iterator<Item = &Part> {
    parts.iter().filter(|part| stats::shape(&part.cell).is_some())
}

/// LeRobot counts whole frames a second wherever it can.
fn clock(fps: f64) -> Json {
    if fps.fract() == 0.0 && fps < 1e9 { json!(fps as u64) } else { json!(fps) }
}

/// Writes the tasks as the table of a data frame whose nameless index they are.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write_tasks(path: &Path, tasks: &[String]) -> Result<()> {
    const INDEX: &str = "__index_level_0__";
    let column = |name: Json, field: &str, kind: &str, numpy: &str| json!({"name": name, "field_name": field, "pandas_type": kind, "numpy_type": numpy, "metadata": null});
    let pandas = json!({
        "index_columns": [INDEX],
        "column_indexes": [{"name": null, "field_name": null, "pandas_type": "unicode", "numpy_type": "object",
            "metadata": {"encoding": "UTF-8"}}],
        "columns": [column(json!("task_index"), "task_index", "int64", "int64"),
            column(Json::Null, INDEX, "unicode", "object")],
        "attributes": {},
        "creator": {"library": "worldsmith", "version": env!("CARGO_PKG_VERSION")},
        "pandas_version": "2.2.3",
    });
    let columns: [(&str, ArrayRef); 2] = [
        ("task_index", Arc::new(Int64Array::from_iter_values(0..tasks.len() as i64))),
        (INDEX, Arc::new(LargeStringArray::from_iter_values(tasks))),
    ];
    let batch = batch(columns)?;
    let mut writer = start(path, &batch, Some(("pandas", pandas.to_string())))?;
    writer.write(&batch).map_err(|err| unwritable(path, &err))?;
    complete(path, writer)
}

/// Rows of the table of episodes, which lie at `place` in it.
///
/// # Errors
/// If the columns do not fit each other.
pub(super) fn episodes(parts: &[Part], lines: &[Line], place: Place) -> Result<RecordBatch> {
    let whole = |of: &dyn Fn(&Line) -> usize| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(lines.iter().map(|line| of(line) as i64)))
    };
    let real = |of: &dyn Fn(&Line) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(lines.iter().map(of)))
    };
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("episode_index".to_owned(), whole(&|line| line.number)),
        ("tasks".to_owned(), tasks(lines)),
        ("length".to_owned(), whole(&|line| line.rows.len())),
        ("data/chunk_index".to_owned(), whole(&|line| line.data.0)),
        ("data/file_index".to_owned(), whole(&|line| line.data.1)),
        ("dataset_from_index".to_owned(), whole(&|line| line.rows.start)),
        ("dataset_to_index".to_owned(), whole(&|line| line.rows.end)),
    ];
    for (idx, part) in parts.iter().filter(|part| is_video(part)).enumerate() {
        let video = &part.name;
        columns.extend([
            (format!("videos/{video}/chunk_index"), whole(&|line| line.clips[idx].0.0)),
            (format!("videos/{video}/file_index"), whole(&|line| line.clips[idx].0.1)),
            (format!("videos/{video}/from_timestamp"), real(&|line| line.clips[idx].1)),
            (format!("videos/{video}/to_timestamp"), real(&|line| line.clips[idx].2)),
        ]);
    }
    for (idx, part) in with_stats(parts).enumerate() {
        let stats: Vec<&Stats> = lines.iter().map(|line| &line.stats[idx]).collect();
        columns.extend(statistics(&part.name, &stats));
    }
    columns.push(("meta/episodes/chunk_index".to_owned(), whole(&|_| place.0)));
    columns.push(("meta/episodes/file_index".to_owned(), whole(&|_| place.1)));
    batch(columns)
}

/// The columns of a feature's statistics, one row an episode.
fn statistics(name: &str, stats: &[&Stats]) -> Vec<(String, ArrayRef)> {
    let Some(first) = stats.first() else { return Vec::new() };
    let counts: Vec<f64> = stats.iter().map(|stats| stats.count as f64).collect();
    let mut columns = vec![(format!("stats/{name}/count"), Scalar::Int.statistics(&counts, &[1]))];
    for (idx, (entry, _, scalar)) in first.entries().into_iter().enumerate() {
        let values: Vec<f64> = stats.iter().flat_map(|stats| stats.entries()[idx].1.to_vec()).collect();
        columns.push((format!("stats/{name}/{entry}"), scalar.statistics(&values, &first.shape)));
    }
    columns
}

/// A list of one text a row.
fn tasks(lines: &[Line]) -> ArrayRef {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(lines.iter().map(|line| &line.task)));
    let field = Arc::new(Field::new("element", DataType::Utf8, true));
    let offsets = OffsetBuffer::from_repeated_length(1, texts.len());
    Arc::new(ListArray::new(field, offsets, texts, None))
}

/// Columns as one piece of a table.
///
/// # Errors
/// If they are not of one length.
pub(super) fn batch<N: AsRef<str>>(columns: impl IntoIterator<Item = (N, ArrayRef)>) -> Result<RecordBatch> {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|err| Error::invalid(format!("cannot lay out columns: {err}")))
}
