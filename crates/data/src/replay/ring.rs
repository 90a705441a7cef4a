//! One array over all steps of the replay: rows of equal width, oldest dropped first.

use worldsmith_core::{Error, Result};

use super::window::Cut;

/// A ring of at most `capacity` rows of `width` elements, in one allocation that never moves.
#[derive(Debug)]
pub(super) struct Ring<T> {
    data: Vec<T>,
    /// What stands in rows of a window where there is no step.
    empty: T,
    width: usize,
    capacity: usize,
    /// Where the oldest row lies.
    front: usize,
    /// Rows held.
    len: usize,
}

impl<T: Copy> Ring<T> {
    /// Sets the memory aside; the system hands out pages only as rows arrive.
    ///
    /// # Errors
    /// If the machine cannot set aside that much.
    pub fn new(width: usize, capacity: usize, empty: T) -> Result<Self> {
        let mut data = Vec::new();
        let reserved = width.checked_mul(capacity).map(|n| data.try_reserve_exact(n));
        if !matches!(reserved, Some(Ok(()))) {
            let gigabytes = width as f64 * capacity as f64 * size_of::<T>() as f64 / 1e9;
            return Err(Error::invalid(format!(
                "expected a replay that fits in memory, got {capacity} steps ({gigabytes:.1} GB)"
            ))
            .hint("choose a smaller replay capacity"));
        }
        Ok(Self { data, empty, width, capacity, front: 0, len: 0 })
    }

    /// Elements in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Adds a row. The caller keeps within the capacity.
    pub fn push(&mut self, row: &[T]) {
        debug_assert!(row.len() == self.width && self.len < self.capacity);
        let at = self.place(self.len) * self.width;
        if at == self.data.len() {
            self.data.extend_from_slice(row);
        } else {
            self.data[at..at + self.width].copy_from_slice(row);
        }
        self.len += 1;
    }

    /// Forgets the `n` oldest rows.
    pub fn drop_front(&mut self, n: usize) {
        self.front = self.place(n);
        self.len -= n;
    }

    /// Row `idx`, counted from the oldest.
    pub fn get(&self, idx: usize) -> &[T] {
        let at = self.place(idx) * self.width;
        &self.data[at..at + self.width]
    }

    /// The windows at `cuts`, each of `n_rows` rows, one after the other, in the memory of `out` as far as it goes.
    ///
    /// One thread does it: it copies as fast as memory allows, and sharing the work among two was measured to take twice as
    /// long on a machine whose other cores were busy, as they are in training.
    pub fn copy_windows(&self, cuts: &[Cut], n_rows: usize, out: &mut Vec<T>) {
        out.clear();
        out.reserve(cuts.len() * n_rows * self.width);
        for (cut, n) in cuts.iter().zip(1..) {
            let begin = self.place(cut.begin);
            let unbroken = cut.len.min(self.capacity - begin);
            out.resize(out.len() + cut.n_empty * self.width, self.empty);
            out.extend_from_slice(&self.data[begin * self.width..(begin + unbroken) * self.width]);
            out.extend_from_slice(&self.data[..(cut.len - unbroken) * self.width]);
            out.resize(n * n_rows * self.width, self.empty);
        }
    }

    /// Where row `idx`, counted from the oldest, lies.
    fn place(&self, idx: usize) -> usize {
        (self.front + idx) % self.capacity
    }
}
