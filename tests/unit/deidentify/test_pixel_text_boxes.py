"""From a map of likelihoods to boxes: everything likely is inside one, and little else is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.deidentify.pixels.text.boxes import Box, Cut, boxes_of, covered

CUT = Cut(likely=0.5, possible=0.25, margin=2)


def test_a_faint_end_belongs_to_the_string_that_it_touches():
    cells = np.zeros((20, 40), np.float32)
    cells[5:8, 5:20], cells[5:8, 20:30] = 0.9, 0.3
    (box,) = boxes_of(cells, (80, 160), CUT)
    assert (box.x, box.y, box.right, box.bottom) == (18, 18, 122, 34)


def test_a_faint_patch_on_its_own_is_no_text():
    cells = np.zeros((20, 40), np.float32)
    cells[5:8, 5:20] = 0.4
    assert boxes_of(cells, (80, 160), CUT) == []


def test_text_around_a_picture_does_not_blank_the_picture():
    cells = np.zeros((100, 100), np.float32)
    cells[:4], cells[:, :4] = 0.9, 0.9
    mask = covered(boxes_of(cells, (400, 400), CUT), (400, 400))
    assert mask[:16].all() and mask[:, :16].all()
    assert not mask[40:, 40:].any()


def test_a_box_never_leaves_the_frame():
    cells = np.ones((5, 5), np.float32)
    assert boxes_of(cells, (18, 17), CUT) == [Box(0, 0, 17, 18, 1.0)]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_every_likely_cell_lies_in_a_box(seed: int, rows: int, columns: int):
    chance = np.random.default_rng(seed)
    cells = (chance.random((rows, columns)) ** 3).astype(np.float32)
    mask = covered(boxes_of(cells, (4 * rows, 4 * columns), CUT), (4 * rows, 4 * columns))
    wide = np.kron(cells >= CUT.likely, np.ones((4, 4), bool))
    assert mask[wide].all()
