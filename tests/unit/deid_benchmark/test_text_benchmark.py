"""The scorer of the text benchmark: what counts as found, as lost and as needless."""

import importlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.deidentify.text import CleanedText, Removed
from imagehaven.synth.reports import Report, Span, make_report

# The benchmarks are no part of the installed package.
sys.path.append(str(Path(__file__).resolve().parents[3]))
score_module = importlib.import_module("benchmarks.deid.text_score")
text_module = importlib.import_module("benchmarks.deid.text")
systems = importlib.import_module("benchmarks.deid.text_systems")
peer_module = importlib.import_module("benchmarks.deid.text_peer")

TEXT = "Mrs Ann O'Hara has a Baker's cyst, 4 mm."
REPORT = Report(
    key="dev-1-000000",
    split="dev",
    style="letter",
    modality="US",
    text=TEXT,
    identifiers=(Span(4, 14, "name-patient", ("mac",)),),
    clinical=(Span(21, 33, "eponym"), Span(35, 39, "measurement")),
    known={
        "patient": {"family": "O'Hara", "given": "Ann", "middle": "", "phones": [], "emails": []},
        "staff": ["Bea Best"],
        "institutions": ["Kirkbrae"],
        "identifiers": ["E1"],
    },
)


def scored(*removals, report=REPORT):
    score = score_module.Score()
    score_module.add(score, report, removals)
    return score


def test_an_identifier_is_found_when_all_its_letters_are_gone():
    assert scored((4, 14, "NAME")).found["name-patient"] == 1
    assert scored((4, 7, "NAME"), (8, 9, "NAME"), (10, 14, "NAME")).found["name-patient"] == 1


def test_an_identifier_of_which_a_letter_stands_is_missed_but_its_tokens_count():
    score = scored((4, 13, "NAME"))
    assert score.found["name-patient"] == 0
    assert score.missed == [(REPORT, REPORT.identifiers[0])]
    assert (score.tokens_found["name-patient"], score.tokens["name-patient"]) == (2, 3)
    assert score.hard_found["mac"] == 0


def test_a_clinical_term_is_lost_when_one_letter_of_it_is_gone():
    score = scored((0, 22, "NAME"))
    assert score.terms_lost == {"eponym": 1, "measurement": 0}
    assert score.words_lost == 4, "Mrs, has, a and Baker"
    assert (score.removed["NAME"], score.removed_rightly["NAME"]) == (7, 3)


def test_removing_nothing_finds_nothing_and_loses_nothing():
    score = scored()
    assert (score.found.total(), score.terms_lost.total(), score.words_lost) == (0, 0, 0)
    assert score.clean_reports == 0


def test_removing_everything_finds_everything_and_loses_everything():
    report = make_report(1, 3, "train")
    score = scored((0, len(report.text), "text"), report=report)
    assert score.found == score.entities
    assert score.terms_lost == score.terms
    assert score.words_lost == score.words
    assert score.clean_reports == 1


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.sets(st.integers(0, len(TEXT) - 1)))
def test_the_counts_hold_together_whatever_is_removed(places):
    score = scored(*((place, place + 1, "X") for place in places))
    assert score.found.total() <= score.entities.total()
    assert score.tokens_found.total() <= score.tokens.total()
    assert score.removed_rightly.total() + score.words_lost == score.removed.total()


def test_what_was_removed_is_counted_by_what_it_truly_is():
    score = scored((0, 14, "NAME"), (35, 39, "DATE"))
    assert score.truly == {("NAME", ""): 1, ("NAME", "name-patient"): 3, ("DATE", ""): 2}
    (row,) = [line for line in text_module.precision(score).splitlines() if "NAME" in line]
    assert row == "| NAME | 4 | 75.00 | name-patient 75.00, none 25.00 |"


def test_the_interval_of_a_share_is_wilsons():
    low, high = score_module.wilson(10, 100)
    assert (low, high) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert score_module.wilson(0, 0) == (0, 1)
    assert text_module.interval(10, 100) == "10.00 (5.52 to 17.44)"


@given(st.integers(0, 5000), st.integers(1, 5000))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_an_interval_holds_its_share_and_stays_between_none_and_all(part, whole):
    part = min(part, whole)
    low, high = score_module.wilson(part, whole)
    assert 0 <= low <= part / whole + 1e-12
    assert part / whole - 1e-12 <= high <= 1


def test_every_system_is_run_once_in_each_turn_and_one_that_fails_only_once():
    said = []

    def system(name):
        def run():
            said.append(name)
            return None if name == "c" else systems.Run(name, [], (float(len(said)),))

        return run

    runs = systems.in_turns([system(name) for name in "abc"], 3)
    assert "".join(said) == "abcabab"
    assert [(run.name, run.seconds) for run in runs] == [("a", (1, 4, 6)), ("b", (2, 5, 7))]


def test_the_misses_of_the_test_split_are_never_written_down(monkeypatch, tmp_path, capsys):
    file = tmp_path / "misses.txt"
    monkeypatch.setattr(sys, "argv", ["text", "--split", "test", "--errors", str(file)])
    with pytest.raises(SystemExit):
        text_module.main()
    assert "measuring only" in capsys.readouterr().err
    assert not file.exists()


def test_a_masked_text_gives_the_spans_that_were_masked():
    assert list(peer_module.masked("an Ann *", "an *** *")) == [(3, 6, "masked")]
    with pytest.raises(ValueError, match="length"):
        list(peer_module.masked("an Ann", "an"))


def test_a_peer_is_told_what_the_record_system_knows():
    told = peer_module.known_values({"known": REPORT.known})
    assert told == ["O'Hara", "Ann", "Bea Best", "Best", "Kirkbrae", "E1"]


def test_a_flag_inside_a_pattern_is_moved_to_its_front():
    assert peer_module.flags_first(r"\b(?i)mr\b").search("MR")
    assert not peer_module.flags_first(r"\bmr\b").search("MR")


def test_a_removal_in_its_place_gives_the_cleaned_text():
    removed = (Removed(4, 7, "NAME", "known", "[A]"), Removed(8, 14, "NAME", "known", "[B]"))
    cleaned = CleanedText("Mrs [A] [B] has a Baker's cyst, 4 mm.", removed)
    assert systems.spliced(TEXT, cleaned) == cleaned.text


def test_our_run_is_measured_by_offsets_that_give_the_cleaned_text():
    reports = [make_report(2, number, "train") for number in range(6)]
    run = systems.ours(reports, told=True)
    assert len(run.removals) == 6
    score = score_module.Score()
    for report, removals in zip(reports, run.removals, strict=True):
        score_module.add(score, report, removals)
    assert score.found.total() > 0.8 * score.entities.total()


def test_a_run_whose_offsets_do_not_give_its_text_is_refused(monkeypatch):
    monkeypatch.setattr(systems, "clean_text", lambda text, known: CleanedText("", ()))
    with pytest.raises(ValueError, match="offsets"):
        systems.ours([REPORT], told=False)


def test_a_peer_that_cannot_be_run_is_told_and_left_out(tmp_path):
    python = tmp_path / "scrubadub" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("no program")
    said = []
    assert systems.peer("scrubadub", [REPORT], tmp_path, said.append) is None
    assert "scrubadub could not be run: PermissionError" in said[0]
