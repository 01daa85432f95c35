"""Reads rules files: YAML checked key by key, every rule tried on its own examples.

Files are layers: the built-in rules, then the site's, then a project's. A layer adds rules,
``update`` rules and waivers (``ignore``); a waiver may name rules of the layers below it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, NamedTuple

import yaml

from imagehaven.errors import UserError
from imagehaven.verify.detect.patterns import CHECKS, FINDERS
from imagehaven.verify.detect.rule import Ignore, Needs, Rule
from imagehaven.verify.findings import VALUE_CLASSES
from imagehaven.verify.known.matcher import Context

_DATA: Final = ("common_words.txt", "names_given.txt", "names_family.txt")
_ABOUT: Final = frozenset({"id", "author", "date", "description", "line", "matches", "passes"})
_RULE: Final = _ABOUT | {
    "class", "where", "level", "pattern", "check", "checksum", "digits", "contains", "capitals",
    "elements",
}  # fmt: skip
_IGNORE: Final = _ABOUT | {"rules", "level", "pattern", "elements", "values"}
_SECTIONS: Final = frozenset({"version", "rules", "update", "ignore", "line"})


class Layer(NamedTuple):
    """The text of one rules file and the name that error messages call it by."""

    name: str
    text: str


@dataclass(frozen=True)
class Read:
    """What the layers hold together."""

    rules: tuple[Rule, ...]
    ignores: tuple[Ignore, ...]
    digest: str


def read_layers(layers: tuple[Layer, ...]) -> Read:
    """Read and check the layers in order.

    Raises:
        UserError: a layer is no YAML, or a rule is wrong or fails one of its own examples; the
            message names the file, the line and the rule.
    """
    rules: list[Rule] = []
    ignores: list[Ignore] = []
    raws = []
    for name, text in layers:
        raw = _mapping(text, name)
        raws.append(_without_lines(raw))
        for section in ("rules", "update"):
            for row in raw.get(section) or ():
                rules.append(_rule(row, name, update=section == "update"))
        _once("rule", rules, name)
        for row in raw.get("ignore") or ():
            ignores.append(_ignore(row, name, rules))
        _once("ignore", ignores, name)
    return Read(tuple(rules), tuple(ignores), _digest(raws))


def _mapping(text: str, name: str) -> dict[str, Any]:
    try:
        raw = yaml.load(text, Loader=_LineLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        raise UserError(f"{name}: this is not valid YAML: {error}") from error
    if not isinstance(raw, dict) or raw.get("version") != 1:
        raise UserError(f"{name}: the file must be a mapping with version: 1 and a list of rules")
    _only_keys(raw, _SECTIONS, name)
    return raw


class _LineLoader(yaml.SafeLoader):
    """A SafeLoader that keeps the line of every mapping, for error messages."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        mapping["line"] = node.start_mark.line + 1
        return mapping


def _once(what: str, found: list[Any], name: str) -> None:
    ids = [item.id for item in found]
    for twice in {i for i in ids if ids.count(i) > 1}:
        raise UserError(f"{name}: {what} {twice} stands there twice; give each {what} its own id")


def _only_keys(row: dict[str, Any], known: frozenset[str], where: str) -> None:
    unknown = sorted(set(row) - known)
    if unknown:
        raise UserError(
            f"{where}: {', '.join(map(str, unknown))} is no key of it; choose from "
            f"{', '.join(sorted(known - {'line'}))}"
        )


