//! Pictures that stay where they are: in the mapped files of a store, which the system reads as they are needed.

use std::collections::VecDeque;

use bytes::Bytes;

use super::window::Cut;

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
}

#[derive(Debug)]
struct Run {
    /// Rows ever kept before it.
    start: u64,
    rows: Bytes,
}

impl Mapped {
    /// For pictures of `width` bytes, which is not 0.
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Adds the pictures of an episode, a whole number of them and at least one.
    pub fn push(&mut self, rows: Bytes) {
        let (start, run) = (self.n_rows, self.n_runs_gone + self.runs.len() as u64);
        self.n_rows += (rows.len() / self.width) as u64;
        let (first, end) = (start.div_ceil(BLOCK), self.n_rows.div_ceil(BLOCK));
        self.blocks.extend((first..end).map(|_| run));
        self.runs.push_back(Run { start, rows });
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

    /// Row `idx`, counted from the oldest.
    pub fn get(&self, idx: usize) -> &[u8] {
        let (run, row) = self.find(idx);
        &self.runs[run].rows[row * self.width..(row + 1) * self.width]
    }

    /// The windows at `cuts`, each of `n_rows` rows, one after the other, in the memory of `out` as far as it goes.
    pub fn copy_windows(&self, cuts: &[Cut], n_rows: usize, out: &mut Vec<u8>) {
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
        let heads = parts.iter().fold(0, |all, part| all ^ part.first().unwrap_or(&0));
        std::hint::black_box(heads);
        let mut begin = 0;
        for ((cut, end), n) in cuts.iter().zip(ends).zip(1..) {
            out.resize(out.len() + cut.n_empty * self.width, 0);
            parts[begin..end].iter().for_each(|part| out.extend_from_slice(part));
            out.resize(n * n_rows * self.width, 0);
            begin = end;
        }
    }

    /// Adds the bytes of the steps of `cut`: one part an episode.
    fn parts<'a>(&'a self, cut: &Cut, parts: &mut Vec<&'a [u8]>) {
        let (mut run, row) = self.find(cut.begin);
        let (mut from, mut left) = (row * self.width, cut.len * self.width);
        while left > 0 {
            let rest = &self.runs[run].rows[from..];
            let part = &rest[..left.min(rest.len())];
            parts.push(part);
            (left, run, from) = (left - part.len(), run + 1, 0);
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
