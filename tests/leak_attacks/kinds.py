"""What an attack is, whom it is about, and the small tools to write one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

Plant = Callable[[Dataset], object]
Kept = Callable[[Dataset], bool]

PATIENT = "Drummond^Elspeth"
CHI = "1204640122"
NHS = "9434765919"
BORN = "19640412"
STRANGER_CHI = "0703511238"


@dataclass(frozen=True)
class Attack:
    """``plant`` puts identifiers in, and none of ``secrets`` may come out in any encoding.

    ``near`` plants what looks alike and identifies nobody; ``kept`` says whether it came out.
    """

    plant: Plant
    secrets: tuple[str | bytes, ...]
    near: Plant
    kept: Kept


def put(keyword: str, value: Any) -> Plant:
    """Set one element."""
    return lambda dataset: setattr(dataset, keyword, value)


def raw(tag: int, vr: str, value: bytes) -> Plant:
    """Set one element to bytes that pydicom would not write by itself."""

    def plant(dataset: Dataset) -> None:
        little = not dataset.file_meta.TransferSyntaxUID.endswith("1.2.2")
        dataset[tag] = RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, little)

    return plant


def unknown(tag: int, value: bytes) -> Plant:
    """Set one element as UN."""
    return lambda dataset: dataset.add(DataElement(tag, "UN", value))


def all_of(*plants: Plant) -> Plant:
    """Do several plants."""

    def plant(dataset: Dataset) -> None:
        for one in plants:
            one(dataset)

    return plant


def item(**values: Any) -> Dataset:
    """Return an item with these elements."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def has(keyword: str, value: Any) -> Kept:
    """Say whether an element has this value."""
    return lambda dataset: dataset.get(keyword) == value


def field(keyword: str, secret: str, near: Any) -> Attack:
    """An attack on one element by one text, whose near miss is another text there."""
    return Attack(put(keyword, secret), (secret,), put(keyword, near), has(keyword, near))
