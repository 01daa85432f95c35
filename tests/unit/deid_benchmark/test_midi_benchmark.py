"""The MIDI-style benchmark: its corpus tells what is planted, its scorers see what is not done."""

import importlib
import json
import random
import sqlite3
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from imagehaven.dicom.quiet import quiet_pydicom

# The benchmarks are no part of the installed package.
sys.path.append(str(Path(__file__).resolve().parents[3]))
places = importlib.import_module("benchmarks.deid.midi.places")
key = importlib.import_module("benchmarks.deid.midi.corpus.key")
actions = importlib.import_module("benchmarks.deid.midi.scoring.actions")
controls = importlib.import_module("benchmarks.deid.midi.runs.controls")
outcome = importlib.import_module("benchmarks.deid.midi.scoring.outcome")
people = importlib.import_module("benchmarks.deid.midi.corpus.people")
pixels = importlib.import_module("benchmarks.deid.midi.corpus.pixels")
report = importlib.import_module("benchmarks.deid.midi.scoring.report")
build = importlib.import_module("benchmarks.deid.midi.corpus.build")
judge = importlib.import_module("benchmarks.deid.midi.scoring.judge")


@pytest.fixture(scope="module", name="corpus")
def _corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("midi") / "corpus"
    return build.build(folder, also=[], patients=2, per_class=2)


@pytest.fixture(scope="module", name="copied")
def _copied(corpus, tmp_path_factory):
    return judge.judge(corpus, controls.run_identity(corpus, tmp_path_factory.mktemp("c") / "out"))


@pytest.fixture(scope="module", name="deleted")
def _deleted(corpus, tmp_path_factory):
    return judge.judge(corpus, controls.run_delete(corpus, tmp_path_factory.mktemp("d") / "out"))


def _share(score, action):
    judged = [one for one in [*score.judged, *score.strict] if one.check.action == action]
    assert judged, action
    return sum(one.passed for one in judged) / len(judged)


def test_a_plain_copy_scores_low_and_lets_every_identifier_survive(corpus, copied):
    assert copied.share < 0.65
    assert _share(copied, "text_removed") < 0.01
    assert _share(copied, "date_shifted") == _share(copied, "uid_changed") == 0.0
    assert _share(copied, "interval") == _share(copied, "reference") == 0.0
    assert _share(copied, "text_retained") == _share(copied, "tag_retained") == 1.0
    files = {case.file for case, _ in copied.survivors}
    assert files == {case.file for case in corpus.cases}


def test_deleting_everything_scores_low_and_lets_nothing_survive(deleted):
    assert deleted.share < 0.65
    assert _share(deleted, "text_removed") == 1.0
    assert _share(deleted, "text_retained") < 0.15
    assert _share(deleted, "replaced") < 0.5
    assert not deleted.survivors


def test_an_instance_that_is_refused_counts_as_wrong_in_the_second_figure(corpus, copied):
    first = next(iter(copied.run.released))
    fewer = {uid: path for uid, path in copied.run.released.items() if uid != first}
    score = judge.judge(corpus, replace(copied.run, released=fewer, refused={first: "withheld"}))
    assert len(score.judged) < len(copied.judged)
    assert score.share_of_all < score.share


def test_every_planted_text_stands_where_the_key_says(corpus):
    with quiet_pydicom():
        for case in corpus.cases:
            here = places.flat(pydicom.dcmread(corpus.folder / case.file))
            wrong = [
                check
                for check in case.checks
                if check.place
                and not all(word in here.get(check.place, "") for word in check.text.split())
                and check.text.casefold() not in here.get(check.place, "").casefold()
            ]
            assert not wrong, case.file


def test_the_same_seed_gives_the_same_key(corpus, tmp_path):
    again = build.build(tmp_path / "again", also=[], patients=2, per_class=2)
    assert [case.checks for case in again.cases] == [case.checks for case in corpus.cases]
    assert [case.burned for case in again.cases] == [case.burned for case in corpus.cases]


def test_the_key_is_written_in_the_layout_of_the_challenge(corpus, tmp_path):
    path = tmp_path / "key.db"
    key.write_sqlite(corpus.cases, corpus.folder, path)
    with sqlite3.connect(path) as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(answer_data)")]
        rows = database.execute("SELECT SOPInstanceUID, AnswerData FROM answer_data").fetchall()
    database.close()
    assert {"PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Digest"} < set(names)
    assert [uid for uid, _ in rows] == [case.instance for case in corpus.cases]
    answers = [answer for _, told in rows for answer in json.loads(told).values()]
    assert len(answers) == sum(len(case.checks) for case in corpus.cases)
    assert {answer["action"].strip("<>") for answer in answers} <= set(key.ACTIONS)


@pytest.mark.parametrize(
    ("action", "text", "now", "passed"),
    [
        ("text_removed", "Jock Hepburn", "CT chest", True),
        ("text_removed", "Jock Hepburn", "CT HEPBURN", False),
        ("text_removed", "Jo Hepburn", "CT jo", False),
        ("text_removed", "Jo Hepburn", "CT major", True),
        ("text_removed", "120464 0122", "1204640122", False),
        ("text_removed", "Jock", "", True),
        ("text_retained", "CT chest", "[REMOVED] ct Chest", True),
        ("text_retained", "CT chest", "chest", False),
        ("text_retained", "5.0", "5", True),
        ("text_retained", "[1, 2.50]", "[1.0, 2.5]", True),
        ("text_retained", "x", "", False),
        ("text_notnull", "x", "", False),
        ("tag_retained", "x", "", True),
        ("date_shifted", "20240305", "20240304", True),
        ("date_shifted", "20240305", "20240305101112", False),
        ("uid_changed", "1.2.3", "1.2.34", True),
        ("uid_changed", "1.2.3", "1.2.3", False),
    ],
)
def test_an_action_passes_when_it_was_done(action, text, now, passed):
    check = key.Check(action, "<(0008,103e)>", text, text)
    here = {"<(0008,103e)>": now}
    assert actions.passes(check, here, actions.Consistency()) is passed


def test_a_text_is_hidden_only_when_every_letter_is():
    with quiet_pydicom():
        dataset = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    chance = random.Random(3)
    (box, *_) = pixels.burn(dataset, people.person(1, 1), chance)
    drawn = pixels.as_frames(pydicom.dcmread(_saved(dataset)))
    assert not pixels.hidden(box, drawn, drawn)
    blank, half = drawn.copy(), drawn.copy()
    blank[:, box.y : box.y + box.height, box.x : box.x + box.width] = 0
    half[:, box.y : box.y + box.height, box.x : box.x + box.width // 2] = 0
    assert pixels.hidden(box, drawn, blank)
    assert not pixels.hidden(box, drawn, half)
    assert pixels.unchanged_outside([box], drawn, blank) == 1.0
    assert pixels.unchanged_outside([box], drawn, drawn[:, ::-1]) < 1.0


def _saved(dataset):
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    stream.seek(0)
    return stream


def test_failures_are_told_by_kind_with_the_place(copied):
    told = report.failures(copied)
    assert "uid_changed [uid] <(0020,000d)>" in told
    assert "SURVIVED" in told


def test_a_share_is_never_rounded_up_to_a_hundred(copied):
    line = report.markdown(build.Corpus(Path(), []), [copied]).splitlines()[4]
    assert copied.run.name in line
    assert report.percent(0.99999) == "99.99 %"
