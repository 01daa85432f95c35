"""Findings are kept without showing a value, reviewed in groups, and decisions teach."""

import json
from dataclasses import replace

import pytest
import sqlalchemy
import yaml
from pydicom import dcmread
from pydicom.data import get_testdata_file

from imagehaven.errors import UserError
from imagehaven.ledger import Ledger
from imagehaven.verify import (
    decide,
    decided_of,
    findings,
    history,
    identifiable,
    make_rule,
    rules_in_use,
    rules_of,
    second,
    undo,
)
from imagehaven.verify.review.rule_drafts import symbols

NOTES = """coil DD1 9SY in use
coil DD1 9SY again
coil DD1 9SZ in use
seen by Dr Abernethy
seen by Dr Abernethy
seen by Dr Abernethy
CHI 0101901232
"""


@pytest.fixture(name="notes")
def _notes(tmp_path):
    path = tmp_path / "files" / "notes.txt"
    path.parent.mkdir()
    path.write_text(NOTES)
    return path


def scan(haven, path):
    return identifiable(path, haven=haven, keep=True)


def group_of(haven, rule, **options):
    return next(g for g in findings(haven, **options) if g.example.finding.rule == rule)


def somebody_else(haven, name="second.reviewer"):
    ledger = Ledger(haven.ledger.url, audit_key=haven.keyring.derive("audit"), actor=name)
    return replace(haven, ledger=ledger)


def test_groups_come_by_frequency(any_haven, notes):
    scan(any_haven, notes)
    told = [(g.findings, g.example.finding.value) for g in findings(any_haven)]
    assert told == [(3, "Dr Abernethy"), (2, "DD1 9SY"), (1, "DD1 9SZ"), (1, "0101901232")]
    by_rule = {g.example.finding.rule: g.findings for g in findings(any_haven, by="rule")}
    assert by_rule == {"title-and-name": 3, "uk-postcode": 3, "chi-number": 1}


def test_findings_of_images_group_by_element_and_device(haven, tmp_path):
    for number in range(3):
        dataset = dcmread(get_testdata_file("CT_small.dcm"))
        dataset.ImageComments = f"seen by Dr Abernethy, case {number}"
        dataset.ManufacturerModelName = "A" if number else "B"
        dataset.save_as(tmp_path / f"{number}.dcm")
    scan(haven, tmp_path)

    def comments(by):
        found = findings(haven, by=by, limit=None)
        return [
            (g.findings, g.example.finding.device)
            for g in found
            if g.example.finding.element == "ImageComments"
            and g.example.finding.rule == "title-and-name"
        ]

    assert [count for count, _ in comments("element")] == [3]
    assert comments("device") == [(2, "GE MEDICAL SYSTEMS A"), (1, "GE MEDICAL SYSTEMS B")]


def test_no_value_stands_in_the_ledger_or_in_what_is_listed(haven, notes):
    found = scan(haven, notes)
    assert all(f.value is None and f.text is None for f in found)
    decide(haven, group_of(haven, "title-and-name").group, "redact")
    decide(haven, group_of(haven, "uk-postcode").group, "ignore", reason="a coil")
    haven.ledger.close()
    held = (haven.folder / "ledger.sqlite").read_bytes()
    held += b"".join(path.read_bytes() for path in haven.folder.glob("ledger.sqlite-*"))
    told = json.dumps([g.to_dict() for g in findings(haven)]) + repr(findings(haven))
    for value in ("Abernethy", "DD1 9SY", "0101901232", "notes.txt"):
        assert value.encode() not in held
        assert value not in told + repr(decided_of(haven))
    assert "Dr Abernethy" in json.dumps(
        [g.to_dict(values=True) for g in findings(haven, state="redact")]
    )


def test_what_is_ignored_is_not_found_again_and_its_neighbours_are(any_haven, notes):
    scan(any_haven, notes)
    made = decide(any_haven, group_of(any_haven, "uk-postcode").group[:12], "ignore")
    assert made.findings == 2
    assert "DD1 9SY" not in [g.example.finding.value for g in findings(any_haven)]
    again = identifiable(notes, haven=any_haven)
    assert [f.location for f in again if f.rule == "uk-postcode"] == ["line 3"]
    assert len(identifiable(notes)) == len(again) + 2


def test_nobody_waves_a_check_digit_through(haven, notes):
    scan(haven, notes)
    with pytest.raises(UserError, match="valid check digit"):
        decide(haven, group_of(haven, "chi-number").group, "ignore")
    with pytest.raises(UserError, match="cannot be waived"):
        make_rule(haven, group_of(haven, "chi-number").group, "ten-digits")
    assert len(findings(haven)) == 4


def test_what_could_not_be_checked_stays_open(haven, tmp_path):
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7 ...")
    scan(haven, tmp_path / "scan.pdf")
    group = group_of(haven, "could-not-check").group
    for verdict in ("ignore", "redact"):
        with pytest.raises(UserError, match="could not be checked"):
            decide(haven, group, verdict)


