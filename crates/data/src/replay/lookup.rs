//! A search whose cost does not grow with what is searched: numbers that runs follow each other over, such as the steps of
//! episodes, are found by a table with one entry for every few of them.

use std::collections::VecDeque;
use std::ops::Range;

/// Numbers to an entry of the table: a run is found among those that begin within so many numbers.
const BLOCK: u64 = 16;

/// For each block of [`BLOCK`] numbers, from that of the oldest number on, the run that the block's first number lies in.
/// Numbers and runs are counted from the first ever, and leave at the front.
#[derive(Debug, Clone, Default)]
pub(super) struct Lookup {
    blocks: VecDeque<u64>,
    /// Blocks that have left.
    n_gone: u64,
}

impl Lookup {
    /// Adds `numbers`, which follow all others and belong to `run`, the last one or a new one.
    pub fn add(&mut self, numbers: Range<u64>, run: u64) {
        let blocks = numbers.start.div_ceil(BLOCK)..numbers.end.div_ceil(BLOCK);
        self.blocks.extend(blocks.map(|_| run));
    }

    /// Forgets the numbers before `number`.
    pub fn drop_before(&mut self, number: u64) {
        let n = (number / BLOCK).saturating_sub(self.n_gone);
        self.blocks.drain(..self.blocks.len().min(n as usize));
        self.n_gone += n;
    }

    /// The run that `number`, which was added and not forgotten, lies in, counted from the oldest after `n_gone` runs that
    /// have left. `begins` says whether there is such a run and it begins at `number` or before.
    pub fn find(&self, number: u64, n_gone: u64, begins: impl Fn(usize) -> bool) -> usize {
        let block = (number / BLOCK - self.n_gone) as usize;
        let mut run = self.blocks[block].saturating_sub(n_gone) as usize;
        while begins(run + 1) {
            run += 1;
        }
        run
    }
}
