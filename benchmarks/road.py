"""The main road beside pydicom alone and beside a plain copy: `make bench`.

One run measures all of it, each case in turn with its peers on the same files, and prints Markdown
tables for docs/benchmarks.md. Figures are medians of ratios: how many times faster imagehaven is.

    python -m benchmarks.road --patients 40 --also /archive/sample
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.misc import is_dicom
from pydicom.uid import generate_uid

from benchmarks.measure import Timing, alternate, ratio, table
from imagehaven import cohort
from imagehaven.acquire import walk
from imagehaven.acquire.source import Source
from imagehaven.catalogue import ingest
from imagehaven.deidentify import deidentify
from imagehaven.demo import real_files
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.haven import Haven
from imagehaven.link import create_project
from imagehaven.release import release
from imagehaven.synth import synthesise, synthesise_headers

ALL = "from imagehaven.cohort import cohort, instances\n\ncohort(instances)\n"


@dataclass(frozen=True)
class Corpus:
    """Some DICOM files in a folder."""

    name: str
    folder: Path
    files: list[Path]
    bytes: int


def gather(name: str, sources: list[Path], target: Path) -> Corpus:
    """Copies of the plain DICOM files of some folders, so that every case reads the very same."""
    target.mkdir()
    files = []
    for source in walk(sources):
        if isinstance(source, Source) and not source.members and is_dicom(source.path):
            files.append(target / f"{len(files):06}.dcm")
            shutil.copyfile(source.path, files[-1])
    return Corpus(name, target, files, sum(file.stat().st_size for file in files))


def with_pydicom_to_json(corpus: Corpus) -> None:
    """What a site would write itself: pydicom's reading, element by element, as JSON lines."""
    with tempfile.TemporaryFile("w") as out, quiet_pydicom():
        for file in corpus.files:
            try:
                dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
                out.write(json.dumps(dataset.to_json_dict(suppress_invalid_tags=True)) + "\n")
            except Exception as error:  # noqa: BLE001 - the peer stops at nothing either
                out.write(type(error).__name__ + "\n")


def with_pydicom_deidentify(corpus: Corpus, target: Path) -> None:
    """The pydicom documentation's recipe: blank the names, drop private tags, new UIDs, save."""
    for number, file in enumerate(corpus.files):
        try:
            with quiet_pydicom():
                recipe(file).save_as(target / f"{number}.dcm")
        except Exception as error:  # noqa: BLE001 - the peer can't read or write every file
            (target / f"{number}.txt").write_text(type(error).__name__)


def recipe(file: Path) -> pydicom.FileDataset:
    """What many a site does with pydicom: private elements, names and a few more, and new UIDs."""
    dataset = pydicom.dcmread(file, force=True)
    dataset.remove_private_tags()
    dataset.walk(lambda data, item: setattr(item, "value", "") if item.VR == "PN" else None)
    for name in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber"):
        if name in dataset:
            setattr(dataset, name, "")
    for uid in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if uid in dataset:
            setattr(dataset, uid, generate_uid())
    return dataset


def with_copy(corpus: Corpus, target: Path) -> None:
    """A plain copy of every file."""
    for number, file in enumerate(corpus.files):
        shutil.copyfile(file, target / f"{number}.dcm")


