"""The settings of a haven: one TOML file, read here and nowhere else.

Each setting is declared once, below, with its default and a docstring that the file carries as a
comment. A value may be written as ``env:NAME`` to keep a secret out of the file.
"""

from __future__ import annotations

import ast
import getpass
import inspect
import json
import os
import textwrap
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from imagehaven.errors import UserError

FILE = "haven.toml"
HOME = "IMAGEHAVEN_HOME"


@dataclass(frozen=True)
class Settings:
    """What a haven is told about its surroundings."""

    name: str = "haven"
    """What people call this haven."""

    database: str = ""
    """Where the catalog and the ledger live: empty for files in the haven's folder, or a
    postgresql://user:password@host:port/name URL."""

    objects: str = ""
    """Where the lake's Parquet files live: empty for the folder `lake` in the haven, or an
    s3://bucket/prefix URL."""

    s3_endpoint: str = ""
    """Host and port of an S3 service other than AWS, such as 127.0.0.1:9000."""

    s3_region: str = "us-east-1"
    """The S3 region."""

    s3_key_id: str = "env:AWS_ACCESS_KEY_ID"
    """The S3 access key's id."""

    s3_secret: str = "env:AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
    """The S3 access key's secret."""

    s3_tls: bool = True
    """Whether the S3 service speaks TLS."""

    workers: int = 0
    """Worker processes of the pool engine; 0 means one for each processor."""

    chunk_items: int = 500
    """Files in one chunk of work."""

    commit_items: int = 4000
    """Files whose rows go into one commit of the catalogue; a killed run works at most so many
    again."""

    compiled: bool = True
    """Whether the compiled core reads and writes what it can; without it pydicom does, with the
    same result, more slowly."""

    memory: str = "4GB"
    """The most memory that the lake's queries may take in one process."""

    lock_wait: int = 60
    """Seconds to wait for another process that has the embedded lake open."""

    profile: str = "research"
    """The de-identification profile of a release that names none."""

    def secret(self, value: str) -> str:
        """The value itself, or what the environment says for `env:NAME`; raises UserError."""
        if not value.startswith("env:"):
            return value
        found = os.environ.get(value[4:])
        if found is None:
            raise UserError(
                f"The setting {value!r} in {FILE} names an environment variable that is not set. "
                f"Set {value[4:]}, or write the value into the file."
            )
        return found


def actor() -> str:
    """Who acts now: the user's login name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        return f"uid-{os.getuid()}"


def home(given: Path | None) -> Path:
    """The haven's folder: the one given, else IMAGEHAVEN_HOME. Raises UserError when neither is."""
    if given is not None:
        return Path(given).absolute()
    named = os.environ.get(HOME)
    if named:
        return Path(named).absolute()
    raise UserError(
        f"No haven was named. Give -C HAVEN, or set {HOME}; `imagehaven init HAVEN` makes one."
    )


def read(folder: Path) -> Settings:
    """Read and check the settings in ``folder``; raises UserError naming the setting at fault."""
    path = folder / FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{folder} is not a haven: it has no {FILE}. `imagehaven init {folder}` makes one."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not readable as TOML: {error}.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    known = {field.name: field for field in fields(Settings)}
    for name, value in found.items():
        if name not in known:
            raise UserError(
                f"{path} has a setting {name!r} that imagehaven does not know. "
                f"Valid choices: {', '.join(known)}."
            )
        wanted = type(known[name].default)
        if type(value) is not wanted:
            raise UserError(f"{path}: {name} must be of type {wanted.__name__}.")
    return Settings(**found)


def write(folder: Path, settings: Settings) -> None:
    """Write the settings file atomically, each setting under its explanation, owner only."""
    notes = _docstrings()
    lines = ["# The settings of this haven; `imagehaven doctor` tests them.", ""]
    for field in fields(Settings):
        lines += [f"# {line}" for line in textwrap.wrap(notes[field.name], 94)]
        lines += [f"{field.name} = {_toml(getattr(settings, field.name))}", ""]
    path = folder / FILE
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text("\n".join(lines), encoding="utf-8")
    draft.replace(path)


def _toml(value: Any) -> str:
    # A JSON string, number or boolean is also valid TOML.
    return json.dumps(value, ensure_ascii=False)


def _docstrings() -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(Settings))).body[0]
    assert isinstance(body, ast.ClassDef)
    notes: dict[str, str] = {}
    for field, note in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(note, ast.Expr)
            and isinstance(note.value, ast.Constant)
        ):
            notes[field.target.id] = " ".join(str(note.value.value).split())
    return notes
