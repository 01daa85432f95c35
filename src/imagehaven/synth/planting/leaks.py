"""Planting identifiers: the leak sites of `data/leaks.yaml`, and marks for what is standard.

First the leaks are written into a data set, each site by its own chance; then the whole data set
is walked, and every element that `data/identifying.csv` names, every date and every UID that is
not the Standard's own becomes a mark too. So the answer key is complete by construction.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from imagehaven.errors import TerminalError
from imagehaven.synth.answer_key import Mark
from imagehaven.synth.chance import number
from imagehaven.synth.images import Instance, Shoot
from imagehaven.synth.vocabulary import require, table

_LIMITS = {"SH": 16, "LO": 64, "CS": 16, "ST": 1024, "PN": 64}
_CSA = b"SV10\x04\x03\x02\x01\x4d\x00\x00\x00\x4d\x00\x00\x00"
_LEVELS = ("study", "series", "instance")


@cache
def sites() -> tuple[dict[str, Any], ...]:
    """Return the leak sites; raises TerminalError where one has a level that does not exist."""
    for entry in require("leaks.yaml", ["site", "at", "text", "level", "rate"]):
        if entry["level"] not in _LEVELS:
            raise TerminalError(
                f"synth/data/leaks.yaml, site {entry['site']}: level is one of {_LEVELS}"
            )
    return require("leaks.yaml", ["site", "at", "text", "level", "rate"])


def _chosen(site: dict[str, Any], shoot: Shoot, instance: Instance) -> bool:
    if shoot.series.modality not in site.get("modalities", [shoot.series.modality]):
        return False
    maker = shoot.series.scanner.manufacturer.upper()
    if not any(maker.startswith(name.upper()) for name in site.get("makers", [""])):
        return False
    key = {
        "study": shoot.study.uid,
        "series": shoot.series.uid,
        "instance": instance.dataset.SOPInstanceUID,
    }[site["level"]]
    draw = number(shoot.plan.seed, "leak", site.get("draw", site["site"]), key) % 1000
    return bool(draw < 1000 * site["rate"])


def plant_leaks(shoot: Shoot, instance: Instance) -> None:
    """Write the identifiers of every site that is this instance's turn, and mark them."""
    for site in sites():
        if not _chosen(site, shoot, instance):
            continue
        for at, template in site.get("with", {}).items():
            _put(instance.dataset, {"at": at}, shoot.telling.render(template, "")[0])
        text, marks = shoot.telling.render(site["text"], "")
        where, kept = _put(instance.dataset, site, text)
        instance.marks = [mark for mark in instance.marks if mark.location != where]
        instance.safe = [row for row in instance.safe if row[0] != where]
        if "safe" in site:
            instance.safe.append((where, kept, site["safe"]))
        if "kind" in site:
            instance.marks.append(Mark(where, site["kind"], kept))
        instance.marks += [
            Mark(where, mark.kind, mark.value) for mark in marks if mark.value in kept
        ]


def _steps(at: str | list[Any]) -> list[Any]:
    """Return the steps of a path: (keyword, None) or a private element's mapping."""
    if isinstance(at, str):
        return [step.removesuffix("[0]") for step in at.split(".")]
    return [step for part in at for step in ([part] if isinstance(part, dict) else _steps(part))]


