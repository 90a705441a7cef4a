//! From coded frames to the bytes of a file: the frames as they come, then the tables.

use std::io::{self, Seek, SeekFrom, Write};

use crate::Codec;
use crate::writer::Packet;

/// Bytes of the `mdat` box's header, which has a size of eight bytes.
const MDAT_HEADER_LEN: u64 = 16;
/// Sixteenth parts, as fixed-point numbers of mp4 count them.
const ONE: u32 = 1 << 16;
/// The transformation that leaves a picture as it is.
const UNITY_MATRIX: [u32; 9] = [ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30];
/// Language: none in particular.
const UNDETERMINED: u16 = 0x55c4;
/// What samples mean (ITU-T H.273): primaries of sRGB, its transfer, BT.601's matrix, limited range.
const COLOUR: [u16; 3] = [1, 13, 6];

/// What a player must know before the first frame.
pub(crate) struct SampleEntry {
    /// How samples are coded.
    pub codec: Codec,
    /// The content of `avcC` or `av1C`.
    pub config: Vec<u8>,
    /// Columns and rows of a coded frame.
    pub coded_size: (u16, u16),
    /// Columns and rows that are shown, from the top left corner.
    pub shown_size: (u16, u16),
}

/// A file being written.
pub(crate) struct Muxer<W: Write + Seek> {
    out: W,
    start: u64,
    sizes: Vec<u32>,
    keys: Vec<u32>,
}

impl<W: Write + Seek> Muxer<W> {
    /// Writes what stands before the first frame.
    pub fn new(mut out: W) -> io::Result<Self> {
        let brands = [b"isom".as_slice(), &0x200_u32.to_be_bytes(), b"isom", b"iso2", b"mp41"].concat();
        let ftyp = boxed(b"ftyp", &brands);
        out.write_all(&ftyp)?;
        out.write_all(&mdat_header(0))?;
        Ok(Self { out, start: ftyp.len() as u64 + MDAT_HEADER_LEN, sizes: Vec::new(), keys: Vec::new() })
    }

    /// Adds coded frames.
    pub fn push(&mut self, packets: &[Packet]) -> io::Result<()> {
        let too_many = |_| io::Error::from(io::ErrorKind::FileTooLarge);
        for packet in packets {
            self.sizes.push(u32::try_from(packet.bytes.len()).map_err(too_many)?);
            if packet.is_key {
                self.keys.push(u32::try_from(self.sizes.len()).map_err(too_many)?);
            }
            self.out.write_all(&packet.bytes)?;
        }
        Ok(())
    }

    /// Writes the tables. Each frame lasts `delta` units, of which `timescale` make a second.
    pub fn finish(mut self, entry: &SampleEntry, (timescale, delta): (u32, u32)) -> io::Result<W> {
        let len: u64 = self.sizes.iter().map(|size| u64::from(*size)).sum();
        let stbl = self.stbl(entry, delta);
        let duration = self.sizes.len() as u64 * u64::from(delta);
        self.out.write_all(&moov(&stbl, entry.shown_size, timescale, duration))?;
        self.out.seek(SeekFrom::Start(self.start - MDAT_HEADER_LEN))?;
        self.out.write_all(&mdat_header(len))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn stbl(&self, entry: &SampleEntry, delta: u32) -> Vec<u8> {
        let n_samples = self.sizes.len() as u32;
        let table = |entries: &[u32]| entries.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
        let stsd = [table(&[0, 1]), sample_entry(entry)].concat();
        let stsz = [table(&[0, 0, n_samples]), table(&self.sizes)].concat();
        let stss = [table(&[0, self.keys.len() as u32]), table(&self.keys)].concat();
        let co64 = [table(&[0, 1]), self.start.to_be_bytes().to_vec()].concat();
        let boxes = [
            boxed(b"stsd", &stsd),
            boxed(b"stts", &table(&[0, 1, n_samples, delta])),
            boxed(b"stss", &stss),
            boxed(b"stsc", &table(&[0, 1, 1, n_samples, 1])),
            boxed(b"stsz", &stsz),
            boxed(b"co64", &co64),
        ];
        boxed(b"stbl", &boxes.concat())
    }
}

fn mdat_header(content_len: u64) -> Vec<u8> {
    [&1_u32.to_be_bytes(), b"mdat".as_slice(), &(content_len + MDAT_HEADER_LEN).to_be_bytes()].concat()
}

fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    // Only `mdat` grows with the video's bytes; a table of 4 GiB would need a thousand million frames.
    let size = (content.len() + 8) as u32;
    [&size.to_be_bytes(), name.as_slice(), content].concat()
}

