"""Draw a head's surface as somebody sees it from the front, to look at what is left of a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

_FAR = 400.0


def frontal(tissue: np.ndarray, step: float) -> np.ndarray:
    """Return a shaded frontal view (uint8, rows x columns) of a mask [x, y, z] in LPS.

    Rays go backwards from the front; light comes from above, the left and the front.
    """
    opened = ndimage.binary_opening(tissue, iterations=2)
    labels, count = ndimage.label(opened)
    if count > 1:
        opened = labels == 1 + int(np.bincount(labels.ravel())[1:].argmax())
    seen = opened.any(1)
    depth = ndimage.gaussian_filter(np.where(seen, opened.argmax(1) * step, _FAR), 0.8)
    across, up = np.gradient(depth, step)
    normal = np.stack([across, np.ones_like(depth), up], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.clip(normal @ np.array([0.3, 0.85, -0.4]), 0, 1) * seen
    return (light.T[::-1] * 255).astype(np.uint8)


def save(file: Path, views: list[np.ndarray]) -> None:
    """Write views side by side as PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.hstack(views)).save(file)
