"""The haven itself: makes and opens the folder, its keys and its stores."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from imagehaven.errors import UserError
from imagehaven.haven import keys, settings
from imagehaven.haven.keys import Keyring
from imagehaven.haven.lake import Lake, open_lake
from imagehaven.haven.settings import Settings
from imagehaven.ledger import Ledger

_LEDGER = "ledger.sqlite"


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

        A folder that is a haven already keeps its settings and keys. The settings file is written
        last: a folder without one is no haven, and a failed call may be repeated. Raises UserError
        when the folder or a store cannot be used, or when the master key of a haven is missing.
        """
        folder = Path(folder).absolute()
        if (folder / settings.FILE).exists():
            haven = cls._opened(folder, settings.read(folder))
            haven._make_stores()
            return haven
        options = options or Settings(name=folder.name)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            keys.create(folder / "keys" / "master.key")
            haven = cls._opened(folder, options)
            haven._make_stores()
            settings.write(folder, options)
        except OSError as error:
            raise UserError(
                f"A haven cannot be made in {folder}: {error.strerror}. Choose a folder that this "
                "user may write to, on a disk with room."
            ) from error
        return haven

    @classmethod
    def open(cls, folder: Path | str | None = None) -> Haven:
        """Open the haven in ``folder`` (else IMAGEHAVEN_HOME); raises UserError when none is."""
        root = settings.home(Path(folder) if folder is not None else None)
        haven = cls._opened(root, settings.read(root))
        if not haven.settings.database and not (root / _LEDGER).is_file():
            raise UserError(
                f"{root / _LEDGER} is missing: the haven has lost its audit trail, its projects "
                "and its vault. Restore the file from its backup."
            )
        return haven

    @classmethod
    def _opened(cls, folder: Path, options: Settings) -> Haven:
        keyring = keys.read(folder / "keys" / "master.key")
        url = options.secret(options.database) or f"sqlite:///{folder / _LEDGER}"
        ledger = Ledger(url, audit_key=keyring.derive("audit"), actor=settings.actor())
        return cls(folder, options, keyring, open_lake(folder, options), ledger)

    def _make_stores(self) -> None:
        (self.folder / "lake").mkdir(exist_ok=True)
        (self.folder / "temporary").mkdir(exist_ok=True)
        self.ledger.migrate()
        self.lake.make()

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
