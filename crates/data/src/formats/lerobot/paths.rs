//! Where the files lie: path templates are filled in, and nothing outside the data set's folder is ever opened.

use std::path::{Component, Path, PathBuf};

use worldsmith_core::{Error, ErrorKind, Result};

use super::info::INFO;

/// Widest number that a template may ask for, in digits.
const MAX_WIDTH: usize = 20;

/// What a template may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots<'a> {
    /// Number of the folder: `chunk_index`, before v3 `episode_chunk`.
    pub chunk: usize,
    /// Number of the file in it: `file_index`.
    pub file: usize,
    /// Number of the episode: `episode_index`.
    pub episode: usize,
    /// Name of a video feature: `video_key`.
    pub video: &'a str,
}

/// The path that `template`, of the data set in `root`, stands for.
///
/// # Errors
/// If the template names something else, or leads out of the folder.
pub(super) fn place(root: &Path, template: &str, slots: &Slots) -> Result<PathBuf> {
    let filled = fill(template, slots).ok_or_else(|| {
        Error::corrupt(&root.join(INFO), format!("expected a path template, got `{template}`"))
    })?;
    inside(root, &filled).map_err(|err| err.at(&root.join(INFO)))
}

/// `relative` below `root`, as some file of the data set has it. The check is one of the path's text: links inside the folder
/// may lead where they like, as they do in the cache of the Hugging Face hub.
///
/// # Errors
/// If it would lead anywhere else; the caller knows which file says so.
pub(super) fn inside(root: &Path, relative: &str) -> Result<PathBuf> {
    let path = Path::new(relative);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && !relative.is_empty() && !relative.contains(['\\', '\0']) {
        return Ok(root.join(path));
    }
    let why = format!("expected a path inside the data set's folder, got `{relative}`");
    Err(Error::new(ErrorKind::Corrupt, why)
        .hint("this data set asks for files that are not its own; do not trust it"))
}

/// `template` with `{name}` and `{name:03d}` replaced.
fn fill(template: &str, slots: &Slots) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, tail) = after.split_once('}')?;
        out.push_str(before);
        let (name, format) = slot.split_once(':').unwrap_or((slot, ""));
        match name {
            "video_key" if format.is_empty() => out.push_str(slots.video),
            "chunk_index" | "episode_chunk" => out.push_str(&number(slots.chunk, format)?),
            "file_index" => out.push_str(&number(slots.file, format)?),
            "episode_index" => out.push_str(&number(slots.episode, format)?),
            _ => return None,
        }
        rest = tail;
    }
    out.push_str(rest);
    (!out.contains('}')).then_some(out)
}

/// `n` as Python's format `03d` writes it.
fn number(n: usize, format: &str) -> Option<String> {
    let width = format.strip_suffix('d').unwrap_or(format);
    let width = if width.is_empty() { 0 } else { width.strip_prefix('0')?.parse().ok()? };
    (width <= MAX_WIDTH).then(|| format!("{n:0width$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: Slots = Slots { chunk: 1, file: 23, episode: 1234, video: "observation.images.top" };

    #[test]
    fn templates_of_all_versions_are_filled_in() {
        let filled = |template| place(Path::new("set"), template, &SLOTS).unwrap();
        assert_eq!(
            filled("videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"),
            Path::new("set/videos/observation.images.top/chunk-001/file-023.mp4")
        );
        assert_eq!(
            filled("data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"),
            Path::new("set/data/chunk-001/episode_001234.parquet")
        );
    }

    #[test]
    fn nothing_outside_the_folder_can_be_named() {
        for template in ["../{file_index}", "/etc/passwd", "a/../../b", "", "a\\..\\b", "{video_key}"] {
            let slots = Slots { video: "../../secret", ..SLOTS };
            let err = place(Path::new("set"), template, &slots).unwrap_err();
            assert!(err.to_string().contains("inside the data set's folder"), "{template}: {err}");
        }
    }

    #[test]
    fn templates_with_unknown_or_endless_slots_are_refused() {
        for template in
            ["{home}", "{file_index:099d}", "{file_index:x}", "{file_index", "a}b", "{video_key:03d}"]
        {
            assert!(place(Path::new("set"), template, &SLOTS).is_err(), "{template}");
        }
    }
}
