"""Show a decoded frame as a viewer could: every rendering in which text might be seen.

A person who opens an image sees it through the header's window (PS3.3 C.11.2), its palette
(C.7.6.3.1.5) or colour space, and can change the window to any other. Text is looked for in few
renderings, usually one to three, that together leave no hiding place:

- the window of the header, the range that holds nearly all pixels, and the whole range, each only
  where it shows something that the others do not;
- where pixels of an otherwise flat region differ by less than any of those shows, a rendering that
  makes a difference of one visible;
- of a palette image its colours, and the entries themselves only where two look the same;
- bits above BitsStored, where any is set.

Polarity is left as it is stored: the detector finds bright and dark text alike, so MONOCHROME1
needs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Stored = npt.NDArray[Any]
Displayed = npt.NDArray[np.uint8]

_SEEN: Final = 20
"""Grey levels between neighbours that the detector certainly sees."""
_HIDDEN_PIXELS: Final = 24
"""Fewer differing pixels than the smallest legible character has are no text."""
_FLAT_SHARE: Final = 0.5
_ROUGH_SHARE: Final = 0.3
_NEIGHBOURHOOD: Final = 15


@dataclass(frozen=True)
class Palette:
    """The three lookup tables of PALETTE COLOR, and the stored value of their first entry."""

    red: Stored
    green: Stored
    blue: Stored
    first: int = 0


@dataclass(frozen=True)
class Rendering:
    """What the header says about showing a frame; the defaults say nothing.

    ``photometric`` is that of the samples as decoded: RGB where a decoder has already converted
    YBR. ``windows`` are pairs of centre and width in rescaled values.
    """

    photometric: str = "MONOCHROME2"
    bits_stored: int | None = None
    windows: tuple[tuple[float, float], ...] = ()
    slope: float = 1.0
    intercept: float = 0.0
    palette: Palette | None = field(default=None, compare=False)


def displays(frame: Stored, how: Rendering | None = None) -> list[Displayed]:
    """Return the renderings, uint8, of a frame of stored values: rows x columns (x samples).

    Each is rows x columns or rows x columns x 3. Raises :class:`ValueError` for another shape.
    """
    how = how or Rendering()
    if frame.ndim == 3 and frame.shape[2] == 1:
        frame = frame[..., 0]
    if frame.ndim == 3 and frame.shape[2] in (3, 4):
        return [*_colour(frame, how), *_hidden_colour(frame)]
    if frame.ndim != 2:
        raise ValueError("a frame is rows x columns, or rows x columns x samples")
    values, above = _split(frame, how.bits_stored)
    if how.palette is None:
        shown = _grey(values, how)
        return [*shown, *_hidden(values, shown), *above]
    painted = _painted(values, how.palette)
    shown = [painted, *_hidden_colour(painted)]
    if _same_colour_twice(values, painted):  # what the palette hides its entries may tell
        entries = _grey(values, how)
        shown += [*entries, *_hidden(values, [painted, *entries])]
    return shown + above


def _split(frame: Stored, bits: int | None) -> tuple[Stored, list[Displayed]]:
    """Part the stored values from set bits above them, and show the latter."""
    if frame.dtype.kind != "u" or bits is None or bits >= 8 * frame.dtype.itemsize:
        return frame, []
    above = frame >> bits
    return frame & ((1 << bits) - 1), [
        _between(above, 0, float(above.max()))
    ] if above.any() else []


def _grey(values: Stored, how: Rendering) -> list[Displayed]:
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, posinf=0, neginf=0)
    least, most = float(values.min()), float(values.max())
    if most <= least:
        return [np.zeros(values.shape, np.uint8)]
    ranges = [_window_of(window, how) for window in how.windows[:2]]
    if values.dtype == np.uint8 and how.slope == 1:
        ranges.append((0.0, 255.0))
    low, high = (float(v) for v in np.percentile(values[::3, ::3], (0.5, 99.5)))
    ranges += [(low, high), (least, most)]
    kept: list[tuple[float, float]] = []
    for lower, upper in ranges:
        inside = (max(lower, least), min(upper, most))
        if inside[1] > inside[0] and not any(_shows(one, inside) for one in kept):
            kept.append(inside)
    return [_between(values, *one) for one in kept]


def _window_of(window: tuple[float, float], how: Rendering) -> tuple[float, float]:
    """Return the stored values between which a window of rescaled values lies."""
    centre, width = window
    slope = how.slope or 1.0
    ends = [(centre + side * abs(width) / 2 - how.intercept) / slope for side in (-1, 1)]
    return min(ends), max(ends)


def _shows(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether the first range shows all of the second, at 0.4 of its contrast or more."""
    slack = 0.02 * (one[1] - one[0])
    inside = one[0] - slack <= other[0] and other[1] <= one[1] + slack
    return inside and one[1] - one[0] <= 2.5 * (other[1] - other[0])


def _between(values: Stored, low: float, high: float) -> Displayed:
    scaled = (values.astype(np.float32) - low) * np.float32(255 / max(high - low, 1e-12))
    eight: Displayed = np.clip(scaled + 0.5, 0, 255).astype(np.uint8)
    return eight


