"""How fast is an archive catalogued? `make bench-ingest`: all cores, to a committed store.

imagehaven ingests into a fresh haven (every element, hashes of every file, conflicts, quarantine,
an index, the audit trail), with its embedded stores and with PostgreSQL. The peer reads each header
with pydicom in as many processes, makes JSON of it, and copies that into one table of PostgreSQL
with ``COPY``; it hashes nothing and checks nothing. Wall time, with the start of the processes.

    python -m benchmarks.ingest [--files 4000] [--repeats 3]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pydicom

from benchmarks.measure import table
from benchmarks.rewrite import small_files
from imagehaven.catalogue import ingest
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.haven import Haven, Settings, init
from servers import postgresql

TABLE = "CREATE TABLE header (path text, elements jsonb)"
ROWS = 500


def rows_of(paths: list[Path]) -> list[tuple[str, str]]:
    warnings.simplefilter("ignore")
    return [(str(path), pydicom.dcmread(path, stop_before_pixels=True).to_json()) for path in paths]


def with_copy(files: list[Path], url: str) -> None:
    """pydicom in as many processes as there are cores, and COPY in this one."""
    some = [files[start : start + ROWS] for start in range(0, len(files), ROWS)]
    with (
        multiprocessing.get_context("forkserver").Pool(os.cpu_count()) as pool,
        psycopg.connect(url) as connection,
    ):
        connection.execute(TABLE)
        with connection.cursor().copy("COPY header FROM STDIN") as copy:
            for rows in pool.imap(rows_of, some):
                for row in rows:
                    copy.write_row(row)


def with_us(source: Path, place: Path, settings: Settings) -> None:
    init(place / "haven", settings)
    ingest(Haven.open(place / "haven"), [source])


def cases(
    source: Path, files: list[Path], server: postgresql.PostgreSQL
) -> Iterator[tuple[str, Callable[[Path], None]]]:
    def on_postgresql(place: Path) -> None:
        with server.database() as url:
            with_us(source, place, Settings(database=url))

    def peer(_: Path) -> None:
        with server.database() as url:
            with_copy(files, url.replace("postgresql+psycopg", "postgresql"))

    yield "imagehaven, PostgreSQL", on_postgresql
    yield "imagehaven, embedded", lambda place: with_us(source, place, Settings())
    yield "pydicom and COPY", peer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with (
        quiet_pydicom(),
        tempfile.TemporaryDirectory() as temporary,
        postgresql.running() as server,
    ):
        source = Path(temporary) / "source"
        files = small_files(source, options.files)
        rates: dict[str, list[float]] = {}
        for _ in range(options.repeats):
            for name, case in cases(source, files, server):
                with tempfile.TemporaryDirectory() as place:
                    begun = time.perf_counter()
                    case(Path(place))
                    rates.setdefault(name, []).append(len(files) / (time.perf_counter() - begun))
    ours = rates["imagehaven, PostgreSQL"]
    rows = []
    for name, theirs in rates.items():
        times = statistics.median(own / other for own, other in zip(ours, theirs, strict=True))
        rows.append([name, f"{statistics.median(theirs):,.0f}", f"{times:.2f}"])
    print(table(["case", "files/s", "imagehaven on PostgreSQL is × as fast"], rows))


if __name__ == "__main__":
    main()
