"""De-identify one file: read its header, decide, clean, and write what may be released."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from imagehaven.acquire.opening import unreadable
from imagehaven.deidentify.documents import Terms, with_document
from imagehaven.deidentify.elements.dataset import Cleaned, deidentify_dataset
from imagehaven.deidentify.elements.descriptions import people_of
from imagehaven.deidentify.elements.identity import Identity
from imagehaven.deidentify.elements.stored import text_of
from imagehaven.deidentify.generalise import generalise
from imagehaven.deidentify.pixels.beside.comments import check_comments
from imagehaven.deidentify.pixels.beside.overlays import keep_overlays
from imagehaven.deidentify.pixels.cleaning import clean_pixels, stated
from imagehaven.deidentify.pixels.redaction import Redaction
from imagehaven.deidentify.pseudonyms import Pseudonyms
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.taught import Taught
from imagehaven.deidentify.writing.encode import EXPLICIT_BIG
from imagehaven.deidentify.writing.splice import Content, write_file
from imagehaven.dicom.header import Header, read_header
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.dicom.uids import PseudonymousUID
from imagehaven.errors import ImagehavenError, Quarantine, Withheld


@dataclass(frozen=True)
class Deidentified:
    """One written instance.

    ``path`` is relative to the destination: patient/study/series/instance.dcm, all pseudonyms.
    ``mapping`` holds (kind, original, pseudonym) for the vault and must never be released;
    ``actions`` counts what was done to elements, by action code.
    """

    patient: str
    study: PseudonymousUID
    series: PseudonymousUID
    instance: PseudonymousUID
    modality: str
    sop_class: str
    path: str
    size: int
    sha256: str
    mapping: tuple[tuple[str, str, str], ...]
    actions: Mapping[str, int]


@dataclass
class Lesson:
    """What one file taught: its header where its pixels went as they were, or that they changed."""

    header: Header | None = None
    changed: bool = False


def deidentify_file(
    source: BinaryIO | Path,
    destination: Path,
    profile: Profile,
    pseudonyms: Pseudonyms,
    *,
    steps: Mapping[str, int] | None = None,
    taught: Taught | None = None,
    lesson: Lesson | None = None,
) -> Deidentified:
    """De-identify ``source`` into the folder ``destination``, under its pseudonymous path.

    The file appears whole or not at all; the same source, key, profile, ``steps`` (how coarse each
    quasi-identifier is made, by keyword) and ``taught`` (what a haven knows beyond the built-in
    rules) give the same bytes; ``lesson`` is told what the file teaches. Raises
    :class:`~imagehaven.errors.Withheld` when it may not be released,
    :class:`~imagehaven.errors.Quarantine` when it cannot be read, and
    :class:`~imagehaven.errors.TransientError` when ``destination`` cannot be written.
    """
    if isinstance(source, Path):
        try:
            stream = source.open("rb")
        except OSError as error:
            raise unreadable(error) from None
        with stream:
            return deidentify_file(
                stream, destination, profile, pseudonyms,
                steps=steps, taught=taught, lesson=lesson,
            )  # fmt: skip
    header = read_header(source, source.seek(0, io.SEEK_END))
    with quiet_pydicom():
        decided = _decided(source, header, profile, pseudonyms, taught or Taught())
    identity, cleaned = decided.identity, decided.cleaned
    generalise(cleaned.dataset, steps or {})
    patient = pseudonyms.patient_id(identity.patient)
    # As the data set has them now: a profile may keep the originals.
    study, series, instance = (
        PseudonymousUID(text_of(cleaned.dataset, tag))
        for tag in (0x0020000D, 0x0020000E, 0x00080018)
    )
    path = f"{patient}/{study}/{series}/{instance}.dcm"
    content = Content(
        cleaned.dataset, identity.sop_class, instance, decided.redaction, decided.strip
    )
    written = write_file(destination / path, source, header, content)
    if lesson is not None:
        lesson.changed = decided.changed
        lesson.header = None if lesson.changed else header
    return Deidentified(
        patient=patient,
        study=study,
        series=series,
        instance=instance,
        modality=text_of(cleaned.dataset, 0x00080060),
        sop_class=identity.sop_class,
        path=path,
        size=written.size,
        sha256=written.sha256,
        mapping=cleaned.mapping,
        actions=cleaned.actions,
    )


@dataclass(frozen=True)
class _Decided:
    """Who it is, its cleaned data set, how its pixels change, and whether frames carry text."""

    identity: Identity
    cleaned: Cleaned
    redaction: Redaction | None
    strip: bool
    searched: bool

    @property
    def changed(self) -> bool:
        """Whether the pixels were searched or changed, as those of the next such file may be."""
        return self.searched or self.strip or self.redaction is not None


def _decided(
    stream: BinaryIO,
    header: Header,
    profile: Profile,
    pseudonyms: Pseudonyms,
    taught: Taught,
) -> _Decided:
    """Decide on everything of one file; nothing is written."""
    little = header.transfer_syntax != EXPLICIT_BIG
    try:
        identity = Identity.of(header.dataset)
        if not (identity.study and identity.series):
            raise Withheld("no-study-or-series", "StudyInstanceUID or SeriesInstanceUID is absent")
        pixels = clean_pixels(stream, header, identity.sop_class, taught.devices)
        strip = check_comments(stream, header)
        cleaned = deidentify_dataset(
            header.dataset, profile, pseudonyms, little=little, denied=taught.denied
        )
        cleaned = replace(cleaned, dataset=stated(cleaned.dataset, pixels, little=little))
        document = with_document(
            header.dataset, cleaned.dataset, identity.sop_class,
            _terms(header, identity, profile, pseudonyms, taught),
        )  # fmt: skip
        cleaned = replace(cleaned, dataset=document)
        if "clean_graphics" in profile.options:
            keep_overlays(header.dataset, cleaned.dataset, little=little)
    except (ImagehavenError, OSError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - hostile input can raise anything in pydicom
        detail = f"the de-identifier failed with {type(error).__name__}"
        raise Quarantine("malformed", detail) from None
    return _Decided(identity, cleaned, pixels.redaction, strip, pixels.searched)


def _terms(
    header: Header, identity: Identity, profile: Profile, pseudonyms: Pseudonyms, taught: Taught
) -> Terms:
    """Return what a document in the instance is cleaned with."""
    shift: timedelta | None = None
    if "retain_longitudinal_modified_dates" in profile.options:
        shift = pseudonyms.date_shift(identity.patient)
    elif "retain_longitudinal_full_dates" in profile.options:
        shift = timedelta(0)
    little = header.transfer_syntax != EXPLICIT_BIG
    people = people_of(header.dataset) | taught.denied
    return Terms(people, pseudonyms, shift, profile.options, little)
