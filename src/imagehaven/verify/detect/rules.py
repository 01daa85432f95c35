"""The rules that say what looks like an identifier, read from YAML and tried on their examples."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from imagehaven.errors import UserError
from imagehaven.verify.detect.patterns import CHECKS, FINDERS
from imagehaven.verify.findings import VALUE_CLASSES
from imagehaven.verify.known.matcher import Context

_NEEDS_DIGIT: Final = frozenset({"chi", "nhs", "date", "postcode", "phone"})
_DATA: Final = ("common_words.txt", "names_given.txt", "names_family.txt")


@dataclass(frozen=True)
class Rule:
    """One detector: what it finds, in which kinds of value, and by which pattern or named test."""

    id: str
    value_class: str
    where: frozenset[Context]
    level: str
    pattern: re.Pattern[str] | None
    check: str | None
    checksum: bool

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the places of ``text`` that the rule finds."""
        if self.check in FINDERS:
            yield from FINDERS[self.check](text)
            return
        assert self.pattern is not None  # a rule has a pattern or a finder: tried at load
        check = CHECKS[self.check] if self.check else None
        for match in self.pattern.finditer(text):
            group = 1 if self.pattern.groups and match.group(1) is not None else 0
            if self.level == "value" and match.span() != (0, len(text)):
                continue
            if check is None or check(match.group(group)):
                yield match.span(group)


@dataclass(frozen=True)
class Ignore:
    """A waiver: findings of these rules are dropped where the value or the part fits."""

    id: str
    rules: frozenset[str]
    elements: frozenset[str]
    level: str
    pattern: re.Pattern[str]

    def waives(self, rule_id: str, keyword: str, text: str, start: int, end: int) -> bool:
        """Tell whether the finding of ``rule_id`` at ``start:end`` of ``text`` is waived."""
        if rule_id not in self.rules or (self.elements and keyword not in self.elements):
            return False
        if self.level == "value":
            return self.pattern.fullmatch(text) is not None
        return any(m.start() <= start and end <= m.end() for m in self.pattern.finditer(text))


class PatternMatch(NamedTuple):
    """A place of a text that a rule found."""

    start: int
    end: int
    rule: Rule


@dataclass(frozen=True, eq=False)
class Rules:
    """A checked set of rules and waivers, with the hash of all that decides what they find."""

    rules: tuple[Rule, ...]
    ignores: tuple[Ignore, ...]
    digest: str

    def find(self, text: str, context: Context, keyword: str = "") -> list[PatternMatch]:
        """Return what the rules find in ``text``, less what the waivers take away."""
        found = (
            _find_cached(self, text, context) if len(text) <= 512 else _find(self, text, context)
        )
        return [
            match
            for match in found
            if match.rule.checksum
            or not any(
                ignore.waives(match.rule.id, keyword, text, match.start, match.end)
                for ignore in self.ignores
            )
        ]


@lru_cache(maxsize=65536)
def _find_cached(rules: Rules, text: str, context: Context) -> tuple[PatternMatch, ...]:
    return _find(rules, text, context)


def _find(rules: Rules, text: str, context: Context) -> tuple[PatternMatch, ...]:
    has_digit = any(ch.isdigit() for ch in text)
    return tuple(
        PatternMatch(start, end, rule)
        for rule in rules.rules
        if context in rule.where and (has_digit or rule.value_class not in _NEEDS_DIGIT)
        for start, end in rule.find(text)
    )


def rules_hash(rules: Rules) -> str:
    """Return the SHA-256 (hex) of the rules, the word lists and the list of known sources."""
    return rules.digest


@lru_cache(maxsize=1)
def default_rules() -> Rules:
    """Return the rules that come with imagehaven."""
    return parse_rules(files(__package__).joinpath("rules.yaml").read_text("utf-8"), "rules.yaml")


def load_rules(path: Path | None = None) -> Rules:
    """Return the rules of a YAML file, or the built-in ones.

    Raises:
        UserError: the file cannot be read, or a rule is wrong or fails one of its own examples;
            the message names the rule and the line.
    """
    if path is None:
        return default_rules()
    try:
        return parse_rules(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: the rules file cannot be read as UTF-8 text; check the path"
        ) from error


def parse_rules(text: str, name: str) -> Rules:
    """Return the rules written in YAML ``text``; ``name`` stands in error messages.

    Raises:
        UserError: as :func:`load_rules`.
    """
    try:
        raw = yaml.load(text, Loader=_LineLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        raise UserError(f"{name}: this is not valid YAML: {error}") from error
    if not isinstance(raw, dict) or raw.get("version") != 1:
        raise UserError(f"{name}: the file must be a mapping with version: 1 and a list of rules")
    rules = tuple(_rule(row, name) for row in raw.get("rules") or ())
    ids = [rule.id for rule in rules]
    for twice in {i for i in ids if ids.count(i) > 1}:
        raise UserError(f"{name}: rule {twice} stands there twice; give each rule its own id")
    ignores = tuple(_ignore(row, name, rules) for row in raw.get("ignore") or ())
    return Rules(rules, ignores, _digest(raw))


class _LineLoader(yaml.SafeLoader):
    """A SafeLoader that keeps the line of every mapping, for error messages."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        mapping["line"] = node.start_mark.line + 1
        return mapping


def _rule(row: dict[str, Any], name: str) -> Rule:
    where = f"{name}, line {row.get('line')}, rule {row.get('id')}"
    check = row.get("check")
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
    )
    _try_examples(row, where, lambda text: next(rule.find(text), None) is not None)
    return rule


def _ignore(row: dict[str, Any], name: str, rules: tuple[Rule, ...]) -> Ignore:
    where = f"{name}, line {row.get('line')}, ignore {row.get('id')}"
    names = {rule.id for rule in rules}
    if not row.get("rules") or not set(row["rules"]) <= names:
        raise UserError(f"{where}: rules must list one or more of {', '.join(sorted(names))}")
    ignore = Ignore(
        id=str(row.get("id")),
        rules=frozenset(row["rules"]),
        elements=frozenset(row.get("elements") or ()),
        level=_level(row, where),
        pattern=_pattern(row.get("pattern", ".+"), where),
    )
    if any(rule.checksum for rule in rules if rule.id in ignore.rules):
        raise UserError(f"{where}: a rule with a checksum cannot be waived; take it off the list")
    _try_examples(row, where, lambda text: ignore.pattern.search(text) is not None)
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


def _try_examples(row: dict[str, Any], where: str, finds: Any) -> None:
    """Raise unless every example behaves: a rule without examples is a rule nobody has tried."""
    if not row.get("matches") or not row.get("passes"):
        raise UserError(f"{where}: give at least one example under matches and one under passes")
    for kind, wanted in (("matches", True), ("passes", False)):
        for number, example in enumerate(row[kind], start=1):
            if finds(str(example)) is not wanted:
                verb = "does not find" if wanted else "finds"
                raise UserError(f"{where}: the rule {verb} its own example {kind}[{number}]")


def _digest(raw: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(_without_lines(raw), sort_keys=True).encode())
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
