"""Does a lookup stay as quick when the catalogue grows a hundredfold? `make bench-billion`.

Two lakes of generated Parquet in the layout that loading and merging give: rows in the order of
their chunks of 500, row groups of 4,096, dates that rise as an archive is loaded. SOPInstanceUIDs
are random (2.25), so nothing but the index can find one. The index holds the UIDs that are asked
for and no others: how its B-tree grows is the database's own affair. Each question goes to both
lakes in turn.

A billion rows take about 40 GB and, on one core, hours to generate; `--place` names a disk.

    python -m benchmarks.billion [--small 10000000] [--large 1000000000] [--place FOLDER]
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.measure import table
from imagehaven.catalogue import index, prepare
from imagehaven.catalogue.index import key_of, written
from imagehaven.catalogue.lookup import Lookup
from imagehaven.haven import Haven, init

CHUNK = 500
PER_FILE = 1_000_000
PER_DAY = 200_000
WANTED = ("SOPInstanceUID", "SeriesInstanceUID", "ContentDate")

#: An identifier from two hashes of its number; DuckDB is slow to write numbers of 128 bits.
UID = "'2.25.' || hash({0})::VARCHAR || hash(({0}) + {1})::VARCHAR"
ROWS = f"""
    SELECT {UID.format("i", 1)} AS SOPInstanceUID,
        {UID.format("i // 100", 2)} AS SeriesInstanceUID,
        {UID.format("i // 400", 3)} AS StudyInstanceUID,
        DATE '2008-01-01' + (i // {PER_DAY})::INTEGER AS ContentDate,
        1::INTEGER AS load_run, (i // {CHUNK})::INTEGER AS load_seq
    FROM range({{first}}, {{last}}) AS numbers(i)"""


def generate(place: Path, rows: int) -> Haven:
    """A haven whose lake has so many rows."""
    init(place)
    haven = Haven.open(place)
    prepare(haven)
    folder = place / "lake" / "main" / "instance"
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as made:
        made.execute("SET threads = 1")
        for first in range(0, rows, PER_FILE):
            query = ROWS.format(first=first, last=min(first + PER_FILE, rows))
            file = folder / f"ducklake-{first:012}.parquet"
            made.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet, ROW_GROUP_SIZE 4096)")
    with haven.lake.transaction() as lake:
        for file in sorted(folder.glob("*.parquet")):
            lake.execute(
                f"CALL ducklake_add_data_files('lake', 'instance', '{file}', allow_missing => true)"
            )
    return haven


def some_uids(haven: Haven, rows: int, count: int) -> list[str]:
    """Random instances of the catalogue, put into its index."""
    chance = random.Random(11)
    numbers = [chance.randrange(rows) for _ in range(count)]
    with duckdb.connect() as made:
        query = f"SELECT {UID.format('i', 1)} FROM (SELECT unnest(?::BIGINT[]) AS i)"
        uids = [str(row[0]) for row in made.execute(query, [numbers]).fetchall()]
    with haven.ledger.begin() as connection:
        index.remember(
            connection,
            [
                (index.INSTANCE, key_of(uid), bytes(16) + written((1, number // CHUNK)))
                for uid, number in zip(uids, numbers, strict=True)
            ],
        )
    return uids


def questions(haven: Haven, rows: int, count: int) -> dict[str, Callable[[int], int]]:
    uids, lookup = some_uids(haven, rows, count), Lookup(haven)
    days = rows // PER_DAY

    def by_uid(turn: int) -> int:
        return len(lookup.find("SOPInstanceUID", uids[turn % count], WANTED))

    def by_date(turn: int) -> int:
        day = turn * 7919 % days
        with haven.lake.connect(read_only=True) as lake:
            row = lake.execute(
                "SELECT count(DISTINCT StudyInstanceUID) FROM instance "
                f"WHERE ContentDate = DATE '2008-01-01' + {day}"
            ).fetchone()
        return int(row[0]) if row else 0

    return {"by SOPInstanceUID": by_uid, "studies of a day": by_date}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=10_000_000)
    parser.add_argument("--large", type=int, default=1_000_000_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--place", type=Path)
    options = parser.parse_args()
    sizes = {"small": options.small, "large": options.large}
    place = Path(tempfile.mkdtemp(dir=options.place))
    try:
        asked = {}
        for name, rows in sizes.items():
            begun = time.perf_counter()
            haven = generate(place / name, rows)
            asked[name] = questions(haven, rows, options.questions)
            print(f"{rows:,} rows in {time.perf_counter() - begun:,.0f} s", flush=True)
        print(table(*measure(asked, sizes, options.questions)))
    finally:
        shutil.rmtree(place)


def measure(
    asked: dict[str, dict[str, Callable[[int], int]]], sizes: dict[str, int], count: int
) -> tuple[list[str], list[list[str]]]:
    lines = []
    for question in asked["small"]:
        times: dict[str, list[float]] = {"small": [], "large": []}
        for turn in range(-3, count):
            for name in sizes:
                begun = time.perf_counter()
                found = asked[name][question](turn)
                if turn >= 0:
                    times[name].append(time.perf_counter() - begun)
                assert found > 0, (question, name)
        growth = statistics.median(
            large / small for small, large in zip(times["small"], times["large"], strict=True)
        )
        cells = [f"{statistics.median(times[name]) * 1e3:.2f} ms" for name in sizes]
        lines.append([question, *cells, f"{growth:.2f}"])
    return ["question", *(f"{rows:,} rows" for rows in sizes.values()), "growth"], lines


if __name__ == "__main__":
    main()
