"""What is found is blanked, what is left is searched again, and what is harmless may stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pytest

from imagehaven.deidentify.pixels.areas import Area, fitted, outside, painted
from imagehaven.deidentify.pixels.healing import healed
from imagehaven.deidentify.pixels.policy import Plan
from imagehaven.deidentify.pixels.redaction import persistent
from imagehaven.deidentify.pixels.search import Reader, search
from imagehaven.dicom.pixels import Frame, Shape
from imagehaven.errors import Withheld

SHAPE = Shape(40, 60, 1, 4, 8, False, False, False, "MONOCHROME2", 8, 7)
WHERE = {200: Area(5, 5, 15, 10), 220: Area(30, 20, 50, 30), 240: Area(2, 30, 9, 36)}
"""Values that stand for text, and where each is drawn."""


def frames(*drawn: Sequence[int]) -> list[Frame]:
    made = []
    for values in drawn:
        frame = np.full((40, 60), 10, np.uint8)
        for value in values:
            frame = painted(frame, [WHERE[value]], (value,))
        made.append(frame)
    return made


def find(shown: Iterable[Frame]) -> Iterator[list[Area]]:
    for frame in shown:
        yield [area for value, area in WHERE.items() if (frame == value).any()]


def reader(*, harmless: int = 0, always: bool = False, legible: bool = False) -> Reader:
    """A reader of the values; ``always``: it sees something wherever nothing is blank yet."""
    turn = iter(range(100))

    def sees(shown: Iterable[Frame]) -> Iterator[list[Area]]:
        step = next(turn) * 8
        for _ in shown:
            yield [Area(step, 0, step + 8, 5)]

    return Reader(
        sees if always else find,
        lambda frame, areas: [WHERE.get(harmless) == area for area in areas],
        lambda frame, areas: legible,
    )


def plan(*areas: Area) -> Plan:
    return Plan(SHAPE, areas, search=True, declared=False)


def test_what_one_frame_shows_is_blanked_in_that_frame() -> None:
    made = frames([200], [], [220], [])
    found = search(lambda: iter(made), plan(), reader())
    assert found.areas == ((WHERE[200],), (), (WHERE[220],), ())
    assert found.anything


def test_what_many_frames_show_is_blanked_in_all() -> None:
    made = frames([200], [200], [], [])
    found = search(lambda: iter(made), plan(), reader())
    assert found.areas == ((WHERE[200],),) * 4


def test_what_is_harmless_stays_and_counts_as_found() -> None:
    made = frames([200, 220], [], [], [])
    found = search(lambda: iter(made), plan(), reader(harmless=220))
    assert found.areas == ((WHERE[200],), (), (), ())
    only = search(lambda: iter(frames([220], [], [], [])), plan(), reader(harmless=220))
    assert only.areas == ((),) * 4
    assert only.anything


def test_nothing_found_is_said() -> None:
    assert not search(lambda: iter(frames([], [], [], [])), plan(), reader()).anything


def test_an_area_that_is_always_blanked_counts_when_it_hides_something() -> None:
    made = frames([200], [], [], [])
    assert search(lambda: iter(made), plan(Area(0, 0, 20, 12)), reader()).anything
    blank = frames([], [], [], [])
    assert not search(lambda: iter(blank), plan(Area(0, 0, 20, 12)), reader()).anything


def test_text_that_can_still_be_read_after_two_rounds_withholds() -> None:
    made = frames([], [], [], [])
    with pytest.raises(Withheld, match="text-remains"):
        search(lambda: iter(made), plan(), reader(always=True, legible=True))


def test_what_nobody_can_read_is_blanked_at_the_end() -> None:
    made = frames([], [], [], [])
    found = search(lambda: iter(made), plan(), reader(always=True))
    assert len(found.areas[0]) == 3


def test_all_outside_of_regions_is_covered_once() -> None:
    kept = (Area(10, 5, 30, 25), Area(20, 15, 50, 35))
    covered = np.zeros((40, 60), int)
    for area in outside(kept, SHAPE):
        covered[area.top : area.bottom, area.left : area.right] += 1
    inside = np.zeros((40, 60), bool)
    for area in kept:
        inside[area.top : area.bottom, area.left : area.right] = True
    assert np.array_equal(covered, (~inside).astype(int))


def test_areas_are_cut_to_the_frame() -> None:
    found = fitted([Area(-5, -5, 3, 4), Area(70, 0, 80, 5), Area(50, 30, 99, 99)], SHAPE)
    assert found == (Area(0, 0, 3, 4), Area(50, 30, 60, 40))


def test_text_that_moves_is_not_held_for_text_that_stays() -> None:
    moving = [[Area(20 * step, 0, 20 * step + 20, 10)] for step in range(8)]
    assert persistent(moving) == []
    seen = [Area(0, 0, 20, 10), Area(1, 0, 21, 10)]
    assert persistent([[seen[0]], [], [seen[1]]]) == seen


def test_text_that_is_cut_otherwise_in_each_frame_stays_all_the_same() -> None:
    line = [[Area(0, 0, 60, 10)], [Area(0, 0, 25, 10), Area(28, 0, 60, 10)], []]
    assert Area(0, 0, 60, 10) in persistent(line)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4"])
def test_what_is_healed_continues_its_surroundings(dtype: str) -> None:
    slope = (np.indices((40, 60)).sum(axis=0)).astype(dtype)
    area = Area(20, 10, 40, 30)
    new = healed(slope, [area])
    blank = np.zeros(slope.shape, bool)
    blank[area.top : area.bottom, area.left : area.right] = True
    assert new.dtype == slope.dtype
    assert np.array_equal(new[~blank], slope[~blank])
    assert np.abs(new.astype(int) - slope.astype(int)).max() < 12
