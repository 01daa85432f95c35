"""What a load run plans: sources and problems as small JSON values, and as rows of tables."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from imagehaven.acquire import Problem, Source

#: A planned item: a dict with ``source`` and the fields below it, small enough for the ledger.
Item = dict[str, Any]

#: Marks a path that is no valid UTF-8; absolute paths begin with a slash, so nothing else does so.
_BYTES: Final = "bytes:"


def item_of(found: Source | Problem, containers: int = 0) -> Item:
    """The planned form of what the walk met; ``containers`` archives begin with it."""
    item: Item = {"source": found.location}
    if isinstance(found, Source):
        if found.path != found.location:
            item["path"] = found.path
        if found.members:
            item["members"] = list(found.members)
        item["size"] = found.size
    else:
        item |= {"reason": found.reason, "detail": found.detail}
    if containers:
        item["containers"] = containers
    return item


def recovered_item(location: str) -> Item:
    """The planned form of a folder or archive that was a problem once and no longer is."""
    return {"source": location, "recovered": True}


def found_of(item: Item) -> Source | Problem:
    """The source or problem that :func:`item_of` wrote."""
    location = str(item["source"])
    if "reason" in item:
        return Problem(location, item["reason"], item["detail"])
    path = str(item.get("path", location))
    return Source(location, path, tuple(item.get("members", ())), item["size"])


def source_of(location: str, path: str, members: str, size: int) -> Source:
    """The source that a row of the ``source`` table describes; what the release opens.

    ``path`` and ``members`` are as the table holds them, so any file name comes back exactly.
    """
    if path.startswith(_BYTES):
        path = os.fsdecode(bytes.fromhex(path.removeprefix(_BYTES)))
    return Source(location, path, tuple(json.loads(members)), size)


def path_text(path: str) -> str:
    """A path for the ``path`` column: itself, or its bytes in hex where it is no valid UTF-8."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return _BYTES + os.fsencode(path).hex()
    return path


def containers_before(found: Source | Problem, previous: str | None) -> int:
    """How many archives begin with ``found``, when ``previous`` came just before it in the walk.

    All that an archive holds stands together in the walk's order, since it shares the beginning
    of its location.
    """
    if not isinstance(found, Source) or not found.members:
        return 0
    location, count = found.location, 0
    for member in reversed(found.members):
        location = location[: len(location) - len(member) - 2]
        count += previous is None or not previous.startswith(location + "!/")
    return count
