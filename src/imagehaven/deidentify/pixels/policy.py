"""Which instances may be released as far as their pixels go, and which are searched for text first.

The policy is data (``data/pixel_policy.yaml``), by SOP class; what is not known to be clean is
searched, and what cannot be judged is withheld. Reasons of :class:`Withheld`:
``unknown-sop-class``, ``unknown-transfer-syntax``, ``unknown-device``, ``recognisable-features``,
``slide-label``, ``ultrasound-outside-regions``, and those that the policy names for whole classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydicom.dataset import Dataset

from imagehaven.declarations import read_yaml
from imagehaven.deidentify.documents.kinds import REASONS, document_kinds
from imagehaven.deidentify.elements.stored import texts_of
from imagehaven.deidentify.elements.values import is_registered
from imagehaven.deidentify.pixels.areas import Area, fitted
from imagehaven.deidentify.pixels.devices import Device, Devices, devices
from imagehaven.deidentify.pixels.regions import outside_regions
from imagehaven.deidentify.rulebook.table import data_text
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import Shape, shape_of
from imagehaven.errors import UserError, Withheld

_FILE: Final = "pixel_policy.yaml"
_KINDS: Final = ("acquired", "detect", "regions", "slide", "photograph", "no-picture")
_LISTS: Final = ("screen_values", "rendering_values", "label_values", "clean_derivations")
_COLOUR_CLASSES: Final = frozenset(["1.2.840.10008.5.1.4.1.1.4.3"])
_SCANNER_BITS: Final = 9
"""Scanners store more bits than a picture for the eye has; eight mean that it was rendered."""


@dataclass(frozen=True)
class Policy:
    """The kind of each SOP class, the reason of each withheld one, and the ImageType lists."""

    kinds: Mapping[str, str]
    withheld: Mapping[str, str]
    unknown_devices: str
    screen_values: frozenset[str]
    rendering_values: frozenset[str]
    label_values: frozenset[str]
    clean_derivations: frozenset[str]


@dataclass(frozen=True)
class Plan:
    """What is to be done about the pixels of one instance.

    ``areas`` are blanked on every frame; with ``search`` every frame is searched for text;
    ``declared`` says that the header owns up to text, so that a search must find some.
    """

    shape: Shape
    areas: tuple[Area, ...]
    search: bool
    declared: bool


@cache
def policy() -> Policy:
    """Load and check the policy; :class:`UserError` names what is wrong with it."""
    return read_policy(data_text(_FILE))


def read_policy(text: str) -> Policy:
    """Return what the YAML ``text`` says, checked as :func:`policy` does."""
    document: dict[str, Any] = read_yaml(text)
    expected = {*_KINDS, *_LISTS, "withheld", "unknown_devices"}
    if set(document) != expected:
        raise UserError(f"{_FILE}: the keys must be {', '.join(sorted(expected))}.")
    kinds = {uid: kind for kind in _KINDS for uid in document[kind]}
    reasons = {uid: reason for reason, uids in document["withheld"].items() for uid in uids}
    both = sorted(set(kinds) & set(reasons))
    if both or len(kinds) != sum(len(document[kind]) for kind in _KINDS):
        raise UserError(f"{_FILE}: a SOP class must stand there once: {', '.join(both)}.")
    unknown = document["unknown_devices"]
    if unknown not in ("detect", "withhold"):
        raise UserError(f"{_FILE}: unknown_devices must be detect or withhold.")
    lists = {name: frozenset(str(value) for value in document[name]) for name in _LISTS}
    return Policy(kinds, reasons, unknown, **lists)


def check_pixels(
    header: Header, sop_class: str, rules: Policy | None = None, known: Devices | None = None
) -> Plan | None:
    """Return what to do about the pixels, None when they may go as they are.

    ``known`` is what is known of devices, where it is more than the built-in rules. Raises
    :class:`Withheld` with one of the reasons above.
    """
    rules, known = rules or policy(), known or devices()
    if sop_class in rules.withheld:
        raise Withheld(rules.withheld[sop_class], "this kind of object is not released yet")
    kind = rules.kinds.get(sop_class)
    if sop_class in document_kinds():
        if header.pixel_tag is not None:
            raise Withheld(REASONS[document_kinds()[sop_class]], "documents have no pixels")
        return None
    if kind is None:
        raise Withheld("unknown-sop-class", "nothing is known of the content of this SOP class")
    if not is_registered(header.transfer_syntax):
        raise Withheld("unknown-transfer-syntax", "the encoding is not one of the Standard's")
    _check_features(header.dataset, kind, rules)
    if header.pixel_tag is None or kind == "no-picture":
        return None
    shape = shape_of(header)
    device = Device.of(header, shape)
    declared = texts_of(header.dataset, 0x00280301)[:1] not in ([], ["NO"])
    areas = known.areas(device)
    if kind == "regions":
        areas = (*areas, *outside_regions(header, shape))
    search = _is_searched(header, shape, sop_class, rules, kind)
    if not search and kind == "acquired" and not known.knows(device):
        if rules.unknown_devices == "withhold":
            raise Withheld("unknown-device", "nothing is known of what this device draws")
        search = True
    if not (search or areas or declared):
        return None
    return Plan(shape, fitted(areas, shape), search or declared, declared)


def _check_features(dataset: Dataset, kind: str, rules: Policy) -> None:
    """Withhold what may show a face, or the label of a slide."""
    said = texts_of(dataset, 0x00280302)[:1]
    if said not in ([], ["NO"]):
        raise Withheld("recognisable-features", "RecognizableVisualFeatures does not say NO")
    image_type = _image_type(dataset)
    if not said and (kind == "photograph" or rules.rendering_values.intersection(image_type)):
        raise Withheld("recognisable-features", "the picture may show a face, and nobody denies it")
    if kind == "slide" and rules.label_values.intersection(image_type):
        raise Withheld("slide-label", "ImageType says that the slide's label is in the picture")


def _is_searched(header: Header, shape: Shape, sop_class: str, rules: Policy, kind: str) -> bool:
    """Say whether nothing proves that the picture is free of text."""
    dataset = header.dataset
    image_type = _image_type(dataset)
    if rules.screen_values.intersection(image_type) or texts_of(dataset, 0x00080064):
        return True  # a picture of a screen, or one with a ConversionType
    if kind == "slide":
        return "VOLUME" not in image_type or texts_of(dataset, 0x00280301)[:1] != ["NO"]
    if kind != "acquired" or len(image_type) < 2:
        return True
    if shape.samples > 1 and sop_class not in _COLOUR_CLASSES:
        return True  # a scanner of this kind does not acquire colour
    if shape.samples == 1 and shape.stored < _SCANNER_BITS:
        return True
    derived = image_type[0] != "ORIGINAL" and image_type[1] != "PRIMARY"
    return derived and not rules.clean_derivations.intersection(image_type[2:])


def _image_type(dataset: Dataset) -> list[str]:
    return [value.upper() for value in texts_of(dataset, 0x00080008)]
