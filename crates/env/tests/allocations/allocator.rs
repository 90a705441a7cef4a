//! The system's allocator with counters, for the test beside it and the bench `worlds`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Counts what all threads of the program take and give back.
pub struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static N_TAKEN: AtomicU64 = AtomicU64::new(0);
static BYTES_HELD: AtomicI64 = AtomicI64::new(0);

thread_local! {
    static N_TAKEN_HERE: Cell<u64> = const { Cell::new(0) };
}

/// How often memory was taken so far, by all threads; growing or shrinking counts as taking.
pub fn n_taken() -> u64 {
    N_TAKEN.load(Ordering::Relaxed)
}

/// As [`n_taken`], by this thread alone.
pub fn n_taken_here() -> u64 {
    N_TAKEN_HERE.get()
}

/// Bytes that are taken and not given back.
pub fn bytes_held() -> i64 {
    BYTES_HELD.load(Ordering::Relaxed)
}

fn count(more: usize) {
    N_TAKEN.fetch_add(1, Ordering::Relaxed);
    N_TAKEN_HERE.set(N_TAKEN_HERE.get() + 1);
    BYTES_HELD.fetch_add(more as i64, Ordering::Relaxed);
}

fn discount(less: usize) {
    BYTES_HELD.fetch_sub(less as i64, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator as it came; beside it only counters change.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the promises of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        discount(layout.size());
        // SAFETY: the caller keeps the promises of `realloc`.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        discount(layout.size());
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}
