"""What has to be kept of a file: technique, and what its IOD requires."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from benchmarks.deid.midi.corpus.key import Check
from benchmarks.deid.midi.places import place_of, written

_LENGTHS = {"CS": 16, "SH": 16, "LO": 64}
_CODED = re.compile(r"[A-Za-z0-9_ ]*")  # small letters are common, and harm nobody
# What scanners never write: a value that a sender's own cleaner left.
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
        if value in _lists()["invented"]:
            continue
        if value.upper() not in _NO_VALUE and _is_valid(dataset[keyword]):
            yield Check("text_retained", place, value, value, "technique", "tcia:TCIA-PTKB-K")
    for keyword in _lists()["type 1"]:
        place = place_of(dataset, keyword)
        if place and (value := written(dataset[keyword])):
            yield Check("text_notnull", place, value, value, "type 1", "dicom:DICOM-IOD-1")
    for keyword in _lists()["type 2"]:
        if place := place_of(dataset, keyword):
            value = written(dataset[keyword])
            yield Check("tag_retained", place, value, value, "type 2", "dicom:DICOM-IOD-2")


def _is_valid(element: DataElement) -> bool:
    """Whether each value is what its VR says (PS3.5 table 6.2-1).

    Nobody has to keep ``1A`` as a number of frames, ``ABDOM/RAD`` as a coded string or 66 letters
    where 64 may stand: whoever writes valid files cannot.
    """
    vr, value = element.VR, element.value
    parts = [str(one).strip() for one in (value if element.VM > 1 else [value])]
    if vr in ("IS", "DS"):
        return all(_is_number(part) for part in parts)
    if vr == "CS" and not all(_CODED.fullmatch(part) for part in parts):
        return False
    return all(len(part) <= _LENGTHS.get(vr, len(part)) for part in parts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
