"""Finds the instances of one identifier: the index says where they are, one file is read.

The lake by itself answers such a question in a time that grows with the catalogue, because random
UIDs spread over every file. The index in the ledger's database names the chunks that hold them; of
these, the one or two files are read without asking the lake's catalog again.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

import duckdb
from sqlalchemy import Connection

from imagehaven.catalogue import index
from imagehaven.catalogue.declared import LINKS
from imagehaven.catalogue.index import INSTANCE, Place
from imagehaven.catalogue.lookup.files import File, files_now, files_of
from imagehaven.catalogue.tables import columns
from imagehaven.errors import UserError
from imagehaven.haven import Haven

#: The index's word for each identifier.
_KINDS: Final = {"SOPInstanceUID": INSTANCE} | {uid: kind for kind, uid in index.HIERARCHY.items()}

#: What a row tells unless other columns are asked for: all but the JSON.
_USUAL: Final = tuple(name for name in columns("instance") if name not in ("meta", "elements"))


class Lookup:
    """Looks instances up by SOPInstanceUID, SeriesInstanceUID, StudyInstanceUID or PatientID.

    Keep one open where many questions come, and use it in one thread. It holds no lock: others may
    load meanwhile, and what they have committed is found.
    """

    def __init__(self, haven: Haven) -> None:
        self._haven = haven
        self._files: list[File] = []
        self._database: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Lookup:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the reader; the next question makes a new one."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def find(
        self, keyword: str, value: str, wanted: Sequence[str] = _USUAL
    ) -> list[dict[str, Any]]:
        """The rows of the table ``instance`` in which ``keyword`` has this value.

        ``wanted`` names the columns of the answer. Raises UserError for a keyword or column that
        cannot be asked for, TransientError where a store is out of reach.
        """
        if keyword not in _KINDS:
            raise UserError(
                f"Nothing is looked up by {keyword!r}. Valid choices: {', '.join(LINKS)}."
            )
        unknown = sorted(set(wanted) - set(columns("instance")))
        if unknown:
            raise UserError(
                f"The table instance has no column {unknown[0]!r}. "
                f"Valid choices: {', '.join(columns('instance'))}."
            )
        with self._haven.ledger.begin() as connection:
            known = _known(connection, keyword, value)
        if known is None:
            return []
        kind = _KINDS[keyword]
        places = index.places(kind, known)
        if index.MANY in places:
            return self._ask(keyword, value, wanted)
        for _ in range(2):
            rows = self._read(places, keyword, value, wanted) if places else None
            if rows is not None:
                return rows
            self._look()  # what was committed or merged since
        return self._ask(keyword, value, wanted)

    def _read(
        self, places: Sequence[Place], keyword: str, value: str, wanted: Sequence[str]
    ) -> list[dict[str, Any]] | None:
        """The rows out of the files; None unless every chunk that the index names gave some."""
        files = files_of(self._files, places)
        if not files:
            return None
        chosen = ", ".join(f'"{name}"' for name in wanted)
        runs, seqs = (sorted(set(numbers)) for numbers in zip(*places, strict=True))
        query = (
            f"SELECT load_run, load_seq, {chosen} FROM read_parquet($1) "  # noqa: S608 - our names
            f"WHERE load_run IN ({_numbers(runs)}) AND load_seq IN ({_numbers(seqs)}) "
            f'AND "{keyword}" = $2'
        )
        if self._database is None:
            self._database = self._haven.lake.reader()
        try:
            found = self._database.execute(query, [[file.path for file in files], value])
            names = ["load_run", "load_seq", *wanted]
            rows = found.fetchall()
        except (duckdb.IOException, duckdb.HTTPException, duckdb.BinderException):
            # Merged away long ago, or written before a column was declared: the lake knows.
            return None
        if {row[:2] for row in rows} != set(places):
            return None
        return [dict(zip(names[2:], row[2:], strict=True)) for row in rows]

    def _look(self) -> None:
        with self._haven.lake.connect(read_only=True) as lake:
            self._files = files_now(lake)

    def _ask(self, keyword: str, value: str, wanted: Sequence[str]) -> list[dict[str, Any]]:
        """The lake's own answer: slower, and always whole."""
        chosen = ", ".join(f'"{name}"' for name in wanted)
        with self._haven.lake.connect(read_only=True) as lake:
            query = f'SELECT {chosen} FROM instance WHERE "{keyword}" = ?'  # noqa: S608 - our names
            rows = lake.execute(query, [value]).fetchall()
        return [dict(zip(wanted, row, strict=True)) for row in rows]


def _known(connection: Connection, keyword: str, value: str) -> bytes | None:
    key = index.key_of(value)
    return index.seen(connection, _KINDS[keyword], [key]).get(key)


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers)
