"""Which instances the catalogue holds, truthfully: those whose file is there as it was read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from imagehaven.catalogue.loading.items import source_of
from imagehaven.haven import Haven

#: Instances that one query asks for.
_AT_ONCE: Final = 1000
_QUERY: Final = """
    SELECT SOPInstanceUID, SOPClassUID, source.source, path, members::VARCHAR AS members,
        source.size, source.content_sha256
    FROM source JOIN instance USING (SOPInstanceUID)
    WHERE replaced_run IS NULL AND SOPInstanceUID IN (SELECT unnest($1))
    AND SOPInstanceUID NOT IN (SELECT SOPInstanceUID FROM conflict)"""


def held(haven: Haven, instances: Collection[str]) -> dict[str, set[str]]:
    """The SOP class of each of these instances that is catalogued and whose file is whole.

    A file is whole when all its bytes have the hash that the catalogue has of it, and they are on
    the disk. An instance in conflict is not held: nobody has decided what it is; neither is one
    within an archive, which nobody keeps for that instance's sake. Raises TransientError when the
    lake is out of reach.
    """
    wanted = sorted(set(instances))
    found: dict[str, set[str]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        for row in haven.sql(_QUERY, [wanted[start : start + _AT_ONCE]]).to_pylist():
            instance = row["SOPInstanceUID"]
            if row["members"] != "[]" or instance in found or row["SOPClassUID"] is None:
                continue
            path = source_of(row["source"], row["path"], row["members"], row["size"]).path
            if _whole(Path(path), row["content_sha256"]):
                found[instance] = {row["SOPClassUID"]}
    return found


def _whole(path: Path, digest: str) -> bool:
    """Whether the file has these bytes, once they are on the disk."""
    try:
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
            return hashlib.file_digest(stream, "sha256").hexdigest() == digest
    except OSError:
        return False
