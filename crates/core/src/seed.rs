//! Where all randomness comes from: a [`Seed`] that is split by name, and a small generator whose state can be saved.

use serde::{Deserialize, Serialize};

/// A source of randomness that can be split. Two seeds derived under different names are independent streams; the
/// same seed and name always give the same stream, on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed for the part called `name`.
    #[must_use]
    pub fn derive(self, name: &str) -> Seed {
        // FNV-1a over the name, then mixed with the parent.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Seed(mix(self.0 ^ mix(hash)))
    }

    /// The seed for the `idx`-th of many equal parts (episodes, workers, candidates).
    #[must_use]
    pub fn index(self, idx: u64) -> Seed {
        Seed(mix(self.0.wrapping_add(mix(idx ^ 0x9e37_79b9_7f4a_7c15))))
    }

    /// A generator started from this seed.
    pub fn rng(self) -> Rng {
        let mut s = self.0;
        Rng { s: std::array::from_fn(|_| splitmix(&mut s)) }
    }
}

/// xoshiro256++ (Blackman and Vigna, 2019). Its state is plain data, so that a run can be resumed exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Rng {
    s: [u64; 4],
}

/// A generator as it was saved, from wherever.
#[derive(Deserialize)]
struct Saved {
    s: [u64; 4],
}

impl TryFrom<Saved> for Rng {
    type Error = &'static str;

    fn try_from(saved: Saved) -> Result<Self, Self::Error> {
        // From zeros come zeros alone, and some draws would be tried for ever.
        if saved.s == [0; 4] {
            Err("expected a generator that is not all zeros")
        } else {
            Ok(Self { s: saved.s })
        }
    }
}

impl Rng {
    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.s;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// A uniform number in `[0, 1)`.
    pub fn uniform(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 * (1.0 / (1u64 << 24) as f32)
    }

    /// A uniform whole number in `0..n`, without bias. Returns 0 for `n == 0`.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 {
            return 0;
        }
        let n = n as u64;
        // Lemire's multiply-shift with rejection.
        loop {
            let m = u128::from(self.next_u64()) * u128::from(n);
            if (m as u64) >= n.wrapping_neg() % n {
                return (m >> 64) as usize;
            }
        }
    }

    /// A standard normal number (Box and Muller).
    pub fn normal(&mut self) -> f32 {
        let u = f64::from(self.uniform()).max(1e-12);
        let angle = std::f64::consts::TAU * f64::from(self.uniform());
        ((-2.0 * u.ln()).sqrt() * angle.cos()) as f32
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.uniform() < p
    }

    /// A new seed, for handing a fresh stream to somebody else.
    pub fn seed(&mut self) -> Seed {
        Seed(self.next_u64())
    }

    /// An index drawn with probability proportional to `weights` (non-negative, not all zero).
    pub fn weighted(&mut self, weights: &[f32]) -> usize {
        let mut left = self.uniform() * weights.iter().sum::<f32>();
        for (i, w) in weights.iter().enumerate() {
            left -= w;
            if left < 0.0 {
                return i;
            }
        }
        weights.iter().rposition(|w| *w > 0.0).unwrap_or(0)
    }
}

fn mix(x: u64) -> u64 {
    let mut s = x;
    splitmix(&mut s)
}

fn splitmix(s: &mut u64) -> u64 {
    *s = s.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *s;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_with_different_names_differ_and_equal_names_agree() {
        let seed = Seed(7);
        assert_ne!(seed.derive("env").rng().next_u64(), seed.derive("agent").rng().next_u64());
        assert_eq!(seed.derive("env").rng().next_u64(), seed.derive("env").rng().next_u64());
        assert_ne!(seed.index(0), seed.index(1));
    }

    #[test]
    fn uniform_normal_and_below_have_the_right_moments() {
        let mut rng = Seed(1).rng();
        let n = 40_000;
        let mean = (0..n).map(|_| rng.uniform()).sum::<f32>() / n as f32;
        assert!((mean - 0.5).abs() < 0.01, "uniform mean {mean}");
        let xs: Vec<f32> = (0..n).map(|_| rng.normal()).collect();
        let var = xs.iter().map(|x| x * x).sum::<f32>() / n as f32;
        assert!((var - 1.0).abs() < 0.03, "normal variance {var}");
        let mut counts = [0usize; 3];
        (0..n).for_each(|_| counts[rng.below(3)] += 1);
        assert!(counts.iter().all(|c| c.abs_diff(n / 3) < 400), "{counts:?}");
    }

    #[test]
    fn a_weighted_draw_never_picks_a_zero_weight() {
        let mut rng = Seed(2).rng();
        assert!((0..1000).all(|_| rng.weighted(&[0.0, 1.0, 0.0]) == 1));
    }
}
