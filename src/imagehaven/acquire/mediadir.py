"""Files that a DICOMDIR refers to (PS3.3 F.3.2.2, PS3.10 section 8.5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imagehaven.dicom.elements import to_elements
from imagehaven.dicom.header import read_any_header
from imagehaven.dicom.keywords import keyword_to_tag
from imagehaven.errors import Quarantine


def referenced_files(dicomdir: Path) -> tuple[list[Path], list[str]]:
    """Return the files that ``dicomdir`` refers to and that exist, and the references that do not.

    A reference is resolved within the DICOMDIR's own folder only; one that leads out of it, by its
    text or through a link, counts as missing. Letter case is ignored, since media lose it. A file
    that is no readable DICOMDIR has no references. Both lists are sorted.
    """
    try:
        with dicomdir.open("rb") as stream:
            header = read_any_header(stream, dicomdir.stat().st_size)
    except (OSError, Quarantine):
        return [], []
    root = dicomdir.resolve().parent
    records = to_elements(header.dataset).get(keyword_to_tag("DirectoryRecordSequence"), {})
    existing: set[Path] = set()
    missing: set[str] = set()
    for parts in _references(records.get("Value", [])):
        file = _resolved(root, parts)
        if file is None:
            missing.add("/".join(parts))
        else:
            existing.add(file)
    return sorted(existing), sorted(missing)


def _references(records: list[dict[str, Any]]) -> Iterator[list[str]]:
    tag = keyword_to_tag("ReferencedFileID")
    for record in records:
        parts = record.get(tag, {}).get("Value")
        if parts:
            yield [str(part or "") for part in parts]


def _resolved(root: Path, parts: list[str]) -> Path | None:
    place = root
    for part in parts:
        if part in ("", ".", "..") or "/" in part or "\0" in part:
            return None
        exact = place / part
        if not exact.exists():
            exact = next((p for p in _children(place) if p.name.upper() == part.upper()), exact)
        place = exact
    inside = place.is_file() and place.resolve().is_relative_to(root)
    return place if inside else None


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
