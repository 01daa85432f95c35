"""Text burned into pixels: wherever it stands, however it is written, in whatever encoding.

Each trap is a real picture with a name, a number and a date drawn into it; it is withheld, or its
text is gone. Beside it stands the same picture without text, which comes out as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder
from pydicom.uid import ExplicitVRLittleEndian

from imagehaven.dicom.quiet import quiet_pydicom
from leak_runs import Released, Trap, as_bytes, real, release_all

Pixels = NDArray[Any]

pytestmark = pytest.mark.slow

_TEXT = "Macfarlane 0703511238"
_SECONDARY, _ULTRASOUND, _MULTIFRAME = (
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.3.1",
)


@cache
def _letters(size: int = 16, text: str = _TEXT) -> NDArray[np.bool_]:
    """The text as a mask, cropped to its letters."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(canvas) > 110


@cache
def _slice() -> Pixels:
    """A real CT slice as eight bits, every pixel twice: 256 by 256."""
    with quiet_pydicom():
        pixels = pydicom.dcmread(str(get_testdata_file("CT_small.dcm"))).pixel_array
    scaled = (pixels.astype(np.float64) - pixels.min()) / np.ptp(pixels) * 200
    return np.kron(scaled.astype(np.uint8), np.ones((2, 2), dtype=np.uint8))


@dataclass(frozen=True)
class Drawn:
    """A picture with its letters: ``ink`` says which pixels are letters."""

    pixels: Pixels
    ink: NDArray[np.bool_]


def _draw(
    pixels: Pixels,
    *,
    at: tuple[int, int] = (4, 4),
    value: int = 255,
    mask: NDArray[np.bool_] | None = None,
    ground: int | None = None,
) -> Drawn:
    """Draw the text with its corner at (row, column), negative from the far side."""
    letters = _letters() if mask is None else mask
    rows, columns = letters.shape
    y = at[0] if at[0] >= 0 else pixels.shape[0] + at[0] - rows
    x = at[1] if at[1] >= 0 else pixels.shape[1] + at[1] - columns
    drawn, ink = pixels.copy(), np.zeros(pixels.shape[:2], dtype=bool)
    if ground is not None:
        drawn[max(0, y - 3) : y + rows + 3, max(0, x - 3) : x + columns + 3] = ground
    ink[y : y + rows, x : x + columns] = letters
    drawn[ink] = value
    return Drawn(drawn, ink)


