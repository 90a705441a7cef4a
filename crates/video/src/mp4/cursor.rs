//! Big-endian numbers and nested boxes of a byte string.

use super::Parsed;

/// A box's four-letter name.
pub(super) type Name = [u8; 4];

/// What is left of a box. Reading past its end gives `None`.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next four bytes, signed.
    pub fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// The next eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next name.
    pub fn name(&mut self) -> Option<Name> {
        self.array()
    }

    /// The version byte of a full box; its flags are skipped.
    pub fn version(&mut self) -> Option<u8> {
        let version = self.u8()?;
        self.take(3)?;
        Some(version)
    }

    /// The number of entries that follow, if that many of `entry_len` bytes are really there.
    pub fn count(&mut self, entry_len: usize) -> Option<usize> {
        let n = usize::try_from(self.u32()?).ok()?;
        (n.checked_mul(entry_len)? <= self.0.len()).then_some(n)
    }
}

/// The boxes inside `body`, in order: name and content.
pub(super) fn boxes(body: &[u8]) -> Parsed<Vec<(Name, Cursor<'_>)>> {
    let mut found = Vec::new();
    let mut rest = Cursor(body);
    while rest.0.len() >= 8 {
        let whole = rest;
        let (size, name) = header(&mut rest).ok_or("a box is cut short")?;
        let header_len = whole.0.len() - rest.0.len();
        let len = if size == 0 { Some(rest.0.len()) } else { content_len(size, header_len) };
        let content = len.and_then(|len| rest.take(len));
        let content = content.ok_or_else(|| format!("box `{}` is cut short", show(name)))?;
        found.push((name, Cursor(content)));
    }
    Ok(found)
}

/// A box's size, header included (0: up to the end), and name.
pub(super) fn header(cursor: &mut Cursor) -> Option<(u64, Name)> {
    let size = cursor.u32()?;
    let name = cursor.name()?;
    Some((if size == 1 { cursor.u64()? } else { u64::from(size) }, name))
}

fn content_len(size: u64, header_len: usize) -> Option<usize> {
    usize::try_from(size).ok()?.checked_sub(header_len)
}

/// The first box called `name`.
pub(super) fn find<'a>(boxes: &[(Name, Cursor<'a>)], name: &Name) -> Option<Cursor<'a>> {
    boxes.iter().find(|(found, _)| found == name).map(|(_, content)| *content)
}

/// The first box called `name`, which must be there.
pub(super) fn need<'a>(boxes: &[(Name, Cursor<'a>)], name: &Name) -> Parsed<Cursor<'a>> {
    find(boxes, name).ok_or_else(|| format!("expected a box `{}`, got none", show(*name)))
}

/// A name as text.
pub(super) fn show(name: Name) -> String {
    name.escape_ascii().to_string()
}
