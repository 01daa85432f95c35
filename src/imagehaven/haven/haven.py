"""The haven itself: makes and opens the folder, its keys and its stores."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from imagehaven.haven import keys, settings
from imagehaven.haven.keys import Keyring
from imagehaven.haven.lake import Lake, open_lake
from imagehaven.haven.settings import Settings
from imagehaven.ledger import Ledger


@dataclass(frozen=True)
class Haven:
    """One haven, open. It can be pickled: another process opens its own connections."""

    folder: Path
    settings: Settings
    keyring: Keyring
    lake: Lake
    ledger: Ledger

    @classmethod
    def create(cls, folder: Path, options: Settings | None = None) -> Haven:
        """Make a haven in ``folder``, or bring an existing one to this version's schemas.

        A folder that is a haven already keeps its settings and keys. Raises UserError when a store
        cannot be used.
        """
        folder = Path(folder).absolute()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / settings.FILE).exists():
            settings.write(folder, options or Settings(name=folder.name))
        (folder / "lake").mkdir(exist_ok=True)
        (folder / "temporary").mkdir(exist_ok=True)
        keys.create(folder / "keys" / "master.key")
        haven = cls.open(folder)
        haven.ledger.migrate()
        with haven.lake.connect():
            pass  # the first connection makes the catalog, which a reader could not
        return haven

    @classmethod
    def open(cls, folder: Path | str | None = None) -> Haven:
        """Open the haven in ``folder`` (else IMAGEHAVEN_HOME); raises UserError when none is."""
        root = settings.home(Path(folder) if folder is not None else None)
        options = settings.read(root)
        keyring = keys.read(root / "keys" / "master.key")
        url = options.secret(options.database) or f"sqlite:///{root / 'ledger.sqlite'}"
        ledger = Ledger(url, audit_key=keyring.derive("audit"), actor=settings.actor())
        return cls(root, options, keyring, open_lake(root, options), ledger)

    def sql(
        self, query: str, parameters: Sequence[Any] | None = None, *, snapshot: int | None = None
    ) -> pa.Table:
        """Answer a query on the lake as an Arrow table (``.to_pandas()``, ``polars.from_arrow``).

        >>> haven.sql("SELECT Modality, count(*) AS n FROM series GROUP BY ALL")  # doctest: +SKIP
        """
        return self.lake.sql(query, parameters, snapshot=snapshot)

    @functools.cached_property
    def drafts(self) -> Path:
        """Where workers put files that are not yet part of anything."""
        place = self.folder / "temporary"
        place.mkdir(exist_ok=True)
        return place