class Desk:
    """Gives every case an empty folder of its own, made before and removed after it."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def fresh(self, work: Callable[[Path], object]) -> Callable[[], None]:
        """The case that works in a fresh folder."""

        def case() -> None:
            folder = Path(tempfile.mkdtemp(dir=self.place))
            work(folder)
            shutil.rmtree(folder)

        return case


def measure_ingest(corpus: Corpus, desk: Desk, repeats: int) -> list[list[str]]:
    """Ingest to the committed lake, all cores, beside pydicom alone on one."""
    timings = alternate(
        {
            "imagehaven": desk.fresh(lambda d: ingest(Haven.create(d / "h"), [corpus.folder])),
            "pydicom to JSON": lambda: with_pydicom_to_json(corpus),
            "copy": desk.fresh(lambda d: with_copy(corpus, d)),
        },
        repeats,
    )
    return rows(corpus, timings, unit="files/s", amount=len(corpus.files))


def measure_deidentify(corpus: Corpus, desk: Desk, repeats: int) -> list[list[str]]:
    """De-identify a folder with the stateless verb, beside pydicom's recipe."""
    key = desk.place / "key"
    key.write_text("5a" * 32)
    key.chmod(0o600)
    timings = alternate(
        {
            "imagehaven": desk.fresh(lambda d: deidentify(corpus.folder, d / "out", key=key)),
            "pydicom recipe": desk.fresh(lambda d: with_pydicom_deidentify(corpus, d)),
            "copy": desk.fresh(lambda d: with_copy(corpus, d)),
        },
        repeats,
    )
    return rows(corpus, timings, unit="MB/s", amount=corpus.bytes / 1e6)


def measure_release(corpus: Corpus, desk: Desk, repeats: int) -> list[list[str]]:
    """Release a cohort of everything, verified, beside de-identification alone."""
    haven = Haven.create(Path(tempfile.mkdtemp(dir=desk.place)) / "haven")
    ingest(haven, [corpus.folder])
    create_project(haven, "bench")
    definition = desk.place / "everything.py"
    definition.write_text(ALL)
    cohort.run(haven, definition, project="bench")
    key = desk.place / "key"
    timings = alternate(
        {
            "imagehaven": desk.fresh(lambda d: release(haven, "bench", "everything", to=d / "out")),
            "deidentify alone": desk.fresh(lambda d: deidentify(corpus.folder, d / "out", key=key)),
            "pydicom recipe": desk.fresh(lambda d: with_pydicom_deidentify(corpus, d)),
            "copy": desk.fresh(lambda d: with_copy(corpus, d)),
        },
        repeats,
    )
    return rows(corpus, timings, unit="files/s", amount=len(corpus.files))


def rows(
    corpus: Corpus, timings: dict[str, Timing], *, unit: str, amount: float
) -> list[list[str]]:
    """One row for each case: its rate, and how many times faster imagehaven was."""
    ours = timings["imagehaven"]
    return [
        [
            corpus.name,
            name,
            f"{amount / timing.median:,.0f} {unit}",
            "1" if timing is ours else f"{ratio(ours, timing):.2f}",
        ]
        for name, timing in timings.items()
    ]


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--headers", type=int, default=4000)
    parser.add_argument("--also", type=Path, help="A folder of one's own DICOM files.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        synthesise(place / "hospital", patients=options.patients, seed=11)
        synthesise_headers(place / "many", options.headers, seed=11, container="folder")
        corpora = [
            gather("synthetic hospital", [place / "hospital" / "dicom"], place / "synthetic"),
            gather("pydicom and pydicom-data", list(real_files()), place / "real"),
        ]
        if options.also:
            corpora.append(gather(options.also.name, [options.also], place / "also"))
        many = gather("small headers", [place / "many" / "dicom"], place / "headers")
        desk = Desk(place)
        heading = ["corpus", "case", "rate", "imagehaven is × as fast"]
        print(f"{os.cpu_count()} cores, Python {platform.python_version()}\n")
        found: list[list[str]] = []
        for title, measure, over in (
            ("Ingest", measure_ingest, [*corpora, many]),
            ("De-identify", measure_deidentify, corpora),
            ("Release", measure_release, corpora),
        ):
            part = [row for corpus in over for row in measure(corpus, desk, options.repeats)]
            print(f"## {title}\n\n{table(heading, part)}\n", flush=True)
            found += [[title, *row] for row in part]
    if options.csv:
        with options.csv.open("w", newline="") as out:
            csv.writer(out).writerows([["part", *heading], *found])


if __name__ == "__main__":
    main()
