"""The verifier by itself: its speed, what it finds that was bypassed, and its false alarms.

    python -m benchmarks.deid.verifier --presidio VENV/bin/python [--seeds 11,101] [--parts recall]

Everything is measured in one run, beside a scanner of plain regular expressions as sites write them
(below), and Presidio's pattern recognisers where a Python that has presidio-analyzer is named (no
language model is loaded: names are not asked of it).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pydicom.data
from pydicom.dataset import Dataset
from pydicom.misc import is_dicom

from benchmarks.measure import alternate, ratio, table
from imagehaven import synth
from imagehaven.deidentify import Pseudonyms, deidentify_file, load
from imagehaven.dicom.elements import to_elements
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Quarantine, TransientError, Withheld
from imagehaven.verify import (
    AllowedValues,
    KnownIdentifiers,
    identifiable,
    known_identifiers,
    verify_file,
)

#: Rules as such scanners ship them: digits without a check digit, a few written forms.
PLAIN = re.compile(
    r"\b[0-3]\d[01]\d\d{6}\b"  # a CHI number's shape
    r"|\b\d{3}[ -]?\d{3}[ -]?\d{4}\b"  # an NHS number's
    r"|\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"  # a postcode's
    r"|\b\d{1,2}[/-]\d{1,2}[/-]\d{2,4}\b|\b(?:19|20)\d{6}\b"  # a date's
    r"|\b(?:Dr|Mr|Mrs|Ms|Miss|Prof)\.? [A-Z][a-z]+|[A-Z]+\^[A-Z]+"  # a name's
    r"|\b0\d{2,4} ?\d{3} ?\d{3,4}\b|[\w.]+@[\w.]+\.\w+"  # a telephone number's, a mail address's
)
PRESIDIO = """
import json, sys, time
from presidio_analyzer import predefined_recognizers as known
names = ("NhsRecognizer", "UkPostcodeRecognizer", "DateRecognizer", "EmailRecognizer",
         "PhoneRecognizer", "UkNinoRecognizer", "MedicalLicenseRecognizer")
found = [getattr(known, name)() for name in names if hasattr(known, name)]
lines, begun = [json.loads(line) for line in sys.stdin], time.perf_counter()
for text in lines:
    hit = any(r.analyze(text, r.supported_entities, None) for r in found)
    print(json.dumps(bool(hit)))
print(time.perf_counter() - begun)
"""
#: Places of a real file that a de-identifier could forget; the value stands in a sentence.
PLACES: dict[str, Callable[[Dataset, str], object]] = {
    "ImageComments": lambda d, v: setattr(d, "ImageComments", f"see {v} again"),
    "StudyID": lambda d, v: setattr(d, "StudyID", v),
    "private LO": lambda d, v: _block(d).add_new(0x01, "LO", v),
    "private bytes": lambda d, v: _block(d).add_new(0x02, "OB", b"\0\1" + v.encode() + b"\0"),
    "nested": lambda d, v: setattr(
        d, "RequestAttributesSequence", [_item("ScheduledProcedureStepDescription", v)]
    ),
}
PER_KIND = 25
PARTS = ("tables", "images", "recall", "alarms")


@dataclass(frozen=True)
class Planted:
    """A file with one identifier in it, and what its source had made known."""

    path: Path
    kind: str
    value: str
    known: KnownIdentifiers


def _block(dataset: Dataset) -> pydicom.dataset.PrivateBlock:
    return dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)


def _item(keyword: str, value: str) -> Dataset:
    item = Dataset()
    setattr(item, keyword, value)
    return item


def texts(path: Path) -> Iterator[str]:
    """Every string of a file, as a scanner of values sees them."""
    with quiet_pydicom():
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        for element in dataset.iterall():
            if isinstance(element.value, bytes):
                yield element.value.decode("latin-1")
            elif element.VR not in ("SQ", "UI"):
                yield str(element.value)


def plant(folder: Path, hospital: Path) -> list[Planted]:
    """Write identifiers of the answer key into a real file that has none of its own."""
    with (hospital / "answer_key/identifiers.csv").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    files = {row["file"] for row in found if (hospital / row["file"]).is_file()}
    images = {name for name in files if is_dicom(hospital / name)}
    rows = [row for row in found if row["file"] in images]
    by_kind: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row["value"].isascii() and 4 < len(row["value"]) <= 64 and row["kind"] != "demographic":
            by_kind[row["kind"]].setdefault(row["value"], row["file"])
    planted = []
    for kind, held in sorted(by_kind.items()):
        chosen = random.Random(kind).sample(sorted(held), min(PER_KIND, len(held)))
        for number, value in enumerate(chosen):
            with quiet_pydicom():
                source = pydicom.dcmread(hospital / held[value], stop_before_pixels=True)
                known = known_identifiers(to_elements(source), to_elements(source.file_meta))
                for place, put in PLACES.items():
                    path = folder / f"{kind}-{number}-{place}.dcm"
                    dataset = _clean()
                    put(dataset, value)
                    dataset.save_as(path)
                    planted.append(Planted(path, kind, value, known))
    return planted


def _clean() -> Dataset:
    """A real CT slice, less everything in it that any scanner takes for an identifier."""
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    kept = {"SOPClassUID", "SOPInstanceUID", "Modality", "Rows", "Columns", "PixelData",
            "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
            "PhotometricInterpretation", "PatientIdentityRemoved"}  # fmt: skip
    for element in list(dataset):
        if element.keyword not in kept:
            del dataset[element.tag]
    dataset.PatientIdentityRemoved = "YES"
    dataset.SOPInstanceUID = "2.25.271828182845904523536028747135266249"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if "SourceApplicationEntityTitle" in dataset.file_meta:
        del dataset.file_meta.SourceApplicationEntityTitle
    return dataset


def presidio(python: str, values: Iterable[str]) -> tuple[list[bool], float]:
    """What Presidio's pattern recognisers say of each value, and their seconds without start-up."""
    lines = "".join(json.dumps(value) + "\n" for value in values)
    done = subprocess.run([python, "-c", PRESIDIO], input=lines, capture_output=True, text=True,
                          check=True)  # fmt: skip
    *said, seconds = [json.loads(line) for line in done.stdout.splitlines()]
    return said, float(seconds)


