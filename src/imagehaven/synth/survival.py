"""Which planted identifiers came through: the answer key held against released files.

This is the outside check of the demonstration and of the tests. It knows where each identifier was
planted, so it needs neither the rules of de-identification nor those of verification.

A value has survived when it still stands at its own place, or, if it is distinctive, anywhere in
the file but its pixels. A short number or a date may stand elsewhere by chance, so those count at
their own place only, except a date written out as people write it. Of ages over 89, 090Y stands for
all: who is 90 has become one of "90 or older", and has not survived. Burned-in text has survived
when its box in the released frame is not of one single value.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword

from imagehaven.synth.answer_key import Planted

_PIXELS = re.compile(r"pixels\[(\d+)(?:-(\d+))?\]@(\d+),(\d+),(\d+),(\d+)")
_STEP = re.compile(r"(?:\(([0-9a-fA-F]{4}),([0-9a-fA-F]{4})\)|(\w+))(?:\[(\d+)\])?")
_PIXEL_DATA = 0x7FE00010
_ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
_DISTINCTIVE = 5
_OLDEST = "090Y"


@dataclass(frozen=True)
class Survival:
    """How many identifiers were planted, how many in released files, and which came through.

    ``survivors`` are rows of the answer key: they hold identifiers (made-up ones).
    """

    planted: int
    in_released: int
    survivors: list[Planted]


def survival(hospital: Path, released: Mapping[str, Path]) -> Survival:
    """Look for every planted identifier in the released file of its instance.

    ``released`` maps the original SOPInstanceUID to the released file.
    """
    marks: dict[str, list[Planted]] = defaultdict(list)
    planted = 0
    with (hospital / "answer_key" / "identifiers.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["SOPInstanceUID"]:
                planted += 1
                marks[row["SOPInstanceUID"]].append(Planted(**row))  # type: ignore[arg-type]
    at_stake, survivors = 0, []
    for uid, path in released.items():
        at_stake += len(marks[uid])
        survivors += list(_survivors(path, marks[uid]))
    return Survival(planted, at_stake, survivors)


def _survivors(path: Path, marks: list[Planted]) -> Iterator[Planted]:
    if not marks:
        return
    dataset = dcmread(path)
    text = _everything(path, dataset)
    for mark in marks:
        box = _PIXELS.fullmatch(mark.location)
        if box:
            if _drawn(dataset, [int(group or box[1]) for group in box.groups()]):
                yield mark
        elif mark.location == "path":
            if mark.value.lower() in "/".join(path.parts[-4:]).lower():
                yield mark
        elif mark.kind == "age-over-89" and mark.value == _OLDEST:
            continue
        elif (_elsewhere(mark) and re.search(_pattern(mark), text)) or (
            mark.value.casefold() in _at(dataset, mark.location).casefold()
        ):
            yield mark


def _elsewhere(mark: Planted) -> bool:
    """Whether the value can be told from a chance match wherever it stands."""
    if mark.kind == "date":
        return len(mark.value) > 8 and not mark.value.isdecimal()
    return len(mark.value) >= _DISTINCTIVE and mark.kind != "age-over-89"


def _pattern(mark: Planted) -> str:
    body = re.escape(mark.value)
    if mark.kind in ("chi", "nhs"):  # the same number, however it is spaced
        body = r"[\W_]{0,2}".join(re.sub(r"\D", "", mark.value))
    return rf"(?i)(?<![0-9A-Za-z]){body}(?![0-9A-Za-z])"


def _everything(path: Path, dataset: Dataset) -> str:
    """The file's bytes but its pixels, in the encodings in which text can hide, and its values."""
    raw = path.read_bytes()
    if _PIXEL_DATA in dataset:
        pixels = dataset[_PIXEL_DATA].value or b""
        raw = raw.replace(bytes(pixels), b" ")
    decoded = " ".join(raw.decode(code, errors="replace") for code in _ENCODINGS)
    return decoded + " " + " ".join(str(e.value) for e in dataset.iterall() if e.VR != "SQ")


def _drawn(dataset: Dataset, box: list[int]) -> bool:
    first, last, x, y, width, height = box
    frames = dataset.pixel_array
    if int(dataset.get("NumberOfFrames", 1) or 1) == 1:
        frames = frames[np.newaxis]
    area = frames[first - 1 : last, y : y + height, x : x + width]
    return bool(area.size) and bool(area.max() != area.min())


def _at(dataset: Dataset, location: str) -> str:
    """What stands at a location of the key; empty where the place itself is gone."""
    here: Dataset = dataset
    if location.startswith("file-meta/"):
        return str(dataset.file_meta.get(location.partition("/")[2], ""))
    value: object = ""
    for step in location.split("."):
        found = _STEP.fullmatch(step)
        if found is None:
            return ""
        group, element, keyword, item = found.groups()
        tag = int(group + element, 16) if group else tag_for_keyword(keyword)
        if tag is None or tag not in here:
            return ""
        value = here[tag].value
        if item is not None and here[tag].VR == "SQ":
            if int(item) >= len(here[tag].value):
                return ""
            here = here[tag].value[int(item)]
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
