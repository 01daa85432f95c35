"""What became of one planned item: the row that a worker hands to the one that commits."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from imagehaven.acquire import Source
from imagehaven.catalogue.loading.items import Item, path_text

Kind = Literal["read", "quarantined", "container"]


class Row(NamedTuple):
    """What became of one planned item. ``meta`` and ``elements`` are JSON texts (PS3.18 F).

    ``values`` holds one text for each keyword of the context. ``archives`` counts the archives
    that begin with this item.
    """

    kind: Kind
    source: str
    path: str | None
    members: str
    size: int | None
    archives: int
    reason: str | None = None
    detail: str | None = None
    content_sha256: str | None = None
    dataset_sha256: str | None = None
    transfer_syntax: str | None = None
    pixel_offset: int | None = None
    pixel_length: int | None = None
    meta: str | None = None
    elements: str | None = None
    values: tuple[str | None, ...] = ()


def readable(item: Item, source: Source, values: tuple[str | None, ...], **fields: Any) -> Row:
    """The row of an item that was read; ``fields`` are those of :class:`Row` from ``size`` on."""
    return Row(
        "read",
        source.location,
        path_text(source.path),
        json.dumps(source.members),
        archives=item.get("containers", 0),
        values=values,
        **fields,
    )


def unreadable(item: Item, reason: str, detail: str) -> Row:
    """The row of an item that goes to the quarantine."""
    path = None if "reason" in item else path_text(str(item.get("path", item["source"])))
    members = json.dumps(item.get("members", []))
    known = item["size"] if item.get("size", -1) >= 0 else None
    archives = item.get("containers", 0)
    return Row(
        "quarantined", item["source"], path, members, known, archives, reason=reason, detail=detail
    )
