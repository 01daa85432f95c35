"""Commits chunks to the lake: each of their rows into the one table that it belongs to.

Everything of a chunk, its row in ``load_chunk`` included, is in one lake commit; a chunk that has
such a row is never applied again, so a kill at any moment neither loses nor doubles a row. A commit
costs the same for one chunk as for ten, so that several go together.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import duckdb
import pyarrow as pa

from imagehaven.catalogue import index
from imagehaven.catalogue.declared import declared, promoted_keywords
from imagehaven.catalogue.index import key_of
from imagehaven.catalogue.loading.judge import Candidate, Seen, State, judge
from imagehaven.catalogue.loading.rows import Row
from imagehaven.catalogue.one_writer import one_committer
from imagehaven.catalogue.tables import columns
from imagehaven.catalogue.typed import typed
from imagehaven.errors import TransientError
from imagehaven.haven import Haven

_ATTEMPTS: Final = 5
_NUMBERS: Final = ("size", "archives", "pixel_offset", "pixel_length")
#: States that bring a row of the source table.
_STORED: Final = ("catalogued", "duplicate", "conflicting")


#: A chunk that was worked: its number in the load run, and its rows.
Worked = tuple[int, Sequence[Row]]


def commit_chunks(haven: Haven, run_id: int, chunks: Sequence[Worked]) -> None:
    """Store the rows of some chunks of a run and mark them done.

    Raises TransientError when other writers keep the lake busy or a store is out of reach.
    """
    with one_committer(haven):
        counts, entries = _stored(haven, run_id, chunks)
        with haven.ledger.begin() as connection:
            index.remember(connection, entries)
            for seq, count in counts.items():
                haven.ledger.runs.chunk_done(connection, run_id, seq, count)


def _stored(
    haven: Haven, run_id: int, chunks: Sequence[Worked]
) -> tuple[dict[int, dict[str, Any]], list[index.Entry]]:
    """The counts of each chunk, and what the index has yet to learn."""
    for attempt in range(_ATTEMPTS):
        try:
            with haven.lake.transaction() as lake:
                with haven.ledger.begin() as connection:
                    index.catch_up(lake, connection)
                done = _applied(lake, run_id, [seq for seq, _ in chunks])
                fresh = [chunk for chunk in chunks if chunk[0] not in done]
                counts, entries = _apply(haven, lake, run_id, fresh) if fresh else ({}, [])
                return done | counts, entries
        except duckdb.TransactionException:
            # Another verb (a view, a linked table) committed first: the same again on top of it.
            time.sleep(0.1 * 2**attempt)
    raise TransientError(
        f"Chunk {chunks[0][0]} of load run {run_id} could not be committed: other writers were "
        f"first {_ATTEMPTS} times. Nothing is lost; repeat the command."
    )


def _applied(
    lake: duckdb.DuckDBPyConnection, run_id: int, seqs: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """The counts of those chunks that the lake holds already."""
    found = lake.execute(
        "SELECT * EXCLUDE (load_run) FROM load_chunk "
        "WHERE load_run = ? AND load_seq IN (SELECT unnest(?))",
        [run_id, list(seqs)],
    )
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {row.pop("load_seq"): row | {"reasons": json.loads(row["reasons"])} for row in rows}


def _apply(
    haven: Haven, lake: duckdb.DuckDBPyConnection, run_id: int, chunks: Sequence[Worked]
) -> tuple[dict[int, dict[str, Any]], list[index.Entry]]:
    seqs = [seq for seq, rows in chunks for _ in rows]
    rows = [row for _, rows_of_chunk in chunks for row in rows_of_chunk]
    candidates = [_candidate(row) for row in rows]
    with haven.ledger.begin() as connection:
        seen = _seen(connection, candidates)
        once_bad = index.seen(connection, index.QUARANTINE, [c.source for c in candidates])
        states = judge(candidates, seen)
        places = [index.written((run_id, seq)) for seq in seqs]
        new, entries = _levels(connection, rows, states, places)
    lake.register("incoming", _table(run_id, seqs, rows, states, new))
    pairs = list(zip(rows, candidates, strict=True))
    _retire(
        lake,
        run_id,
        [
            row.source
            for (row, candidate), state in zip(pairs, states, strict=True)
            if state in _STORED and candidate.source in seen.source
        ],
    )
    _store_read(lake, states)
    bad = [row.source for row, candidate in pairs if candidate.source in once_bad]
    _store_quarantined(lake, states, bad)
    counts = _store_counts(lake, run_id, chunks, states)
    entries += [(index.CHUNK, key_of(run_id, seq), b"") for seq in counts]
    return counts, [*entries, *_entries(candidates, states, places)]


def _store_counts(
    lake: duckdb.DuckDBPyConnection,
    run_id: int,
    chunks: Sequence[Worked],
    states: Sequence[State],
) -> dict[int, dict[str, Any]]:
    counts: dict[int, dict[str, Any]] = {}
    start = 0
    for seq, rows in chunks:
        counts[seq] = _counts(rows, states[start : start + len(rows)])
        start += len(rows)
        texts = (json.dumps(v) if k == "reasons" else v for k, v in counts[seq].items())
        values = [run_id, seq, *texts]
        marks = ", ".join("?" * len(values))
        lake.execute(f"INSERT INTO load_chunk VALUES ({marks})", values)  # noqa: S608 - only marks
    return counts


def _candidate(row: Row) -> Candidate:
    if row.kind != "read":
        return Candidate(row.kind, b"", b"", key_of(row.source), b"")
    return Candidate(
        row.kind,
        key_of(row.values[0]),  # the first promoted keyword is SOPInstanceUID
        key_of(row.dataset_sha256, row.transfer_syntax),
        key_of(row.source),
        key_of(row.content_sha256),
    )


def _seen(connection: Any, candidates: Sequence[Candidate]) -> Seen:
    read = [candidate for candidate in candidates if candidate.kind == "read"]
    return Seen(
        index.fingerprints(connection, index.INSTANCE, [candidate.instance for candidate in read]),
        index.fingerprints(connection, index.SOURCE, [candidate.source for candidate in read]),
    )


def _levels(
    connection: Any, rows: Sequence[Row], states: Sequence[State], places: Sequence[bytes]
) -> tuple[dict[str, list[bool]], list[index.Entry]]:
    """For each level, which row brings a series, study or patient that the lake does not hold.

    The entries say in which chunks each of them has instances.
    """
    new: dict[str, list[bool]] = {}
    entries: dict[index.Entry, None] = {}
    for table, uid in index.HIERARCHY.items():
        place = promoted_keywords().index(uid)
        values = [
            row.values[place] if state == "catalogued" else None
            for row, state in zip(rows, states, strict=True)
        ]
        keys = [key_of(value) if value else b"" for value in values]
        known = set(index.seen(connection, table, [key for key in keys if key]))
        new[table] = []
        for key, where in zip(keys, places, strict=True):
            new[table].append(bool(key) and key not in known)
            known.add(key)
            if key:
                entries[table, key, where] = None
    return new, list(entries)


def _table(
    run_id: int,
    seqs: Sequence[int],
    rows: Sequence[Row],
    states: Sequence[State],
    new: dict[str, list[bool]],
) -> pa.Table:
    data: dict[str, Any] = {}
    for place, name in enumerate(Row._fields):
        if name != "values":
            kind = pa.int64() if name in _NUMBERS else pa.string()
            data[name] = pa.array([row[place] for row in rows], kind)
    data["TransferSyntaxUID"] = data.pop("transfer_syntax")
    for place, keyword in enumerate(promoted_keywords()):
        values = [row.values[place] if row.values else None for row in rows]
        data[keyword] = pa.array(values, pa.string())
    data |= {f"new_{table}": pa.array(flags, pa.bool_()) for table, flags in new.items()}
    count = len(rows)
    data["n"] = pa.array(range(count), pa.int32())
    data["state"] = pa.array(states, pa.string())
    data["load_run"] = pa.array([run_id] * count, pa.int32())
    data["load_seq"] = pa.array(seqs, pa.int32())
    return pa.table(data)


def _store_read(lake: duckdb.DuckDBPyConnection, states: Sequence[State]) -> None:
    have = set(states)
    if "catalogued" in have:
        _insert(lake, "instance", "state = 'catalogued'")
        for table in index.HIERARCHY:
            _insert(lake, table, f"new_{table}")
    if have & set(_STORED):
        _insert(lake, "source", f"state IN {_STORED}")
    if "conflicting" in have:
        _insert(lake, "conflict", "state = 'conflicting'")
    if "container" in have:
        _insert(lake, "container", "state = 'container'")


def _insert(lake: duckdb.DuckDBPyConnection, table: str, where: str) -> None:
    kinds = {column.keyword: column.type for column in declared().get(table, ())}
    chosen = ", ".join(
        f'{_typed(name, kinds.get(name, "text"))} AS "{name}"'
        for name in columns(table)
        if name != "replaced_run"
    )
    query = f'INSERT INTO "{table}" BY NAME SELECT {chosen} FROM incoming '  # noqa: S608 - our words
    lake.execute(f"{query} WHERE {where} ORDER BY n")


def _typed(name: str, kind: str) -> str:
    """A promoted text as its column's type: text whole, anything else by its first value."""
    return f'"{name}"' if kind == "text" else typed(f"split_part(\"{name}\", '\\', 1)", kind)


