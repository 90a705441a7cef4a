"""Makes pictures.json: PSNR and SSIM of small picture pairs by scikit-image.

    pip install numpy scikit-image && python pictures.py
"""

import json
import pathlib

import numpy as np
import skimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

rng = np.random.default_rng(0)


def smooth(height, width, channels):
    y, x = np.mgrid[0:height, 0:width, ][..., None]
    phase = rng.uniform(0, 6, channels)
    return np.clip(127 + 80 * np.sin(x / 3 + phase) + 40 * np.cos(y / 4), 0, 255).astype(np.uint8)


def pair(name, real, other):
    ssim = structural_similarity(
        real, other, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return {
        "name": name,
        "shape": list(real.shape),
        "real": real.tobytes().hex(),
        "other": other.tobytes().hex(),
        "psnr": float(peak_signal_noise_ratio(real, other, data_range=255)),
        "ssim": float(ssim),
    }


def noisy(image, sigma):
    return np.clip(image + rng.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


scene = smooth(18, 22, 3)
moved = scene.copy()
moved[6:10, 5:9] = [250, 20, 20]
flat = np.zeros((14, 12, 1), np.uint8)
dot = flat.copy()
dot[4:6, 4:6] = 255
pairs = [
    pair("slight noise", scene, noisy(scene, 4)),
    pair("strong noise", scene, noisy(scene, 60)),
    pair("one thing moved", scene, moved),
    pair("inverted", scene, 255 - scene),
    pair("grey dot on black", flat, dot),
    pair("smallest size", scene[:11, :11], noisy(scene[:11, :11], 20)),
]
out = {"made_by": {"scikit-image": skimage.__version__, "numpy": np.__version__}, "pairs": pairs}
pathlib.Path(__file__).with_name("pictures.json").write_text(json.dumps(out, indent=1) + "\n")
