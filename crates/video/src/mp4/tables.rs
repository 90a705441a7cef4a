//! The tables of a track, which give each sample its place, its time and whether decoding can begin there.

use super::cursor::{Cursor, Name, find, need, show};
use super::{Frame, Parsed, Sample};

type Boxes<'a> = [(Name, Cursor<'a>)];

/// Which stretch of a track is shown, and when it begins.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Edit {
    /// Time before the first shown frame, in seconds.
    pub delay_secs: f64,
    /// First shown moment of the track, in its units.
    pub start: i64,
    /// How long the shown stretch is, in the track's units; to the end if unknown.
    pub len: Option<i64>,
}

/// Places of all samples of the boxes in `stbl`; each lies inside a file of `file_len` bytes.
pub(super) fn samples(stbl: &Boxes, file_len: u64) -> Parsed<Vec<Sample>> {
    let sizes = whole(b"stsz", sizes(need(stbl, b"stsz")?, file_len))?;
    let offsets = match find(stbl, b"co64") {
        Some(co64) => whole(b"co64", chunk_offsets(co64, 8))?,
        None => whole(b"stco", chunk_offsets(need(stbl, b"stco")?, 4))?,
    };
    let mut samples = place(&sizes, &offsets, need(stbl, b"stsc")?)?;
    if let Some(idx) = samples.iter().position(|s| s.offset.saturating_add(s.size.into()) > file_len) {
        return Err(format!("frame {idx} of {} lies beyond the end of the file", samples.len()));
    }
    match find(stbl, b"stss") {
        Some(stss) => whole(b"stss", mark_keys(stss, &mut samples))?,
        None => samples.iter_mut().for_each(|sample| sample.is_key = true),
    }
    Ok(samples)
}

/// The shown frames of `n_samples` samples in the order of showing.
pub(super) fn frames(stbl: &Boxes, n_samples: usize, timescale: u32, edit: Edit) -> Parsed<Vec<Frame>> {
    let mut times = whole(b"stts", decode_times(need(stbl, b"stts")?, n_samples))?;
    if let Some(ctts) = find(stbl, b"ctts") {
        whole(b"ctts", add_offsets(ctts, &mut times))?;
    }
    let shown = |time: i64| time >= edit.start && edit.len.is_none_or(|len| time - edit.start < len);
    let mut order: Vec<(i64, usize)> = times.into_iter().zip(0..).filter(|(time, _)| shown(*time)).collect();
    order.sort_unstable();
    let secs = |time: i64| edit.delay_secs + (time - edit.start) as f64 / f64::from(timescale);
    Ok(order.into_iter().map(|(time, sample_idx)| Frame { secs: secs(time), sample_idx }).collect())
}

fn whole<T>(name: &Name, parsed: Option<T>) -> Parsed<T> {
    parsed.ok_or_else(|| format!("box `{}` is damaged", show(*name)))
}

fn sizes(mut stsz: Cursor, file_len: u64) -> Option<Vec<u32>> {
    stsz.version()?;
    let size = stsz.u32()?;
    if size == 0 {
        let n = stsz.count(4)?;
        return (0..n).map(|_| stsz.u32()).collect();
    }
    let n = stsz.u32()?;
    // One number stands for all, so it is the file that must be long enough.
    let fits = u64::from(n) * u64::from(size) <= file_len;
    fits.then(|| vec![size; n as usize])
}

fn chunk_offsets(mut table: Cursor, entry_len: usize) -> Option<Vec<u64>> {
    table.version()?;
    let n = table.count(entry_len)?;
    (0..n).map(|_| if entry_len == 8 { table.u64() } else { table.u32().map(u64::from) }).collect()
}

/// Lays samples of `sizes` into the chunks at `offsets`. `stsc` says from which chunk on how many go into one.
fn place(sizes: &[u32], offsets: &[u64], mut stsc: Cursor) -> Parsed<Vec<Sample>> {
    let damaged = || "box `stsc` is damaged".to_owned();
    stsc.version().ok_or_else(damaged)?;
    let n = stsc.count(12).ok_or_else(damaged)?;
    let mut runs = Vec::with_capacity(n);
    for _ in 0..n {
        let run = (stsc.u32(), stsc.u32(), stsc.u32());
        let (Some(first), Some(per_chunk), Some(entry)) = run else { return Err(damaged()) };
        if entry != 1 {
            return Err(format!("expected one description of all frames, got number {entry}"));
        }
        runs.push((first as usize, per_chunk as usize));
    }
    let mut samples = Vec::with_capacity(sizes.len());
    let mut rest = sizes;
    let mut runs = runs.into_iter().peekable();
    let mut per_chunk = 0;
    for (chunk, offset) in (1..).zip(offsets) {
        while let Some((_, n)) = runs.next_if(|(first, _)| *first <= chunk) {
            per_chunk = n;
        }
        let (here, later) = rest.split_at(per_chunk.min(rest.len()));
        let mut at = *offset;
        for size in here {
            samples.push(Sample { offset: at, size: *size, is_key: false });
            at = at.saturating_add(u64::from(*size));
        }
        rest = later;
    }
    if rest.is_empty() { Ok(samples) } else { Err(damaged()) }
}

fn mark_keys(mut stss: Cursor, samples: &mut [Sample]) -> Option<()> {
    stss.version()?;
    for _ in 0..stss.count(4)? {
        let idx = usize::try_from(stss.u32()?).ok()?.checked_sub(1)?;
        samples.get_mut(idx)?.is_key = true;
    }
    Some(())
}

