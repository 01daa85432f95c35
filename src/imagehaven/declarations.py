"""Reads the YAML in which profiles, rules, views and vocabularies are declared.

By libyaml where PyYAML was built with it: ten times as fast, and every worker reads some.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader of plain values: no tag of a document makes an object."""


def read_yaml(text: str) -> Any:
    """Return the value of a YAML document; raises :class:`yaml.YAMLError` with its line."""
    return yaml.load(text, Loader=LOADER)  # noqa: S506 - a safe loader, of either kind


def compose_yaml(text: str) -> yaml.Node | None:
    """Return the nodes of a YAML document, which know their lines; raises as :func:`read_yaml`."""
    return yaml.compose(text, Loader=LOADER)
