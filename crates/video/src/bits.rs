//! Bits of a byte string, most significant first, as H.264 and AV1 headers count them.

/// A place in a byte string, counted in bits. Reading past the end gives `None`.
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    /// The first bit of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Number of bits read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next bit.
    pub fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// The next `n` bits as a number, `n` at most 32.
    pub fn uint(&mut self, n: u32) -> Option<u32> {
        (0..n).try_fold(0, |number, _| Some(number << 1 | u32::from(self.flag()?)))
    }

    /// The next number in Exp-Golomb code (H.264, 9.1): as many zeros as bits follow the first one.
    pub fn ue(&mut self) -> Option<u32> {
        let mut n_zeros = 0;
        while !self.flag()? {
            n_zeros += 1;
        }
        if n_zeros > 31 {
            return None;
        }
        let rest = u64::from(self.uint(n_zeros)?);
        u32::try_from((1_u64 << n_zeros) - 1 + rest).ok()
    }

    /// The next signed number in Exp-Golomb code: 0, 1, -1, 2, -2 and so on.
    pub fn se(&mut self) -> Option<i64> {
        let k = i64::from(self.ue()?);
        Some(if k % 2 == 1 { (k + 1) / 2 } else { -k / 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_numbers_follow_the_table_of_the_standard() {
        // 1, 010, 011, 00100, 00101 are 0, 1, 2, 3, 4.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let numbers: Vec<_> = (0..5).map(|_| bits.ue().unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let numbers: Vec<_> = (0..5).map(|_| bits.se().unwrap()).collect();
        assert_eq!(numbers, [0, 1, -1, 2, -2]);
    }

    #[test]
    fn the_end_is_none() {
        assert_eq!(Bits::new(&[0; 9]).ue(), None);
        assert_eq!(Bits::new(&[255]).uint(9), None);
    }
}
