"""Reads a site's figures and checks them against those that ``figures.yaml`` declares."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from imagehaven.declarations import compose_yaml, read_yaml
from imagehaven.errors import UserError

#: Every figure by its name, such as ``nodes.cores``.
Figures = Mapping[str, float]

#: Figures that cannot be nothing, since something is divided by them.
_POSITIVE = (
    "rates.",
    "nodes.cores",
    "nodes.network",
    "storage.",
    "archive.megabytes",
    "nodes.hours",
)


@dataclass(frozen=True)
class Figure:
    """One declared figure. Without a ``default`` a site has to give it."""

    name: str
    unit: str
    about: str
    default: float | None


@functools.cache
def known_figures() -> dict[str, Figure]:
    """Every figure that a plan knows, in the order of its declaration."""
    declared = read_yaml((files(__package__) / "figures.yaml").read_text(encoding="utf-8"))
    found = [
        Figure(f"{group}.{name}", str(told["unit"]), told["about"], told.get("default"))
        for group, names in declared.items()
        for name, told in names.items()
    ]
    return {figure.name: figure for figure in found}


def figures_of(text: str, where: str) -> dict[str, float]:
    """The figures of a YAML text, with defaults for those that it leaves out.

    Raises UserError naming file, line and choices.
    """
    try:
        node = compose_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise UserError(f"{where}{line}: this is not valid YAML.") from error
    figures = {
        name: one.default for name, one in known_figures().items() if one.default is not None
    }
    given = dict(_given(node, where))
    missing = [name for name in known_figures() if name not in figures and name not in given]
    if missing:
        raise UserError(
            f"{where} does not say {', '.join(missing)}. Nobody can know these figures but you; "
            "`imagehaven plan-capacity --figures` lists all with their units."
        )
    return {name: float(value) for name, value in (figures | given).items()}


def _given(node: Any, where: str) -> Iterator[tuple[str, float]]:
    for group, line, body in _pairs(node, where, 1):
        groups = list(dict.fromkeys(name.split(".")[0] for name in known_figures()))
        if group not in groups:
            raise UserError(
                f"{where}, line {line}: there is no group {group!r}. "
                f"Valid choices: {', '.join(groups)}."
            )
        for word, at, value in _pairs(body, where, line):
            name = f"{group}.{word}"
            if name not in known_figures():
                choices = [
                    one.split(".")[1] for one in known_figures() if one.startswith(group + ".")
                ]
                raise UserError(
                    f"{where}, line {at}: {group} has no figure {word!r}. "
                    f"Valid choices: {', '.join(choices)}."
                )
            yield name, _number(name, value, where, at)


def _pairs(node: Any, where: str, line: int) -> Iterator[tuple[str, int, Any]]:
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{where}, line {line}: `name: value` lines go here.")
    for key, value in node.value:
        yield key.value, key.start_mark.line + 1, value


def _number(name: str, node: Any, where: str, line: int) -> float:
    try:
        number = float(str(node.value).replace("_", ""))
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UserError(f"{where}, line {line}: {name} must be a number, 0 or more.")
    if number == 0 and name.startswith(_POSITIVE):
        raise UserError(f"{where}, line {line}: {name} must be more than 0.")
    if known_figures()[name].unit == "0 to 1" and number > 1:
        raise UserError(f"{where}, line {line}: {name} is a part of the whole: 0 to 1.")
    return number
