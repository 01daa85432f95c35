"""The annotated corpus of reports: honest offsets, separate splits, declared hard cases."""

import json
import re
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.errors import TerminalError, UserError
from imagehaven.synth import is_chi, is_nhs, plan_patient, write_reports
from imagehaven.synth.records.reports import written_report
from imagehaven.synth.reports import (
    CLINICAL_KINDS,
    IDENTIFIER_KINDS,
    SPLITS,
    corpus,
    make_report,
    wordlists,
)
from imagehaven.synth.reports.annotated import Annotated, Draft, Piece, Span
from imagehaven.synth.reports.artefacts import upper, wrapped
from imagehaven.synth.reports.corpus import fits
from imagehaven.synth.reports.facts import make_facts
from imagehaven.synth.reports.grammar import Grammar
from imagehaven.synth.reports.people import fold, lookalikes, misspell
from imagehaven.synth.reports.voice import ReportVoice
from imagehaven.synth.reports.wordlists import entries, places, shares
from imagehaven.synth.reports.writing import ODD_DATES

REPORTS = {split: [make_report(5, number, split) for number in range(240)] for split in SPLITS}
EVERY = [report for reports in REPORTS.values() for report in reports]


class Silent:
    """A voice that can say one word."""

    def say(self, token):
        return {"who:full": [Piece("Ann Other", "name-patient")]}[token]


def written(template, rules=None, seed=3):
    draft = Draft()
    Grammar(rules or {}, Silent(), Random(seed)).write(template, draft)
    return draft.done()


def test_the_same_seed_gives_the_same_report_and_another_seed_another():
    assert make_report(1, 7, "dev") == make_report(1, 7, "dev")
    assert make_report(1, 7, "dev") != make_report(2, 7, "dev")


def test_spans_lie_within_the_text_and_hold_no_blank_ends():
    for report in EVERY:
        for span in (*report.identifiers, *report.clinical):
            value = report.text[span.start : span.end]
            assert value and value == value.strip(), (report.key, span)


def test_identifiers_do_not_overlap_each_other_nor_any_clinical_term():
    for report in EVERY:
        taken = [0] * len(report.text)
        for span in report.identifiers:
            for place in range(span.start, span.end):
                taken[place] += 1
        for span in report.clinical:
            for place in range(span.start, span.end):
                taken[place] += 0 if taken[place] == 0 else 1
        assert max(taken) == 1, report.key


def test_every_class_and_every_clinical_kind_comes_up():
    kinds = {span.kind for report in EVERY for span in report.identifiers}
    assert kinds == set(IDENTIFIER_KINDS)
    assert {s.kind for r in EVERY for s in r.clinical} == set(CLINICAL_KINDS.values())


def test_every_declared_hard_case_comes_up():
    found = {case for report in EVERY for span in report.identifiers for case in span.hard}
    forms = {name for name in shares()["forms"] if name not in {"odd-date", "middle-name"}}
    names = set(shares()["names"]) - {"plain"}
    missing = (forms | names | {"broken-over-lines", "all-capitals", "scanned"}) - found
    assert not missing
    assert {f"date-{way}" for way in ODD_DATES} <= found


def test_the_shares_of_name_classes_come_to_one():
    assert sum(shares()["names"].values()) == pytest.approx(1)


def test_written_chi_and_nhs_numbers_have_their_check_digits():
    numbers = 0
    for report in EVERY:
        for span in report.identifiers:
            digits = "".join(c for c in report.text[span.start : span.end] if c.isdecimal())
            if span.kind in {"chi", "nhs"} and "scanned" not in span.hard:
                numbers += 1
                assert is_chi(digits) if span.kind == "chi" else is_nhs(digits)
    assert numbers > 200


def test_a_value_that_the_record_system_knows_is_never_left_unmarked():
    for report in EVERY:
        marked = list(report.text)
        for span in report.identifiers:
            marked[span.start : span.end] = "\0" * (span.end - span.start)
        rest = "".join(marked)
        patient = report.known["patient"]
        for value in (patient["chi"], patient["postcode"], patient["address"], *patient["emails"]):
            assert value not in rest, report.key


def words_of(split):
    names = {
        fold(name).lower()
        for entry in entries("names", split)
        for part in ("family", "female", "male")
        for name in entry[part]
    }
    where = places(split)
    keys = ("streets", "hospitals", "practices", "boards", "homes", "domains")
    rest = {str(name) for key in keys for name in where[key]}
    return names, rest | {town["town"] for town in where["towns"]}


