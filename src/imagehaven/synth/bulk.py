"""A million instances for load tests: real headers, stamped out of templates.

Each template is the first instance of a planned series, encoded once and cut at the fields that
change. One instance is then a join of byte strings. Identifiers stand in the standard elements
only, so there is no answer key but the totals; `write_hospital` is for measuring recall.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from imagehaven.synth.chance import chance
from imagehaven.synth.filing import encode, put, zip_bytes
from imagehaven.synth.hospital import check_folder, prepare
from imagehaven.synth.images import Instance, Shoot, build
from imagehaven.synth.people import chi_number, hospitals
from imagehaven.synth.people.population import LATIN, NOW
from imagehaven.synth.plan import SeriesPlan, StudyPlan, plan_patient
from imagehaven.synth.vocabulary import table, words

PER_SERIES, SERIES_PER_STUDY, STUDIES_PER_PATIENT, PER_SHARD = 25, 2, 3, 1000
_ROOT = "1.2.392.200036.9116.99."

Container = Literal["zip", "folder"]

#: Fields that change, each with a placeholder of the very width of its values.
_FIELDS = {
    "PatientName": "@1".ljust(32, "@"),
    "PatientID": "9999999901",
    "PatientBirthDate": "18010102",
    "PatientSex": "O",
    "StudyDate": "18010103",
    "AccessionNumber": "@2".ljust(14, "@"),
    "StudyInstanceUID": _ROOT + "9" * 16 + "1",
    "SeriesInstanceUID": _ROOT + "9" * 16 + "2",
    "SOPInstanceUID": _ROOT + "9" * 16 + "3",
    "InstanceNumber": "999983",
}
_SEX_ELEMENT = b"\x10\x00\x40\x00CS\x02\x00"


@dataclass(frozen=True)
class BulkSummary:
    """What was written: instances by modality, and how many patients, studies and series."""

    files: int
    patients: int
    studies: int
    series: int
    archives: int
    modalities: dict[str, int]

    def summary(self) -> dict[str, Any]:
        """Return the counts for the audit trail and for `expected.json`."""
        return asdict(self)


@dataclass(frozen=True)
class Template:
    """A file cut at its changing fields: ``pieces`` are bytes to keep and names of fields."""

    modality: str
    pieces: tuple[bytes | str, ...]

    def stamp(self, values: dict[str, bytes]) -> bytes:
        """Return a file; ``values`` has every field at its placeholder's width."""
        return b"".join([values[p] if isinstance(p, str) else p for p in self.pieces])


def _cut(content: bytes, modality: str) -> Template:
    pieces: list[bytes | str] = [content]
    for name, placeholder in _FIELDS.items():
        mark = placeholder.encode()
        if name == "PatientSex":
            mark = _SEX_ELEMENT + b"O "
        parts: list[bytes | str] = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            for number, rest in enumerate(piece.split(mark)):
                parts += [name, rest] if number else [rest]
        pieces = parts
    return Template(modality, tuple(piece for piece in pieces if piece))


def _templates(seed: int, pixels: bool) -> list[Template]:
    """Return a template for every modality in every hospital that has a machine for it."""
    templates = []
    for hospital in hospitals(seed):
        seen = set()
        for n in range(10):
            plan = plan_patient(seed, n)
            plan = replace(plan, person=replace(plan.person, charset=LATIN))
            for study in plan.studies:
                study = replace(study, hospital=hospital)  # noqa: PLW2901 - the same, elsewhere
                made: tuple[Instance, ...] = ()
                for series in study.series:
                    here = replace(
                        series, scanner=hospital.scanner(series.modality), syntax="explicit"
                    )
                    made += tuple(build(Shoot(plan, study, here, made)))
                    if series.modality not in seen:
                        seen.add(series.modality)
                        templates.append(_template(made[-1], study, here, pixels))
    return templates


def _template(instance: Instance, study: StudyPlan, series: SeriesPlan, pixels: bool) -> Template:
    ds = instance.dataset.copy()
    if not pixels:
        for keyword in ("PerFrameFunctionalGroupsSequence", "EncapsulatedDocument"):
            if keyword in ds:
                del ds[keyword]
    ds.SpecificCharacterSet = LATIN
    for keyword, placeholder in _FIELDS.items():
        setattr(ds, keyword, placeholder)
    for keyword in ("PatientAddress", "PatientTelephoneNumbers", "PatientBirthName"):
        if keyword in ds:
            del ds[keyword]
    plain = replace(instance, dataset=ds, frames=instance.frames if pixels else None)
    return _cut(encode(plain, "explicit", study.hospital.aet), series.modality)


def _uid(seed: int, kind: int, number: int) -> bytes:
    # 40 characters always, an even width as elements want.
    return f"{_ROOT}{1000 + seed % 9000}{kind}{number:012d}".encode()


