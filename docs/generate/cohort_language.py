"""Write docs/reference/cohort-language.md from the specification of the language.

The specification is the YAML files in tests/spec/cohort/language: a file is a chapter, a section a
small table in, what is written, and what comes out. The same files are run as tests.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = ROOT / "tests" / "spec" / "cohort" / "language"
PAGE = ROOT / "docs" / "reference" / "cohort-language.md"

INTRODUCTION = """\
# The cohort language

<!-- Written by docs/generate/cohort_language.py from tests/spec/cohort/language. -->

A cohort is a short Python file. It is evaluated in a sandbox that sees no data; what it describes
is checked against the catalogue's columns and then run as one query. Every example below is run by
the tests, in SQL and by a naive reference engine, and both must give the result that is shown.

```python
{example}```

`imagehaven cohort check FILE` says what is wrong with it, by line. `imagehaven cohort run FILE
--project P` runs it and keeps the result as an immutable version. The cohort is named after the
file unless it says `cohort(..., name="...")`; either name has letters, digits, hyphens and
underscores. The text at the top of the file is its description.

**Missing values.** A condition is true or false, never unknown. Any comparison with a missing value
is false, `!=` too; `~` turns false into true. Empty text counts as missing.

**Codes.** `codelist_from_csv("codes.csv", column="code")` reads a column of a CSV file that lies
beside the definition; give it to `.is_in(...)`.

**What a definition may not do.** It may import from `imagehaven.cohort`, `datetime` and `math`. It
may not use other modules, classes, `try`, names that begin with an underscore, files, or the
network, and has 10 seconds and 512 MiB.
"""


def chapters() -> list[dict[str, Any]]:
    """The specification, in the order of its files' names."""
    return [
        yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in sorted(SPECIFICATION.glob("*.yaml"))
    ]


def parse_table(text: str) -> list[dict[str, Any]]:
    """Rows of a table written with bars; ``-`` is a missing value."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [
        {name: None if cell == "-" else cell for name, cell in zip(lines[0], line, strict=True)}
        for line in lines[1:]
    ]


def typed(value: Any, kind: str) -> Any:
    """A cell as a Python value of a DuckDB type."""
    if value is None or not isinstance(value, str):
        return value
    match kind:
        case "DATE":
            return dt.date.fromisoformat(value)
        case "DOUBLE":
            return float(value)
        case "BOOLEAN":
            return value == "true"
    return value


def stored(value: Any) -> Any:
    """A Python value as a table stores it: elements are JSON text."""
    return json.dumps(value) if isinstance(value, dict) else value


def page() -> str:
    """The whole reference page."""
    example = ROOT / "src" / "imagehaven" / "cohort" / "examples" / "ct_chest_contrast_smokers.py"
    parts = [INTRODUCTION.format(example=example.read_text(encoding="utf-8"))]
    for chapter in chapters():
        parts += [f"## {chapter['title']}\n", chapter["about"]]
        for name, text in chapter["tables"].items():
            parts += [f"`{name}`\n", _markdown(text)]
        parts += [_section(section) for section in chapter["sections"]]
    return "\n".join(parts).rstrip("\n") + "\n"


def _section(section: dict[str, Any]) -> str:
    lines = [f"### {section['title']}\n"]
    if "about" in section:
        lines.append(section["about"].rstrip("\n") + "\n")
    lines.append(f"```python\n{section['write'].rstrip()}\n```\n")
    if "error" in section:
        lines.append(f"Refused: *… {section['error']} …*\n")
    else:
        found = ", ".join(f"`{row}`" for row in section["result"].split())
        lines.append(f"Result: {found or 'nothing'}\n")
    if "attrition" in section:
        lines.append(_markdown(section["attrition"]))
    return "\n".join(lines)


def _markdown(text: str) -> str:
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    table = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in table) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
