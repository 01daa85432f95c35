"""The room's one verb: `synth`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from imagehaven.actions import action
from imagehaven.errors import UserError
from imagehaven.synth.bulk import BulkSummary, synthesise_headers
from imagehaven.synth.hospital import (
    SynthSummary,
    check_folder,
    foretell_hospital,
    prepare,
    write_hospital,
)


@action("synth", permission="anyone", event=None)
def synthesise(
    directory: Path,
    *,
    patients: int = 50,
    seed: int = 1,
    instances: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    check: bool = False,
) -> SynthSummary | BulkSummary:
    """Build a synthetic hospital in ``directory``, which must be empty or of the same making.

    ``patients`` people and all about them; or, with ``instances``, that many small instances in
    zip archives and nothing else, for load tests. ``progress`` is told (done, of how many).
    Returns the counts, which `answer_key/expected.json` holds too; with ``check`` nothing is
    written, and the counts, without the identifiers, are those that it would come to. Raises
    UserError where the folder holds something else or a number is not positive.
    """
    if patients < 1 or (instances is not None and instances < 1):
        raise UserError("a synthetic hospital has one patient or more, and one instance or more")
    directory = Path(directory)
    if instances is not None:
        return synthesise_headers(directory, instances, seed, progress=progress, check=check)
    wish = {"patients": patients, "seed": seed, "edition": 1}
    if check:
        check_folder(directory, wish)
        return foretell_hospital(patients=patients, seed=seed)
    prepare(directory, wish)
    return write_hospital(directory, patients=patients, seed=seed, progress=progress)
