//! TensorBoard event files: records of protocol-buffer events, framed with masked CRC-32C sums.
//!
//! Only what scalars need is written (`Event.summary.value.{tag, simple_value}` of tensorboard's `event.proto`); the
//! format is small and frozen, so this stands in for a protocol-buffer library.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use worldsmith_core::{Error, Result};

/// An open event file.
pub struct EventFile {
    file: BufWriter<File>,
}

impl EventFile {
    /// Starts a new event file in `dir`. TensorBoard forgets what earlier files of the folder say of `step` and later.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(dir: &Path, step: u64) -> Result<Self> {
        let stamp = now();
        let micros = (stamp * 1e6) as u64;
        let path = dir.join(format!("events.out.tfevents.{:010}.worldsmith.{micros}", stamp as u64));
        let file = File::create(&path).map_err(|e| Error::io("write the event file", &path, &e))?;
        let mut events = Self { file: BufWriter::new(file) };
        let mut version = event(stamp, 0);
        bytes_field(&mut version, 3, b"brain.Event:2");
        let mut start = event(stamp, step);
        bytes_field(&mut start, 7, &[0x08, 1]); // session_log { status: START }
        events
            .record(&version)
            .and_then(|()| events.record(&start))
            .map_err(|e| Error::io("write the event file", &path, &e))?;
        Ok(events)
    }

    /// Adds scalars, `(tag, value)`, at `step`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn scalars<'a>(
        &mut self,
        step: u64,
        scalars: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> std::io::Result<()> {
        let mut summary = Vec::new();
        for (tag, value) in scalars {
            let mut scalar = Vec::new();
            bytes_field(&mut scalar, 1, tag.as_bytes());
            scalar.push(2 << 3 | 5);
            scalar.extend((value as f32).to_le_bytes());
            bytes_field(&mut summary, 1, &scalar);
        }
        let mut event = event(now(), step);
        bytes_field(&mut event, 5, &summary);
        self.record(&event)?;
        self.file.flush()
    }

    fn record(&mut self, data: &[u8]) -> std::io::Result<()> {
        let len = (data.len() as u64).to_le_bytes();
        self.file.write_all(&len)?;
        self.file.write_all(&masked_crc32c(&len).to_le_bytes())?;
        self.file.write_all(data)?;
        self.file.write_all(&masked_crc32c(data).to_le_bytes())
    }
}

/// An event with its `wall_time` (field 1) and `step` (field 2).
fn event(wall_time: f64, step: u64) -> Vec<u8> {
    let mut out = vec![1 << 3 | 1];
    out.extend(wall_time.to_le_bytes());
    out.push(2 << 3);
    varint(&mut out, step);
    out
}

fn bytes_field(out: &mut Vec<u8>, field: u8, data: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, data.len() as u64);
    out.extend(data);
}

fn varint(out: &mut Vec<u8>, mut x: u64) {
    while x >= 0x80 {
        out.push(x as u8 | 0x80);
        x >>= 7;
    }
    out.push(x as u8);
}

/// CRC-32C (Castagnoli), rotated and offset as the record format asks.
fn masked_crc32c(data: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_castagnoli_one() {
        // The standard check value of CRC-32C is 0xe3069283.
        assert_eq!(masked_crc32c(b"123456789"), 0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }
}
