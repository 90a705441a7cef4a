//! LZF streams, as h5py's filter 32000 stores them.

/// The plain bytes of `stream`, of which there are at most `most`; `None` if it is damaged or longer.
pub(super) fn decode(stream: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = stream.iter();
    while let Some(control) = bytes.next() {
        let control = usize::from(*control);
        if control < 32 {
            // So many bytes as they are, and one more.
            let rest = bytes.as_slice().get(..=control)?;
            out.extend_from_slice(rest);
            bytes.nth(control);
        } else {
            // Bytes that were there before: their number above 2, and how far back they are above 1.
            let len = match control >> 5 {
                7 => 7 + usize::from(*bytes.next()?),
                len => len,
            };
            let back = ((control & 31) << 8) + usize::from(*bytes.next()?) + 1;
            let from = out.len().checked_sub(back)?;
            for at in from..from + len + 2 {
                out.push(out[at]);
            }
        }
        if out.len() > most {
            return None;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_repeats_decode_and_broken_streams_do_not() {
        // `ab` as it is, then 7 + 7 + 2 bytes from 2 back.
        assert_eq!(
            decode(&[1, b'a', b'b', 7 << 5, 7, 1], 99).unwrap(),
            b"abababababababababa"[..18].to_vec()
        );
        assert_eq!(decode(&[1, b'a', b'b', 1 << 5, 0], 99).unwrap(), b"abbbb");
        for broken in [&[5, b'a'][..], &[0, b'a', 1 << 5, 9], &[0, b'a', 7 << 5]] {
            assert_eq!(decode(broken, 99), None);
        }
        assert_eq!(decode(&[0, b'a', 7 << 5, 255, 0], 99), None);
    }
}