def test_a_value_marked_redact_is_a_known_identifier_from_then_on(haven, notes, tmp_path):
    scan(haven, notes)
    decide(haven, group_of(haven, "title-and-name").group, "redact")
    other = tmp_path / "other.txt"
    other.write_text("ABERNETHY was here\n")
    assert identifiable(other) == []
    (found,) = identifiable(other, haven=haven)
    assert (found.detector, found.location) == ("known", "line 1")
    undo(haven)
    assert identifiable(other, haven=haven) == []


def test_a_known_identifier_is_ignored_as_a_whole_value_at_its_element_only(haven, tmp_path):
    def write(name, comments):
        dataset = dcmread(get_testdata_file("CT_small.dcm"))
        dataset.PatientName = "Quist^Torvald"
        dataset.ImageComments, dataset.StudyDescription = comments, "study"
        dataset.save_as(tmp_path / name)
        return tmp_path / name

    first = write("a.dcm", "phantom of QUIST")
    scan(haven, first)
    group = next(
        g for g in findings(haven, limit=None)
        if g.example.finding.element == "ImageComments" and g.example.finding.detector == "known"
    )  # fmt: skip
    decide(haven, group.group, "ignore")

    def comments(path):
        return [f for f in identifiable(path, haven=haven) if f.location == "ImageComments"]

    assert comments(first) == []
    assert comments(write("b.dcm", "phantom of QUIST, moved"))


@pytest.mark.parametrize(
    ("form", "options", "settles"),
    [
        ("whole", {}, 1),
        ("part", {}, 2),
        ("symbols", {}, 3),
        ("regex", {"pattern": r"coil [A-Z]{2}\d \d[A-Z]{2}"}, 3),
    ],
)
def test_a_rule_shows_what_it_settles_before_it_is_saved(form, options, settles, haven, notes):
    scan(haven, notes)
    group = group_of(haven, "uk-postcode").group
    shown = make_rule(haven, group, "names-of-coils", form=form, check=True, **options)
    assert shown.settles == settles
    assert len(findings(haven)) == 4
    assert not (haven.folder / "rules").exists()
    saved = make_rule(haven, group, "names-of-coils", form=form, **options)
    assert saved.settles == settles
    left = [f.location for f in identifiable(notes, haven=haven) if f.rule == "uk-postcode"]
    assert len(left) == 3 - settles


def test_a_saved_rule_carries_its_author_date_and_examples_and_counts_its_hits(haven, notes):
    scan(haven, notes)
    make_rule(haven, group_of(haven, "uk-postcode").group, "names-of-coils", form="symbols")
    (row,) = yaml.safe_load((haven.folder / "rules" / "reviewed.yaml").read_text())["ignore"]
    assert row["author"] == haven.ledger.actor
    assert row["date"] and row["matches"] == ["DD1 9SY"] and row["passes"]
    scan(haven, notes)
    scan(haven, notes)
    used = {rule["id"]: rule["hits"] for rule in rules_in_use(haven)}
    assert used["names-of-coils"] == 6
    assert used["title-and-name"] == 9


