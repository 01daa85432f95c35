"""What the synthetic hospital and real machines burned into pixels does not leave."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagehaven.deidentify import Profile, Pseudonyms, deidentify_file
from imagehaven.dicom import read_header
from imagehaven.dicom.pixels import decode_frames
from imagehaven.errors import Withheld
from imagehaven.synth import synthesise

BOX = re.compile(r"pixels\[(\d+)-(\d+)\]@(\d+),(\d+),(\d+),(\d+)")
LEGIBLE = 9
"""Rows of the smallest letters that must be covered."""
MOST = 8
"""Files of the hospital that are looked at."""


def frames_of(data: bytes) -> list[np.ndarray[Any, Any]]:
    return list(decode_frames(io.BytesIO(data), read_header(io.BytesIO(data), len(data))))


@pytest.fixture(scope="module", name="planted")
def _planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[list[int]]]]:
    """A hospital, and the boxes that it burned into each file that lies in no archive."""
    root = tmp_path_factory.mktemp("hospital")
    synthesise(root, patients=8, seed=5)
    boxes: dict[str, list[list[int]]] = defaultdict(list)
    with (root / "answer_key" / "identifiers.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found = BOX.fullmatch(row["location"])
            if found and "!/" not in row["file"]:
                boxes[row["file"]].append([int(number) for number in found.groups()])
    return root, dict(sorted(boxes.items())[:MOST])


def test_the_boxes_of_the_answer_key_are_blank(
    planted: tuple[Path, dict[str, list[list[int]]]],
    tmp_path: Path,
    research: Profile,
    pseudonyms: Pseudonyms,
) -> None:
    root, files = planted
    assert files
    checked = 0
    for file, boxes in files.items():
        try:
            made = deidentify_file(root / file, tmp_path, research, pseudonyms)
        except Withheld as outcome:
            assert outcome.reason in ("text-remains", "overlay", "undecodable-pixels")
            continue
        before = frames_of((root / file).read_bytes())
        after = frames_of((tmp_path / made.path).read_bytes())
        for first, last, x, y, width, height in boxes:
            for number in range(first - 1, last):
                if height < LEGIBLE:
                    continue
                old = before[number][y : y + height, x : x + width]
                new = after[number][y : y + height, x : x + width]
                letters = old.astype(float) >= 0.95 * float(before[number].max())
                if not letters.any():
                    continue  # another text was written over this one
                assert (new[letters] != old[letters]).mean() > 0.98
                checked += 1
    assert checked > 4


REAL = {
    "CT/neurolabusc__dcm_qa_ct/series_6e9600/I40": "dose",
    "US/pydicom__pydicom-data/series_54564e/US1_J2KI.dcm": "hospital",
}


@pytest.fixture(name="flagged")
def _flagged(shared: Path | None) -> list[Path]:
    """The real files with text in their pixels, as far as the shared folder is there."""
    places = [shared / "dicom" / name for name in REAL] if shared else []
    return [place for place in places if place.is_file()]


def test_real_files_with_text_lose_it(
    flagged: list[Path], tmp_path: Path, research: Profile, pseudonyms: Pseudonyms
) -> None:
    from rapidocr import RapidOCR

    oracle = RapidOCR(params={"Global.log_level": "critical"})
    for path in flagged:
        made = deidentify_file(path, tmp_path, research, pseudonyms)
        (before,), (after,) = (
            frames_of(data) for data in (path.read_bytes(), (tmp_path / made.path).read_bytes())
        )
        said = "".join(oracle(before).txts or ())
        left = "".join(oracle(after).txts or ())
        assert len(said) > 40
        assert sum(character.isalnum() for character in left) <= 4
