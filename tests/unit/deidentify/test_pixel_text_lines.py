"""A line of which a part was found is covered whole, and nothing beside it is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.deidentify.pixels.text import Box
from imagehaven.deidentify.pixels.text.boxes import covered
from imagehaven.deidentify.pixels.text.lines import completed

SHAPE = (160, 320)


def cells(*parts):
    """Return a map, of 4 x 4 pixels a cell, with parts: rows, columns, likelihood."""
    made = np.zeros((40, 80), np.float32)
    for rows, columns, value in parts:
        made[slice(*rows), slice(*columns)] = value
    return made


def test_a_line_goes_on_where_less_is_seen_of_it():
    faint = cells(((10, 14), (20, 40), 0.9), ((10, 14), (40, 52), 0.07))
    (box,) = completed([Box(77, 37, 86, 22, 0.9)], faint, SHAPE)
    assert (box.x, box.y, box.bottom) == (77, 37, 59)
    assert box.right >= 206


def test_a_line_on_its_side_goes_on_upwards_and_downwards():
    faint = cells(((5, 12), (30, 34), 0.07), ((12, 22), (30, 34), 0.9), ((22, 30), (30, 34), 0.07))
    (box,) = completed([Box(117, 45, 22, 46, 0.9)], faint, SHAPE)
    assert box.y <= 20 and box.bottom >= 120
    assert (box.x, box.width) == (117, 22)


def test_what_is_above_a_line_or_far_from_it_does_not_belong_to_it():
    apart = cells(((10, 14), (20, 40), 0.9), ((2, 7), (20, 40), 0.07), ((10, 14), (60, 70), 0.07))
    box = Box(77, 37, 86, 22, 0.9)
    assert completed([box], apart, SHAPE) == [box]


def test_a_narrow_gap_between_two_words_is_covered_and_a_wide_one_is_not():
    left, near, far = (Box(x, 40, 60, 20, 0.9) for x in (20, 92, 180))
    mask = covered(completed([left, near, far], cells(), SHAPE), SHAPE)
    assert mask[40:60, 20:152].all()
    assert not mask[:, 152:180].any()


def test_boxes_of_unlike_height_are_not_joined():
    boxes = [Box(20, 40, 60, 20, 0.9), Box(85, 20, 60, 60, 0.9)]
    assert completed(boxes, cells(), SHAPE) == boxes


def test_a_box_within_another_is_left_out_and_one_of_two_equal_ones_stays():
    whole, part, same = Box(20, 40, 60, 20, 0.9), Box(30, 45, 9, 9, 0.9), Box(20, 40, 60, 20, 0.3)
    assert completed([part, whole, same], cells(), SHAPE) == [whole]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_what_was_found_stays_covered_and_no_box_leaves_the_frame(seed: int, count: int):
    chance = np.random.default_rng(seed)
    likelihood = chance.random((40, 80)).astype(np.float32) ** 4
    boxes = []
    for _ in range(count):
        x, y = int(chance.integers(0, 300)), int(chance.integers(0, 150))
        width, height = int(chance.integers(1, 321 - x)), int(chance.integers(1, 161 - y))
        boxes.append(Box(x, y, width, height, 0.5))
    found = completed(boxes, likelihood, SHAPE)
    assert not (covered(boxes, SHAPE) & ~covered(found, SHAPE)).any()
    for box in found:
        assert box.x >= 0 <= box.y and box.right <= SHAPE[1] and box.bottom <= SHAPE[0]
        assert box.width > 0 < box.height