def _grey(frames: Pixels, sop_class: str = _SECONDARY, **values: Any) -> Dataset:
    """A data set of these frames; what is declared about text is nothing."""
    dataset = real("CT_small.dcm", SOPClassUID=sop_class)
    for keyword in ("BurnedInAnnotation", "ImageType", "RescaleSlope", "RescaleIntercept"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.Modality = "US" if sop_class in (_ULTRASOUND, _MULTIFRAME) else "OT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    bits = 8 * frames.dtype.itemsize
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation, dataset.SamplesPerPixel = 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    count = frames.shape[0]
    dataset.Rows, dataset.Columns = frames.shape[1:3]
    if count > 1:
        dataset.NumberOfFrames = count
        dataset.FrameTime = "40"
        dataset.FrameIncrementPointer = 0x00181063
    for keyword in ("SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.PixelData = np.ascontiguousarray(frames).tobytes()
    dataset["PixelData"].VR = "OW" if bits == 16 else "OB"
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _one(pixels: Pixels, **values: Any) -> Dataset:
    return _grey(pixels[np.newaxis], **values)


def _colour(pixels: Pixels, interpretation: str, planar: int = 0) -> Dataset:
    """The picture in three samples: RGB or YBR_FULL, by pixel or by plane."""
    rgb = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    if interpretation == "YBR_FULL":
        rgb[..., 1:] = 128
    samples = np.moveaxis(rgb, 2, 0) if planar else rgb
    dataset = _one(pixels)
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, planar
    dataset.PhotometricInterpretation = interpretation
    dataset.PixelData = np.ascontiguousarray(samples).tobytes()
    return dataset


def _palette(pixels: Pixels) -> Dataset:
    """The picture through a palette that is out of order, so that indices look like noise."""
    order = np.random.default_rng(7).permutation(256)
    table = np.zeros(256, dtype="<u2")
    table[order] = np.arange(256, dtype=np.uint16) * 257
    dataset = _one(order.astype(np.uint8)[pixels])
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    for colour in range(3):
        dataset.add_new(0x00281101 + colour, "US", [256, 0, 16])
        dataset.add_new(0x00281201 + colour, "OW", table.tobytes())
    return dataset


def _windowed(pixels: Pixels) -> Dataset:
    """Sixteen bits, of which a narrow window shows the picture: elsewhere lies a bright spot."""
    wide = pixels.astype(np.uint16) // 2 + 1000
    wide[250:256, 250:256] = 60000
    return _one(wide, WindowCenter="1064", WindowWidth="128")


def _frames(which: int) -> Callable[[Pixels], Dataset]:
    def made(pixels: Pixels) -> Dataset:
        frames = np.repeat(_slice()[np.newaxis], 2, axis=0).copy()
        frames[which] = pixels
        return _grey(frames, _MULTIFRAME)

    return made


_MIDDLE = (90, 12)
_TURNED = np.rot90(_letters()).copy()
CASES: dict[str, tuple[Drawn, Callable[[Pixels], Dataset]]] = {
    "top left": (_draw(_slice()), _one),
    "bottom right": (_draw(_slice(), at=(-4, -4)), _one),
    "in the middle": (_draw(_slice(), at=_MIDDLE, value=255, ground=40), _one),
    "dark on bright": (_draw(_slice(), value=20, ground=230), _one),
    "low contrast": (_draw(_slice(), value=110, ground=30), _one),
    "vertical": (_draw(_slice(), mask=_TURNED, ground=10), _one),
    "small": (_draw(_slice(), mask=_letters(13), ground=0), _one),
    "inverted": (
        _draw(255 - _slice(), value=0, ground=250),
        lambda p: _one(p, PhotometricInterpretation="MONOCHROME1"),
    ),
    "RGB": (_draw(_slice(), ground=10), lambda p: _colour(p, "RGB")),
    "RGB by plane": (_draw(_slice(), ground=10), lambda p: _colour(p, "RGB", 1)),
    "YBR": (_draw(_slice(), ground=10), lambda p: _colour(p, "YBR_FULL")),
    "palette": (_draw(_slice(), ground=10), _palette),
    "after windowing": (_draw(_slice(), value=230, ground=20), _windowed),
    "first frame only": (_draw(_slice(), ground=10), _frames(0)),
    "last frame only": (_draw(_slice(), ground=10), _frames(1)),
    "a CT that denies it": (
        _draw(_slice(), ground=0),
        lambda p: _one(
            p.astype(np.uint16) * 8,
            sop_class="1.2.840.10008.5.1.4.1.1.2",
            ImageType=["DERIVED", "SECONDARY", "OTHER"],
            BurnedInAnnotation="NO",
            Modality="CT",
        ),
    ),
}


# One near miss for each encoding; those that differ by the place of the text share one.
NEAR = [
    *("top left", "inverted", "RGB by plane", "palette", "a CT that denies it"),
    "last frame only",
]
# What is stretched to be seen may show noise that looks like letters.
NEARLY = ["after windowing"]


@pytest.fixture(scope="module", name="outcome")
def _outcome(tmp_path_factory: pytest.TempPathFactory) -> Released:
    traps = {}
    for name, (drawn, encode) in CASES.items():
        near = as_bytes(encode(_empty(name))) if name in [*NEAR, *NEARLY] else b""
        traps[name] = Trap(as_bytes(encode(drawn.pixels)), (), near)
    return release_all(tmp_path_factory.mktemp("burned"), traps)


def _seen(dataset: Dataset) -> Pixels:
    """The stored values by (frame, row, column), of a palette what it shows."""
    decoded, _ = get_decoder(dataset.file_meta.TransferSyntaxUID).as_array(dataset, raw=True)
    frames = decoded if int(dataset.get("NumberOfFrames", 1) or 1) > 1 else decoded[np.newaxis]
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        table = np.frombuffer(dataset.RedPaletteColorLookupTableData, dtype="<u2")
        return table[frames]
    return frames[..., 0] if frames.ndim == 4 else frames


def _legible(drawn: Drawn, frames: Pixels) -> list[int]:
    """Frames in which letters can be told from what is around them.

    The box of the text is cut into strips as wide as a letter: one strip in which ink and ground
    differ is one letter too many.
    """
    rows, columns = np.nonzero(drawn.ink)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    upright = bottom - top > right - left
    found = []
    for number, frame in enumerate(frames.astype(np.float64)):
        box, ink = frame[top:bottom, left:right], drawn.ink[top:bottom, left:right]
        if upright:
            box, ink = box.T, ink.T
        step = max(4, box.shape[1] // len(_TEXT))
        limit = 0.1 * (np.subtract(*np.percentile(frame, (99, 1))) or 1.0)
        for start in range(0, box.shape[1] - step, step):
            strip, inked = box[:, start : start + step], ink[:, start : start + step]
            if inked.any() and abs(strip[inked].mean() - strip[~inked].mean()) > limit:
                found.append(number)
                break
    return found


def _empty(name: str) -> Pixels:
    return 255 - _slice() if name == "inverted" else _slice()


def _which(name: str) -> int:
    return 1 if name == "last frame only" else 0


@pytest.mark.parametrize("name", CASES)
def test_burned_in_text_can_be_read_before(name: str) -> None:
    drawn, encode = CASES[name]
    dataset = encode(drawn.pixels)
    with quiet_pydicom():
        assert _which(name) in _legible(drawn, _seen(dataset))


@pytest.mark.parametrize("name", CASES)
def test_burned_in_text_is_withheld_or_gone(name: str, outcome: Released) -> None:
    drawn, _ = CASES[name]
    if name in outcome.files:
        frames = _seen(outcome.dataset(name))
        assert not _legible(drawn, frames[_which(name)][np.newaxis])
    else:
        assert outcome.reasons[name]


@pytest.mark.parametrize("name", NEAR)
def test_the_same_picture_without_text_is_released_as_it_was(name: str, outcome: Released) -> None:
    _, encode = CASES[name]
    assert np.array_equal(_seen(outcome.dataset(f"{name} near")), _seen(encode(_empty(name))))


@pytest.mark.parametrize("name", NEARLY)
def test_nearly_all_of_a_picture_without_text_is_released(name: str, outcome: Released) -> None:
    _, encode = CASES[name]
    before, after = _seen(encode(_empty(name))), _seen(outcome.dataset(f"{name} near"))
    assert (before == after).mean() > 0.9


def test_most_pictures_with_text_are_released_without_it(outcome: Released) -> None:
    assert len([name for name in CASES if name in outcome.files]) > len(CASES) / 2