def recall(planted: list[Planted], python: str | None, *, missed: bool = False) -> str:
    """The share of planted files that each scanner flags, by class.

    Values are made up, so with ``missed`` those that we miss may be shown, as comments.
    """
    total, hits = Counter(item.kind for item in planted), defaultdict(Counter)
    for item in planted:
        found = {
            "known": bool(verify_file(item.path, item.known, allowed=AllowedValues())),
            "rules": bool(identifiable(item.path, known=KnownIdentifiers())),
        }
        for name, flagged in found.items():
            hits[name][item.kind] += flagged
            if missed and not flagged:
                print(f"<!-- missed, {name}: {item.path.stem}: {item.value} -->")
        hits["plain"][item.kind] += any(PLAIN.search(text) for text in texts(item.path))
    if python:
        said, _ = presidio(python, ("\n".join(texts(item.path)) for item in planted))
        for item, flagged in zip(planted, said, strict=True):
            hits["presidio"][item.kind] += flagged
    systems = {
        "known": "imagehaven, identifiers known", "rules": "imagehaven, rules alone",
        "plain": "plain expressions", "presidio": "Presidio's patterns",
    }  # fmt: skip
    shown = [name for name in systems if name in hits]
    rows = [
        [kind, str(count), *(f"{hits[name][kind] / count:.3f}" for name in shown)]
        for kind, count in sorted(total.items())
    ]
    whole = [f"{hits[name].total() / total.total():.3f}" for name in shown]
    rows.append(["all", str(total.total()), *whole])
    return table(["class", "files", *(systems[name] for name in shown)], rows)


