"""Writes every generated page of the documentation; with ``--check``, only compares.

Each page is a function that returns its text: the code is the source, and a page that does not
agree with it fails `make check`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import cli_reference
import cohort_language
import confidentiality_table
import rules_reference
import settings_reference
import tables_reference
import where_is_it

REFERENCE = Path(__file__).resolve().parents[1] / "reference"

PAGES = {
    "cli.md": cli_reference.page,
    "cohort-language.md": cohort_language.page,
    "confidentiality-table.md": confidentiality_table.page,
    "rules.md": rules_reference.page,
    "settings.md": settings_reference.page,
    "tables.md": tables_reference.page,
    "where-is-it.md": where_is_it.page,
}


def stale() -> list[str]:
    """The names of the pages that differ from what the code says now."""
    return [
        name
        for name, page in PAGES.items()
        if not (REFERENCE / name).is_file()
        or (REFERENCE / name).read_text(encoding="utf-8") != page()
    ]


def main() -> int:
    """Write the pages, or say which are stale; returns the exit code."""
    if "--check" in sys.argv:
        old = stale()
        if old:
            print(f"stale: {', '.join(old)} in docs/reference; `make generate` writes them anew")
        return 1 if old else 0
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
