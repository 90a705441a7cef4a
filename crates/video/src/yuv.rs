//! Between RGB pictures and the planes that codecs work on: one luma sample a pixel, two chroma samples for each square
//! of four pixels.
//!
//! Reading follows FFmpeg's `swscale` to the bit, since that is what LeRobot's readers (torchcodec, PyAV) hand to a
//! model: BT.601 and limited range unless the stream says otherwise, chroma repeated over its four pixels, products
//! taken at 16 bits and cut off, not rounded.

use worldsmith_core::Image;

/// Which weights make luma and chroma of red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Matrix {
    /// ITU-R BT.601, which is also what unlabelled files mean.
    #[default]
    Bt601,
    /// ITU-R BT.709.
    Bt709,
    /// FCC Title 47.
    Fcc,
    /// SMPTE 240M.
    Smpte240,
    /// ITU-R BT.2020, non-constant luminance.
    Bt2020,
}

impl Matrix {
    /// From the number that H.264, AV1 and mp4 share (ITU-T H.273, table 4); unknown numbers are BT.601.
    pub fn from_code(code: u32) -> Self {
        match code {
            1 => Matrix::Bt709,
            4 => Matrix::Fcc,
            7 => Matrix::Smpte240,
            9 | 10 => Matrix::Bt2020,
            _ => Matrix::Bt601,
        }
    }

    /// What red, green (of blue and of red difference) and blue gain from a chroma step, limited range, times 65536.
    fn gains(self) -> [i64; 4] {
        match self {
            Matrix::Bt601 => [104_597, -25_675, -53_279, 132_201],
            Matrix::Bt709 => [117_489, -13_975, -34_925, 138_438],
            Matrix::Fcc => [104_448, -24_759, -53_109, 132_798],
            Matrix::Smpte240 => [117_579, -16_907, -35_559, 136_230],
            Matrix::Bt2020 => [110_013, -12_277, -42_626, 140_363],
        }
    }
}

/// What the samples of a stream mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Colour {
    /// The weights of the primaries.
    pub matrix: Matrix,
    /// Whether samples run from 0 to 255, not from 16 to 235.
    pub full_range: bool,
}

/// The part of a decoded frame that is shown, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crop {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// A decoded frame: three planes, chroma of half size rounded up.
pub(crate) struct Planes<'a> {
    /// Luma, and the two chroma planes (blue and red difference).
    pub samples: [&'a [u8]; 3],
    /// Bytes from one row to the next: luma, chroma.
    pub strides: [usize; 2],
}

impl Planes<'_> {
    /// The picture inside `crop`; `None` if the planes are smaller than that.
    pub fn rgb(&self, crop: Crop, colour: Colour) -> Option<Image> {
        let mut image = Image::new(crop.height, crop.width, 3);
        let weights = Weights::new(colour);
        let (first, n_chroma) = (crop.x / 2, (crop.x + crop.width).div_ceil(2) - crop.x / 2);
        let [stride, chroma_stride] = self.strides;
        for (row, out) in image.data.chunks_exact_mut(crop.width * 3).enumerate() {
            let y = crop.y + row;
            let luma = line(self.samples[0], y, stride, crop.x, crop.width)?;
            let blue = line(self.samples[1], y / 2, chroma_stride, first, n_chroma)?;
            let red = line(self.samples[2], y / 2, chroma_stride, first, n_chroma)?;
            convert_row(&weights, crop.x % 2, [luma, blue, red], out);
        }
        Some(image)
    }
}

fn line(plane: &[u8], row: usize, stride: usize, from: usize, len: usize) -> Option<&[u8]> {
    let start = row.checked_mul(stride)?.checked_add(from)?;
    plane.get(start..start.checked_add(len)?)
}

/// Fixed-point weights: a sample, less its offset and times 8, is multiplied and shifted right by 16.
struct Weights {
    luma: i16,
    luma_offset: i16,
    /// Red of red difference; green of blue and red difference; blue of blue difference.
    chroma: [i16; 4],
}

impl Weights {
    fn new(colour: Colour) -> Self {
        let at_13_bits = |x: i64| ((x * (1 << 13) + (1 << 15)) >> 16) as i16;
        let (luma, luma_offset) = if colour.full_range { (1 << 16, 0) } else { ((1 << 16) * 255 / 219, 16) };
        let scale = |gain: i64| if colour.full_range { gain * 224 / 255 } else { gain };
        Self {
            luma: at_13_bits(luma),
            luma_offset: luma_offset * 8,
            chroma: colour.matrix.gains().map(|gain| at_13_bits(scale(gain))),
        }
    }
}