@pytest.mark.parametrize(("one", "other"), list(combinations(SPLITS, 2)))
def test_two_splits_share_no_name_place_style_or_sentence(one, other):
    for left, right in zip(words_of(one), words_of(other), strict=True):
        assert not left & right
    assert not {s["style"] for s in entries("styles", one)} & {
        s["style"] for s in entries("styles", other)
    }

    def sentences(split):
        rules = ("history", "technique", "findings", "impression")
        said = {text for exam in entries("exams", split) for rule in rules for text in exam[rule]}
        return said | set(lookalikes(split).values())

    assert not sentences(one) & sentences(other)


@pytest.mark.parametrize("split", SPLITS)
def test_no_choice_stands_within_a_choice_and_no_bracket_is_left(split):
    texts = [*strings(entries("exams", split)), *strings(entries("styles", split))]
    assert not [text for text in texts if re.search(r"\{[^{}]*\{", text)]
    assert not [report.key for report in REPORTS[split] if set("{}[]") & set(report.text)]


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from strings(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)


def test_an_examination_suits_the_unit_the_sex_and_the_age():
    woman = facts_of(sex="F", ages=(30, 30))
    scan = {"units": ["antenatal"], "sex": "F", "ages": "18-44"}
    assert fits(scan, {"unit": "antenatal"}, woman)
    assert fits(scan, {}, woman)
    assert not fits(scan, {"unit": "nuclear"}, woman)
    assert not fits(scan, {}, facts_of(sex="M", ages=(30, 30)))
    assert not fits(scan, {}, facts_of(sex="F", ages=(60, 60)))
    assert not fits({}, {}, facts_of(ages=(7, 7)))


def test_a_style_with_too_few_examinations_is_refused_by_name(monkeypatch):
    style = {"style": "eye-clinic", "unit": "eyes", "report": ["{exam}"]}
    bank = entries("exams", "dev")
    monkeypatch.setattr(
        corpus, "entries", lambda subject, _: (style,) if subject == "styles" else bank
    )
    with pytest.raises(TerminalError, match="'eye-clinic' needs three"):
        make_report(1, 1, "dev")


@pytest.mark.parametrize("entry", [{"sex": "female"}, {"ages": "over 50"}])
def test_an_entry_for_patients_that_cannot_be_is_refused(monkeypatch, entry):
    whole = entry | {"style": "x", "report": ["x"]}
    monkeypatch.setattr(wordlists, "_load", lambda name: [whole])
    with pytest.raises(TerminalError, match=r"styles_nowhere\.yaml, entry 1"):
        entries("styles", "nowhere")


def facts_of(sex="", ages=(18, 88), number=1):
    return make_facts(1, "test", number, over_89=False, ages=ages, sex=sex)


def test_a_child_has_no_title_and_comes_with_grown_ups():
    children = [facts_of(ages=(1, 15), number=number) for number in range(40)]
    assert {child.cast["patient"].title for child in children} == {""}
    words = {child.kin("relative") for child in children}
    assert words <= {"mother", "father", "aunt", "uncle", "grandmother", "grandfather"}


def test_a_husband_or_wife_is_of_the_other_sex_than_the_patient():
    several = [facts_of(number=number) for number in range(120)]
    pairs = {(facts.cast["patient"].sex, facts.kin("relative")) for facts in several}
    assert {("F", "husband"), ("M", "wife")} <= pairs
    assert not {("M", "husband"), ("F", "wife")} & pairs


def test_the_article_suits_the_age():
    found = []
    for report in EVERY:
        found += re.findall(r"\b(an?)[ \n](\d+)[ \n-]year", report.text)
    assert {article for article, _ in found} == {"a", "an"}
    for article, age in found:
        assert (article == "an") == (age in {"8", "11", "18"} or "80" <= age <= "89")


def test_an_adult_with_a_sex_is_called_he_or_she_by_it():
    said = {
        sex: "".join(
            piece.text for piece in ReportVoice(facts_of(sex=sex), "dot", Random(1)).say(t)
        )
        for sex, t in (("F", "sex:He"), ("M", "sex:his"))
    }
    assert said == {"F": "She", "M": "his"}


def test_the_numbers_of_a_split_follow_its_own_patterns():
    written = {facts_of(number=number).numbers["specimen"] for number in range(60)}
    assert all(re.fullmatch(r"\d\dH\d{5}|B/\d\d/\d{5}|HP-\d\d-\d{4}", text) for text in written)
    assert len(written) > 50


def test_ages_over_89_are_identifiers_and_younger_ages_are_not():
    ages = [
        (int("".join(c for c in report.text[s.start : s.end] if c.isdecimal())), s.kind)
        for report in EVERY
        for s in (*report.identifiers, *report.clinical)
        if "scanned" not in s.hard
        and (s.kind == "age" or (s.kind == "number" and "year" in report.text[s.start : s.end]))
    ]
    assert {kind for age, kind in ages if age > 89} == {"age"}
    assert {kind for age, kind in ages if age < 90} == {"number"}


