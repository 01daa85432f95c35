"""What the public challenge never checks, on each released instance or on the whole release.

Names of the checks, as `action`:

- ``replaced``: a date, UID or patient id that was there is there still, in a valid form; deleting
  passes the challenge, and breaks every longitudinal use
- ``interval``: all dates of one patient moved by one and the same number of days, not by none
- ``one_to_one``: no two UIDs, and no two patients, share a pseudonym; no UID has two
- ``reference``: a reference to an instance that was released leads to that released instance
- ``file_meta``: empty preamble, agreeing Media Storage SOP Instance UID, no titles of application
  entities and no private information, nothing behind the data set
- ``overlay``: no overlay plane that was planted is there
- ``pixels_outside``: where text was burned in, pixels outside the boxes are as they were
- ``dciodvfy``: dicom3tools' checker finds no kind of error that the source had not
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from benchmarks.deid.midi.corpus.key import Case, Check
from benchmarks.deid.midi.scoring.outcome import Judged

CHECKS = (
    "replaced", "interval", "one_to_one", "reference", "file_meta", "overlay", "pixels_outside",
    "dciodvfy",
)  # fmt: skip
_UID = re.compile(r"(?=.{1,64}$)(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_DA = re.compile(r"(\d{4})(\d{2})(\d{2})")
_TITLES = (0x00020016, 0x00020017, 0x00020018, 0x00020100, 0x00020102)
# Description, subtype, label, statistics and comments of an overlay plane (PS3.3 C.9.2).
_OVERLAY_TEXTS = (0x0022, 0x0045, 0x1301, 0x1302, 0x1303, 0x1500, 0x4000)
_REFERENCE = "<(0008,1155)>"
# Kept by the Standard even in a release: type 1 and 2 dates, and identities.
_NEEDED = re.compile(r"<\((0008,002[0-3]|0008,0018|0020,000[de]|0020,0052|0010,0020)\)>")
_ERROR = re.compile(r"^Error - ", re.M)
_UNREADABLE = re.compile("read failed|Object Not found")
_VALUES = re.compile(r"= <[^>]*>|<[\d.]*>|(?<=UID )[\d.]+")


def replaced(case: Case, here: Mapping[str, str]) -> Iterator[Judged]:
    """Dates, UIDs and patient ids that the IODs need were replaced and not deleted."""
    for check in case.checks:
        if not _NEEDED.fullmatch(check.place):
            continue
        now = here.get(check.place, "")
        if check.action == "uid_changed":
            yield _judge(case, check, "replaced", _UID.fullmatch(now) is not None, now)
        elif check.action == "date_shifted":
            yield _judge(case, check, "replaced", _day(now) is not None, now)
        elif check.action == "patid_consistent":
            yield _judge(case, check, "replaced", bool(now), now)


def intervals(found: list[tuple[Case, Mapping[str, str]]]) -> Iterator[Judged]:
    """Every date that was moved moved as most dates of its patient did, and did move."""
    moves: dict[str, list[tuple[Case, Check, int]]] = defaultdict(list)
    for case, here in found:
        for check in case.checks:
            if check.action == "date_shifted":
                before, after = _day(check.text), _day(here.get(check.place, ""))
                if before and after:
                    moves[case.patient].append((case, check, (after - before).days))
    for those in moves.values():
        usual = Counter(days for _, _, days in those).most_common(1)[0][0]
        for case, check, days in those:
            yield _judge(case, check, "interval", days == usual != 0, f"{days} days")


def one_to_one(found: list[tuple[Case, Mapping[str, str]]]) -> Iterator[Judged]:
    """Each original UID and patient id has one pseudonym, which no other has."""
    for action in ("uid_consistent", "patid_consistent"):
        forward: dict[str, set[str]] = defaultdict(set)
        back: dict[str, set[str]] = defaultdict(set)
        first: dict[str, tuple[Case, Check]] = {}
        for case, here in found:
            for check in case.checks:
                now = here.get(check.place, "")
                if check.action == action and now:
                    forward[check.value].add(now)
                    back[now].add(check.value)
                    first.setdefault(check.value, (case, check))
        for old, new in forward.items():
            alone = len(new) == 1 and all(len(back[value]) == 1 for value in new)
            case, check = first[old]
            yield _judge(case, check, "one_to_one", alone, f"{len(new)} pseudonyms")


def references(found: list[tuple[Case, Mapping[str, str]]]) -> Iterator[Judged]:
    """References into the release resolve."""
    new = {case.instance: here.get("<(0008,0018)>", "") for case, here in found}
    for case, here in found:
        for check in case.checks:
            inside = check.action == "uid_consistent" and check.value in new
            if inside and check.place.endswith(_REFERENCE) and check.place in here:
                now = here[check.place]
                yield _judge(case, check, "reference", now == new[check.value] != check.value, now)


def file_meta(case: Case, dataset: Dataset, path: Path) -> Judged:
    """The part of the file around the data set tells nothing and agrees with it."""
    meta = dataset.file_meta
    wrong = []
    if any(tag in meta and meta[tag].value for tag in _TITLES):
        wrong.append("title or private information")
    if str(meta.get("MediaStorageSOPInstanceUID", "")) != str(dataset.get("SOPInstanceUID", "-")):
        wrong.append("another instance")
    if (getattr(dataset, "preamble", None) or b"").strip(b"\0"):
        wrong.append("preamble")
    if 0xFFFCFFFC in dataset:
        wrong.append("trailing padding")
    check = Check("file_meta", kind=", ".join(wrong))
    return Judged(case, check, not wrong, ", ".join(wrong))


def overlay(case: Case, source: Dataset, released: Dataset) -> Iterator[Judged]:
    """Of an overlay the drawing may stay, but none of its texts and no text drawn in it."""
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) not in source:
            continue
        wrong = [f"{at:04x}" for at in _OVERLAY_TEXTS if (group, at) in released]
        if group in case.drawn and (group, 0x3000) in released:
            left = np.frombuffer(released[group, 0x3000].value, dtype=np.uint8)
            wrong += ["text in the plane"] if left.any() else []
        check = Check("overlay", f"<({group:04x},3000)>", kind="overlay")
        yield Judged(case, check, not wrong, ", ".join(wrong))


def dciodvfy(case: Case, source: Path, released: Path) -> Iterator[Judged]:
    """No new error, as dicom3tools' dciodvfy tells them; nothing where it is missing."""
    tool = shutil.which("dciodvfy")
    if tool is None:
        return
    before = _errors(tool, source)
    if any(_UNREADABLE.search(error) for error in before):
        return  # what it cannot read, or has no IOD for, it cannot compare
    new = _errors(tool, released) - before
    text = "; ".join(sorted(new)[:3])
    yield Judged(case, Check("dciodvfy", kind="validity"), not new, text)


def _errors(tool: str, path: Path) -> Counter[str]:
    """The errors and how often each is told: their text without the values in it."""
    done = subprocess.run(
        [tool, str(path)], capture_output=True, text=True, errors="replace", check=False
    )
    lines = (line for line in done.stderr.splitlines() if _ERROR.match(line))
    return Counter(_VALUES.sub("", line).strip() for line in lines)


def _day(text: str) -> date | None:
    found = _DA.match(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _judge(case: Case, check: Check, action: str, passed: bool, now: str) -> Judged:
    strict = Check(action, check.place, check.value, check.text, check.kind)
    return Judged(case, strict, passed, now)
