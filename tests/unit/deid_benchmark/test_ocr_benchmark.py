"""The benchmark of text in pixels: what is drawn, what counts as covered and as needless."""

import dataclasses
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

# The benchmarks are no part of the installed package.
sys.path.append(str(Path(__file__).resolve().parents[3]))
frames = importlib.import_module("benchmarks.deid.ocr.frames")
pictures = importlib.import_module("benchmarks.deid.ocr.pictures")
planting = importlib.import_module("benchmarks.deid.ocr.planting")
report = importlib.import_module("benchmarks.deid.ocr.report")
scoring = importlib.import_module("benchmarks.deid.ocr.scoring")
strings = importlib.import_module("benchmarks.deid.ocr.strings")
systems = importlib.import_module("benchmarks.deid.ocr.systems")
training = importlib.import_module("training.text_detector.backgrounds")


@pytest.fixture(scope="module", name="background")
def _background():
    """A ramp of grey, of twelve bits, without text."""
    values = np.tile(np.linspace(0, 2000, 320).astype(np.int16), (240, 1))
    return frames.Background("ramp", "CT", values, 0.0, 4000.0, 12, text_free=True)


@pytest.fixture(scope="module", name="real")
def _real():
    """Real frames of pydicom's own test files."""
    return frames.backgrounds(None)


def shown(background, kind, seed=3):
    values, planted = planting.plant(background, np.random.default_rng(seed))
    stored, rendering, eight = pictures.encoded(background, values, kind)
    return pictures.Picture(background, kind, stored, rendering, eight, tuple(planted), 0)


def test_only_frames_that_training_left_out_are_drawn_on(real):
    assert real
    assert all(training.is_held_out(Path(frame.name)) for frame in real)


def test_the_faces_are_none_of_those_that_training_draws():
    trained = {
        path.name for path in importlib.import_module("training.text_detector.strings").faces()
    }
    assert not trained & {path.name for path in strings.faces().values() if path}


@pytest.mark.parametrize("kind", pictures.GREY_KINDS)
def test_glyphs_stand_out_by_their_contrast_where_they_are_said_to_be(background, kind):
    picture, bare = (
        shown(background, kind),
        pictures.encoded(background, background.values.astype(np.float32), kind)[2],
    )
    grey = [image if image.ndim == 2 else image[..., 1] for image in (picture.shown, bare)]
    after, before = (image.astype(int) for image in grey)
    assert len(picture.planted) > 3
    for one in picture.planted:
        ink = one.ink > 0.95
        step = np.abs(after - before)[one.rows, one.columns][ink]
        if ink.any() and one.contrast < 255:
            assert abs(float(step.mean()) - one.contrast) < 12
    untouched = np.ones(after.shape, bool)
    for one in picture.planted:
        untouched[one.rows, one.columns] = False
    assert (after == before)[untouched].all()


def test_the_stored_values_show_what_the_picture_shows(background):
    module = importlib.import_module("imagehaven.deidentify.pixels.text")
    for kind in pictures.GREY_KINDS:
        picture = shown(background, kind)
        display = module.displays(picture.stored, picture.rendering)[0].astype(int)
        seen = picture.shown.astype(int)
        if kind == "MONOCHROME1":
            display = 255 - display
        assert np.abs(display - seen).max() <= 3, kind


def test_a_string_is_covered_when_nine_tenths_of_its_glyphs_are_blank(background):
    picture = shown(background, "MONOCHROME2")
    one = picture.planted[0]
    mask = np.zeros(picture.shown.shape, bool)
    mask[one.rows, one.columns] = True
    score = scoring.Score()
    scoring.add(score, picture, mask)
    assert score.covered["all"] == 1
    assert score.strings["all"] == len(picture.planted)
    half = mask.copy()
    half[:, (one.columns.start + one.columns.stop) // 2 :] = False
    score = scoring.Score()
    scoring.add(score, picture, half)
    assert score.covered["all"] == 0


def test_a_lone_letter_of_a_side_is_counted_apart_and_still_counted_with_the_rest(background):
    picture = shown(background, "MONOCHROME2")
    one = dataclasses.replace(picture.planted[0], size=20, contrast=120)
    marks = [dataclasses.replace(one, text=text) for text in ("L", "R", "F", "KT")]
    score = scoring.Score()
    empty = np.zeros(picture.shown.shape, bool)
    scoring.add(score, dataclasses.replace(picture, planted=tuple(marks)), empty)
    assert score.strings["legible"] == 4
    assert score.strings[f"legible says: {scoring.SIDE}"] == 2
    assert score.strings[f"legible says: {scoring.TELLING}"] == 2
    told = report.tables({"it": score})
    assert "legible strings covered (of 4) | the same but for lone L and R (of 2)" in told


def test_every_side_is_one_of_the_short_strings():
    assert set(strings.words()["sides"]) <= set(strings.words()["short"])


def test_the_control_that_finds_nothing_and_the_one_that_blanks_all_are_told_apart(background):
    shots = [shown(background, "MONOCHROME2", seed) for seed in range(2)]
    bare = pictures.Picture(background, "MONOCHROME2", background.values,
                            shots[0].rendering, shots[0].shown, (), -1)  # fmt: skip
    scores = scoring.measure(systems.controls(), shots, [bare], repeats=1)
    nothing, everything = scores.values()
    assert nothing.covered["all"] == 0 < everything.covered["all"] == everything.strings["all"]
    assert nothing.in_vain["CT"] == [0.0] and everything.in_vain["CT"] == [1.0]
    assert min(everything.beside) > 0.3 > 0 == max(nothing.beside)
    text = report.tables(scores)
    assert "| nothing (control) | 0.000 | 0.000 | 0.000 | 0.00 |" in text
    assert "| everything (control) | 1.000 | 1.000 | 1.000 | 100.00 |" in text


def test_the_same_seed_gives_the_same_pictures(real):
    first, second = (list(pictures.pictures(real, 2, 5)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert (one.stored == other.stored).all() and one.photometric == other.photometric


def test_our_detector_is_asked_about_every_display(background):
    picture = shown(background, "MONOCHROME2")
    score = scoring.measure([systems.ours()], [picture], [], repeats=1)["imagehaven"]
    assert score.covered["legible"] == score.strings["legible"] > 0
    assert score.times["CT"][0] > 0
    assert "# Misses by kind" in report.misses(score)
