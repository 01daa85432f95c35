"""De-identify one file: read its header, decide, clean, and write what may be released."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imagehaven.acquire.opening import unreadable
from imagehaven.deidentify.elements.dataset import Cleaned, deidentify_dataset
from imagehaven.deidentify.elements.identity import Identity
from imagehaven.deidentify.elements.stored import text_of
from imagehaven.deidentify.pixels.comments import check_comments
from imagehaven.deidentify.pixels.policy import check_pixels
from imagehaven.deidentify.pixels.regions import Blanking
from imagehaven.deidentify.pixels.spare_bits import check_spare_bits
from imagehaven.deidentify.pseudonyms import Pseudonyms
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.writing.encode import EXPLICIT_BIG
from imagehaven.deidentify.writing.splice import Content, write_file
from imagehaven.dicom.header import Header, read_header
from imagehaven.dicom.pixels import check_decodable
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


def deidentify_file(
    source: BinaryIO | Path, destination: Path, profile: Profile, pseudonyms: Pseudonyms
) -> Deidentified:
    """De-identify ``source`` into the folder ``destination``, under its pseudonymous path.

    The file appears whole or not at all; the same source, key and profile give the same bytes.
    Raises :class:`~imagehaven.errors.Withheld` when it may not be released,
    :class:`~imagehaven.errors.Quarantine` when it cannot be read, and
    :class:`~imagehaven.errors.TransientError` when ``destination`` cannot be written.
    """
    if isinstance(source, Path):
        try:
            stream = source.open("rb")
        except OSError as error:
            raise unreadable(error) from None
        with stream:
            return deidentify_file(stream, destination, profile, pseudonyms)
    header = read_header(source, source.seek(0, io.SEEK_END))
    with quiet_pydicom():
        identity, blanking, cleaned = _decided(source, header, profile, pseudonyms)
    patient = pseudonyms.patient_id(identity.patient)
    study, series = pseudonyms.uid(identity.study), pseudonyms.uid(identity.series)
    instance = pseudonyms.uid(identity.instance)
    path = f"{patient}/{study}/{series}/{instance}.dcm"
    content = Content(cleaned.dataset, identity.sop_class, instance, blanking)
    written = write_file(destination / path, source, header, content)
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


def _decided(
    stream: BinaryIO, header: Header, profile: Profile, pseudonyms: Pseudonyms
) -> tuple[Identity, Blanking | None, Cleaned]:
    """Return who the instance is, what to blank and its cleaned data set; nothing is written."""
    little = header.transfer_syntax != EXPLICIT_BIG
    try:
        identity = Identity.of(header.dataset)
        blanking = check_pixels(header, identity.sop_class)
        if not (identity.study and identity.series):
            raise Withheld("no-study-or-series", "StudyInstanceUID or SeriesInstanceUID is absent")
        check_decodable(stream, header)
        check_comments(stream, header)
        check_spare_bits(stream, header)
        cleaned = deidentify_dataset(header.dataset, profile, pseudonyms, little=little)
    except (ImagehavenError, OSError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - hostile input can raise anything in pydicom
        detail = f"the de-identifier failed with {type(error).__name__}"
        raise Quarantine("malformed", detail) from None
    return identity, blanking, cleaned
