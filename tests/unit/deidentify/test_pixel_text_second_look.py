"""A box that the detector is not sure of stays when it can be read, or touches one that stays."""

import cv2
import numpy as np

from imagehaven.deidentify.pixels.text import Box
from imagehaven.deidentify.pixels.text.second_look import confirmed


def picture():
    """Smooth noise, as in soft tissue, with a name in its upper half and air in a lower corner."""
    chance = np.random.default_rng(8)
    field = cv2.GaussianBlur(chance.normal(0, 60, (128, 256)).astype(np.float32), (0, 0), 3)
    frame = (60 + field).clip(0, 255).astype(np.uint8)
    frame[70:, 190:] = 0
    cv2.putText(frame, "MACFARLANE 1958", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    return frame


NAME, TISSUE, AIR = (6, 22, 190, 26), (40, 80, 60, 20), (200, 80, 22, 20)


def test_an_unsure_box_stays_when_it_can_be_read():
    box = Box(*NAME, 0.3)
    assert confirmed(picture(), [box]) == [box]


def test_an_unsure_box_over_tissue_goes():
    assert confirmed(picture(), [Box(*TISSUE, 0.3), Box(*NAME, 0.3)]) == [Box(*NAME, 0.3)]


def test_a_box_the_detector_is_sure_of_stays_whatever_the_reader_says():
    box = Box(*TISSUE, 1.0)
    assert confirmed(picture(), [box]) == [box]


def test_what_touches_a_box_that_stays_stays_at_any_remove():
    row = [Box(40 + 20 * place, 80, 22, 20, 0.13) for place in range(5)]
    sure = Box(20, 80, 22, 20, 1.0)
    apart = Box(*AIR, 0.13)
    assert confirmed(picture(), [*row, sure, apart]) == [*row, sure]


def test_without_boxes_nothing_is_read():
    assert confirmed(picture(), []) == []