def _retire(lake: duckdb.DuckDBPyConnection, run_id: int, sources: list[str]) -> None:
    """Mark the rows of sources whose content changed: they are history now."""
    if not sources:
        return
    lake.execute(
        "UPDATE source SET replaced_run = ? "
        "WHERE replaced_run IS NULL AND source IN (SELECT unnest(?))",
        [run_id, sources],
    )


def _store_quarantined(
    lake: duckdb.DuckDBPyConnection, states: Sequence[State], once_bad: list[str]
) -> None:
    """Put bad sources into the quarantine, and take those out that are good now."""
    if not once_bad and "quarantined" not in states:
        return
    lake.execute(
        "CREATE OR REPLACE TEMP TABLE earlier AS SELECT source, attempts, load_run, load_seq "
        "FROM quarantine WHERE source IN (SELECT unnest(?::VARCHAR[]))",
        [once_bad],
    )
    lake.execute("DELETE FROM quarantine WHERE source IN (SELECT source FROM earlier)")
    lake.execute(
        """INSERT INTO quarantine BY NAME
        SELECT incoming.source, reason, detail, size, coalesce(earlier.attempts, 0) + 1 AS attempts,
            coalesce(earlier.load_run, incoming.load_run) AS load_run,
            coalesce(earlier.load_seq, incoming.load_seq) AS load_seq,
            incoming.load_run AS last_run, path, members
        FROM incoming LEFT JOIN earlier USING (source)
        WHERE state = 'quarantined' ORDER BY n"""
    )


def _counts(rows: Sequence[Row], states: Sequence[State]) -> dict[str, Any]:
    counted = Counter(states)
    reasons = Counter(row.reason for row in rows if row.kind == "quarantined")
    return {
        "items": len(rows),
        "found": len(rows) - counted["container"],
        "catalogued": counted["catalogued"],
        "duplicate": counted["duplicate"] + counted["unchanged"],
        "unchanged": counted["unchanged"],
        "conflicting": counted["conflicting"],
        "quarantined": counted["quarantined"],
        "containers": sum(row.archives for row in rows),
        "reasons": {str(reason): reasons[reason] for reason in sorted(reasons, key=str)},
    }


def _entries(
    candidates: Sequence[Candidate], states: Sequence[State], places: Sequence[bytes]
) -> list[index.Entry]:
    entries: list[index.Entry] = []
    for candidate, state, place in zip(candidates, states, places, strict=True):
        if state == "catalogued":
            entries.append((index.INSTANCE, candidate.instance, candidate.fingerprint + place))
        if state in _STORED:
            entries.append((index.SOURCE, candidate.source, candidate.content))
        if state == "quarantined":
            entries.append((index.QUARANTINE, candidate.source, b""))
    return entries
