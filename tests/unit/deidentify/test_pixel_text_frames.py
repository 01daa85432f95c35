"""Every frame's text is found, and what stands still is not looked at again."""

import cv2
import numpy as np
import pytest

from imagehaven.deidentify.pixels.text import (
    Rendering,
    displays,
    find_text_in_frames,
    frames,
    together,
)
from imagehaven.deidentify.pixels.text.boxes import covered

HOW = Rendering(bits_stored=8)


def write(frame, text, x, y):
    drawn = frame.copy()
    cv2.putText(drawn, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1, cv2.LINE_AA)
    return drawn, drawn != frame


def moving(count):
    """A cine whose picture moves within its middle, under a text that stands still."""
    for number in range(count):
        chance = np.random.default_rng(number)
        frame = np.zeros((640, 800), np.uint8)
        field = cv2.GaussianBlur(chance.normal(110, 60, (130, 160)).astype(np.float32), (0, 0), 3)
        frame[160:290, 170:330] = field.clip(0, 255)
        yield write(frame, "SMITH 14/03/1958", 20, 30)[0]


def test_text_that_only_one_frame_shows_is_found_in_that_frame():
    cine = list(moving(6))
    cine[4], glyphs = write(cine[4], "ISLA 0102754410", 250, 560)
    found = [covered(boxes, cine[0].shape) for boxes in find_text_in_frames(cine, HOW)]
    assert found[4][glyphs].mean() >= 0.9
    assert [bool(mask[glyphs].any()) for mask in found] == [False] * 4 + [True, False]


def test_text_that_stands_still_is_found_in_every_frame():
    cine = list(moving(5))
    _, glyphs = write(np.zeros_like(cine[0]), "SMITH 14/03/1958", 20, 30)
    for boxes in find_text_in_frames(cine, HOW):
        assert covered(boxes, cine[0].shape)[glyphs].mean() >= 0.9


def test_text_that_changes_one_character_is_covered_whole():
    plain = np.zeros((256, 512), np.uint8)
    cine = [write(plain, f"10:42:{second} ISLA", 60, 120) for second in (17, 18, 19)]
    found = find_text_in_frames([frame for frame, _ in cine], HOW)
    for boxes, (_, glyphs) in zip(found, cine, strict=True):
        assert covered(boxes, plain.shape)[glyphs].mean() >= 0.9


def test_what_stands_still_is_looked_at_once(monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []
    look = frames.find_text

    def counted(frame):
        seen.append(frame.shape[0] * frame.shape[1])
        return look(frame)

    monkeypatch.setattr(frames, "find_text", counted)
    cine = list(moving(4))
    whole = cine[0].size
    looks = [len(together(displays(frame, HOW))) for frame in cine]
    assert len(list(find_text_in_frames(cine, HOW))) == 4
    assert seen[: looks[0]] == [whole] * looks[0]
    assert sum(seen[looks[0] :]) < 0.6 * whole * sum(looks[1:])

    still = [cine[0]] * 5
    seen.clear()
    same = list(find_text_in_frames(still, HOW))
    assert seen == [whole] * looks[0]
    assert all(boxes == same[0] for boxes in same)