/// Pixels handled at a time; a power of two, so that the inner loops have no rest.
const BLOCK: usize = 32;

/// One row of pixels. `odd` is 1 if the first pixel is the right one of its pair.
fn convert_row(weights: &Weights, odd: usize, lines: [&[u8]; 3], out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function asks for.
        return unsafe { convert_row_avx2(weights, odd, lines, out) };
    }
    convert_row_plain(weights, odd, lines, out);
}

/// [`convert_row_plain`], compiled for processors with AVX2: three times as fast, the same numbers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn convert_row_avx2(weights: &Weights, odd: usize, lines: [&[u8]; 3], out: &mut [u8]) {
    convert_row_plain(weights, odd, lines, out);
}

#[inline(always)]
fn convert_row_plain(weights: &Weights, odd: usize, [luma, blue, red]: [&[u8]; 3], out: &mut [u8]) {
    let pair_of = |x: usize| (x + odd) / 2;
    let mut x = 0;
    if odd == 0 {
        let blocks = luma.chunks_exact(BLOCK).zip(out.chunks_exact_mut(BLOCK * 3));
        let chroma = blue.chunks_exact(BLOCK / 2).zip(red.chunks_exact(BLOCK / 2));
        for ((luma, out), (blue, red)) in blocks.zip(chroma) {
            convert_block(weights, luma, blue, red, out);
            x += BLOCK;
        }
    }
    for (i, out) in out.chunks_exact_mut(3).enumerate().skip(x) {
        let (blue, red) = (blue[pair_of(i)], red[pair_of(i)]);
        let y = weights.luma(luma[i]);
        let [r, g, b] = weights.chroma(blue, red);
        out.copy_from_slice(&[clip(y + r), clip(y + g), clip(y + b)]);
    }
}

#[inline(always)]
fn convert_block(weights: &Weights, luma: &[u8], blue: &[u8], red: &[u8], out: &mut [u8]) {
    let mut gains = [[0_i16; BLOCK / 2]; 3];
    for i in 0..BLOCK / 2 {
        let [r, g, b] = weights.chroma(blue[i], red[i]);
        (gains[0][i], gains[1][i], gains[2][i]) = (r, g, b);
    }
    let mut rgb = [[0_u8; BLOCK]; 3];
    for (plane, gains) in rgb.iter_mut().zip(&gains) {
        for i in 0..BLOCK {
            plane[i] = clip(weights.luma(luma[i]) + gains[i / 2]);
        }
    }
    for i in 0..BLOCK {
        out[3 * i] = rgb[0][i];
        out[3 * i + 1] = rgb[1][i];
        out[3 * i + 2] = rgb[2][i];
    }
}

impl Weights {
    #[inline(always)]
    fn luma(&self, sample: u8) -> i16 {
        high_product(i16::from(sample) * 8 - self.luma_offset, self.luma)
    }

    /// What red, green and blue gain.
    #[inline(always)]
    fn chroma(&self, blue: u8, red: u8) -> [i16; 3] {
        let [r_of_red, g_of_blue, g_of_red, b_of_blue] = self.chroma;
        let (blue, red) = (i16::from(blue) * 8 - 1024, i16::from(red) * 8 - 1024);
        let green = high_product(blue, g_of_blue) + high_product(red, g_of_red);
        [high_product(red, r_of_red), green, high_product(blue, b_of_blue)]
    }
}

