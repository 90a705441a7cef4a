//! From the bytes of a file to its video track.

use std::io::{Read, Seek, SeekFrom};

use super::cursor::{Cursor, Name, boxes, find, header, need, show};
use super::tables::{Edit, edit, frames, samples};
use super::{CleanAperture, Parsed, Track};
use crate::Codec;
use crate::yuv::{Colour, Matrix};

/// Bytes of a visual sample entry before the boxes inside it.
const ENTRY_FIELDS_LEN: usize = 78;

/// The first video track of `file`, which is `file_len` bytes long. Reads the `moov` box and nothing else.
pub(crate) fn read_track(file: &mut (impl Read + Seek), file_len: u64) -> Parsed<Track> {
    let moov = find_moov(file, file_len)?;
    let moov = boxes(&moov)?;
    if find(&moov, b"mvex").is_some() {
        return Err("expected an mp4 file in one piece, got a fragmented one".into());
    }
    let movie_timescale = timescale(need(&moov, b"mvhd")?).ok_or("box `mvhd` is damaged")?;
    for (_, trak) in moov.iter().filter(|(name, _)| name == b"trak") {
        let trak = boxes(trak.0)?;
        let mdia = boxes(need(&trak, b"mdia")?.0)?;
        if handler(need(&mdia, b"hdlr")?) == Some(*b"vide") {
            return video_track(&trak, &mdia, movie_timescale, file_len);
        }
    }
    Err("expected a video track, got none".into())
}

/// The content of the `moov` box, found from box to box.
fn find_moov(file: &mut (impl Read + Seek), file_len: u64) -> Parsed<Vec<u8>> {
    let lost = |err: std::io::Error| format!("cannot read the file: {err}");
    let mut at = 0;
    while at < file_len {
        file.seek(SeekFrom::Start(at)).map_err(lost)?;
        let mut head = Vec::with_capacity(16);
        file.by_ref().take(16).read_to_end(&mut head).map_err(lost)?;
        let mut rest = Cursor(&head);
        let (size, name) = header(&mut rest).ok_or("expected a box, got the end of the file")?;
        let header_len = (head.len() - rest.0.len()) as u64;
        let size = if size == 0 { file_len - at } else { size };
        if size < header_len || size > file_len - at {
            return Err(format!("box `{}` does not fit the file: the file is cut short", show(name)));
        }
        if name == *b"moov" {
            file.seek(SeekFrom::Start(at + header_len)).map_err(lost)?;
            let mut content = Vec::new();
            file.by_ref().take(size - header_len).read_to_end(&mut content).map_err(lost)?;
            return Ok(content);
        }
        at += size;
    }
    Err("expected an mp4 file with a box `moov`, got none".into())
}

/// Units a second of `mvhd` and `mdhd`, which begin alike.
fn timescale(mut header: Cursor) -> Option<u32> {
    let times_len = if header.version()? == 1 { 16 } else { 8 };
    header.take(times_len)?;
    header.u32().filter(|timescale| *timescale > 0)
}

fn handler(mut hdlr: Cursor) -> Option<Name> {
    hdlr.take(8)?;
    hdlr.name()
}

fn video_track(
    trak: &[(Name, Cursor)],
    mdia: &[(Name, Cursor)],
    movie_timescale: u32,
    file_len: u64,
) -> Parsed<Track> {
    let timescale = timescale(need(mdia, b"mdhd")?).ok_or("box `mdhd` is damaged")?;
    let minf = boxes(need(mdia, b"minf")?.0)?;
    let stbl = boxes(need(&minf, b"stbl")?.0)?;
    let elst = match find(trak, b"edts") {
        Some(edts) => find(&boxes(edts.0)?, b"elst"),
        None => None,
    };
    let edit = elst.map_or(Ok(Edit::default()), |elst| edit(elst, movie_timescale, timescale))?;
    let samples = samples(&stbl, file_len)?;
    let frames = frames(&stbl, samples.len(), timescale, edit)?;
    let mut stsd = need(&stbl, b"stsd")?;
    stsd.take(8).ok_or("box `stsd` is damaged")?;
    let entries = boxes(stsd.0)?;
    let (name, entry) = entries.first().ok_or("expected a description of the frames, got none")?;
    let track = sample_entry(*name, *entry)?;
    Ok(Track { samples, frames, ..track })
}

/// What a sample entry says, as a track without samples.
fn sample_entry(name: Name, mut entry: Cursor) -> Parsed<Track> {
    let (codec, config) = match &name {
        b"avc1" => (Codec::H264, b"avcC"),
        b"av01" => (Codec::Av1, b"av1C"),
        _ => return Err(format!("expected a track of H.264 (`avc1`) or AV1 (`av01`), got `{}`", show(name))),
    };
    let damaged = || format!("box `{}` is damaged", show(name));
    let mut fields = Cursor(entry.take(ENTRY_FIELDS_LEN).ok_or_else(damaged)?);
    fields.take(24).ok_or_else(damaged)?;
    let (Some(width), Some(height)) = (fields.u16(), fields.u16()) else { return Err(damaged()) };
    let inner = boxes(entry.0)?;
    Ok(Track {
        codec,
        config: need(&inner, config)?.0.to_vec(),
        coded_size: (width.into(), height.into()),
        clean_aperture: find(&inner, b"clap").and_then(clean_aperture),
        colour: inner.iter().filter(|(name, _)| name == b"colr").find_map(|(_, colr)| colour(*colr)),
        samples: Vec::new(),
        frames: Vec::new(),
    })
}

/// A size in whole pixels and offsets in whole half pixels; anything finer is not a crop, and is left alone.
fn clean_aperture(mut clap: Cursor) -> Option<CleanAperture> {
    let mut ratio = |per_unit: i64| {
        let (n, d) = (i64::from(clap.i32()?) * per_unit, i64::from(clap.i32()?));
        (d > 0 && n % d == 0).then(|| n / d)
    };
    let (width, height) = (ratio(1)?, ratio(1)?);
    let (right, down) = (ratio(2)?, ratio(2)?);
    let side = |n: i64| usize::try_from(n).ok().filter(|n| *n > 0);
    Some(CleanAperture { width: side(width)?, height: side(height)?, right, down })
}

fn colour(mut colr: Cursor) -> Option<Colour> {
    if colr.name()? != *b"nclx" {
        return None;
    }
    colr.take(4)?; // primaries, transfer
    let matrix = Matrix::from_code(colr.u16()?.into());
    Some(Colour { matrix, full_range: colr.u8()? & 0x80 != 0 })
}
