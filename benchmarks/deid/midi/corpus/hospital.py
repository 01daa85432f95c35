"""The synthetic hospital's files with its own answer key, turned into required actions."""

from __future__ import annotations

import csv
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from benchmarks.deid.midi.corpus.expected import to_keep
from benchmarks.deid.midi.corpus.key import Burned, Case, Check
from benchmarks.deid.midi.corpus.planting import CODES
from benchmarks.deid.midi.places import flat, place_of, written
from imagehaven.synth import synthesise

_PIXELS = re.compile(r"pixels\[(\d+)(?:-(\d+))?\]@(\d+),(\d+),(\d+),(\d+)")
_OVERLAY = re.compile(r"overlay (60[0-9a-fA-F]{2})")
_AROUND = ("file-meta/", "preamble", "trailing", "overlay")
_DISTINCTIVE = 6
_DA = re.compile(r"(\d{8})([\d.]*)([+-]\d{4})?")
_OLDEST = "090Y"
_MODEL_WORD = re.compile(r"[A-Za-z]{4,}")

Rows = dict[str, list[dict[str, str]]]


def hospital_cases(folder: Path, work: Path, patients: int, seed: int) -> Iterator[Case]:
    """Make a hospital and yield its plain files as cases, copied to ``folder``."""
    synthesise(work, patients=patients, seed=seed)
    key = work / "answer_key"
    planted, safe = _by_file(key / "identifiers.csv"), _by_file(key / "safe.csv")
    with (key / "files.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["state"] == "catalogued"]
    for number, row in enumerate(rows):
        source = work / row["file"]
        if not source.is_file():
            continue  # a member of an archive
        name = f"h{number:05}.dcm"
        shutil.copyfile(source, folder / name)
        yield _case(name, row["file"], pydicom.dcmread(source), planted, safe)


def _by_file(path: Path) -> Rows:
    rows: Rows = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["file"]].append(row)
    return rows


def _case(name: str, file: str, dataset: Dataset, planted: Rows, safe: Rows) -> Case:
    case = Case(
        name, "hospital", str(dataset.PatientID), str(dataset.StudyInstanceUID),
        str(dataset.SeriesInstanceUID), str(dataset.SOPInstanceUID), str(dataset.SOPClassUID),
        str(dataset.Modality),
    )  # fmt: skip
    values = flat(dataset)
    for row in planted[file]:
        _take(case, row, dataset, values)
    taken = {check.place for check in case.checks}
    invented = _invented(dataset)
    for row in safe[file]:
        place = place_of(dataset, row["location"])
        if place and place not in invented and row["value"] in values.get(place, ""):
            case.add([_kept(place, values[place], row["value"], row["why"])])
    case.add(to_keep(dataset, taken | invented | {c.place for c in case.checks}))
    if not case.burned and "PixelData" in dataset:
        case.add([Check("pixels_retained", kind="pixels", category="tcia:TCIA-P15-PIX-K")])
    return case


def _invented(dataset: Dataset) -> set[str]:
    """Places that hold a model which the hospital invented, and software that is called after it.

    The public challenge's key keeps the models of real devices, as TCIA's curation does. Whoever
    knows devices by a list cannot know these: the real files ask for that.
    """
    words = _MODEL_WORD.findall(str(dataset.get("ManufacturerModelName", "")).casefold())
    places = {place_of(dataset, "ManufacturerModelName")}
    software = written(dataset["SoftwareVersions"]) if "SoftwareVersions" in dataset else ""
    if any(word in software.casefold() for word in words):
        places.add(place_of(dataset, "SoftwareVersions"))
    return places - {""}


def _kept(place: str, value: str, text: str, why: str) -> Check:
    return Check("text_retained", place, value, text, why, "tcia:TCIA-P15-DESC-C")


def _take(case: Case, row: dict[str, str], dataset: Dataset, values: dict[str, str]) -> None:
    """One planted identifier becomes checks, a box of pixels, or a secret of the whole file."""
    kind, value, location = row["kind"], row["value"], row["location"]
    if _secret(kind, value) and location != "path":
        case.secrets.add(value)
    if plane := _OVERLAY.fullmatch(location):
        case.drawn.add(int(plane[1], 16))
    box = _PIXELS.fullmatch(location)
    if box:
        first, last, *rest = (int(group or box[1]) for group in box.groups())
        case.burned.append(Burned(value, first - 1, last - 1, *rest))
        case.add([Check("pixels_hidden", text=value, kind=kind, category="hipaa:HIPAA-A")])
        return
    if location == "path" or location.startswith(_AROUND) or value == _OLDEST:
        return
    place = place_of(dataset, location)
    whole = values.get(place, "")
    if place and value and (value in whole or value.casefold() in whole.casefold()):
        case.add(_checks(kind, place, whole, value))


def _checks(kind: str, place: str, whole: str, value: str) -> Iterator[Check]:
    if kind == "uid":
        yield Check("uid_changed", place, whole, value, kind, "hipaa:HIPAA-R")
        yield Check("uid_consistent", place, whole, value, kind, "dicom:DICOM-P15-BASIC-U")
    elif kind == "date" and whole == value and _DA.fullmatch(value):
        yield Check("date_shifted", place, whole, value, kind, "hipaa:HIPAA-C")
    else:
        if place == "<(0010,0020)>":
            yield Check("patid_consistent", place, whole, value, kind, "dicom:DICOM-P15-BASIC-C")
        yield Check(
            "text_removed", place, whole, value, kind, f"hipaa:{CODES.get(kind, 'HIPAA-R')}"
        )


def _secret(kind: str, value: str) -> bool:
    if kind in ("age-over-89", "demographic", "uid"):
        return False
    return len(value) >= _DISTINCTIVE and not (kind == "date" and value.isdecimal())
