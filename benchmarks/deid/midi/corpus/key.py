"""The answer key: what has to be done with each instance; also in the challenge's SQLite layout.

The layout is that which the challenge's validation script reads: one table ``answer_data`` with a
row for each instance and its checks as JSON, every text wrapped in ``<`` and ``>``. That script
looks for every word of a text, so a person's title, which names nobody, is left out of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TITLE = re.compile(r"^(?:Dr|Mr|Mrs|Miss|Ms|Prof)\.? ")
ACTIONS = (
    "text_removed", "text_retained", "text_notnull", "tag_retained", "uid_changed",
    "uid_consistent", "patid_consistent", "date_shifted", "pixels_hidden", "pixels_retained",
)  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One required action on one element.

    ``place`` is written as the challenge writes it (see :mod:`benchmarks.deid.midi.places`),
    ``value`` is the element's whole value in the source, ``text`` the part that is at stake.
    ``kind`` names what the text is (name, chi, date, …; or why it is kept), ``category`` the
    challenge's own code.
    """

    action: str
    place: str = ""
    value: str = ""
    text: str = ""
    kind: str = ""
    category: str = ""


@dataclass(frozen=True)
class Burned:
    """A text burned into frames ``first`` to ``last`` (from 0), in pixels; ``ink`` by character."""

    text: str
    first: int
    last: int
    x: int
    y: int
    width: int
    height: int


@dataclass
class Case:
    """One instance of the corpus, with all that has to be done with it.

    ``secrets`` are distinctive identifiers that may stand nowhere in a released file; ``drawn``
    the groups of overlay planes that show nothing but identifiers.
    """

    file: str
    origin: str
    patient: str
    study: str
    series: str
    instance: str
    sop_class: str
    modality: str
    checks: list[Check] = field(default_factory=list)
    burned: list[Burned] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    drawn: set[int] = field(default_factory=set)

    def add(self, checks: Iterable[Check]) -> None:
        """Add checks, each once."""
        self.checks = list(dict.fromkeys([*self.checks, *checks]))


def write_sqlite(cases: Iterable[Case], folder: Path, path: Path) -> None:
    """Write the key as the challenge's validation script wants it; replaces ``path``."""
    path.unlink(missing_ok=True)
    columns = (
        "group", "Modality", "SOPClassUID", "PatientID", "StudyInstanceUID",
        "SeriesInstanceUID", "SOPInstanceUID", "Digest", "AnswerData",
    )  # fmt: skip
    with sqlite3.connect(path) as database:
        named = ", ".join(f'"{name}" TEXT' for name in columns)
        database.execute(f'CREATE TABLE answer_data ("index" INTEGER, {named})')
        for number, case in enumerate(cases):
            digest = hashlib.md5((folder / case.file).read_bytes(), usedforsecurity=False)
            answers = {str(at): _answer(check) for at, check in enumerate(case.checks)}
            row = (
                number, "0", case.modality, case.sop_class, case.patient, case.study,
                case.series, case.instance, digest.hexdigest(), json.dumps(answers),
            )  # fmt: skip
            database.execute(f"INSERT INTO answer_data VALUES ({', '.join('?' * 10)})", row)
    database.close()


def _answer(check: Check) -> dict[str, object]:
    family, _, code = check.category.partition(":")
    categories: dict[str, Any] = {
        "hipaa": {"z": None, "m": None},
        "dicom": {"p15": None, "iod": None, "safe": None},
        "tcia": {"ptkb": None, "p15": None, "rev": None},
        "prev_cat": None,
    }
    slot = {"hipaa": "z", "dicom": "iod", "tcia": "p15"}.get(family)
    if slot:
        categories[family] = {**categories[family], slot: code}
    last = check.place.rpartition("<")[2].strip("<>")
    return {
        "scope": "<Instance>",
        "tag": f"<{last}>" if last else None,
        "tag_ds": check.place or None,
        "tag_name": f"<{check.kind}>",
        "value": f"<{check.value}>",
        "action": f"<{check.action}>",
        "action_text": f"<{_TITLE.sub('', check.text)}>",
        "answer_category": [check.category],
        "answer_category_v2": categories,
    }