/// When each of `n_samples` samples is decoded, in the track's units.
fn decode_times(mut stts: Cursor, n_samples: usize) -> Option<Vec<i64>> {
    stts.version()?;
    let mut times = Vec::with_capacity(n_samples);
    let mut now = 0_i64;
    for _ in 0..stts.count(8)? {
        let (n, delta) = (stts.u32()?, stts.u32()?);
        for _ in 0..n {
            if times.len() == n_samples {
                break;
            }
            times.push(now);
            now = now.checked_add(i64::from(delta))?;
        }
    }
    (times.len() == n_samples).then_some(times)
}

/// Turns times of decoding into times of showing. Both versions of the box are read as signed, as all readers do.
fn add_offsets(mut ctts: Cursor, times: &mut [i64]) -> Option<()> {
    ctts.version()?;
    let mut rest = times.iter_mut();
    for _ in 0..ctts.count(8)? {
        let (n, offset) = (ctts.u32()?, ctts.i32()?);
        for time in rest.by_ref().take(n as usize) {
            *time = time.checked_add(i64::from(offset))?;
        }
    }
    Some(())
}

/// Reads an edit list, whose lengths count in `movie_timescale` and starts in `timescale`.
pub(super) fn edit(elst: Cursor, movie_timescale: u32, timescale: u32) -> Parsed<Edit> {
    let entries = whole(b"elst", edit_entries(elst))?;
    let scale = f64::from(movie_timescale.max(1));
    let mut edit = Edit::default();
    let mut n_stretches = 0;
    for (len, start) in entries {
        if start < 0 {
            // An empty edit: nothing is shown for this long.
            edit.delay_secs += if n_stretches == 0 { len as f64 / scale } else { 0.0 };
            continue;
        }
        n_stretches += 1;
        // Rounded up, so that a coarse movie clock does not cost the last frame.
        let in_track = u128::from(len) * u128::from(timescale);
        let in_track = in_track.div_ceil(u128::from(movie_timescale.max(1)));
        edit.start = start;
        edit.len = if len == 0 { None } else { Some(i64::try_from(in_track).unwrap_or(i64::MAX)) };
    }
    match n_stretches {
        0 | 1 => Ok(edit),
        n => Err(format!("expected one stretch of the track to be shown, got an edit list of {n}")),
    }
}

/// Length and start of each edit.
fn edit_entries(mut elst: Cursor) -> Option<Vec<(u64, i64)>> {
    let is_long = elst.version()? == 1;
    let n = elst.count(if is_long { 20 } else { 12 })?;
    let mut entries = Vec::with_capacity(n);
    for _ in 0..n {
        entries.push(match is_long {
            true => (elst.u64()?, elst.u64()? as i64),
            false => (u64::from(elst.u32()?), i64::from(elst.i32()?)),
        });
        elst.u32()?; // rate
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(numbers: &[i32]) -> Vec<u8> {
        numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
    }

    #[test]
    fn an_edit_list_delays_cuts_and_shifts() {
        // Half a second of nothing, then 1.5 s from unit 200 on; the movie counts in 1000ths, the track in 100ths.
        let elst = bytes(&[0, 2, 500, -1, 1 << 16, 1500, 200, 1 << 16]);
        let edit = edit(Cursor(&elst), 1000, 100).unwrap();
        assert_eq!(edit, Edit { delay_secs: 0.5, start: 200, len: Some(150) });
        // Four samples 100 units apart, decoded as 0 2 1 3; the first is cut off, the last lies behind the end.
        let (stts, ctts) = (bytes(&[0, 1, 4, 100]), bytes(&[0, 4, 1, 100, 1, 200, 1, 0, 1, 100]));
        let stbl = [(*b"stts", Cursor(&stts)), (*b"ctts", Cursor(&ctts))];
        let frames = frames(&stbl, 4, 100, edit).unwrap();
        let shown: Vec<_> = frames.iter().map(|frame| (frame.secs, frame.sample_idx)).collect();
        assert_eq!(shown, [(0.5, 2), (1.5, 1)]);
    }

    #[test]
    fn samples_lie_in_their_chunks_and_no_count_is_believed() {
        // Chunks at 50 and 90 of two samples, at 200 of one.
        let stsz = bytes(&[0, 0, 5, 10, 11, 12, 13, 14]);
        let (stco, stsc) = (bytes(&[0, 3, 50, 90, 200]), bytes(&[0, 2, 1, 2, 1, 3, 1, 1]));
        let stss = bytes(&[0, 2, 1, 4]);
        let stbl = [
            (*b"stsz", Cursor(&stsz)),
            (*b"stco", Cursor(&stco)),
            (*b"stsc", Cursor(&stsc)),
            (*b"stss", Cursor(&stss)),
        ];
        let found = samples(&stbl, 214).unwrap();
        assert_eq!(found.iter().map(|s| s.offset).collect::<Vec<_>>(), [50, 60, 90, 102, 200]);
        assert_eq!(found.iter().map(|s| s.is_key).collect::<Vec<_>>(), [true, false, false, true, false]);
        assert!(samples(&stbl, 213).unwrap_err().contains("beyond the end"));
        let huge = bytes(&[0, 1, i32::MAX]);
        assert!(sizes(Cursor(&huge), 1000).is_none());
    }
}