def test_a_name_that_is_a_word_meets_its_word_used_plainly():
    plain = [
        report.text[span.start : span.end].lower()
        for report in EVERY
        for span in report.clinical
        if span.kind == "word"
        and report.text[span.start : span.end].lower()
        in {report.known["patient"][part].lower() for part in ("given", "family")}
    ]
    assert plain


def test_written_lines_hold_what_the_function_gives(tmp_path):
    file = write_reports(tmp_path, count=3, seed=5, split="dev")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == [r.text for r in REPORTS["dev"][:3]]
    first = json.loads(lines[0])["identifiers"][0]
    assert set(first) == {"start", "end", "kind", "hard"}


def test_an_unknown_split_is_refused_with_the_choices(tmp_path):
    with pytest.raises(UserError, match="train, dev, validation, test"):
        write_reports(tmp_path, count=1, split="valid")
    with pytest.raises(UserError, match="one report or more"):
        write_reports(tmp_path, count=0)


def test_a_template_gives_text_choices_numbers_and_marks():
    done = written("{who:full} has [m:{n:4-4} mm] of {x}{|}.", {"x": ["[f:fluid]"]})
    assert done.text == "Ann Other has 4 mm of fluid."
    assert [(done.text[s.start : s.end], s.kind) for s in done.spans] == [
        ("Ann Other", "name-patient"),
        ("4 mm", "measurement"),
        ("fluid", "finding"),
    ]


@pytest.mark.parametrize("template", ["[f:open", "closed]", "{nobody:full}", "[q:x]", "{x*1-2}"])
def test_a_template_with_a_fault_is_refused(template):
    with pytest.raises(TerminalError, match="synth/reports"):
        written(template)


def test_several_texts_of_a_rule_are_different_ones():
    done = written("{x+3-3}", {"x": ["a", "b", "c"]})
    assert sorted(done.text.split("\n")) == ["a", "b", "c"]


def house_reports():
    for number in range(24):
        plan = plan_patient(3, number)
        for study in plan.studies:
            yield plan, study, written_report(plan, study)


def test_the_hospitals_of_the_archive_write_in_styles_of_their_own():
    first_words = {}
    for _, study, report in house_reports():
        first_words.setdefault(study.hospital.key, set()).add(report.text.split("\n")[0])
    assert "Ninewells Teaching Hospital" in first_words["ninewells"]
    assert any(line.startswith("NAME=") for line in first_words["kirkbrae"])


def test_a_report_of_the_archive_is_about_its_patient_and_marks_what_is_known_of_them():
    for plan, _, report in house_reports():
        person = plan.person
        numbers = {re.sub(r"\D", "", mark.value) for mark in report.marks if mark.kind == "chi"}
        assert person.chi in numbers
        for value in (person.chi, person.address.postcode, person.email, person.phone):
            assert report.text.count(value) == sum(mark.value == value for mark in report.marks)


LETTERS = st.text(st.sampled_from("abß é.\n"), max_size=12)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(before=LETTERS, inside=LETTERS, after=LETTERS, data=st.data())
def test_a_rewritten_text_keeps_its_spans_on_the_same_words(before, inside, after, data):
    text = before + inside + after
    report = Annotated(text, (Span(len(before), len(before) + len(inside), "chi"),))
    letters = data.draw(st.lists(LETTERS, min_size=len(text), max_size=len(text)))
    done = report.rewritten(letters, "scanned")
    (span,) = done.spans
    assert done.text[span.start : span.end] == "".join(letters[len(before) :][: len(inside)])


def test_broken_lines_break_a_name_and_capitals_keep_it():
    report = Annotated("Seen by Ann Other", (Span(8, 17, "name-staff"),))
    broken = wrapped(report, 12)
    assert broken.text == "Seen by Ann\nOther"
    assert broken.spans == (Span(8, 17, "name-staff", ("broken-over-lines",)),)
    assert upper(report).text == "SEEN BY ANN OTHER"


@settings(derandomize=True, deadline=None, max_examples=100)
@given(word=st.text(st.sampled_from("abcde"), min_size=4, max_size=9), rng=st.randoms())
def test_a_misspelt_name_keeps_its_first_letter_and_is_one_slip_away(word, rng):
    wrong = misspell(word, rng)
    assert wrong[0] == word[0]
    assert abs(len(wrong) - len(word)) <= 1
    assert misspell("Ng", rng) == "Ng"
