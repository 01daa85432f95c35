"""Identifiers as pictures: text burned into pixels and drawn in overlay planes (PS3.3 C.9.2)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from imagehaven.synth.answer_key import Mark
from imagehaven.synth.chance import number
from imagehaven.synth.images import Instance, Shoot
from imagehaven.synth.people.population import fold

#: Which share of each modality's images carries burned-in text, in percent; others carry none.
_SHARES = {"US": 100, "OT": 100, "CR": 35, "XA": 60, "RF": 30, "MG": 20, "NM": 40, "DX": 20}
_LINES = (("{listed}", "{chi}"), ("{born_slash}", "{exam_slash}"))
_FOOT = "{institution}"
_SIZES = ((240, 13), (180, 11), (100, 9), (0, 7))
"""Height of letters by rows of the image."""


@lru_cache(maxsize=64)
def _letters(text: str, size: int) -> NDArray[np.uint8]:
    """Return a text as a mask of 0 to 255, cropped to its letters."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(canvas)


def _is_screen(shoot: Shoot) -> bool:
    return shoot.protocol["builder"] in {"ultrasound", "capture"}


def burn_in(shoot: Shoot, instance: Instance) -> None:
    """Burn name, number and dates into the corners of images that machines write on."""
    frames = instance.frames
    uid = instance.dataset.SOPInstanceUID
    share = 100 if _is_screen(shoot) else _SHARES.get(shoot.series.modality, 0)
    if frames is None or number(shoot.plan.seed, "burn", uid) % 100 >= share:
        return
    frames = frames.copy()
    size = next(size for rows, size in _SIZES if frames.shape[1] >= rows)
    y = 2
    for line in _LINES:
        x, height = 2, 0
        for token in line:
            width, tall = _write(shoot, instance, frames, token, at=(x, y), size=size)
            if not width:  # no room beside the last one: a line of its own
                y += height + 2
                x = 2
                width, tall = _write(shoot, instance, frames, token, at=(x, y), size=size)
            x, height = x + width + 8, max(height, tall)
        y += height + 3
    _write(shoot, instance, frames, _FOOT, at=(2, frames.shape[1] - size - 4), size=size)
    instance.frames = frames
    # Machines do not always say so: half of the pictures with text own up to it.
    if number(shoot.plan.seed, "owns-up", uid) % 2:
        instance.dataset.BurnedInAnnotation = "YES"
    elif "BurnedInAnnotation" in instance.dataset:
        del instance.dataset.BurnedInAnnotation


def _write(
    shoot: Shoot,
    instance: Instance,
    frames: NDArray[np.generic],
    token: str,
    *,
    at: tuple[int, int],
    size: int,
) -> tuple[int, int]:
    """Write one token on every frame and mark its box; return width and height, or 0 if no room."""
    text, marks = shoot.telling.render(token, "")
    letters = _letters(fold(text) or "UNKNOWN", size)
    (x, y), (rows, columns) = at, letters.shape
    if y + rows > frames.shape[1] or x + columns > frames.shape[2]:
        return 0, 0
    window = frames[:, y : y + rows, x : x + columns]
    window[:, letters > 96] = frames.max() or 255
    where = f"pixels[1-{frames.shape[0]}]@{x},{y},{columns},{rows}"
    instance.marks += [Mark(where, mark.kind, fold(mark.value)) for mark in marks]
    return columns, rows


def draw_overlay(shoot: Shoot, instance: Instance) -> None:
    """Draw the patient's name into an overlay plane, with a label and comments, on some images."""
    ds = instance.dataset
    grey = instance.frames is not None and ds.get("SamplesPerPixel") == 1
    turn = number(shoot.plan.seed, "overlay", ds.SOPInstanceUID) % 8
    if not grey or ds.BitsAllocated != 16 or turn or shoot.series.syntax == "big-endian":
        return
    group = 0x6000 if shoot.plan.person.index % 2 else 0x6002
    plane = np.zeros((ds.Rows, ds.Columns), dtype=bool)
    text, marks = shoot.telling.render("{family_upper} {chi}", f"overlay {group:04x}")
    letters = _letters(fold(text) or "UNKNOWN", 9)
    rows, columns = min(letters.shape[0], ds.Rows), min(letters.shape[1], ds.Columns)
    plane[:rows, :columns] = letters[:rows, :columns] > 96
    packed = np.packbits(plane.ravel(), bitorder="little").tobytes()
    ds.add_new((group, 0x0010), "US", ds.Rows)
    ds.add_new((group, 0x0011), "US", ds.Columns)
    ds.add_new((group, 0x0040), "CS", "G")
    ds.add_new((group, 0x0050), "SS", [1, 1])
    ds.add_new((group, 0x0100), "US", 1)
    ds.add_new((group, 0x0102), "US", 0)
    label, label_marks = shoot.telling.render("{titled}", f"({group:04x},1500)")
    ds.add_new((group, 0x1500), "LO", label)
    note, note_marks = shoot.telling.render("ask {doctor}", f"({group:04x},4000)")
    ds.add_new((group, 0x4000), "LT", note)
    ds.add_new((group, 0x3000), "OW", packed + b"\0" * (len(packed) % 2))
    instance.marks += [*marks, *label_marks, *note_marks]
