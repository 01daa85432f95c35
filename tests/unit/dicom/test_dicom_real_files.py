"""Every real file is read as pydicom reads it, or quarantined with a right reason."""

from __future__ import annotations

import hashlib
import io
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from imagehaven.dicom import quiet_pydicom, read_header, to_elements
from imagehaven.dicom.header import PIXEL_TAGS
from imagehaven.errors import Quarantine

# What the broken files of pydicom's own test suite are, by name.
EXPECTED = {
    "MR_truncated.dcm": "truncated",
    "rtplan_truncated.dcm": "truncated",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "truncated",
    "UN_sequence.dcm": "no-sop-instance-uid",
    "chrSQEncoding.dcm": "no-sop-instance-uid",
    "chrSQEncoding1.dcm": "no-sop-instance-uid",
    "empty_charset_LEI.dcm": "no-sop-instance-uid",
    "meta_missing_tsyntax.dcm": "no-sop-instance-uid",
    "nested_priv_SQ.dcm": "no-sop-instance-uid",
    "priv_SQ.dcm": "no-sop-instance-uid",
    "no_meta_group_length.dcm": "no-sop-instance-uid",
    "JLSL_RGB_ILV2.dcm": "no-sop-instance-uid",
    "JLSN_RGB_ILV0.dcm": "no-sop-instance-uid",
    "no_meta.dcm": "not-dicom",
    "truncated_ct_pixeldata.dcm": "truncated",
}


def test_real_files_are_quarantined_for_the_right_reason_only(real_files: list[Path]) -> None:
    outcomes: Counter[str] = Counter()
    for path in real_files:
        try:
            with path.open("rb") as stream:
                read_header(stream, path.stat().st_size)
            found = "read"
        except Quarantine as outcome:
            found = outcome.reason
        outcomes[found] += 1
        directory = path.name.startswith("DICOMDIR") or path.name.endswith("DIRFILE")
        if directory:
            assert found == "media-directory", path
        elif found != "read" and path.name in EXPECTED:
            assert found == EXPECTED[path.name], path
        elif found != "read":
            with path.open("rb") as stream:
                assert stream.read(132)[128:] != b"DICM", path
            assert found in {"not-dicom", "empty"}, path
    assert outcomes["read"] > 200


def test_stored_elements_are_what_pydicom_reads(real_files: list[Path]) -> None:
    compared = 0
    for path in real_files:
        content = path.read_bytes()
        try:
            header = read_header(io.BytesIO(content), len(content))
        except Quarantine:
            continue
        elements = to_elements(header.dataset) | to_elements(header.trailing)
        with quiet_pydicom():
            dataset = pydicom.dcmread(io.BytesIO(content), force=True)
            dataset = Dataset({t: e for t, e in dataset._dict.items() if t not in PIXEL_TAGS})
            dataset.set_original_encoding(*header_encoding(header.dataset))
            differences = [*compare(dataset, elements, path.name)]
            file_meta = to_elements(header.file_meta)
            differences += compare(header.file_meta, file_meta, f"{path.name} file meta")
        assert differences == []
        compared += 1
    assert compared > 200


def header_encoding(dataset: Dataset) -> tuple[bool | None, bool | None, Any]:
    implicit, little = dataset.original_encoding
    return implicit, little, dataset.original_character_set


def compare(dataset: Dataset, elements: dict[str, Any], place: str) -> list[str]:
    """Name every element, at every depth, that differs from pydicom's reading."""
    tags = {f"{tag:08X}" for tag in dataset.keys()}  # noqa: SIM118 - a Dataset iterates elements
    if tags != set(elements):
        return [f"{place}: {sorted(tags ^ set(elements))}"]
    differences: list[str] = []
    for tag, stored in elements.items():
        theirs = dataset[int(tag, 16)]
        where = f"{place}/{tag}"
        if stored["vr"] != theirs.VR:
            differences.append(f"{where}: {theirs.VR} is stored as {stored['vr']}")
        elif stored["vr"] == "SQ":
            items = stored.get("Value", [])
            if len(items) != len(theirs.value):
                differences.append(f"{where}: number of items")
            for item, inner in zip(theirs.value, items, strict=False):
                differences += compare(item, inner, where)
        elif not same(theirs, stored):
            differences.append(where)
    return differences


def same(theirs: DataElement, stored: dict[str, Any]) -> bool:
    value = theirs.value
    if stored.get("Invalid"):
        return stored["vr"] == "IS" and str(value) == stored["Value"][0]
    if "SHA256" in stored:
        return not isinstance(value, bytes) or stored["SHA256"] == hashlib.sha256(value).hexdigest()
    if theirs.is_empty:
        return "Value" not in stored
    values = list(value) if isinstance(value, list | MultiValue) else [value]
    mine = stored.get("Value", [])
    return len(values) == len(mine) and all(map(same_value, values, mine))


def same_value(theirs: Any, mine: Any) -> bool:
    if isinstance(theirs, PersonName):
        groups = mine or {}
        text = "=".join(groups.get(g, "") for g in ("Alphabetic", "Ideographic", "Phonetic"))
        return text.rstrip("=") == str(theirs).rstrip("=")
    if isinstance(theirs, float):
        number = float(mine)
        return number == theirs or (math.isnan(number) and math.isnan(theirs))
    if isinstance(theirs, pydicom.tag.BaseTag):
        return f"{theirs:08X}" == mine
    if isinstance(theirs, int):
        return int(mine) == theirs
    if isinstance(theirs, str) or theirs is None:
        return (theirs or "").rstrip(" ") == (mine or "")
    return str(theirs) == str(mine)
