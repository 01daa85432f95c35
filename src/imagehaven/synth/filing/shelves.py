"""Where files lie: accession folders, folders named after people, zip, tar.gz, or a CD.

All of them come out the same whenever they are made: archive members carry one fixed date.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from imagehaven.synth.answer_key import Mark
from imagehaven.synth.filing.media import directory_bytes
from imagehaven.synth.images import Instance
from imagehaven.synth.plan import PatientPlan, StudyPlan
from imagehaven.synth.telling import Telling

_THEN = (2024, 7, 1, 0, 0, 0)


@dataclass(frozen=True)
class Made:
    """One finished file: ``member`` is its path within the study's folder or archive."""

    member: str
    content: bytes
    instance: Instance


@dataclass(frozen=True)
class Stored:
    """Where a file went, relative to the hospital's folder, and the marks that its path bears."""

    file: str
    marks: tuple[Mark, ...] = ()


def put(directory: Path, file: str, content: bytes) -> None:
    """Write one file and the folders above it."""
    path = directory / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def zip_bytes(members: list[tuple[str, bytes]], *, squeeze: bool = True) -> bytes:
    """Return a zip archive, its members deflated or merely stored."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, _THEN)
            info.compress_type = zipfile.ZIP_DEFLATED if squeeze else zipfile.ZIP_STORED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def tar_bytes(members: list[tuple[str, bytes]]) -> bytes:
    """Return a gzipped tar archive."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=buffer, mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def store(directory: Path, plan: PatientPlan, study: StudyPlan, made: list[Made]) -> list[Stored]:
    """Write a study's files to its shelf; return where each went, in the same order."""
    base = f"dicom/{study.hospital.key}/{study.when:%Y/%m}"
    members = [(one.member, one.content) for one in made]
    if study.shelf in {"zip", "tar"}:
        suffix, pack = (".zip", zip_bytes) if study.shelf == "zip" else (".tar.gz", tar_bytes)
        archive = f"{base}/{study.accession}{suffix}"
        put(directory, archive, pack(members))
        return _stored([f"{archive}!/{name}" for name, _ in members], study, "{accession}", plan)
    if study.shelf == "media":
        disc = f"dicom/{study.hospital.key}/media/CD{plan.person.index:06d}"
        names = [f"DICOM/IM{number:06d}" for number in range(1, len(made) + 1)]
        for name, one in zip(names, made, strict=True):
            put(directory, f"{disc}/{name}", one.content)
        datasets = [one.instance.dataset for one in made]
        put(directory, f"{disc}/DICOMDIR", directory_bytes(list(zip(names, datasets, strict=True))))
        return [Stored(f"{disc}/{name}") for name in names]
    template = "{accession}"
    if study.shelf == "named-folder":
        template = "{underscored}_{chi}"
    telling = Telling(plan, study, study.series[0], "ISO_IR 192")
    folder, _ = telling.render(template, "path")
    files = [f"{base}/{folder}/{name}" for name, _ in members]
    for file, (_, content) in zip(files, members, strict=True):
        put(directory, file, content)
    return _stored(files, study, template, plan)


def _stored(files: list[str], study: StudyPlan, template: str, plan: PatientPlan) -> list[Stored]:
    telling = Telling(plan, study, study.series[0], "ISO_IR 192")
    _, marks = telling.render(template, "path")
    return [Stored(file, tuple(marks)) for file in files]
