//! One array over all steps of the replay: rows of equal width, oldest dropped first.

use worldsmith_core::{Error, Result};

/// A ring of at most `capacity` rows of `width` elements, in one allocation that never moves.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    data: Vec<T>,
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
    pub fn new(width: usize, capacity: usize) -> Result<Self> {
        let mut data = Vec::new();
        let reserved = width.checked_mul(capacity).map(|n| data.try_reserve_exact(n));
        if !matches!(reserved, Some(Ok(()))) {
            let gigabytes = width as f64 * capacity as f64 * size_of::<T>() as f64 / 1e9;
            return Err(Error::invalid(format!(
                "expected a replay that fits in memory, got {capacity} steps ({gigabytes:.1} GB)"
            ))
            .hint("choose a smaller replay capacity"));
        }
        Ok(Self { data, width, capacity, front: 0, len: 0 })
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

    /// The rows `start..start + n` for every start, one window after the other.
    pub fn windows(&self, starts: &[usize], n: usize) -> Vec<T> {
        let mut out = Vec::with_capacity(starts.len() * n * self.width);
        for start in starts {
            let begin = self.place(*start);
            let unbroken = n.min(self.capacity - begin);
            out.extend_from_slice(&self.data[begin * self.width..(begin + unbroken) * self.width]);
            out.extend_from_slice(&self.data[..(n - unbroken) * self.width]);
        }
        out
    }

    /// Where row `idx`, counted from the oldest, lies.
    fn place(&self, idx: usize) -> usize {
        (self.front + idx) % self.capacity
    }
}