def _patient(seed: int, number: int) -> dict[str, bytes]:
    rng = chance(seed, "bulk", number)
    born = date(1930, 1, 1) + timedelta(days=rng.randrange(27000))
    given = rng.choice(table("given_names.csv"))
    name = f"{rng.choice(words('surnames.csv', 'name'))}^{given['name']}"
    return {
        "PatientName": name.encode("latin-1").ljust(32)[:32],
        "PatientID": chi_number(born, given["sex"], rng).encode(),
        "PatientBirthDate": f"{born:%Y%m%d}".encode(),
        "PatientSex": _SEX_ELEMENT + given["sex"].encode() + b" ",
    }


def _instances(
    seed: int, templates: list[Template], first: int, last: int
) -> Iterator[tuple[Template, bytes]]:
    """Yield (template, file) of instances ``first`` to ``last``, the end out."""
    values: dict[str, bytes] = {}
    before: tuple[int, int, int] = (-1, -1, -1)
    for number in range(first, last):
        series = number // PER_SERIES
        study = series // SERIES_PER_STUDY
        patient = study // STUDIES_PER_PATIENT
        if patient != before[0]:
            values |= _patient(seed, patient)
        if study != before[1]:
            day = NOW - timedelta(days=1 + study * 7919 % 3000)
            values["StudyInstanceUID"] = _uid(seed, 1, study)
            values["StudyDate"] = f"{day:%Y%m%d}".encode()
            values["AccessionNumber"] = f"A{study:013d}".encode()
        if series != before[2]:
            values["SeriesInstanceUID"] = _uid(seed, 2, series)
        before = (patient, study, series)
        values["SOPInstanceUID"] = _uid(seed, 3, number)
        values["InstanceNumber"] = f"{number % PER_SERIES + 1:06d}".encode()
        template = templates[study % len(templates)]
        yield template, template.stamp(values)


def synthesise_headers(
    directory: Path,
    instances: int,
    seed: int = 1,
    *,
    pixels: bool = False,
    container: Container = "zip",
    progress: Callable[[int, int], None] | None = None,
    check: bool = False,
) -> BulkSummary:
    """Write ``instances`` instances below ``directory/dicom`` in shards of 1,000.

    A shard is a zip archive or, with ``container="folder"``, a folder. A zip that is there already
    is kept, so a run that was killed goes on where it was. With ``check`` nothing is written.
    Raises UserError where the folder holds something else.
    """
    wish: dict[str, Any] = {"edition": 1, "instances": instances, "seed": seed, "pixels": pixels}
    wish["container"] = container
    check_folder(directory, wish)
    templates = _templates(seed, pixels)
    shards = range(0, instances, PER_SHARD)
    summary = _count(instances, templates, len(shards) if container == "zip" else 0)
    if check:
        return summary
    prepare(directory, wish)
    for first in shards:
        last = min(first + PER_SHARD, instances)
        _write_shard(directory, container, first, _instances(seed, templates, first, last))
        if progress is not None:
            progress(last, instances)
    text = json.dumps(_expected(summary), indent=1, sort_keys=True)
    put(directory, "answer_key/expected.json", (text + "\n").encode())
    return summary


def _write_shard(
    directory: Path, container: Container, first: int, files: Iterator[tuple[Template, bytes]]
) -> None:
    name = f"dicom/bulk/{first // PER_SHARD:06d}"
    if container == "folder":
        for number, (template, content) in enumerate(files):
            put(directory, f"{name}/{template.modality}{number:04d}.dcm", content)
        return
    if (directory / f"{name}.zip").exists():
        return
    members = [(f"{t.modality}{n:04d}.dcm", content) for n, (t, content) in enumerate(files)]
    put(directory, f"{name}.part", zip_bytes(members, squeeze=False))
    (directory / f"{name}.part").rename(directory / f"{name}.zip")


def _count(instances: int, templates: list[Template], archives: int) -> BulkSummary:
    def up(count: int, each: int) -> int:
        return -(-count // each)

    series = up(instances, PER_SERIES)
    studies = up(series, SERIES_PER_STUDY)
    whole = PER_SERIES * SERIES_PER_STUDY
    modalities: dict[str, int] = {}
    for study in range(studies):
        modality = templates[study % len(templates)].modality
        count = min(whole, instances - study * whole)
        modalities[modality] = modalities.get(modality, 0) + count
    return BulkSummary(
        files=instances,
        patients=up(studies, STUDIES_PER_PATIENT),
        studies=studies,
        series=series,
        archives=archives,
        modalities=dict(sorted(modalities.items())),
    )


def _expected(summary: BulkSummary) -> dict[str, Any]:
    states = {"catalogued": summary.files, "duplicate": 0, "conflicting": 0, "quarantined": {}}
    return summary.summary() | states