#[inline(always)]
fn high_product(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

#[inline(always)]
fn clip(x: i16) -> u8 {
    x.clamp(0, 255) as u8
}

/// A frame to be encoded: three planes of limited-range BT.601, chroma of half size rounded up, no gaps between rows.
pub(crate) struct Frame420 {
    /// Luma, and the two chroma planes.
    pub samples: [Vec<u8>; 3],
    /// Columns, in pixels.
    pub width: usize,
    /// Rows, in pixels.
    pub height: usize,
}

impl Frame420 {
    /// A frame without samples.
    pub fn new(width: usize, height: usize) -> Self {
        Self { samples: Default::default(), width, height }
    }

    /// Bytes from one row to the next: luma, chroma.
    pub fn strides(&self) -> [usize; 2] {
        [self.width, self.width.div_ceil(2)]
    }

    /// Takes the samples of `image`, which is whole, not empty and at most as large; its last row and column are
    /// repeated up to the frame's size.
    pub fn fill(&mut self, image: &Image) {
        let Self { samples: [luma, blue, red], width, height } = self;
        for plane in [&mut *luma, &mut *blue, &mut *red] {
            plane.clear();
        }
        let pixel = |x: usize, y: usize| {
            let at = (y.min(image.height - 1) * image.width + x.min(image.width - 1)) * image.channels;
            let colour = if image.channels == 1 { [at; 3] } else { [at, at + 1, at + 2] };
            colour.map(|at| i32::from(image.data[at]))
        };
        for y in 0..*height {
            luma.extend((0..*width).map(|x| weigh(pixel(x, y), [16_829, 33_039, 6_416], 16, 0)));
        }
        for y in (0..*height).step_by(2) {
            for x in (0..*width).step_by(2) {
                let four = [pixel(x, y), pixel(x + 1, y), pixel(x, y + 1), pixel(x + 1, y + 1)];
                let sum = [0, 1, 2].map(|c| four.iter().map(|pixel| pixel[c]).sum::<i32>());
                blue.push(weigh(sum, [-9_714, -19_070, 28_784], 128, 2));
                red.push(weigh(sum, [28_784, -24_103, -4_681], 128, 2));
            }
        }
    }
}

/// A sample: `offset` and the sum of `colour` (of 1 << `log_n` pixels) by `weights`, which count in 65536ths.
fn weigh(colour: [i32; 3], weights: [i32; 3], offset: i32, log_n: u32) -> u8 {
    let sum: i32 = colour.iter().zip(weights).map(|(c, w)| c * w).sum();
    let shift = 16 + log_n;
    (offset + ((sum + (1 << (shift - 1))) >> shift)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(samples: [u8; 3], colour: Colour) -> Vec<u8> {
        let planes = Planes { samples: [&[samples[0]], &[samples[1]], &[samples[2]]], strides: [1, 1] };
        planes.rgb(Crop { x: 0, y: 0, width: 1, height: 1 }, colour).unwrap().data
    }

    #[test]
    fn black_white_and_red_are_what_bt_601_makes_them() {
        let limited = Colour::default();
        assert_eq!(pixel([16, 128, 128], limited), [0, 0, 0]);
        // 219 * 8 * 9539 / 65536 = 255.01
        assert_eq!(pixel([235, 128, 128], limited), [255, 255, 255]);
        // Luma 65 * 8 * 9539 / 65536 = 75; red +112 * 8 * 13075 / 65536 = 178; blue -38 * 8 * 16525 / 65536 = -77;
        // green 38 * 8 * 3209 / 65536 = 14 and -112 * 8 * 6660 / 65536 = -92, all rounded down.
        assert_eq!(pixel([81, 90, 240], limited), [253, 0, 0]);
        assert_eq!(pixel([255, 128, 128], Colour { full_range: true, ..limited }), [255, 255, 255]);
    }

    #[test]
    fn a_crop_from_an_odd_column_takes_the_right_chroma() {
        let luma = [100; 6];
        let planes = Planes { samples: [&luma, &[128, 200, 50], &[128; 3]], strides: [6, 3] };
        let crop = Crop { x: 1, y: 0, width: 4, height: 1 };
        let blue: Vec<u8> =
            planes.rgb(crop, Colour::default()).unwrap().data.chunks(3).map(|p| p[2]).collect();
        assert!(blue[1] == blue[2] && blue[0] < blue[1] && blue[3] < blue[0], "{blue:?}");
    }

    #[test]
    fn a_wide_row_in_blocks_equals_its_pixels_one_by_one() {
        let line = |seed: usize, len: usize| (0..len).map(|i| (i * seed % 251) as u8).collect::<Vec<u8>>();
        let (luma, blue, red) = (line(37, 70), line(91, 35), line(53, 35));
        let planes = Planes { samples: [&luma, &blue, &red], strides: [70, 35] };
        let row = planes.rgb(Crop { x: 0, y: 0, width: 70, height: 1 }, Colour::default()).unwrap();
        for x in 0..70 {
            let one = planes.rgb(Crop { x, y: 0, width: 1, height: 1 }, Colour::default()).unwrap();
            assert_eq!(row.data[3 * x..3 * x + 3], one.data, "column {x}");
        }
    }
}
