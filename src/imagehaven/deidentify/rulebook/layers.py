"""Layers of a profile: each file of its chain, then that file's modality and manufacturer sections.

A later layer wins over an earlier one, and within a file manufacturer over modality over the file's
own overrides. So a project's file has the last word over what it extends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydicom.datadict import dictionary_VR, tag_for_keyword

from imagehaven.deidentify.rulebook.document import Value, read_document
from imagehaven.deidentify.rulebook.table import OPTIONS, PIXEL_OPTIONS, data_text
from imagehaven.errors import UserError

ACTIONS: Final = ("K", "C", "X", "Z", "D", "U", "P")
_KEYS: Final = (
    "name", "about", "extends", "options", "without", "overrides", "modality", "manufacturer",
    "examples",
)  # fmt: skip
_PSEUDONYMS: Final = frozenset(["LO", "SH", "PN", "UC", "LT", "ST", "UT"])
_NEVER_KEPT: Final = frozenset(["PatientID", "OtherPatientIDs"])
_FULL, _MODIFIED = "retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"


@dataclass(frozen=True)
class Context:
    """Where an element stands: what the layers and the Types of PS3.3 are chosen by.

    ``sequence`` is the keyword of the sequence whose items it stands in, '' at the top level.
    """

    sop_class: str = ""
    modality: str = ""
    manufacturer: str = ""
    sequence: str = ""

    def inside(self, sequence: str) -> Context:
        """Return the context of the items of a sequence."""
        return replace(self, sequence=sequence)


@dataclass(frozen=True)
class Override:
    """An action that replaces the table's for one element, the reason for it, and its line."""

    action: str
    reason: str
    where: str


@dataclass(frozen=True)
class Layer:
    """Overrides that apply to every instance, to one modality's, or to one manufacturer's."""

    kind: str
    key: str
    overrides: Mapping[str, Override]

    def applies(self, context: Context) -> bool:
        """Say whether an instance of this modality and manufacturer is meant."""
        if self.kind == "modality":
            return self.key == context.modality
        if self.kind == "manufacturer":
            words = context.manufacturer.casefold().split()
            named = self.key.casefold().split()
            return words[: len(named)] == named
        return True


@dataclass(frozen=True)
class Example:
    """One line of a profile's inline tests; see :mod:`imagehaven.deidentify.profiles.examples`."""

    element: str
    value: str
    context: Context
    expect: str
    becomes: str | None
    where: str


@dataclass(frozen=True)
class ProfileFile:
    """One file of a chain, checked."""

    file: str
    text: str
    name: str
    about: str
    options: Mapping[str, str]
    without: Mapping[str, str]
    layers: tuple[Layer, ...]
    examples: tuple[Example, ...]


def read_chain(name: str | Path) -> list[ProfileFile]:
    """Read a profile and what it extends, the base first; checks every line of every file."""
    chain: list[ProfileFile] = []
    seen: set[str] = set()
    wanted: str | Path | None = name
    asked: Value | None = None
    while wanted is not None:
        text, file, place = _profile_text(wanted)
        if file in seen and asked is not None:
            raise asked.fault(f"extends comes back to {file}: a chain of profiles must end")
        seen.add(file)
        document = read_document(text, file)
        keys = document.mapping("the profile", _KEYS)
        if "name" not in keys or not {"options", "extends"} & set(keys):
            raise document.fault("the profile must have the keys name, and options or extends")
        chain.append(_read(keys, file, text))
        asked = keys.get("extends")
        wanted = None if asked is None else _next(asked.text("extends"), place)
    return chain[::-1]


def merge_options(chain: list[ProfileFile]) -> dict[str, str]:
    """Return the options that stand at the end of a chain, with their lines; refuse contradictions.

    A later file adds options and takes some away (``without``); in one file both is a fault.
    """
    found: dict[str, str] = {}
    for one in chain:
        for option, where in one.without.items():
            if option in one.options:
                raise UserError(f"{where}: {option} is both an option and taken away; choose one.")
            if option not in found:
                raise UserError(f"{where}: {option} is no option of what this profile extends.")
            del found[option]
        found.update(one.options)
    if _FULL in found and _MODIFIED in found:
        raise UserError(
            f"{found[_MODIFIED]}: dates are either kept in full ({found[_FULL]}) or modified; "
            "choose one option."
        )
    return found


