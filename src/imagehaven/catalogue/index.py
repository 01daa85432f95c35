"""The catalogue's index: which keys the lake already holds and where, in the ledger's database.

The lake has no index: to look one UID up it reads a column of every file, so loading would slow
down with every load. This table answers in the same time however much is catalogued. It is derived:
the lake is the truth, and what the index lacks after a kill is read back from the lake
(:func:`catch_up`) before the next commit.

What an entry says: of a source, the fingerprint of its newest content; of an instance, its
fingerprint and its place; of a series, study or patient, the places of its instances. A place is
the load run and the chunk that brought the row, by which the lake's files are sorted.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

import duckdb
from sqlalchemy import Connection, func, literal_column, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from imagehaven.ledger import schema

INSTANCE, SOURCE, QUARANTINE = "instance", "source", "quarantine"
#: A chunk whose rows are in the index with their places; versions before 0.2 wrote "chunk", and
#: what they indexed is read back from the lake once more.
CHUNK: Final = "chunk-placed"

#: The levels above an instance, and the UID that names one there.
HIERARCHY: Final = {
    "series": "SeriesInstanceUID",
    "study": "StudyInstanceUID",
    "patient": "PatientID",
}

#: One known key: (kind, key, what is known of it).
Entry = tuple[str, bytes, bytes]

#: A load run and the number of a chunk in it.
Place = tuple[int, int]

#: Stands behind the places of what has too many of them to keep: the lake has to be asked.
MANY: Final[Place] = (0, 0)

_FINGERPRINT: Final = 16
_PLACE: Final = struct.Struct(">II")
_MOST_PLACES: Final = 256
"""Some archives have one PatientID for everybody: an entry must not grow with the archive."""

_AT_ONCE = 500

_table = schema.catalogue_key


def key_of(*parts: str | int | None) -> bytes:
    """A 16-byte key or fingerprint of some texts; different texts, different keys."""
    text = "\0".join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def written(place: Place) -> bytes:
    """A place as entries hold it: eight bytes."""
    return _PLACE.pack(*place)


def places(kind: str, known: bytes) -> list[Place]:
    """The places in what is known of an instance, a series, a study or a patient."""
    begin = _FINGERPRINT if kind == INSTANCE else 0
    return list(_PLACE.iter_unpack(known[begin:]))


def seen(connection: Connection, kind: str, keys: Collection[bytes]) -> dict[bytes, bytes]:
    """What is known of those ``keys`` that are known."""
    found: dict[bytes, bytes] = {}
    for some in _portions(sorted(set(keys))):
        rows = connection.execute(
            select(_table.c.key, _table.c.fingerprint).where(
                _table.c.kind == kind, _table.c.key.in_(some)
            )
        )
        found.update((bytes(key), bytes(known)) for key, known in rows)
    return found


def fingerprints(connection: Connection, kind: str, keys: Collection[bytes]) -> dict[bytes, bytes]:
    """The fingerprints of those ``keys`` of instances or sources that are known."""
    known = seen(connection, kind, keys)
    return {key: value[:_FINGERPRINT] for key, value in known.items()}


def remember(connection: Connection, entries: Iterable[Entry]) -> None:
    """Add keys. A source gets its newest fingerprint, a level its new places besides those it has;
    any other key keeps what was known first, unless that had no place yet.
    """
    latest: dict[tuple[str, bytes], bytes] = {}
    for kind, key, value in entries:
        known = latest.get((kind, key), b"") if kind in HIERARCHY else b""
        latest[kind, key] = _with_places(known, value) if known else value
    for level in HIERARCHY:
        mine = [key for kind, key in latest if kind == level]
        for key, known in seen(connection, level, mine).items():
            latest[level, key] = _with_places(known, latest[level, key])
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    # Sorted, so that the tree is filled page by page and two writers cannot deadlock.
    rows = [(kind, key, latest[kind, key]) for kind, key in sorted(latest)]
    if not rows:
        return
    statement = dialect.insert(_table).values(kind="", key=b"", fingerprint=b"")
    upsert = statement.on_conflict_do_update(
        index_elements=["kind", "key"],
        set_={"fingerprint": statement.excluded.fingerprint},
        where=or_(
            _table.c.kind == literal_column(f"'{SOURCE}'"),
            func.length(_table.c.fingerprint) < func.length(statement.excluded.fingerprint),
        ),
    )
    # Straight to the driver: SQLAlchemy would convert every value of the many rows on its way.
    compiled = upsert.compile(dialect=connection.dialect)
    if compiled.positional:
        connection.exec_driver_sql(str(compiled), rows)
    else:
        names = ("kind", "key", "fingerprint")
        named = [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(str(compiled), named)


def entries_of_chunk(lake: duckdb.DuckDBPyConnection, run: int, seq: int) -> Iterator[Entry]:
    """The keys that one committed chunk brought, read back from the lake."""
    here = written((run, seq))
    yield CHUNK, key_of(run, seq), b""
    of_chunk = f"load_run = {int(run)} AND load_seq = {int(seq)}"
    instances = lake.table("instance").filter(of_chunk)
    for uid, dataset, syntax in instances.project(
        "SOPInstanceUID, dataset_sha256, TransferSyntaxUID"
    ).fetchall():
        yield INSTANCE, key_of(uid), key_of(dataset, syntax) + here
    sources = lake.table("source").filter(f"{of_chunk} AND replaced_run IS NULL")
    for source, content in sources.project("source, content_sha256").fetchall():
        yield SOURCE, key_of(source), key_of(content)
    for (source,) in lake.table("quarantine").filter(of_chunk).project("source").fetchall():
        yield QUARANTINE, key_of(source), b""
    for table, uid in HIERARCHY.items():
        for (value,) in (
            instances.filter(f'"{uid}" IS NOT NULL').project(f'"{uid}"').distinct().fetchall()
        ):
            yield table, key_of(value), here


def missing_chunks(
    lake: duckdb.DuckDBPyConnection, connection: Connection
) -> list[tuple[int, int]]:
    """Chunks (run, seq) that the lake holds and the index does not."""
    count = select(func.count()).where(_table.c.kind == CHUNK)
    known = int(connection.execute(count).scalar() or 0)
    held = lake.execute("SELECT count(*) FROM load_chunk").fetchone()
    if held is not None and held[0] == known:
        return []
    chunks = lake.execute("SELECT load_run, load_seq FROM load_chunk ORDER BY ALL").fetchall()
    keys = {key_of(run, seq): (run, seq) for run, seq in chunks}
    indexed = seen(connection, CHUNK, keys)
    return [chunk for key, chunk in keys.items() if key not in indexed]


def catch_up(lake: duckdb.DuckDBPyConnection, connection: Connection) -> None:
    """Bring the index up to what the lake holds; nearly always there is nothing to do."""
    for run, seq in missing_chunks(lake, connection):
        remember(connection, entries_of_chunk(lake, run, seq))


def _with_places(known: bytes, more: bytes) -> bytes:
    have = dict.fromkeys(_PLACE.iter_unpack(known))
    if MANY in have:
        return known
    both = list(have | dict.fromkeys(_PLACE.iter_unpack(more)))
    if len(both) > _MOST_PLACES:
        both = [*both[:_MOST_PLACES], MANY]
    return b"".join(map(written, both))


def _portions(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
