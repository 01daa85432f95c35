"""YAML files whose faults name the line: mappings, lists and words, checked as they are read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import yaml

from imagehaven.declarations import compose_yaml
from imagehaven.errors import UserError


@dataclass(frozen=True)
class Value:
    """One value of a YAML file, with the file and line that it stands in."""

    file: str
    line: int
    node: yaml.Node

    @property
    def where(self) -> str:
        """File and line, as messages name them."""
        return f"{self.file}:{self.line}"

    def mapping(self, what: str, keys: Collection[str] | None = None) -> dict[str, Value]:
        """Return the entries of a mapping; with ``keys`` no other ones may stand there."""
        if self.is_empty():
            return {}
        if not isinstance(self.node, yaml.MappingNode):
            raise self.fault(f"{what} must be a mapping of names to values")
        found: dict[str, Value] = {}
        for key, value in self.node.value:
            name = str(getattr(key, "value", ""))
            entry = Value(self.file, key.start_mark.line + 1, value)
            if keys is not None and name not in keys:
                raise entry.fault(f"{name!r} is no key of {what}: {', '.join(sorted(keys))}")
            if name in found:
                raise entry.fault(f"{name!r} stands there twice")
            found[name] = entry
        return found

    def items(self, what: str) -> list[Value]:
        """Return the entries of a list; an empty value is an empty list."""
        if self.is_empty():
            return []
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.fault(f"{what} must be a list")
        return [Value(self.file, item.start_mark.line + 1, item) for item in self.node.value]

    def text(self, what: str) -> str:
        """Return a value that is text (numbers and dates as they are written)."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.fault(f"{what} must be text")
        return str(self.node.value)

    def word(self, valid: Collection[str], what: str) -> str:
        """Return a text that is one of ``valid``."""
        word = self.text(what)
        if word not in valid:
            raise self.fault(f"{word!r} is not a choice for {what}: {', '.join(valid)}")
        return word

    def is_empty(self) -> bool:
        """Say whether nothing stands there."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.value in ("", "null", "~")

    def fault(self, message: str) -> UserError:
        """Return the error that says what is wrong here."""
        return UserError(f"{self.where}: {message}.")


def read_document(text: str, file: str) -> Value:
    """Parse a YAML text that is called ``file``; raises :class:`UserError` with the line."""
    try:
        node = compose_yaml(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise UserError(f"{file}:{line}: this is not valid YAML.") from None
    if node is None:
        raise UserError(f"{file}:1: there is nothing in this file.")
    return Value(file, node.start_mark.line + 1, node)
