"""Plans and people: the same for the same seed, and fit for the worked examples."""

import subprocess
import sys

import pytest

from imagehaven.errors import TerminalError
from imagehaven.synth import is_chi, is_nhs, plan_patient, vocabulary
from imagehaven.synth.people.population import NOW, fold
from imagehaven.synth.telling import Telling, spaced


def plans(count=60, seed=5):
    return [plan_patient(seed, n) for n in range(count)]


def test_a_patient_does_not_depend_on_who_was_planned_before():
    assert plan_patient(5, 17) == plans(20)[17]


def test_another_seed_gives_other_people():
    ours = {plan.person.chi for plan in plans(20, seed=1)}
    assert not ours & {plan.person.chi for plan in plans(20, seed=2)}


def test_the_hash_seed_of_the_process_changes_nothing():
    code = "from imagehaven.synth import plan_patient; print(plan_patient(3, 12))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": salt, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for salt in ("1", "2")
    }
    assert len(seen) == 1


def test_every_patient_has_a_valid_number_and_visitors_have_an_nhs_number_too():
    people = [plan.person for plan in plans()]
    assert all(is_chi(person.chi) for person in people)
    visitors = [person for person in people if person.nhs]
    assert visitors
    assert all(is_nhs(person.nhs) for person in visitors)


def test_names_show_accents_prefixes_hyphens_and_other_scripts():
    names = [plan.person.name for plan in plans(400)]
    family = [name.family for name in names]
    assert any(name.startswith(("Mac", "Mc")) for name in family)
    assert any("O'" in name for name in family)
    assert any("-" in name for name in family)
    assert any(name.ideographic for name in names)
    assert any(fold(name.given) != name.given for name in names)
    assert any(not fold(name) for name in family), "a name wholly in another script"


def test_a_dozen_patients_meet_every_modality():
    met = {
        series.modality for plan in plans(12) for study in plan.studies for series in study.series
    }
    wanted = {"CT", "MR", "CR", "DX", "MG", "US", "XA", "RF", "NM", "PT", "SR", "SEG"}
    assert met == wanted | {"RTSTRUCT", "OT", "PR", "DOC"}


def test_the_cohort_of_the_worked_example_is_there():
    smokers = [
        plan
        for plan in plans(40)
        for study in plan.studies
        if plan.smoking == "current"
        and 55 <= plan.person.age(study.when.date()) <= 65
        and any(series.protocol["key"] == "ct-chest" for series in study.series)
    ]
    assert len(smokers) >= 4


def test_nobody_is_examined_after_death_or_before_birth():
    for plan in plans(200):
        for study in plan.studies:
            assert plan.person.born < study.when.date() < (plan.person.died or NOW)


def test_uids_are_valid_unique_and_carry_dates_or_addresses():
    uids = [series.uid for plan in plans(100) for study in plan.studies for series in study.series]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 60 and not uid.endswith(".") for uid in uids)


def test_a_template_with_an_unknown_token_is_refused():
    plan = plan_patient(1, 0)
    telling = Telling(plan, plan.studies[0], plan.studies[0].series[0], "ISO_IR 192")
    with pytest.raises(TerminalError, match="no token 'shoe_size'"):
        telling.render("{shoe_size}", "here")


def test_rendering_marks_each_identifier_in_the_text():
    plan = plan_patient(1, 0)
    telling = Telling(plan, plan.studies[0], plan.studies[0].series[0], "ISO_IR 192")
    text, marks = telling.render("{family} is {chi_spaced}", "ImageComments")
    assert text == f"{plan.person.name.family} is {spaced(plan.person.chi, 6, 4)}"
    assert [mark.kind for mark in marks] == ["name", "chi"]
    assert all(mark.value in text for mark in marks)


def test_a_table_with_a_short_row_is_refused_with_its_line(monkeypatch):
    monkeypatch.setattr(vocabulary, "_text", lambda name: "town,district\nDundee\n")
    with pytest.raises(TerminalError, match="line 2"):
        vocabulary.table.__wrapped__("towns.csv")