def _vr_of(keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise TerminalError(f"synth/data/leaks.yaml: {keyword} is no DICOM keyword")
    return dictionary_VR(tag)


def _put(dataset: Dataset, site: dict[str, Any], text: str) -> tuple[str, str]:
    """Put a text at a site's place, making the sequences on the way.

    Returns its location and what of it the VR has room for.
    """
    steps, path = _steps(site["at"]), []
    for step in steps[:-1]:
        tag, vr, name = _element(dataset, step)
        if tag not in dataset or not dataset[tag].value:
            dataset.add_new(tag, vr, [Dataset()])
        dataset = dataset[tag].value[0]
        path.append(f"{name}[0]")
    tag, vr, name = _element(dataset, steps[-1])
    kept = text.rstrip()
    while vr in _LIMITS and len(kept.encode()) > _LIMITS[vr]:
        kept = kept[:-1].rstrip()
    dataset.add_new(tag, vr, _binary(kept, site) if vr in {"OB", "UN"} else kept)
    return ".".join([*path, name]), kept


def _element(dataset: Dataset, step: Any) -> tuple[BaseTag, str, str]:
    """Return tag, VR and location name of a step; a private creator is claimed on the way."""
    if isinstance(step, str):
        return Tag(step), _vr_of(step), step
    if step["creator"] is None:
        tag = Tag(step["group"], 0x1000 + step["element"])
    else:
        block = dataset.private_block(step["group"], step["creator"], create=True)
        tag = block.get_tag(step["element"])
    return tag, step["vr"], place_of(tag)


def _binary(text: str, site: dict[str, Any]) -> bytes:
    content = text.encode("utf-8")
    if site.get("wrap") == "csa":
        content = _CSA + content.ljust(len(content) + 8, b"\0") + b"\xcd\xcd\xcd\xcd"
    return content + b"\0" * (len(content) % 2)


def place_of(tag: BaseTag) -> str:
    """Return a private tag as the answer key writes it."""
    return f"({tag.group:04x},{tag.element:04x})"


def elements(dataset: Dataset, path: str = "") -> Iterator[tuple[str, DataElement]]:
    """Yield (location, element) of every element at every depth that is no sequence."""
    for element in dataset:
        name = element.keyword if element.keyword else place_of(element.tag)
        if element.VR == "SQ":
            for place, item in enumerate(element.value):
                yield from elements(item, f"{path}{name}[{place}].")
        else:
            yield f"{path}{name}", element


@cache
def _identifying() -> dict[str, str]:
    return {row["keyword"]: row["kind"] for row in table("identifying.csv")}


@cache
def _safe() -> dict[str, str]:
    return {row["keyword"]: row["why"] for row in table("safe_keywords.csv")}


def _values(element: DataElement) -> list[str]:
    if element.value is None or isinstance(element.value, bytes):
        return []
    values = element.value if element.VM > 1 else [element.value]
    return [str(value) for value in values]


def mark_standard(shoot: Shoot, instance: Instance) -> None:
    """Mark what identifies by its very element, and note what must survive."""
    person = shoot.plan.person
    told = {mark.location for mark in instance.marks}
    for location, element in elements(instance.dataset):
        kind = _identifying().get(element.keyword, "")
        if element.VR in {"DA", "DT"}:
            kind = "date"
        elif element.VR == "UI":
            kind = "uid"
        elif element.keyword == "PatientAge":
            kind = "age-over-89" if int(str(element.value)[:3]) > 89 else ""
        if element.keyword in _safe() and location not in told:
            instance.safe += [
                (location, value, _safe()[element.keyword]) for value in _values(element)
            ]
        if not kind or location in told:
            continue
        for value in _values(element):
            if kind == "uid" and value.startswith("1.2.840.10008."):
                continue
            is_nhs = kind == "chi" and value.replace(" ", "") == person.nhs
            instance.marks.append(Mark(location, "nhs" if is_nhs else kind, value))


def plant_around(shoot: Shoot, instance: Instance) -> None:
    """Plant identifiers around the data set: preamble, file meta and trailing padding."""
    uid = instance.dataset.SOPInstanceUID
    roll = number(shoot.plan.seed, "around", uid) % 12
    telling = shoot.telling
    if roll == 0:
        text, marks = telling.render("{listed} {chi} exported {exam_iso}", "preamble")
        instance.preamble = text.encode("utf-8")[:128].ljust(128, b"\0")
        instance.marks += marks
    elif roll == 1:
        text, marks = telling.render("{operator}|{serial}|{chi}", "file-meta/PrivateInformation")
        content = text.encode("utf-8")
        instance.private_information = content + b"\0" * (len(content) % 2)
        instance.marks += marks
    elif roll == 2 and shoot.series.syntax not in {"deflated"}:
        text, marks = telling.render("{family_upper} {chi_spaced} {born_slash}", "trailing")
        content = text.encode("utf-8")
        padding = content.ljust(len(content) + 6 + len(content) % 2, b"\0")
        instance.dataset.add_new(0xFFFCFFFC, "OB", padding)
        instance.marks += marks
    aet = shoot.study.hospital.aet
    instance.marks.append(Mark("file-meta/SourceApplicationEntityTitle", "aet", aet))
    instance.marks.append(Mark("file-meta/MediaStorageSOPInstanceUID", "uid", uid))