def _rule(row: dict[str, Any], name: str, *, update: bool) -> Rule:
    where = f"{name}, line {row.get('line')}, rule {row.get('id')}"
    check = row.get("check")
    _only_keys(row, _RULE, where)
    _has_author(row, where)
    if row.get("class") not in VALUE_CLASSES:
        raise UserError(f"{where}: class must be one of {', '.join(sorted(VALUE_CLASSES))}")
    if check is not None and check not in CHECKS and check not in FINDERS:
        raise UserError(f"{where}: check must be one of {', '.join((*CHECKS, *FINDERS))}")
    if "pattern" not in row and check not in FINDERS:
        raise UserError(f"{where}: a rule needs a pattern, or a check among {', '.join(FINDERS)}")
    known = {str(context) for context in Context}
    if not row.get("where") or not set(row["where"]) <= known:
        raise UserError(f"{where}: where must list one or more of {', '.join(sorted(known))}")
    rule = Rule(
        id=str(row["id"]),
        value_class=row["class"],
        where=frozenset(Context(w) for w in row["where"]),
        level=_level(row, where),
        pattern=_pattern(row["pattern"], where) if "pattern" in row else None,
        check=check,
        checksum=bool(row.get("checksum", False)),
        needs=_needs(row, where),
        elements=frozenset(row.get("elements") or ()),
        update=update,
    )
    _try_examples(
        row,
        where,
        lambda text: (
            rule.needs.met_by(text, sum(map(str.isdigit, text)))
            and next(rule.find(text), None) is not None
        ),
    )
    return rule


def _needs(row: dict[str, Any], where: str) -> Needs:
    digits, contains = row.get("digits", 0), row.get("contains", "")
    if not isinstance(digits, int) or not isinstance(contains, str):
        raise UserError(f"{where}: digits must be a number and contains a string of characters")
    return Needs(digits, contains, bool(row.get("capitals", False)))


def _has_author(row: dict[str, Any], where: str) -> None:
    if not row.get("id") or not row.get("author"):
        raise UserError(f"{where}: give an id, and the author who answers questions about it")


def _ignore(row: dict[str, Any], name: str, rules: list[Rule]) -> Ignore:
    where = f"{name}, line {row.get('line')}, ignore {row.get('id')}"
    names = {rule.id for rule in rules}
    _only_keys(row, _IGNORE, where)
    _has_author(row, where)
    if not row.get("rules") or not set(row["rules"]) <= names:
        raise UserError(f"{where}: rules must list one or more of {', '.join(sorted(names))}")
    values = frozenset(map(str, row.get("values") or ()))
    if bool(values) == ("pattern" in row):
        raise UserError(f"{where}: give either a pattern, or a list of whole values")
    ignore = Ignore(
        id=str(row.get("id")),
        rules=frozenset(row["rules"]),
        elements=frozenset(row.get("elements") or ()),
        level=_level(row, where),
        pattern=None if values else _pattern(row["pattern"], where),
        values=values,
    )
    if any(rule.checksum for rule in rules if rule.id in ignore.rules):
        raise UserError(f"{where}: a rule with a checksum cannot be waived; take it off the list")
    if ignore.pattern is not None:
        search = ignore.pattern.search
        _try_examples(row, where, lambda text: search(text) is not None)
    return ignore


def _level(row: dict[str, Any], where: str) -> str:
    level = row.get("level", "part")
    if level not in ("value", "part"):
        raise UserError(f"{where}: level must be value or part")
    return str(level)


def _pattern(pattern: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, TypeError) as error:
        raise UserError(f"{where}: the pattern is not a regular expression: {error}") from error


def _try_examples(row: dict[str, Any], where: str, finds: Callable[[str], bool]) -> None:
    """Raise unless every example behaves: a rule without examples is a rule nobody has tried."""
    if not row.get("matches") or not row.get("passes"):
        raise UserError(f"{where}: give at least one example under matches and one under passes")
    for kind, wanted in (("matches", True), ("passes", False)):
        for number, example in enumerate(row[kind], start=1):
            if finds(str(example)) is not wanted:
                verb = "does not find" if wanted else "finds"
                raise UserError(f"{where}: the rule {verb} its own example {kind}[{number}]")


def _digest(raws: list[Any]) -> str:
    digest = hashlib.sha256(json.dumps(raws, sort_keys=True, default=str).encode())
    folder = files(__package__)
    for name in _DATA:
        digest.update(folder.joinpath("data", name).read_bytes())
    digest.update(files("imagehaven.verify.known").joinpath("known_sources.yaml").read_bytes())
    return digest.hexdigest()


def _without_lines(value: Any) -> Any:
    """Return the rules without line numbers: a comment more does not change what they find."""
    if isinstance(value, dict):
        return {k: _without_lines(v) for k, v in value.items() if k != "line"}
    if isinstance(value, list):
        return [_without_lines(v) for v in value]
    return value
