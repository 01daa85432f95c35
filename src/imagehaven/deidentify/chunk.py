"""What a worker does with one chunk of sources: each ends in one state, and none stops another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from imagehaven.acquire import Source, open_sources
from imagehaven.deidentify.deidentifier import Deidentifier, deidentifier_for
from imagehaven.deidentify.faces import Decision, without_face
from imagehaven.deidentify.pseudonyms import Pseudonyms
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.writing.splice import not_writable
from imagehaven.errors import Quarantine, Withheld


@dataclass(frozen=True)
class Context:
    """What every worker is given: where drafts go, the project's key and the profile.

    ``faces`` holds what was decided on the face in each series, None where faces stay.
    """

    folder: Path
    key: bytes = field(repr=False)
    profile: Profile
    faces: Mapping[str, Decision] | None = None


@dataclass(frozen=True)
class Result:
    """How one source ended. A released one has its ``path`` and ``sha256``.

    Its file is ``draft`` under the context's folder, until somebody moves it to its path.
    """

    source: str
    state: Literal["released", "withheld", "quarantined"]
    reason: str = ""
    detail: str = ""
    draft: str = ""
    path: str = ""
    sha256: str = ""
    mapping: tuple[tuple[str, str, str], ...] = ()
    actions: Mapping[str, int] = field(default_factory=dict)


def deidentify_chunk(context: Context, items: list[Source]) -> list[Result]:
    """De-identify each source into a draft; one result for each, in their order.

    Raises :class:`~imagehaven.errors.TransientError` when the context's folder cannot be written.
    """
    maker = deidentifier_for(context.profile, Pseudonyms(context.key))
    drafts = context.folder / _name(items[0].location)
    plain = context.faces is None  # a file of its own, which need not be opened twice
    results = {
        item.location: _result(context, maker, item, Path(item.path), drafts)
        for item in items
        if plain and not item.members
    }
    rest = [item for item in items if item.location not in results]
    for source, stream in open_sources(rest):
        results[source.location] = _result(context, maker, source, stream, drafts)
    return [results[item.location] for item in items]


def _name(location: str) -> str:
    return hashlib.sha256(location.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _result(
    context: Context,
    maker: Deidentifier,
    source: Source,
    stream: BinaryIO | Path | Quarantine,
    drafts: Path,
) -> Result:
    draft = drafts / f"{_name(source.location)}.dcm"
    try:
        if isinstance(stream, Quarantine):
            raise stream
        if context.faces is not None and not isinstance(stream, Path):
            stream = without_face(stream, context.faces)
        made = maker.file(stream, drafts)
    except Withheld as outcome:
        return Result(source.location, "withheld", outcome.reason, outcome.detail)
    except Quarantine as outcome:
        return Result(source.location, "quarantined", outcome.reason, outcome.detail)
    except OSError as error:
        detail = f"the system reports {error.strerror or type(error).__name__}"
        return Result(source.location, "quarantined", "unreadable", detail)
    try:  # two sources may have one path: each keeps its draft, and the driver decides
        (drafts / made.path).replace(draft)
    except OSError as error:
        raise not_writable(drafts, error) from error
    return Result(
        source.location,
        "released",
        draft=f"{drafts.name}/{draft.name}",
        path=made.path,
        sha256=made.sha256,
        mapping=made.mapping,
        actions=made.actions,
    )
