"""The declared views: packaged YAML, extended by the site's own ``HAVEN/views/*.yaml``."""

from __future__ import annotations

import functools
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from imagehaven.catalogue.declared import LINKS, compose, pairs, promoted_keywords
from imagehaven.curate.column import ViewColumn, read_column
from imagehaven.errors import UserError

#: The modalities that have a view of their own (PS3.3 C.7.3.1.1.1); OTHER is all the others.
MODALITIES: Final = (
    "CT", "MR", "CR", "DX", "MG", "US", "XA", "RF", "NM", "PT", "SR", "SEG", "RTSTRUCT", "OTHER",
)  # fmt: skip

#: The columns that every view begins with.
KEYS: Final = (*LINKS, "source")

#: A view's columns, by name, in order.
Columns = dict[str, ViewColumn]


def declared_views(site: Path | None = None) -> dict[str, Columns]:
    """The columns of each modality's view; ``site`` is a folder of YAML files that extend them.

    A site's column takes the place of a packaged one of its name. Raises UserError naming file and
    line at fault.
    """
    views = {modality: dict(columns) for modality, columns in _packaged().items()}
    for path in sorted(site.glob("*.yaml")) if site is not None and site.is_dir() else ():
        targets = MODALITIES if path.stem == "COMMON" else (path.stem,)
        if not set(targets) <= set(MODALITIES):
            raise UserError(
                f"{path}: there is no view {path.stem!r}. "
                f"Valid choices: COMMON, {', '.join(MODALITIES)}."
            )
        added = read_view(_text(path), str(path), _keywords())
        for target in targets:
            views[target].update(added)
    return views


def read_view(text: str, where: str, known: tuple[str, ...] = ()) -> Columns:
    """Read one view file: ``columns:`` with a list of lines."""
    columns: Columns = {}
    for key, line, node in pairs(compose(text, where), where):
        if key != "columns" or not isinstance(node, yaml.SequenceNode):
            raise UserError(f"{where}, line {line}: only `columns:` with a list goes here.")
        for entry in node.value:
            column = _column(entry, where, known)
            if column.name.casefold() in {name.casefold() for name in (*columns, *KEYS)}:
                raise UserError(
                    f"{where}, line {entry.start_mark.line + 1}: the view has a column "
                    f"{column.name} already. Give this one another name: `NAME = PATH`."
                )
            columns[column.name] = column
    return columns


def _column(entry: Any, where: str, known: tuple[str, ...]) -> ViewColumn:
    line = entry.start_mark.line + 1
    if not isinstance(entry, yaml.ScalarNode):
        raise UserError(f"{where}, line {line}: a column is one line of text.")
    try:
        return read_column(entry.value, known)
    except UserError as error:
        raise UserError(f"{where}, line {line}: {error}") from None


@functools.cache
def _packaged() -> dict[str, Columns]:
    place = files("imagehaven.curate") / "views"
    own = {
        name: read_view((place / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")
        for name in ("COMMON", *MODALITIES)
    }
    return {modality: own["COMMON"] | own[modality] for modality in MODALITIES}


@functools.cache
def _keywords() -> tuple[str, ...]:
    """Keywords that a misspelt one may have meant: all that the packaged declarations use."""
    used = (
        step.keyword
        for columns in _packaged().values()
        for column in columns.values()
        for step in column.steps
    )
    return tuple(sorted({*used, *promoted_keywords()}))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as UTF-8 text: {type(error).__name__}.") from error
