"""Write the mapping from originals to pseudonyms: the one file that undoes a de-identification."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from imagehaven.errors import UserError


def write_mapping(path: Path, pairs: Iterable[tuple[str, str, str]]) -> None:
    """Write ``kind,original,pseudonym`` as CSV, sorted, whole or not at all, for its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("kind", "original", "pseudonym"))
            writer.writerows(sorted(pairs))
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UserError(f"The mapping {path} cannot be written: {error.strerror}.") from error