def test_a_rule_that_reports_holds_no_identifier_itself(haven, notes, tmp_path):
    scan(haven, notes)
    group = group_of(haven, "title-and-name").group
    with pytest.raises(UserError, match="holds no identifiers"):
        make_rule(haven, group, "doctors", form="part", redact=True)
    make_rule(haven, group, "doctors", form="symbols", redact=True)
    assert "Abernethy" not in (haven.folder / "rules" / "reviewed.yaml").read_text()
    other = tmp_path / "other.txt"
    other.write_text("Zx Qwertyuio\n")
    assert [f.rule for f in scan(haven, other)] == ["doctors"]
    assert [g.findings for g in findings(haven, state="redact")] == [1]
    assert "Zx Qwertyuio" in {item.text for item in decided_of(haven).denied.items}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("No Good", {}, "small letters, digits and hyphens"),
        ("coils", {"form": "sentence"}, "choose whole, part, symbols, regex"),
        ("coils", {"form": "regex"}, "Give a pattern"),
        ("coils", {"form": "regex", "pattern": "("}, "not a regular expression"),
        ("coils", {"form": "regex", "pattern": "Q+"}, "does not find its own example"),
        ("uk-postcode", {"redact": True, "form": "symbols"}, "stands there twice"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_and_nothing_changes(
    name, options, message, haven, notes
):
    scan(haven, notes)
    with pytest.raises(UserError, match=message):
        make_rule(haven, group_of(haven, "uk-postcode").group, name, **options)
    assert history(haven) == []


def test_undo_opens_findings_again_takes_the_rule_away_and_leaves_its_row(haven, notes):
    scan(haven, notes)
    before = [(g.group, g.findings) for g in findings(haven)]
    decide(haven, group_of(haven, "title-and-name").group, "ignore", reason="a test")
    make_rule(haven, group_of(haven, "uk-postcode").group, "names-of-coils", form="part")
    undo(haven)
    assert not (haven.folder / "rules" / "reviewed.yaml").exists()
    undo(haven, reason="a mistake")
    assert [(g.group, g.findings) for g in findings(haven)] == before
    acts = [(one.act, one.about, one.standing) for one in history(haven)]
    assert acts == [
        ("ignore", None, False),
        ("rule", None, False),
        ("undo", 2, False),
        ("undo", 1, False),
    ]
    assert len(identifiable(notes, haven=haven)) == 7
    with pytest.raises(UserError, match="no decision"):
        undo(haven)
    with pytest.raises(UserError, match="taken back already"):
        undo(haven, 1)


def test_a_proposal_waits_for_somebody_else(any_haven, notes):
    haven = any_haven
    scan(haven, notes)
    made = decide(haven, group_of(haven, "uk-postcode").group, "ignore", two_person=True)
    number = made.decision.decision_id
    assert len(identifiable(notes, haven=haven)) == 7
    with pytest.raises(UserError, match="your own"):
        second(haven, number, agree=True)
    other = somebody_else(haven)
    second(other, number, agree=True)
    assert len(identifiable(notes, haven=haven)) == 5
    with pytest.raises(UserError, match="does not wait"):
        second(other, number, agree=True)
    acts = [(one.act, one.actor) for one in history(haven)]
    assert acts == [("ignore", haven.ledger.actor), ("agree", "second.reviewer")]
    other.ledger.close()


def test_a_refused_proposal_opens_its_findings_again(haven, notes):
    scan(haven, notes)
    group = group_of(haven, "uk-postcode").group
    made = make_rule(haven, group, "names-of-coils", two_person=True)
    assert "names-of-coils" not in {rule["id"] for rule in rules_in_use(haven)}
    other = somebody_else(haven)
    second(other, made.decision.decision_id, agree=False, reason="not sure")
    other.ledger.close()
    assert group_of(haven, "uk-postcode").findings == 2
    assert "names-of-coils" not in {rule["id"] for rule in rules_in_use(haven)}


def test_decisions_are_never_changed(any_haven, notes):
    scan(any_haven, notes)
    decide(any_haven, group_of(any_haven, "uk-postcode").group, "ignore")
    for statement in ("UPDATE decision SET actor = 'nobody'", "DELETE FROM decision"):
        with pytest.raises(sqlalchemy.exc.DBAPIError) as told, any_haven.ledger.begin() as open_:
            open_.execute(sqlalchemy.text(statement))
        assert "append-only" in str(told.value)


def test_every_decision_is_in_the_audit_trail_without_its_reason_or_pattern(haven, notes):
    scan(haven, notes)
    group = group_of(haven, "uk-postcode").group
    make_rule(
        haven, group, "names-of-coils", form="regex", pattern="DD1 9S[YZ]", reason="like DD1 9SY"
    )
    undo(haven)
    with haven.ledger.begin() as connection:
        told = connection.execute(sqlalchemy.text("SELECT event, inputs, detail FROM audit")).all()
    events = [row[0] for row in told]
    assert events[-3:] == ["findings-kept", "review-rule", "review-undo"]
    assert "DD1" not in json.dumps([list(row) for row in told])
    assert haven.ledger.audit.verify().intact


def test_a_lost_or_altered_file_of_reviewed_rules_is_written_anew(haven, notes):
    scan(haven, notes)
    make_rule(haven, group_of(haven, "uk-postcode").group, "names-of-coils")
    path = haven.folder / "rules" / "reviewed.yaml"
    text = path.read_text()
    path.write_text("version: 1\n")
    assert "names-of-coils" in {one.id for one in rules_of(haven).ignores}
    assert path.read_text() == text


def test_a_sites_own_rules_are_used_and_a_projects_only_for_it(haven):
    folder = haven.folder / "rules"
    folder.mkdir()
    rule = (
        "version: 1\nrules:\n  - {{id: {0}, author: us, class: other-id, where: [text], "
        "pattern: {1}, matches: [{1}], passes: [x]}}\n"
    )
    (folder / "site.yaml").write_text(rule.format("site-word", "harbour"))
    (folder / "lung.yaml").write_text(rule.format("project-word", "lighthouse"))
    ids = {rule.id for rule in rules_of(haven).rules}
    assert "site-word" in ids and "project-word" not in ids
    assert "project-word" in {rule.id for rule in rules_of(haven, "lung").rules}


def test_symbols_keep_the_form_and_lose_the_value():
    assert symbols("AB-1234x") == r"(?<![A-Za-z0-9])[A-Z]{2}\-\d{4}[a-z]{1}(?![A-Za-z0-9])"


def test_a_group_is_named_well_enough_or_refused(haven, notes):
    scan(haven, notes)
    for wrong in ("", "xyz", "0000000000ff", "%"):
        with pytest.raises(UserError, match="group"):
            decide(haven, wrong, "ignore")
    with pytest.raises(UserError, match="grouped by 'colour'"):
        findings(haven, by="colour")
