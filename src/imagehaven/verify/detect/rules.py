"""The rules that say what looks like an identifier, as one checked and hashed set.

Reading them from YAML is :mod:`imagehaven.verify.detect.rules_file`; what one rule does is
:mod:`imagehaven.verify.detect.rule`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from imagehaven.errors import UserError
from imagehaven.verify.detect.plugins import detectors_hash
from imagehaven.verify.detect.rule import Ignore, PatternMatch, Rule
from imagehaven.verify.detect.rules_file import Layer, read_layers
from imagehaven.verify.known.matcher import Context

#: Longer texts hardly ever repeat, and would push the short ones out.
_LONGEST_KEPT: Final = 512


@dataclass(frozen=True, eq=False)
class Rules:
    """A checked set of rules and waivers, with the hash of all that decides what they find.

    Two sets with the same hash are the same set. A set travels to another process as the text of
    its ``layers`` and is compiled there once.
    """

    rules: tuple[Rule, ...]
    ignores: tuple[Ignore, ...]
    digest: str
    layers: tuple[Layer, ...] = ()

    def __eq__(self, other: object) -> bool:
        """Tell whether both find the same."""
        return isinstance(other, Rules) and other.digest == self.digest

    def __hash__(self) -> int:
        """Hash by the digest, so that what was found is kept for every copy of the set."""
        return hash(self.digest)

    def __reduce__(self) -> tuple[Callable[..., Rules], tuple[Any, ...]]:
        """Travel as text."""
        return parse_layers, (self.layers,)

    @cached_property
    def with_checksum(self) -> frozenset[str]:
        """Return the rules that nothing and nobody can waive."""
        return frozenset(rule.id for rule in self.rules if rule.checksum)

    @cached_property
    def _by_context(self) -> dict[Context, tuple[Rule, ...]]:
        return {kind: tuple(r for r in self.rules if kind in r.where) for kind in Context}

    @cached_property
    def _waivers(self) -> dict[str, tuple[Ignore, ...]]:
        return {
            rule.id: tuple(ignore for ignore in self.ignores if rule.id in ignore.rules)
            for rule in self.rules
        }

    def find(
        self, text: str, context: Context, keyword: str = "", waived: Counter[str] | None = None
    ) -> list[PatternMatch]:
        """Return what the rules find in ``text``, less what the waivers take away.

        Args:
            text: one decoded value.
            context: the kind of value.
            keyword: the element's keyword or the column's name.
            waived: counts, by waiver, what was taken away.
        """
        find = _find_cached if len(text) <= _LONGEST_KEPT else _find
        return [
            match
            for match in find(self, text, context)
            if self._stands(match, text, keyword, waived)
        ]

    def _stands(
        self, match: PatternMatch, text: str, keyword: str, waived: Counter[str] | None
    ) -> bool:
        rule = match.rule
        if rule.elements and keyword not in rule.elements:
            return False
        if rule.checksum:
            return True  # before any waiver: no list of harmless values hides a check digit
        for ignore in self._waivers[rule.id]:
            if ignore.waives(rule.id, keyword, text, match.start, match.end):
                if waived is not None:
                    waived[ignore.id] += 1
                return False
        return True


@lru_cache(maxsize=65536)
def _find_cached(rules: Rules, text: str, context: Context) -> tuple[PatternMatch, ...]:
    return _find(rules, text, context)


def _find(rules: Rules, text: str, context: Context) -> tuple[PatternMatch, ...]:
    digits = sum(map(str.isdigit, text))
    return tuple(
        PatternMatch(start, end, rule)
        for rule in rules._by_context[context]
        if rule.needs.met_by(text, digits)
        for start, end in rule.find(text)
    )


def rules_hash(rules: Rules) -> str:
    """Return the SHA-256 (hex) of all that decides what is found.

    That is the rules, the word lists, the list of known sources and the installed detectors.
    """
    detectors = detectors_hash()
    if not detectors:
        return rules.digest
    return hashlib.sha256(f"{rules.digest} {detectors}".encode()).hexdigest()


@lru_cache(maxsize=1)
def default_rules() -> Rules:
    """Return the rules that come with imagehaven."""
    return parse_layers((_built_in(),))


def load_rules(*paths: Path) -> Rules:
    """Return the built-in rules with the rules of these YAML files laid over them, in order.

    A later file adds rules and waivers; nothing takes a rule away.

    Raises:
        UserError: a file cannot be read, or a rule is wrong or fails one of its own examples;
            the message names the rule and the line.
    """
    return parse_layers((_built_in(), *map(read_layer, paths)))


def read_layer(path: Path) -> Layer:
    """Return a rules file as a layer; raises UserError when it cannot be read as text."""
    try:
        return Layer(str(path), path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: the rules file cannot be read as UTF-8 text; check the path"
        ) from error


@lru_cache(maxsize=16)
def parse_layers(layers: tuple[Layer, ...]) -> Rules:
    """Return the rules of several YAML texts, each laid over those before it.

    Raises:
        UserError: as :func:`load_rules`.
    """
    found = read_layers(layers)
    return Rules(found.rules, found.ignores, found.digest, layers)


def parse_rules(text: str, name: str) -> Rules:
    """Return the rules written in YAML ``text`` alone; ``name`` stands in error messages.

    Raises:
        UserError: as :func:`load_rules`.
    """
    return parse_layers((Layer(name, text),))


def _built_in() -> Layer:
    return Layer("rules.yaml", files(__package__).joinpath("rules.yaml").read_text("utf-8"))
