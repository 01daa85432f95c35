"""Packs a release whose images are in place: reports, README, dictionary, and last the manifest."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imagehaven.cohort import get_version
from imagehaven.deidentify import Pseudonyms, load
from imagehaven.dicom import SourceUID
from imagehaven.haven import Haven
from imagehaven.link import open_project
from imagehaven.release import records
from imagehaven.release.anonymity import report as anonymity
from imagehaven.release.folder import layout, manifest, metadata, reports
from imagehaven.release.folder.manifest import Entry
from imagehaven.release.folder.readme import readme
from imagehaven.release.records import Record
from imagehaven.release.states import Totals
from imagehaven.verify import default_rules
from imagehaven.verify.known.matcher import Context


def seal(haven: Haven, record: Record, totals: Totals) -> str:
    """Write everything about the images, then the manifest; returns the manifest's SHA-256."""
    folder, counts = record.destination, records.counts(haven, record.release)
    options = load(record.terms.profile).options
    size = sum(file.bytes for file in records.released(haven, record.release))
    with layout.writing(folder):
        attrition = _attrition(haven, record)
        reports.write_reports(folder, counts, _listed(haven, record), totals, attrition)
        anonymity.write(haven, record)
        metadata.write_dictionary(folder)
        text = readme(record.label, record.terms, options, counts, size)
        (folder / layout.README).write_text(text, encoding="utf-8")
        sections = {
            "release": record.label,
            "terms": record.terms.published(),
            "counts": {
                "requested": totals.requested,
                "states": reports.by_state(counts),
                "reasons": reports.by_reason(counts),
            },
            # What lies in here differs when the same release is made again.
            "record": {"audit_head": haven.ledger.audit.head(), "ledger": record.release},
        }
        return manifest.write(folder, sections, _entries(haven, record))


def states(haven: Haven, release: str) -> dict[str, int]:
    """How many objects of a release ended in each state."""
    return reports.by_state(records.counts(haven, release))


def hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file about the images, for a rerun to compare with."""
    return {path: manifest.entry(folder, path).sha256 for path in layout.packaged(folder)}


def _entries(haven: Haven, record: Record) -> Iterator[Entry]:
    folder = record.destination
    about = (manifest.entry(folder, path) for path in layout.packaged(folder))
    images = (
        Entry(file.path, file.sha256, file.bytes)
        for file in records.released(haven, record.release)
    )
    return heapq.merge(about, images, key=lambda entry: entry.path)


def _listed(haven: Haven, record: Record) -> list[reports.Listed]:
    pseudonyms = Pseudonyms(open_project(haven, record.terms.project).key)
    return [
        reports.Listed(pseudonyms.uid(SourceUID(result.SOPInstanceUID)), result)
        for result in records.not_released(haven, record.release, reports.LISTED)
    ]


def _attrition(haven: Haven, record: Record) -> list[tuple[Any, ...]]:
    version = get_version(haven, record.terms.project, record.terms.cohort_label)
    rules = default_rules()
    return reports.attrition_rows(
        version.attrition, lambda label: bool(rules.find(label, Context.TEXT))
    )
