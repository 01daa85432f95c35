"""Which instances may be released as far as their pixels go: what is not known clean is withheld.

The policy is data (``data/pixel_policy.yaml``), by SOP class. Reasons of :class:`Withheld`:
``unknown-sop-class``, ``unknown-transfer-syntax``, ``burned-in-annotation``, ``burned-in-unknown``,
``recognisable-features``, ``overlay``, ``screen-capture``, ``secondary-capture``,
``colour-rendering``, ``derived-image``, ``image-type-unknown``, ``slide-label``,
``ultrasound-outside-regions``, ``ultrasound-text-unknown``, and those that the policy names for
whole classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml
from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import stored, tags, texts_of
from imagehaven.deidentify.elements.values import is_registered
from imagehaven.deidentify.pixels.regions import Blanking, blanking_of
from imagehaven.deidentify.rulebook.table import data_text
from imagehaven.dicom.header import Header
from imagehaven.errors import UserError, Withheld

_FILE: Final = "pixel_policy.yaml"
_KINDS: Final = ("acquired", "declared", "regions", "no-picture")
_LISTS: Final = ("screen_values", "label_values", "clean_derivations")
_COLOUR_CLASSES: Final = frozenset(["1.2.840.10008.5.1.4.1.1.4.3"])


@dataclass(frozen=True)
class Policy:
    """The kind of each SOP class, the reason of each withheld one, and the ImageType lists."""

    kinds: Mapping[str, str]
    withheld: Mapping[str, str]
    screen_values: frozenset[str]
    label_values: frozenset[str]
    clean_derivations: frozenset[str]


@cache
def policy() -> Policy:
    """Load and check the policy; :class:`UserError` names what is wrong with it."""
    document: dict[str, Any] = yaml.safe_load(data_text(_FILE))
    expected = {*_KINDS, *_LISTS, "withheld"}
    if set(document) != expected:
        raise UserError(f"{_FILE}: the keys must be {', '.join(sorted(expected))}.")
    kinds = {uid: kind for kind in _KINDS for uid in document[kind]}
    reasons = {uid: reason for reason, uids in document["withheld"].items() for uid in uids}
    both = sorted(set(kinds) & set(reasons))
    if both or len(kinds) != sum(len(document[kind]) for kind in _KINDS):
        raise UserError(f"{_FILE}: a SOP class must stand there once: {', '.join(both)}.")
    lists = {name: frozenset(str(value) for value in document[name]) for name in _LISTS}
    return Policy(kinds, reasons, **lists)


def check_pixels(header: Header, sop_class: str) -> Blanking | None:
    """Return None when the pixels may go as they are, or how they must be blanked first.

    Raises :class:`Withheld` with one of the reasons above.
    """
    rules = policy()
    if sop_class in rules.withheld:
        raise Withheld(rules.withheld[sop_class], "this kind of object is not released yet")
    kind = rules.kinds.get(sop_class)
    if kind is None:
        raise Withheld("unknown-sop-class", "nothing is known of the content of this SOP class")
    if not is_registered(header.transfer_syntax):
        raise Withheld("unknown-transfer-syntax", "the encoding is not one of the Standard's")
    _check_statements(header.dataset)
    _check_overlays(header.dataset)
    if header.pixel_tag is None or kind == "no-picture":
        return None
    image_type = {value.upper() for value in texts_of(header.dataset, 0x00080008)}
    if image_type & rules.screen_values:
        raise Withheld("screen-capture", "ImageType says that this is a picture of a screen")
    if texts_of(header.dataset, 0x00080064):
        raise Withheld("secondary-capture", "ConversionType says that this was captured")
    if kind == "regions":
        blanking = blanking_of(header)
        if not _says_clean(header.dataset):
            raise Withheld("ultrasound-text-unknown", "text is also typed inside the regions")
        return blanking
    if kind == "declared":
        _check_declared(header.dataset, image_type & rules.label_values)
    else:
        _check_acquired(header, sop_class, rules)
    return None


def _check_statements(dataset: Dataset) -> None:
    if texts_of(dataset, 0x00280301)[:1] not in ([], ["NO"]):
        raise Withheld("burned-in-annotation", "BurnedInAnnotation does not say NO")
    if texts_of(dataset, 0x00280302)[:1] not in ([], ["NO"]):
        raise Withheld("recognisable-features", "RecognizableVisualFeatures does not say NO")


def _check_overlays(dataset: Dataset) -> None:
    """Withhold overlay data, and overlays embedded in the unused bits of the pixels."""
    for tag in tags(dataset):
        if (
            0x6000 <= tag >> 16 <= 0x60FF
            and tag >> 16 & 1 == 0
            and tag & 0xFFFF in (0x3000, 0x0102)
        ):
            element = stored(dataset, tag)
            bits = element.value if element is not None else None
            if tag & 0xFFFF == 0x3000 or (isinstance(bits, bytes) and any(bits)):
                raise Withheld("overlay", "an overlay may show text")


def _check_declared(dataset: Dataset, labels: set[str]) -> None:
    if labels:
        raise Withheld("slide-label", "ImageType says that the slide's label is in the picture")
    if not _says_clean(dataset):
        raise Withheld("burned-in-unknown", "BurnedInAnnotation is absent")


def _check_acquired(header: Header, sop_class: str, rules: Policy) -> None:
    dataset = header.dataset
    samples = stored(dataset, 0x00280002)
    colour = samples is not None and isinstance(samples.value, bytes) and 1 not in samples.value
    if colour and sop_class not in _COLOUR_CLASSES:
        raise Withheld("colour-rendering", "a scanner of this kind does not acquire colour")
    values = [value.upper() for value in texts_of(dataset, 0x00080008)]
    if _says_clean(dataset):
        return
    if len(values) < 2:
        raise Withheld("image-type-unknown", "ImageType does not say how the image was made")
    derived = values[0] != "ORIGINAL" and values[1] != "PRIMARY"
    if derived and not set(values[2:]) & rules.clean_derivations:
        raise Withheld("derived-image", "a derived secondary image may show text")


def _says_clean(dataset: Dataset) -> bool:
    return texts_of(dataset, 0x00280301)[:1] == ["NO"]
