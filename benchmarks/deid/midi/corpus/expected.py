"""What has to be kept of a file: technique, and what its IOD requires."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml
from pydicom.dataset import Dataset

from benchmarks.deid.midi.corpus.key import Check
from benchmarks.deid.midi.places import place_of, written

# What scanners never write: a value that a sender's own cleaner left, or one too long for its VR.
_NO_VALUE = {"", "ANON", "ANONYMOUS", "ANONYMIZED", "REMOVED", "NONE", "NULL", "UNKNOWN"}


@lru_cache(maxsize=1)
def _lists() -> dict[str, list[str]]:
    text = Path(__file__).with_name("kept.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def to_keep(dataset: Dataset, planted: set[str]) -> Iterator[Check]:
    """Checks of what has to stay; ``planted`` names the places that hold something of ours."""
    for keyword in _lists()["values"]:
        place = place_of(dataset, keyword)
        if not place or place in planted:
            continue
        value = written(dataset[keyword])
        if value.upper() not in _NO_VALUE and _is_valid(dataset[keyword].VR, value):
            yield Check("text_retained", place, value, value, "technique", "tcia:TCIA-PTKB-K")
    for keyword in _lists()["type 1"]:
        place = place_of(dataset, keyword)
        if place and (value := written(dataset[keyword])):
            yield Check("text_notnull", place, value, value, "type 1", "dicom:DICOM-IOD-1")
    for keyword in _lists()["type 2"]:
        if place := place_of(dataset, keyword):
            value = written(dataset[keyword])
            yield Check("tag_retained", place, value, value, "type 2", "dicom:DICOM-IOD-2")


def _is_valid(vr: str, value: str) -> bool:
    """Whether a value is what its VR says: nobody has to keep ``1A`` as a number of frames."""
    if vr not in ("IS", "DS"):
        return True
    try:
        for part in value.strip("[]").replace("'", "").split(","):
            float(part)
    except ValueError:
        return False
    return True
