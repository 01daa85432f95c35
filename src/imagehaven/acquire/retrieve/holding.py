"""What is here already: objects in spools by their names, instances in the catalogue's index."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import select

from imagehaven.acquire.receive import filing
from imagehaven.ledger import Ledger, schema

_NAME: Final = re.compile(r"(.+)-[0-9a-f]{32}" + re.escape(filing.SUFFIX))
_AT_ONCE: Final = 500
#: How the catalogue's index names an instance: see :mod:`imagehaven.catalogue.index`, which is
#: further up the road; a test holds the two together.
_INSTANCE: Final = "instance"


class Holdings:
    """Looks instances up by UID. Nothing is kept: the folders and the index are the truth."""

    def __init__(self, ledger: Ledger, spools: Sequence[Path]) -> None:
        self._ledger = ledger
        self._spools = tuple(dict.fromkeys(spools))

    def of(self, study: str, uids: Collection[str]) -> set[str]:
        """Those of the instances that lie in a spool or are catalogued."""
        wanted = {filing.stem(uid): uid for uid in uids}
        here: set[str] = set()
        # An object whose head does not show its study lies in a folder for all such.
        for folder in (filing.hashed(study.encode()), filing.NO_STUDY):
            if len(here) < len(wanted):
                here |= {wanted[stem] for stem in self._stems(folder) if stem in wanted}
        return here | self._catalogued([uid for uid in wanted.values() if uid not in here])

    def count(self, study: str) -> int:
        """How many instances of a study lie in spools, listed by anybody or not."""
        return len(set(self._stems(filing.hashed(study.encode()))))

    @staticmethod
    def paths(spool: Path, study: str) -> Iterator[Path]:
        """The objects of a study in one spool."""
        for day in _entries(spool / "incoming"):
            for entry in _entries(Path(day.path) / filing.hashed(study.encode())):
                yield Path(entry.path)

    def _stems(self, folder: str) -> Iterator[str]:
        for spool in self._spools:
            for day in _entries(spool / "incoming"):
                for entry in _entries(Path(day.path) / folder):
                    named = _NAME.fullmatch(entry.name)
                    if named:
                        yield named[1]

    def _catalogued(self, uids: Sequence[str]) -> set[str]:
        keys = {hashlib.sha256(uid.encode()).digest()[:16]: uid for uid in uids}
        table = schema.catalogue_key
        found: set[str] = set()
        ordered = sorted(keys)
        with self._ledger.begin() as connection:
            for start in range(0, len(ordered), _AT_ONCE):
                some = ordered[start : start + _AT_ONCE]
                rows = connection.execute(
                    select(table.c.key).where(table.c.kind == _INSTANCE, table.c.key.in_(some))
                )
                found |= {keys[bytes(row[0])] for row in rows}
        return found


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            yield from listing
    except (FileNotFoundError, NotADirectoryError):
        return