/// Numbers of one box, each as many bytes as its type.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    /// A full box of version 1, whose times have eight bytes.
    fn long(flags: u32) -> Self {
        Self::default().u32(&[1 << 24 | flags])
    }

    fn u16(mut self, numbers: &[u16]) -> Self {
        self.0.extend(numbers.iter().flat_map(|n| n.to_be_bytes()));
        self
    }

    fn u32(mut self, numbers: &[u32]) -> Self {
        self.0.extend(numbers.iter().flat_map(|n| n.to_be_bytes()));
        self
    }

    fn u64(mut self, numbers: &[u64]) -> Self {
        self.0.extend(numbers.iter().flat_map(|n| n.to_be_bytes()));
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

fn moov(stbl: &[u8], (width, height): (u16, u16), timescale: u32, duration: u64) -> Vec<u8> {
    let mvhd = Fields::long(0).u64(&[0, 0]).u32(&[timescale]).u64(&[duration]);
    let mvhd = mvhd.u32(&[ONE]).u16(&[0x100, 0]).u32(&[0, 0]).u32(&UNITY_MATRIX).u32(&[0; 6]).u32(&[2]);
    let tkhd = Fields::long(7).u64(&[0, 0]).u32(&[1, 0]).u64(&[duration]).u32(&[0, 0]).u16(&[0; 4]);
    let tkhd = tkhd.u32(&UNITY_MATRIX).u32(&[u32::from(width) << 16, u32::from(height) << 16]);
    let mdhd = Fields::long(0).u64(&[0, 0]).u32(&[timescale]).u64(&[duration]).u16(&[UNDETERMINED, 0]);
    let hdlr = Fields::default().u32(&[0, 0]).bytes(b"vide").u32(&[0; 3]).bytes(b"video\0");
    let vmhd = Fields::default().u32(&[1]).u16(&[0; 4]);
    // The frames are in this very file.
    let dref = Fields::default().u32(&[0, 1]).bytes(&boxed(b"url ", &1_u32.to_be_bytes()));
    let dinf = boxed(b"dinf", &boxed(b"dref", &dref.0));
    let minf = boxed(b"minf", &[boxed(b"vmhd", &vmhd.0), dinf, stbl.to_vec()].concat());
    let mdia = boxed(b"mdia", &[boxed(b"mdhd", &mdhd.0), boxed(b"hdlr", &hdlr.0), minf].concat());
    let trak = boxed(b"trak", &[boxed(b"tkhd", &tkhd.0), mdia].concat());
    boxed(b"moov", &[boxed(b"mvhd", &mvhd.0), trak].concat())
}

fn sample_entry(entry: &SampleEntry) -> Vec<u8> {
    let (name, config) = match entry.codec {
        Codec::H264 => (b"avc1", b"avcC"),
        Codec::Av1 => (b"av01", b"av1C"),
    };
    let (width, height) = entry.coded_size;
    let fields = Fields::default().u16(&[0, 0, 0, 1]).u32(&[0; 4]).u16(&[width, height]);
    // 72 dots an inch, one frame a sample, no compressor name, 24 bits a pixel, no colour table.
    let fields = fields.u32(&[72 * ONE, 72 * ONE, 0]).u16(&[1]).u32(&[0; 8]).u16(&[24, u16::MAX]);
    let colr = Fields::default().bytes(b"nclx").u16(&COLOUR).bytes(&[0]);
    let fields = fields.bytes(&boxed(config, &entry.config)).bytes(&boxed(b"colr", &colr.0));
    let fields = if entry.coded_size == entry.shown_size { fields } else { fields.bytes(&clap(entry)) };
    boxed(name, &fields.0)
}

/// The shown part: its size, and how far its centre lies from the coded frame's, each a ratio.
fn clap(entry: &SampleEntry) -> Vec<u8> {
    let [(coded_width, coded_height), (width, height)] = [entry.coded_size, entry.shown_size];
    let twice_shift = |shown: u16, coded: u16| (i32::from(shown) - i32::from(coded)) as u32;
    let sizes = Fields::default().u32(&[width.into(), 1, height.into(), 1]);
    let clap = sizes.u32(&[twice_shift(width, coded_width), 2, twice_shift(height, coded_height), 2]);
    boxed(b"clap", &clap.0)
}