def false_alarms(folder: Path, python: str | None, most: int) -> str:
    """How many of our own released files each scanner flags."""
    tests = Path(pydicom.data.__file__).parent / "test_files"
    checked, ours, plain, values = 0, 0, 0, []
    rules: Counter[str] = Counter()
    sources = [p for p in sorted(tests.glob("*.dcm")) if p.stat().st_size < 150_000][:most]
    shared = Path(os.environ.get("IMAGEHAVEN_SHARED", Path(__file__).parents[3] / "shared"))
    others = sorted(p for p in (shared / "dicom").rglob("*") if p.is_file())
    for source in [*sources, *others[:: max(1, len(others) // most)]]:
        try:
            made = deidentify_file(source, folder, load("research"), Pseudonyms(b"k" * 32))
        except (Withheld, Quarantine, TransientError):
            continue
        with quiet_pydicom():
            original = pydicom.dcmread(source, stop_before_pixels=True, force=True)
            known = known_identifiers(to_elements(original), to_elements(original.file_meta))
        allowed = AllowedValues(frozenset(new for _, _, new in made.mapping))
        released = folder / made.path
        checked += 1
        found = verify_file(released, known, allowed=allowed, root=folder)
        ours += bool(found)
        rules.update({finding.rule for finding in found})
        plain += any(PLAIN.search(text) for text in texts(released))
        values.append("\n".join(texts(released)))
    rows = [["imagehaven, identifiers known", str(ours)], ["plain expressions", str(plain)]]
    if python:
        rows.append(["Presidio's patterns", str(sum(presidio(python, values)[0]))])
    told = table(["scanner", f"files flagged of {checked}"], rows)
    by_rule = [[rule, str(count)] for rule, count in rules.most_common()]
    return told + ("\n\n" + table(["our rule", "files flagged"], by_rule) if by_rule else "")


def tables(folder: Path, python: str | None, rows: int) -> str:
    """Cells and megabytes a second on a table of repeated values and one where none repeats."""
    words = ["routine follow up", "CT CHEST with contrast", "seen by Dr Abernethy", "EH12 9DN", "",
             "01382 660111", "no change since last examination", "0101901232"]  # fmt: skip
    shown = []
    for name, distinct in (("repeated", 200), ("all different", rows)):
        path = folder / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "modality", "note", "code", "text"])
            for n in range(rows):
                k = n % distinct
                note = f"{words[k % len(words)]} {k // len(words)}"
                writer.writerow([k, ("CT", "MR", "US")[k % 3], note, f"X{k:06}", f"slice {k}"])
        cells, size = rows * 5, path.stat().st_size

        def with_plain(path: Path = path) -> int:
            with path.open(newline="", encoding="utf-8") as file:
                return sum(bool(PLAIN.search(cell)) for row in csv.reader(file) for cell in row)

        timed = alternate({"ours": lambda path=path: identifiable(path), "plain": with_plain}, 3)
        for system, timing in timed.items():
            rate, size_rate = cells / timing.median, size / timing.median / 1e6
            against = f"{ratio(timed['ours'], timed['plain']):.2f}" if system == "ours" else ""
            shown.append([name, system, f"{rate:,.0f}", f"{size_rate:.2f}", against])
        if python:
            # One row in twenty: it would take the rest of the day.
            with path.open(newline="", encoding="utf-8") as file:
                some = [cell for row in csv.reader(file) for cell in row][: cells // 20]
            _, seconds = presidio(python, some)
            part = sum(len(cell) + 1 for cell in some) / seconds / 1e6
            shown.append([name, "presidio", f"{len(some) / seconds:,.0f}", f"{part:.2f}", ""])
    heading = ["table", "scanner", "cells/s", "MB/s", "times as fast as plain expressions"]
    return table(heading, shown)


def images(planted: list[Planted]) -> str:
    """Files a second with the identifiers of one patient known, and by the rules alone."""
    some = planted[:150]
    timed = alternate(
        {
            "identifiers known": lambda: [
                verify_file(item.path, item.known, allowed=AllowedValues()) for item in some
            ],
            "by itself": lambda: [identifiable(item.path) for item in some],
            "pydicom, plain expressions": lambda: [
                any(PLAIN.search(text) for text in texts(item.path)) for item in some
            ],
        },
        3,
    )
    rows = [[name, f"{len(some) / timing.median:.0f}"] for name, timing in timed.items()]
    return table(["scanner", "small CT files/s"], rows)


def main() -> None:
    """Measure and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presidio", help="a Python interpreter that has presidio-analyzer")
    parser.add_argument("--patients", type=int, default=8)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--files", type=int, default=30, help="released files for false alarms")
    parser.add_argument("--seeds", default="11", help="hospitals whose identifiers are planted")
    parser.add_argument("--parts", default=",".join(PARTS), help=", ".join(PARTS))
    parser.add_argument("--missed", action="store_true", help="list what our verifier missed")
    asked = parser.parse_args()
    parts = asked.parts.split(",")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if "tables" in parts:
            print("### Tables\n\n" + tables(folder, asked.presidio, asked.rows))
        if "images" in parts or "recall" in parts:
            planted = [
                one
                for seed in asked.seeds.split(",")
                for one in _hospital(folder, int(seed), asked)
            ]
        if "images" in parts:
            print("\n### Images\n\n" + images(planted))
        if "recall" in parts:
            told = recall(planted, asked.presidio, missed=asked.missed)
            print("\n### Found behind the de-identifier's back\n\n" + told)
        if "alarms" in parts:
            (folder / "released").mkdir()
            told = false_alarms(folder / "released", asked.presidio, asked.files)
            print("\n### False alarms on released files\n\n" + told)


def _hospital(folder: Path, seed: int, asked: argparse.Namespace) -> list[Planted]:
    hospital, place = folder / f"hospital-{seed}", folder / f"planted-{seed}"
    synth.synthesise(hospital, patients=asked.patients, seed=seed)
    place.mkdir()
    return plant(place, hospital)


if __name__ == "__main__":
    main()