def _hidden(values: Stored, shown: list[Displayed]) -> list[Displayed]:
    """Show the faint differences in flat regions, where the renderings so far do not."""
    if values.dtype.kind not in "iu":
        return []
    whole = values.astype(np.int32)
    steps = _steps(whole)
    even = cv2.boxFilter((steps == 0).astype(np.float32), -1, (_NEIGHBOURHOOD,) * 2)
    faint = (even > _FLAT_SHARE) & (steps > 0)
    for one in shown:
        faint &= _steps(one.astype(np.int32)) < _SEEN
    side = (2 * _NEIGHBOURHOOD + 1,) * 2
    near = cv2.boxFilter(faint.astype(np.float32), -1, side, normalize=False) >= _HIDDEN_PIXELS
    if not near.any():
        return []
    above = whole - _ground(whole)
    hidden = near & _islands(above != 0, even > _ROUGH_SHARE)
    for one in shown:  # what stands out in another rendering need not be shown here
        planes = [one] if one.ndim == 2 else [one[..., at] for at in range(one.shape[2])]
        for plane in planes:
            hidden &= np.abs(plane.astype(np.int32) - _ground(plane)) < _SEEN
    if np.count_nonzero(hidden) < _HIDDEN_PIXELS:
        return []
    return [np.where(hidden, np.clip(128 + 64.0 * above, 0, 255), 128).astype(np.uint8)]


def _islands(marks: Stored, flat: Stored) -> Stored:
    """Return the marks that lie in flat ground, not at its shore: letters, not a fading outline."""
    _, labels = cv2.connectedComponents(marks.astype(np.uint8))
    ashore = np.zeros(int(labels.max()) + 1, np.bool_)
    ashore[labels[marks & ~flat]] = True
    islands: Stored = marks & ~ashore[labels]
    return islands


def _ground(values: Stored) -> Stored:
    """Return, for each pixel, the median of its block: what flat ground is beneath thin strokes."""
    rows, columns = values.shape
    side = _NEIGHBOURHOOD + 1
    padded = np.pad(values, ((0, -rows % side), (0, -columns % side)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // side, side, padded.shape[1] // side, side)
    middle = np.median(blocks, axis=(1, 3))
    whole = np.repeat(np.repeat(middle, side, axis=0), side, axis=1)[:rows, :columns]
    ground: Stored = np.floor(whole).astype(np.int32)
    return ground


def _steps(whole: Stored) -> Stored:
    """Return each pixel's largest difference from its neighbours to the right and below."""
    steps = np.zeros(whole.shape[:2], np.int32)
    across, down = np.abs(np.diff(whole, axis=1)), np.abs(np.diff(whole, axis=0))
    if whole.ndim == 3:
        across, down = across.max(-1), down.max(-1)
    steps[:, :-1] = across
    np.maximum(steps[:-1], down, out=steps[:-1])
    return steps


def _colour(frame: Stored, how: Rendering) -> list[Displayed]:
    bits = how.bits_stored or 8 * frame.dtype.itemsize
    if frame.dtype == np.uint8 and bits == 8:
        eight = frame[..., :3]
    else:
        eight = _between(frame[..., :3], 0, float(2**bits - 1))
    if how.photometric.startswith("YBR"):  # full range, as BT.601 has it (PS3.3 C.7.6.3.1.2)
        crossed = np.ascontiguousarray(eight[..., [0, 2, 1]])
        eight = np.asarray(cv2.cvtColor(crossed, cv2.COLOR_YCrCb2RGB), np.uint8)
    return [np.ascontiguousarray(eight)]


def _hidden_colour(frame: Stored) -> list[Displayed]:
    """Show faint differences in flat regions, each sample as a colour of its own."""
    raised: list[Displayed] = []
    for sample in range(3):
        own = frame[..., sample]
        top = float(np.iinfo(own.dtype).max) if own.dtype.kind in "iu" else 1.0
        raised += _hidden(own, [own if own.dtype == np.uint8 else _between(own, 0, top)]) or [
            np.full(own.shape, 128, np.uint8)
        ]
    together = np.stack(raised, axis=-1)
    return [together] if (together != 128).any() else []


def _same_colour_twice(values: Stored, painted: Displayed) -> bool:
    """Return whether two of the entries in use are shown in one colour."""
    _, first = np.unique(values, return_index=True)
    colours = painted.reshape(-1, 3)[first]
    return len(np.unique(colours, axis=0)) < len(colours)


def _painted(values: Stored, palette: Palette) -> Displayed:
    """Return the colours of a palette image; values off either end take the nearest entry."""
    tables = []
    for table in (palette.red, palette.green, palette.blue):
        wide = table.dtype.itemsize > 1 and int(table.max()) > 255
        tables.append((table >> 8 if wide else table).astype(np.uint8))
    place = np.clip(values.astype(np.int64) - palette.first, 0, len(tables[0]) - 1)
    return np.stack([table[place] for table in tables], axis=-1)
