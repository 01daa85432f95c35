"""Grey displays are looked at together, and text that only one of them shows is found."""

import cv2
import numpy as np
import pytest

from imagehaven.deidentify.pixels.text import Box, find_text, together
from imagehaven.deidentify.pixels.text.boxes import covered
from imagehaven.deidentify.pixels.text.planes import clearest
from imagehaven.deidentify.pixels.text.reader import sureness


def soft(seed, strength):
    """Smooth noise, as soft tissue in one window shows it."""
    chance = np.random.default_rng(seed)
    field = cv2.GaussianBlur(chance.normal(0, 10 * strength, (384, 512)), (0, 0), 5)
    return (90 + field).clip(0, 255).astype(np.uint8)


def written(frame):
    """Return the frame with a name on it, and the name's pixels."""
    glyphs = np.zeros(frame.shape, np.uint8)
    cv2.putText(glyphs, "SMITH 14/03/1958", (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1, 1)
    return np.where(glyphs > 0, np.uint8(230), frame), glyphs > 0


def test_up_to_three_grey_displays_become_one_picture():
    greys = [np.full((4, 5), value, np.uint8) for value in (1, 2, 3, 4)]
    colour = np.full((4, 5, 3), 9, np.uint8)
    first, second, third = together([greys[0], colour, *greys[1:]])
    assert first is colour
    assert second[0, 0].tolist() == [1, 2, 3]
    assert third is greys[3]


def test_two_displays_fill_three_planes_and_none_gives_none():
    (both,) = together([np.full((2, 2), value, np.uint8) for value in (7, 8)])
    assert both[0, 0].tolist() == [7, 8, 7]
    assert together([]) == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_text_that_only_one_display_shows_is_found(place):
    shown = [soft(1, 6), soft(1, 3), soft(1, 1)]
    shown[place], glyphs = written(shown[place])
    (picture,) = together(shown)
    assert covered(find_text(picture), glyphs.shape)[glyphs].mean() >= 0.9


def test_the_plane_that_shows_most_is_read():
    name, _ = written(np.full((384, 512), 20, np.uint8))
    flat = np.full_like(name, 128)
    box = Box(50, 180, 250, 30)
    assert (clearest(np.stack([flat, name, flat], -1)) == name).all()
    assert clearest(name) is name
    assert sureness(np.stack([flat, flat, name], -1), box) == sureness(name, box) > 0.8
