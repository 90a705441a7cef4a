//! How near one picture is to another.
//!
//! Pictures are compared as bytes, as a person would see them, on the scale `0..=1` (a data range of 1).

use worldsmith_core::{Error, Image, Result};

/// The highest PSNR reported, in dB: an error of one level in every byte, `20 log10 255`. Identical pictures score this
/// and no more, so that a few perfect copies do not outweigh everything else in a mean.
pub const PSNR_CAP: f64 = 48.130_803_608_679_1;

/// A pixel has changed when one of its channels differs by more than this many of 255 levels.
const CHANGED_LEVELS: u8 = 8;

/// Width of the SSIM window, in pixels.
const SSIM_WINDOW: usize = 11;
const SSIM_SIGMA: f64 = 1.5;

/// Peak signal-to-noise ratio in dB over all pixels and channels, capped at [`PSNR_CAP`]; higher is nearer.
///
/// # Errors
/// If the pictures differ in shape.
pub fn psnr(real: &Image, other: &Image) -> Result<f64> {
    same_shape(real, other)?;
    Ok(decibels(levels(real, other).map(|d| d * d).sum(), real.data.len()))
}

/// PSNR restricted to the pixels of `real` that changed since `before`: where something moved, appeared or vanished.
/// `None` if nothing changed.
///
/// In a mostly static world, copying the last frame scores a high plain PSNR. Copying is wrong on exactly the pixels
/// counted here, and painting the moving thing everywhere is wrong on those it left.
///
/// # Errors
/// If the pictures differ in shape.
pub fn psnr_changed(real: &Image, other: &Image, before: &Image) -> Result<Option<f64>> {
    same_shape(real, other)?;
    same_shape(real, before)?;
    let channels = real.channels.max(1);
    let (mut squared, mut count) = (0.0, 0);
    let pixels = real.data.chunks_exact(channels).zip(before.data.chunks_exact(channels));
    for ((now, then), got) in pixels.zip(other.data.chunks_exact(channels)) {
        if now.iter().zip(then).any(|(a, b)| a.abs_diff(*b) > CHANGED_LEVELS) {
            squared += now.iter().zip(got).map(|(a, b)| level(*a, *b).powi(2)).sum::<f64>();
            count += channels;
        }
    }
    Ok((count > 0).then(|| decibels(squared, count)))
}

/// Mean absolute error on the scale `0..=1`; lower is nearer.
///
/// # Errors
/// If the pictures differ in shape.
pub fn mean_absolute_error(real: &Image, other: &Image) -> Result<f64> {
    same_shape(real, other)?;
    Ok(levels(real, other).sum::<f64>() / real.data.len().max(1) as f64)
}

/// Structural similarity (Wang et al. 2004): Gaussian window of 11 pixels and sigma 1.5, population covariance, mean over
/// pixels whose window fits, then over channels. 1 for identical pictures; `None` for pictures smaller than the window.
///
/// # Errors
/// If the pictures differ in shape.
pub fn ssim(real: &Image, other: &Image) -> Result<Option<f64>> {
    same_shape(real, other)?;
    if real.height < SSIM_WINDOW || real.width < SSIM_WINDOW {
        return Ok(None);
    }
    let of_channel = |c| ssim_plane(&plane(real, c), &plane(other, c), real.width);
    Ok(Some((0..real.channels).map(of_channel).sum::<f64>() / real.channels as f64))
}

fn ssim_plane(x: &[f64], y: &[f64], width: usize) -> f64 {
    const C1: f64 = 0.01 * 0.01;
    const C2: f64 = 0.03 * 0.03;
    let kernel = gaussian();
    let blurred = |f: &dyn Fn(f64, f64) -> f64| {
        let product: Vec<f64> = x.iter().zip(y).map(|(a, b)| f(*a, *b)).collect();
        blur(&product, width, &kernel)
    };
    let (ux, uy) = (blurred(&|a, _| a), blurred(&|_, b| b));
    let (uxx, uyy, uxy) = (blurred(&|a, _| a * a), blurred(&|_, b| b * b), blurred(&|a, b| a * b));
    let similarity = |i: usize| {
        let (mx, my) = (ux[i], uy[i]);
        let (vx, vy, vxy) = (uxx[i] - mx * mx, uyy[i] - my * my, uxy[i] - mx * my);
        (2.0 * mx * my + C1) * (2.0 * vxy + C2) / ((mx * mx + my * my + C1) * (vx + vy + C2))
    };
    (0..ux.len()).map(similarity).sum::<f64>() / ux.len() as f64
}

/// Weighted means over every window that lies wholly inside the plane: first along rows, then along columns.
fn blur(plane: &[f64], width: usize, kernel: &[f64; SSIM_WINDOW]) -> Vec<f64> {
    let fits = width - SSIM_WINDOW + 1;
    let height = plane.len() / width;
    let mut rows = vec![0.0; height * fits];
    for (row, line) in plane.chunks_exact(width).zip(rows.chunks_exact_mut(fits)) {
        for (dx, k) in kernel.iter().enumerate() {
            add_scaled(line, &row[dx..], *k);
        }
    }
    let mut out = vec![0.0; (height - SSIM_WINDOW + 1) * fits];
    for (y, line) in out.chunks_exact_mut(fits).enumerate() {
        for (dy, k) in kernel.iter().enumerate() {
            add_scaled(line, &rows[(y + dy) * fits..], *k);
        }
    }
    out
}

fn add_scaled(line: &mut [f64], source: &[f64], scale: f64) {
    line.iter_mut().zip(source).for_each(|(x, s)| *x += scale * s);
}

fn gaussian() -> [f64; SSIM_WINDOW] {
    let radius = (SSIM_WINDOW / 2) as f64;
    let raw: [f64; SSIM_WINDOW] =
        std::array::from_fn(|i| (-(i as f64 - radius).powi(2) / (2.0 * SSIM_SIGMA * SSIM_SIGMA)).exp());
    let total: f64 = raw.iter().sum();
    raw.map(|w| w / total)
}

fn plane(image: &Image, channel: usize) -> Vec<f64> {
    image.data.iter().skip(channel).step_by(image.channels).map(|b| f64::from(*b) / 255.0).collect()
}

fn levels<'a>(a: &'a Image, b: &'a Image) -> impl Iterator<Item = f64> + 'a {
    a.data.iter().zip(&b.data).map(|(a, b)| level(*a, *b))
}

fn level(a: u8, b: u8) -> f64 {
    f64::from(a.abs_diff(b)) / 255.0
}

fn decibels(squared: f64, count: usize) -> f64 {
    let mse = squared / count.max(1) as f64;
    (-10.0 * mse.log10()).min(PSNR_CAP)
}

fn same_shape(a: &Image, b: &Image) -> Result<()> {
    if a.shape() == b.shape() && a.data.len() == b.data.len() {
        return Ok(());
    }
    Err(Error::invalid(format!("expected a picture of shape {:?}, got {:?}", a.shape(), b.shape())))
}
