"""How soon are the instances of one UID found? `make bench-lookup`.

Synthetic rows, as a scan would give them, go into a haven on PostgreSQL by the catalogue's own
write path; the same values go into one table of the same server, with a B-tree index on each of the
four identifiers and the elements as jsonb. Then both are asked for random identifiers in turn. A
question to the haven is what `Lookup.find` does, the index in the ledger included.

    python -m benchmarks.lookup [--instances 1000000] [--questions 200] [--embedded]
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.measure import table
from imagehaven.catalogue import prepare
from imagehaven.catalogue.compact import compact
from imagehaven.catalogue.declared import promoted_keywords
from imagehaven.catalogue.index import key_of
from imagehaven.catalogue.loading.commit import commit_chunks
from imagehaven.catalogue.loading.rows import Row
from imagehaven.catalogue.lookup import Lookup
from imagehaven.haven import Haven, Settings, init
from servers import postgresql

KEYWORDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")
WANTED = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Modality", "source")
CHUNK, TOGETHER = 500, 8
#: Instances of a series, series of a study, studies of a patient.
SHAPE = (100, 4, 2)
#: Other elements of a header, which make it as long as a real one of CT.
FILL = {f"0018{number:04X}": {"vr": "LO", "Value": [f"setting {number}"]} for number in range(60)}


def uid(level: str, number: int) -> str:
    """A UID from random bits (PS3.5 B.2), the same for the same number."""
    return f"2.25.{int.from_bytes(key_of(level, number), 'big')}"


def identifiers(number: int) -> tuple[str, str, str, str]:
    """The four identifiers of an instance by its number, as :data:`KEYWORDS` orders them."""
    series = number // SHAPE[0]
    study = series // SHAPE[1]
    return uid("i", number), uid("s", series), uid("t", study), f"P{study // SHAPE[2]:08}"


def row(number: int) -> Row:
    found = dict(zip(KEYWORDS, identifiers(number), strict=True))
    promoted = {**found, "Modality": "CT", "InstanceNumber": str(number % SHAPE[0]),
                "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}  # fmt: skip
    tags = dict(zip(("00080018", "0020000E", "0020000D", "00100020"), found.values(), strict=True))
    elements = {tag: {"vr": "UI", "Value": [value]} for tag, value in tags.items()} | FILL
    source = f"/archive/{number // 10_000}/{number}.dcm"
    return Row(
        "read", source, source, "[]", 526_336, 0,
        content_sha256=key_of("c", number).hex() * 2, dataset_sha256=key_of("d", number).hex() * 2,
        transfer_syntax="1.2.840.10008.1.2.1", pixel_offset=2048, pixel_length=524_288,
        meta="{}", elements=json.dumps(elements),
        values=tuple(promoted.get(keyword) for keyword in promoted_keywords()),
    )  # fmt: skip


def fill(haven: Haven, instances: int) -> None:
    """Commit the rows as a load run does, and merge as it does."""
    prepare(haven)
    run = haven.ledger.runs.start("ingest", {"synthetic": instances})[0]
    chunks = enumerate(range(0, instances, CHUNK))
    for batch, some in enumerate(iter(lambda: list(itertools.islice(chunks, TOGETHER)), []), 1):
        commit_chunks(
            haven,
            run.run_id,
            [
                (seq, [row(n) for n in range(first, min(first + CHUNK, instances))])
                for seq, first in some
            ],
        )
        if batch % 64 == 0:
            compact(haven)
    compact(haven)


def fill_peer(url: str, instances: int) -> None:
    with psycopg.connect(url) as connection:
        cursor = connection.cursor()
        columns = ", ".join(f'"{name}" text' for name in (*KEYWORDS, "Modality", "source"))
        cursor.execute(f"CREATE TABLE header ({columns}, elements jsonb)".encode())
        with cursor.copy("COPY header FROM STDIN") as copy:
            for number in range(instances):
                made = row(number)
                copy.write_row((*identifiers(number), "CT", made.source, made.elements))
        for keyword in KEYWORDS:
            cursor.execute(f'CREATE INDEX ON header ("{keyword}")'.encode())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE header")


def questions(
    haven: Haven, peer: psycopg.Connection[Any]
) -> Iterator[tuple[str, Callable[[str, str], int]]]:
    """Each case with what it asks; the answer is the number of rows."""
    lookup = Lookup(haven)

    def of_peer(columns: tuple[str, ...]) -> Callable[[str, str], int]:
        chosen = ", ".join(f'"{name}"' for name in columns)

        def ask(keyword: str, value: str) -> int:
            query = f'SELECT {chosen} FROM header WHERE "{keyword}" = %s'
            return len(peer.execute(query.encode(), [value]).fetchall())

        return ask

    yield "imagehaven", lambda keyword, value: len(lookup.find(keyword, value, WANTED))
    yield "PostgreSQL", of_peer(WANTED)
    more = (*WANTED, "elements")
    yield "imagehaven, with elements", lambda keyword, value: len(lookup.find(keyword, value, more))
    yield "PostgreSQL, with elements", of_peer(more)


def measure(haven: Haven, url: str, instances: int, count: int) -> list[list[str]]:
    chance, rows = random.Random(7), []
    with psycopg.connect(url, autocommit=True) as peer:
        cases = dict(questions(haven, peer))
        for place, keyword in enumerate(KEYWORDS):
            times: dict[str, list[float]] = {name: [] for name in cases}
            for turn in range(count + 3):
                value = identifiers(chance.randrange(instances))[place]
                answers = set()
                for name, ask in cases.items():
                    begun = time.perf_counter()
                    answers.add(ask(keyword, value))
                    if turn >= 3:
                        times[name].append(time.perf_counter() - begun)
                assert len(answers) == 1, (keyword, answers)
            for name, seconds in times.items():
                middle = statistics.median(seconds) * 1e3
                late = statistics.quantiles(seconds, n=20)[-1] * 1e3
                rows.append([keyword, str(max(answers)),
                             name, f"{middle:.2f} ms", f"{late:.2f} ms"])  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--embedded", action="store_true", help="SQLite and DuckDB files instead.")
    parser.add_argument("--place", type=Path, help="A folder on a disk with room (about 4 GB).")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=options.place) as temporary,
        postgresql.running() as server,
        server.database() as ours,
        server.database() as peers,
    ):
        place = Path(temporary) / "haven"
        init(place, Settings() if options.embedded else Settings(database=ours))
        haven = Haven.open(place)
        begun = time.perf_counter()
        fill(haven, options.instances)
        print(f"{options.instances:,} rows committed in {time.perf_counter() - begun:.0f} s")
        fill_peer(peers, options.instances)
        heading = ["by", "rows", "case", "median", "95 of 100 within"]
        print(table(heading, measure(haven, peers, options.instances, options.questions)))
        haven.ledger.close()


if __name__ == "__main__":
    main()
