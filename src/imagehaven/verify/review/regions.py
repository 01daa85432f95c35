"""Where devices write into their pictures, as reviewers' decisions to redact teach it.

A finding in pixels has a place and was made by a machine. When somebody decides that it is an
identifier, the place is blanked from then on in every picture of that machine and format, before
anybody looks for text. ``HAVEN/devices/reviewed.yaml`` says so to the de-identifier, in the form of
its own device rules; it is written from the ledger's decisions, which are the truth.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy import Connection

from imagehaven.haven import Haven
from imagehaven.verify.machine import FORMAT, TEXTS
from imagehaven.verify.review.decisions import Decision, teachings
from imagehaven.verify.review.machines import machines_of, pictures_of
from imagehaven.verify.review.store import REDACT, Kept

FOLDER: Final = "devices"
REVIEWED: Final = "reviewed.yaml"
_HEAD: Final = (
    "# Written by `imagehaven review` from the decisions in the ledger; what you write here is\n"
    "# lost. Rules of your own belong into site.yaml, in the form of these.\n"
)
_MARGIN: Final = 0.5
"""The share of a box's height that is blanked around it: the next name may be longer or lower."""
_LEAST_MARGIN: Final = 4

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Region:
    """Areas (left, top, width, height in pixels) that one machine writes into.

    ``machine`` has the texts and the format that a picture must have. ``pictures`` counts those in
    the catalogue that are like it, None where nobody has counted. It shows no file and no value.
    """

    machine: Mapping[str, str] = field(hash=False)
    blank: tuple[Box, ...]
    pictures: int | None = None

    def summary(self) -> dict[str, Any]:
        """The region in plain values, for a preview."""
        return {
            "machine": dict(self.machine),
            "blank": [list(box) for box in self.blank],
            "share_of_picture": round(self._share, 3),
            "pictures_in_catalogue": self.pictures,
        }

    @property
    def _share(self) -> float:
        rows, columns = (int(self.machine[name]) for name in FORMAT)
        return sum(box[2] * box[3] for box in self.blank) / max(1, rows * columns)


def regions_of(haven: Haven, chosen: Sequence[Kept]) -> list[Region]:
    """What blanking the places of these findings would teach, one region for each machine.

    Findings without a box, or whose machine says neither maker nor model, teach nothing.
    """
    machines = machines_of(haven, [one for one in chosen if one.finding.box])
    boxes: dict[tuple[tuple[str, str], ...], set[Box]] = defaultdict(set)
    for one, machine in machines:
        assert one.finding.box is not None  # only those were asked for
        boxes[tuple(sorted(machine.items()))].add(one.finding.box)
    found = []
    for key, held in sorted(boxes.items()):
        machine = dict(key)
        rows, columns = (int(machine[name]) for name in FORMAT)
        blank = _joined(_grown(box, rows, columns) for box in sorted(held))
        found.append(Region(machine, blank))
    return found


def counted(haven: Haven, regions: Iterable[Region]) -> list[Region]:
    """The regions with how many pictures of the catalogue each is about."""
    return [
        Region(region.machine, region.blank, pictures_of(haven, region.machine))
        for region in regions
    ]


def taught(regions: Iterable[Region]) -> list[dict[str, Any]]:
    """The regions as a decision keeps them."""
    return [
        {"machine": dict(region.machine), "blank": [list(box) for box in region.blank]}
        for region in regions
    ]


def write_regions(connection: Connection, haven: Haven) -> str:
    """Bring ``reviewed.yaml`` to what the decisions say; returns its text, empty without rules."""
    rules = [
        row
        for decision, teaches in teachings(connection, haven, REDACT)
        if isinstance(teaches, dict)
        for row in _rules(decision, teaches.get("regions", []))
    ]
    path = haven.folder / FOLDER / REVIEWED
    if not rules:
        path.unlink(missing_ok=True)
        return ""
    text = _HEAD + yaml.safe_dump({"known": [], "rules": rules}, sort_keys=False, width=96)
    if not path.is_file() or path.read_text("utf-8") != text:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    return text


def region_files(haven: Haven) -> list[Path]:
    """The haven's files of device rules: the site's own, and the reviewers', brought up to date."""
    with haven.ledger.begin() as connection:
        write_regions(connection, haven)
    return sorted((haven.folder / FOLDER).glob("*.yaml"))


def _rules(decision: Decision, regions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for number, region in enumerate(regions, 1):
        machine = region["machine"]
        example = {name: machine[name] for name in TEXTS if machine.get(name)}
        size = {name: int(machine[name]) for name in FORMAT}
        rows.append(
            {
                "id": f"reviewed-{decision.decision_id}-{number}",
                **{name: re.escape(text) for name, text in example.items()},
                **size,
                "blank": [list(box) for box in region["blank"]],
                "author": decision.actor,
                "added": decision.at[:10],
                "why": f"redacted in review, decision {decision.decision_id}",
                "examples": {
                    "matches": [{**example, **size}],
                    "passes": [{**example, **size, "rows": size["rows"] + 1}],
                },
            }
        )
    return rows


def _grown(box: Box, rows: int, columns: int) -> Box:
    """The box with room around it, within the picture."""
    margin = max(_LEAST_MARGIN, round(box[3] * _MARGIN))
    left, top = max(0, box[0] - margin), max(0, box[1] - margin)
    right = min(columns, box[0] + box[2] + margin)
    bottom = min(rows, box[1] + box[3] + margin)
    return left, top, max(1, right - left), max(1, bottom - top)


def _joined(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """The boxes, those that touch each other as one."""
    left = list(boxes)
    done: list[Box] = []
    while left:
        one = left.pop()
        near = [other for other in (*left, *done) if _touch(one, other)]
        if not near:
            done.append(one)
            continue
        left = [other for other in left if other not in near]
        done = [other for other in done if other not in near]
        left.append(_around([one, *near]))
    return tuple(sorted(done))


def _touch(one: Box, other: Box) -> bool:
    return all(
        one[axis] <= other[axis] + other[axis + 2] and other[axis] <= one[axis] + one[axis + 2]
        for axis in (0, 1)
    )


def _around(boxes: Sequence[Box]) -> Box:
    left, top = (min(box[axis] for box in boxes) for axis in (0, 1))
    right, bottom = (max(box[axis] + box[axis + 2] for box in boxes) for axis in (0, 1))
    return left, top, right - left, bottom - top
