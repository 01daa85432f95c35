"""Sources: where an object came from, written so that it can be found, sorted and stored.

A location is the file's absolute path, then ``!/`` and the name within for each archive around it:
``/in/f.dcm``, ``/in/a.zip!/inner/f.dcm``, ``/in/a.zip!/b.tar!/x``. A compressed file that is no
archive has one member without a name: ``/in/f.dcm.gz!/``. Names are escaped so that a location is
valid text on one line and says one thing only: a backslash is doubled; a control character or a
byte that is no UTF-8 is ``\\xNN``; ``!`` before ``/`` is ``\\x21``; the second member of one name
ends in ``\\#2``.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One object that can be opened and read: a file, or a member of an archive.

    ``path`` is the file on disk as Python spells it, ``members`` the escaped name within each
    archive from the outermost in, and ``size`` its length in bytes when it was listed.
    """

    location: str
    path: str
    members: tuple[str, ...]
    size: int

    @property
    def archive(self) -> str | None:
        """The location of the archive file that holds this source, None for a plain file.

        Sources that share it are read by one pass over that file when they stand together, so
        plan them into as few chunks as memory allows.
        """
        return shown_path(self.path) if self.members else None

    def to_json(self) -> str:
        """Return this source as one line of ASCII JSON, for a ledger."""
        return json.dumps(asdict(self), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Source:
        """Return the source that :meth:`to_json` wrote."""
        fields = json.loads(text)
        return cls(
            str(fields["location"]),
            str(fields["path"]),
            tuple(str(name) for name in fields["members"]),
            int(fields["size"]),
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the walk met and cannot offer as a source, with its reason."""

    location: str
    reason: str
    detail: str


def shown(name: str) -> str:
    """Return ``name`` escaped for a location; different names give different text."""
    if name.isprintable() and "\\" not in name and "!/" not in name and not name.endswith("!"):
        return name
    text = name.replace("\\", "\\\\").replace("!/", "\\x21/")
    if text.endswith("!"):
        text = text[:-1] + "\\x21"
    return "".join(_escaped(character) for character in text)


def location_of(path: str, members: tuple[str, ...] = ()) -> str:
    """Return the location of a file or of the member that ``members`` leads to."""
    return "!/".join((shown_path(path), *members))


def shown_path(path: str) -> str:
    """Return an absolute path with every name in it escaped."""
    return "/".join(shown(name) for name in path.split("/"))


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python spells a byte of a file name that is no UTF-8
        return f"\\x{os.fsencode(character)[0]:02x}"
    if 0xD800 <= code <= 0xDFFF:
        return f"\\u{code:04x}"
    return f"\\x{code:02x}" if code < 0x20 or 0x7F <= code < 0xA0 else character