def _read(keys: Mapping[str, Value], file: str, text: str) -> ProfileFile:
    def options(key: str) -> dict[str, str]:
        given = keys[key].items(key) if key in keys else []
        valid = (*OPTIONS, *PIXEL_OPTIONS)
        return {option.word(valid, "an option"): option.where for option in given}

    layers = [Layer("profile", "", _overrides(keys.get("overrides")))]
    for kind in ("modality", "manufacturer"):
        sections = keys[kind].mapping(kind) if kind in keys else {}
        for key, section in sections.items():
            inner = section.mapping(f"{kind} {key}", ["overrides"])
            layers.append(Layer(kind, key, _overrides(inner.get("overrides"))))
    examples = keys["examples"].items("examples") if "examples" in keys else []
    return ProfileFile(
        file=file,
        text=text,
        name=keys["name"].text("name"),
        about=keys["about"].text("about") if "about" in keys else "",
        options=options("options"),
        without=options("without"),
        layers=tuple(layers),
        examples=tuple(_example(example) for example in examples),
    )


def _overrides(section: Value | None) -> dict[str, Override]:
    found = section.mapping("overrides") if section is not None else {}
    return {keyword: _override(keyword, entry) for keyword, entry in found.items()}


def _override(keyword: str, entry: Value) -> Override:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise entry.fault(f"{keyword!r} is not a DICOM keyword (PS3.6)")
    given = entry.mapping(keyword, ["action", "reason"])
    if set(given) != {"action", "reason"} or given["reason"].is_empty():
        raise entry.fault(f"{keyword} must have an action and a reason")
    action = given["action"].word(ACTIONS, keyword)
    vr = dictionary_VR(tag)
    if action == "P" and vr not in _PSEUDONYMS:
        raise entry.fault(f"{keyword} cannot hold a pseudonym: its VR is not text")
    if action == "U" and vr not in ("UI", "SQ"):
        raise entry.fault(f"{keyword} holds no UID to map: its VR is {vr}")
    if action == "K" and (vr == "PN" or keyword in _NEVER_KEPT):
        raise entry.fault(f"{keyword} identifies a person and cannot be kept: choose P, Z or X")
    return Override(action, given["reason"].text("the reason"), entry.where)


def _example(entry: Value) -> Example:
    keys = ("element", "value", "modality", "manufacturer", "sop_class", "expect", "becomes")
    given = {key: value.text(key) for key, value in entry.mapping("an example", keys).items()}
    if not {"element", "value"} <= set(given) or ("expect" in given) == ("becomes" in given):
        raise entry.fault("an example must have element, value, and either expect or becomes")
    if tag_for_keyword(given["element"]) is None:
        raise entry.fault(f"{given['element']!r} is not a DICOM keyword (PS3.6)")
    expected = entry.mapping("an example").get("expect")
    return Example(
        element=given["element"],
        value=given["value"],
        context=Context(
            given.get("sop_class", ""), given.get("modality", ""), given.get("manufacturer", "")
        ),
        expect=expected.word(EXPECTATIONS, "expect") if expected is not None else "",
        becomes=given.get("becomes"),
        where=entry.where,
    )


EXPECTATIONS: Final = ("kept", "removed", "emptied", "replaced", "changed")
"""What an example may expect: the value itself, no element, no value, another value of no meaning
(a dummy, a pseudonym, a mapped UID), or another value of the same kind (a shifted date, a cleaned
text)."""


def _next(name: str, place: Path | None) -> str | Path:
    """Return what ``extends`` names: a file beside the one that says so, or a shipped profile."""
    if not name.endswith((".yaml", ".yml")):
        return name
    return (place / name) if place is not None else Path(name)


def _profile_text(name: str | Path) -> tuple[str, str, Path | None]:
    """Return a profile's text, how messages call its file, and the folder that it lies in."""
    if isinstance(name, Path) or name.endswith((".yaml", ".yml")):
        try:
            return Path(name).read_text(encoding="utf-8"), str(name), Path(name).parent
        except (OSError, UnicodeDecodeError):
            raise UserError(f"The profile {name} cannot be read as UTF-8 text.") from None
    return data_text(f"{name}.yaml", "profiles"), f"{name}.yaml", None
