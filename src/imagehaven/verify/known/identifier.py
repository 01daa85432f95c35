"""One known identifier, as the search and the lists of them share it."""

from __future__ import annotations

from typing import NamedTuple


class Identifier(NamedTuple):
    """One known identifier: how to look for it, the text of it, its class and where it stood.

    ``path`` is the element path without item numbers; it is empty for identifiers of the
    patient's other instances.
    """

    kind: str
    text: str
    value_class: str
    group: str
    path: str
