"""De-identify many files of one project: by the compiled core where it can, else by the reference.

Both write the same bytes. The reference (:func:`~imagehaven.deidentify.instance.deidentify_file`)
decides on everything; the core repeats what it decided for instances that have in common what a
decision depends on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from imagehaven.deidentify.compiled.learnt import Learnt, telling
from imagehaven.deidentify.instance import Deidentified, Lesson, deidentify_file
from imagehaven.deidentify.pseudonyms import Pseudonyms
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.rulebook.rules import entry
from imagehaven.deidentify.taught import Taught
from imagehaven.deidentify.writing.splice import not_writable
from imagehaven.dicom.rewrite import Declined, Rewritten, rewrite_file
from imagehaven.dicom.scan import core_works
from imagehaven.dicom.uids import PseudonymousUID


class Deidentifier:
    """De-identifies files under one profile and key; it learns from each how to be quick.

    ``steps`` says how coarse each quasi-identifier is made, ``taught`` what a haven knows beyond
    the built-in rules. Without ``compiled`` the reference does everything.
    """

    def __init__(
        self,
        profile: Profile,
        pseudonyms: Pseudonyms,
        *,
        steps: Mapping[str, int] | None = None,
        taught: Taught | None = None,
        compiled: bool = True,
    ) -> None:
        self.learnt = Learnt(profile, pseudonyms, taught or Taught(), dict(steps or {}))
        self._compiled = compiled and core_works()
        self.by_core = 0
        """How many files the core wrote."""

    def serves(self, other: Deidentifier) -> bool:
        """Say whether this one does what the other would."""
        return self._compiled == other._compiled and self.learnt.serves(other.learnt)

    def file(self, source: Path | BinaryIO, destination: Path) -> Deidentified:
        """De-identify one file as :func:`deidentify_file` does, with its bytes and its errors."""
        declined = None
        given = _for_core(source) if self._compiled else None
        if given is not None:
            try:
                done = self._by_core(given, destination)
            finally:
                if isinstance(given, memoryview):
                    given.release()  # or whoever gave it could not close it
            if isinstance(done, Deidentified):
                self.by_core += 1
                return done
            declined = done
        learnt = self.learnt
        lesson = Lesson()
        made = deidentify_file(
            source, destination, learnt.profile, learnt.pseudonyms,
            steps=learnt.steps, taught=learnt.taught, lesson=lesson,
        )  # fmt: skip
        if declined is not None and lesson.header is not None:
            learnt.learn(declined, lesson.header)
        elif declined is not None and lesson.changed:
            learnt.never(declined)
        return made

    def _by_core(self, source: bytes | memoryview, destination: Path) -> Deidentified | Declined:
        learnt = self.learnt
        try:
            made = rewrite_file(
                source, os.fsencode(destination), telling(), learnt.sessions, learnt.pixels
            )
        except OSError as error:
            raise not_writable(destination, error) from error
        return made if isinstance(made, Declined) else self._told(made)

    def _told(self, made: Rewritten) -> Deidentified:
        known = self.learnt.known[made.session]
        mapping = set(known.given)
        for given in made.given:
            if isinstance(given, int):
                mapping.update(known.decider.given[given])
            else:
                tag, original, pseudonym = given
                mapping.add((entry(tag).keyword, original, pseudonym))
        study, series, instance = (
            PseudonymousUID(uid) for uid in (made.study, made.series, made.instance)
        )
        return Deidentified(
            patient=known.patient,
            study=study,
            series=series,
            instance=instance,
            modality=made.modality,
            sop_class=known.sop_class,
            path=f"{known.patient}/{study}/{series}/{instance}.dcm",
            size=made.size,
            sha256=made.sha256,
            mapping=tuple(sorted(mapping)),
            actions=made.actions,
        )


_last: list[Deidentifier] = []


def deidentifier_for(
    profile: Profile,
    pseudonyms: Pseudonyms,
    *,
    steps: Mapping[str, int] | None = None,
    taught: Taught | None = None,
    compiled: bool = True,
) -> Deidentifier:
    """Return the one that this process used last, if it is for the same, or a new one.

    A worker is given one chunk after another, and what it learns is good for all of a project.
    """
    new = Deidentifier(profile, pseudonyms, steps=steps, taught=taught, compiled=compiled)
    if not (_last and _last[0].serves(new)):
        _last[:] = [new]
    return _last[0]


def _for_core(source: Path | BinaryIO) -> bytes | memoryview | None:
    """Return a path or content as the core takes it, None where there is neither."""
    if isinstance(source, Path):
        return os.fsencode(source)
    return source.getbuffer() if isinstance(source, BytesIO) else None
