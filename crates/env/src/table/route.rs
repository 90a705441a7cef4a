//! The way round things: a flood over coarse cells of the table.

use super::pusher::SIDE_PX;
use super::shape::Vec2;

/// Cells along a side.
const N: usize = 32;
const CELL_PX: f64 = SIDE_PX / N as f64;
/// A cell that the flood has not reached.
const DRY: u16 = u16::MAX;

fn cell([x, y]: Vec2) -> usize {
    let along = |x: f64| ((x / CELL_PX).max(0.0) as usize).min(N - 1);
    along(y) * N + along(x)
}

fn middle(cell: usize) -> Vec2 {
    [(cell % N) as f64 + 0.5, (cell / N) as f64 + 0.5].map(|x| x * CELL_PX)
}

/// The cells beside a cell.
fn beside(cell: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (cell % N, cell / N);
    [
        (x > 0).then(|| cell - 1),
        (x + 1 < N).then_some(cell + 1),
        (y > 0).then(|| cell - N),
        (y + 1 < N).then_some(cell + N),
    ]
    .into_iter()
    .flatten()
}

/// Where to go first on a short way from `from` to `to` through places that are free: the last point of it that can be reached
/// in a straight line. `None` if there is no way.
pub fn first_stop(
    from: Vec2,
    to: Vec2,
    is_free: impl Fn(Vec2) -> bool,
    is_clear: impl Fn(Vec2) -> bool,
) -> Option<Vec2> {
    let (start, end) = (cell(from), cell(to));
    let mut steps = [DRY; N * N];
    let mut queue = [0_u16; N * N];
    let (mut head, mut tail) = (0, 1);
    (queue[0], steps[end]) = (end as u16, 0);
    while head < tail && steps[start] == DRY {
        let here = usize::from(queue[head]);
        head += 1;
        for next in beside(here) {
            if steps[next] == DRY && (next == start || is_free(middle(next))) {
                steps[next] = steps[here] + 1;
                queue[tail] = next as u16;
                tail += 1;
            }
        }
    }
    if steps[start] == DRY {
        return None;
    }
    let (mut here, mut stop) = (start, None);
    while here != end {
        here = beside(here).min_by_key(|next| steps[*next])?;
        if stop.is_none() || is_clear(middle(here)) {
            stop = Some(middle(here));
        }
    }
    stop.or(Some(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_leads_through_the_gap_and_not_through_a_wall() {
        // A wall at x = 256 with a gap below y = 64.
        let is_free = |[x, y]: Vec2| (x - 256.0).abs() > 20.0 || y < 64.0;
        let straight = |_| false;
        let stop = first_stop([232.0, 100.0], [300.0, 100.0], is_free, straight).unwrap();
        assert_eq!(stop, [232.0, 88.0], "one cell nearer to the gap");
        let far = first_stop([200.0, 100.0], [300.0, 100.0], is_free, |[x, _]| x < 256.0).unwrap();
        assert!(far[0] < 256.0 && far[1] < 64.0, "as far as can be seen: {far:?}");
        assert!(first_stop([9.0, 9.0], [500.0, 500.0], |[x, _]| x < 200.0, straight).is_none());
    }
}
