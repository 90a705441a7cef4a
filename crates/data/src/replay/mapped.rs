//! Pictures that stay where they are: in the mapped files of a store, which the system reads as they are needed. Those that
//! are kept as video are decoded when they are drawn.

use std::collections::VecDeque;
use std::ops::Range;

use worldsmith_core::Result;

use super::decoded::Decoded;
use super::window::Cut;
use crate::store::{Film, Footage};

/// Rows to a block.
const BLOCK: u64 = 16;

/// The pictures of all steps of the replay, one after the other: an episode is a run of rows in some file.
#[derive(Debug, Default)]
pub(super) struct Mapped {
    width: usize,
    runs: VecDeque<Run>,
    /// Rows ever kept, those that have left with them.
    n_rows: u64,
    /// Rows that have left.
    n_gone: u64,
    /// Runs that have left.
    n_runs_gone: u64,
    /// For each block of [`BLOCK`] rows, from that of the oldest row on, the run (counted from the first ever) that its
    /// first row lies in, so that a row is found at once however many episodes there are.
    blocks: VecDeque<u64>,
    /// What was decoded lately, by the number of its run.
    decoded: Decoded,
}

#[derive(Debug)]
struct Run {
    /// Rows ever kept before it.
    start: u64,
    rows: Footage,
    n_rows: usize,
}

/// A stretch of one run.
enum Part<'a> {
    Raw(&'a [u8]),
    /// The number of the run, its film, and which pictures of it.
    Coded(u64, &'a Film, Range<usize>),
}

impl Mapped {
    /// For pictures of `width` bytes, which is not 0.
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Keeps no more than `most_bytes` of what was decoded; nothing until this is called.
    pub fn keep_decoded(&self, most_bytes: usize) {
        self.decoded.keep_at_most(most_bytes);
    }

    /// Adds the pictures of an episode, a whole number of them and at least one.
    pub fn push(&mut self, rows: Footage) {
        let n_rows = rows.n_rows(self.width);
        let (start, run) = (self.n_rows, self.n_runs_gone + self.runs.len() as u64);
        self.n_rows += n_rows as u64;
        let (first, end) = (start.div_ceil(BLOCK), self.n_rows.div_ceil(BLOCK));
        self.blocks.extend((first..end).map(|_| run));
        self.runs.push_back(Run { start, rows, n_rows });
    }

    /// Forgets the `n` oldest rows: whole episodes.
    pub fn drop_front(&mut self, n: usize) {
        let first_block = self.n_gone / BLOCK;
        self.n_gone += n as u64;
        while self.runs.get(1).is_some_and(|next| next.start <= self.n_gone) {
            self.runs.pop_front();
            self.n_runs_gone += 1;
        }
        let n_left = (self.n_gone / BLOCK - first_block) as usize;
        self.blocks.drain(..n_left.min(self.blocks.len()));
    }

    /// Row `idx`, counted from the oldest; if it must be decoded, in the memory of `decoded`.
    ///
    /// # Errors
    /// If it cannot be decoded.
    pub fn get<'a>(&'a self, idx: usize, decoded: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        let (run, row) = self.find(idx);
        match self.part(run, row..row + 1) {
            Part::Raw(bytes) => Ok(bytes),
            Part::Coded(run, film, rows) => {
                decoded.clear();
                self.decoded.copy(run, film, rows, decoded)?;
                Ok(decoded)
            }
        }
    }

    /// The windows at `cuts`, each of `n_rows` rows, one after the other, in the memory of `out` as far as it goes.
    ///
    /// # Errors
    /// If one cannot be decoded.
    pub fn copy_windows(&self, cuts: &[Cut], n_rows: usize, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        out.reserve(cuts.len() * n_rows * self.width);
        // Where everything lies first, and the head of each part fetched: the processor then waits for many places at once
        // and not, window by window, for one after the other, which is what short episodes would cost.
        let mut parts = Vec::with_capacity(2 * cuts.len());
        let mut ends = Vec::with_capacity(cuts.len());
        for cut in cuts {
            self.parts(cut, &mut parts);
            ends.push(parts.len());
        }
        let head = |part: &Part| if let Part::Raw(bytes) = part { bytes.first().copied() } else { None };
        let heads = parts.iter().fold(0, |all, part| all ^ head(part).unwrap_or(0));
        std::hint::black_box(heads);
        let mut parts = parts.into_iter();
        let mut begin = 0;
        for ((cut, end), n) in cuts.iter().zip(ends).zip(1..) {
            out.resize(out.len() + cut.n_empty * self.width, 0);
            for part in parts.by_ref().take(end - begin) {
                match part {
                    Part::Raw(bytes) => out.extend_from_slice(bytes),
                    Part::Coded(run, film, rows) => self.decoded.copy(run, film, rows, out)?,
                }
            }
            out.resize(n * n_rows * self.width, 0);
            begin = end;
        }
        Ok(())
    }

    /// Adds where the steps of `cut` are: one part an episode.
    fn parts<'a>(&'a self, cut: &Cut, parts: &mut Vec<Part<'a>>) {
        let (mut run, mut row) = self.find(cut.begin);
        let mut left = cut.len;
        while left > 0 {
            let n = left.min(self.runs[run].n_rows - row);
            parts.push(self.part(run, row..row + n));
            (left, run, row) = (left - n, run + 1, 0);
        }
    }

    fn part(&self, run: usize, rows: Range<usize>) -> Part<'_> {
        match &self.runs[run].rows {
            Footage::Raw(bytes) => Part::Raw(&bytes[rows.start * self.width..rows.end * self.width]),
            Footage::Film(film) => Part::Coded(self.n_runs_gone + run as u64, film, rows),
        }
    }

    /// The run that row `idx`, counted from the oldest, lies in, and which of its rows it is.
    fn find(&self, idx: usize) -> (usize, usize) {
        let row = self.n_gone + idx as u64;
        let block = (row / BLOCK - self.n_gone / BLOCK) as usize;
        let mut run = self.blocks[block].saturating_sub(self.n_runs_gone) as usize;
        while self.runs.get(run + 1).is_some_and(|next| next.start <= row) {
            run += 1;
        }
        (run, (row - self.runs[run].start) as usize)
    }
}
