"""Codelists: lists of codes in CSV files that lie beside a definition."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from imagehaven.cohort.errors import DefinitionError

MAX_CODES = 1_000_000


@dataclass
class Folder:
    """The only folder that codelists are read from; set when a definition is evaluated."""

    path: Path | None = None


FOLDER = Folder()


def codelist_from_csv(name: str, *, column: str) -> list[str]:
    """The values of one column of a CSV file (UTF-8, with a header) beside the definition.

    Empty cells are left out, spaces round a code are dropped, and each code comes once, in the
    file's order. Raises DefinitionError when the file, the column or any code is not there.
    """
    folder = FOLDER.path
    if folder is None:
        raise DefinitionError("codelists are read only where a definition file is evaluated")
    if not isinstance(name, str) or "\x00" in name:
        raise DefinitionError("codelist_from_csv takes a file name in quotes")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or path.suffix.lower() != ".csv":
        raise DefinitionError(
            f"codelist {name!r}: a codelist is a .csv file in the definition's own folder"
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if column not in (reader.fieldnames or ()):
                known = ", ".join(reader.fieldnames or ()) or "none"
                raise DefinitionError(f"codelist {name!r} has no column {column!r}; it has {known}")
            codes = list(dict.fromkeys(filter(None, ((r[column] or "").strip() for r in reader))))
    except FileNotFoundError as error:
        raise DefinitionError(f"there is no codelist {name!r} beside the definition") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DefinitionError(f"codelist {name!r} is not a readable UTF-8 CSV file") from error
    if not 0 < len(codes) <= MAX_CODES:
        raise DefinitionError(f"codelist {name!r} holds no code, or more than {MAX_CODES:,}")
    return codes
