"""The manifest: every file of a release with its SHA-256, and the terms that it was made on.

It is JSON with sorted keys and one line for each file, so that a million files can be written and
read without holding them. Only the section ``record`` differs when a release is made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from imagehaven.errors import UserError
from imagehaven.release.folder import layout

FORMAT: Final = "imagehaven-release/1"
_BLOCK: Final = 2**20


@dataclass(frozen=True)
class Entry:
    """One file: its path below the folder, its SHA-256 in hex, its size in bytes."""

    path: str
    sha256: str
    bytes: int


def entry(folder: Path, path: str) -> Entry:
    """Read a file of the folder and say what it is."""
    digest, size = hashlib.sha256(), 0
    with (folder / path).open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return Entry(path, digest.hexdigest(), size)


def write(folder: Path, sections: dict[str, Any], files: Iterable[Entry]) -> str:
    """Write ``manifest.json`` and ``SHA256SUMS``; returns the manifest's own SHA-256.

    ``sections`` are the manifest's other keys; ``files`` come sorted by path. Both files are
    drafts until they are whole.
    """
    place = folder / layout.PARTIAL
    manifest, sums = place / layout.MANIFEST, place / layout.SUMS
    with manifest.open("w", encoding="utf-8") as text, sums.open("w", encoding="utf-8") as lines:
        _write_json(text, {"format": FORMAT, **sections}, files, lines)
    digest = entry(folder, f"{layout.PARTIAL}/{layout.MANIFEST}").sha256
    with sums.open("a", encoding="utf-8") as lines:
        lines.write(f"{digest}  {layout.MANIFEST}\n")
    sums.replace(folder / layout.SUMS)
    manifest.replace(folder / layout.MANIFEST)
    return digest


def sections(folder: Path) -> dict[str, Any]:
    """Everything in the manifest but its files; raises UserError where it cannot be read."""
    head: list[str] = []
    with _opened(folder) as lines:
        inside = False
        for line in lines:
            if inside:
                inside = line.startswith("{")
            if not inside:
                head.append(line)
                inside = line == '"files":[\n'
    try:
        found = dict(json.loads("".join(head)))
    except ValueError as error:
        raise _damaged(folder) from error
    del found["files"]
    return found


def entries(folder: Path) -> Iterator[Entry]:
    """The files that the manifest names, in its order; raises UserError where it is damaged."""
    with _opened(folder) as lines:
        inside = False
        for line in lines:
            if inside and not line.startswith("{"):
                return
            if inside:
                try:
                    yield Entry(**json.loads(line.rstrip(",\n")))
                except (ValueError, TypeError) as error:
                    raise _damaged(folder) from error
            inside = inside or line == '"files":[\n'
    raise _damaged(folder)


def label(folder: Path) -> str | None:
    """The name of the release in ``folder``; None when it has no readable manifest."""
    try:
        return str(sections(folder)["release"])
    except (UserError, KeyError):
        return None


def verify_manifest(folder: Path) -> list[str]:
    """Compare a release folder with its manifest, byte by byte; returns what does not fit.

    An empty list says that exactly the files of the manifest are there, unaltered. Raises
    UserError when the folder has no readable manifest.
    """
    problems = []
    named = {layout.MANIFEST, layout.SUMS}
    for wanted in entries(folder):
        named.add(wanted.path)
        try:
            found = entry(folder, wanted.path)
        except OSError:
            problems.append(f"{wanted.path} is missing or cannot be read")
            continue
        if found != wanted:
            problems.append(f"{wanted.path} was altered")
    problems += [f"{path} is not part of the release" for path in layout.every_file(folder)
                 if path not in named]  # fmt: skip
    return sorted(problems)


def _write_json(text: TextIO, parts: dict[str, Any], files: Iterable[Entry], sums: TextIO) -> None:
    text.write("{\n")
    for number, key in enumerate(sorted([*parts, "files"])):
        text.write(",\n" if number else "")
        if key != "files":
            text.write(f"{_json(key)}:{_json(parts[key])}")
            continue
        text.write('"files":[\n')
        for count, file in enumerate(files):
            text.write(",\n" if count else "")
            text.write(_json({"bytes": file.bytes, "path": file.path, "sha256": file.sha256}))
            sums.write(f"{file.sha256}  {file.path}\n")
        text.write("\n]")
    text.write("\n}\n")


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _opened(folder: Path) -> TextIO:
    try:
        return (folder / layout.MANIFEST).open(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{folder} is not a finished release: {layout.MANIFEST} cannot be read "
            f"({error.strerror}). `imagehaven release` finishes one that was stopped."
        ) from error


def _damaged(folder: Path) -> UserError:
    return UserError(
        f"{folder / layout.MANIFEST} is damaged. `imagehaven rerun RELEASE --to DIR` makes the "
        "release again in another folder."
    )
