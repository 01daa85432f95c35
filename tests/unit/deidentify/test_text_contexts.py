"""What the words around say: organisations, places, ages, people; and what looks so and is not."""

from __future__ import annotations

import pytest

from imagehaven.deidentify.text import KnownPeople, clean_text


def cleaned(text: str) -> str:
    return clean_text(text, KnownPeople()).text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Summary to Kilbrae Medical Group.", "Summary to [PLACE]."),
        ("Summary to Drs Muir and Goudie, please.", "Summary to [NAME], please."),
        ("Meeting, NHS Forth Valley, today.", "Meeting, [PLACE], today."),
        ("She attends Harbour View Sheltered Housing.", "She attends [PLACE]."),
        ("Seen at the Countess of Airlie Hospital.", "Seen at the [PLACE]."),
        ("A pupil at Larch Hill Primary School.", "A pupil at [PLACE]."),
        ("He works for Border Steel Castings.", "He works for [PLACE]."),
        ("He came from the larches care home today.", "He came from the [PLACE] today."),
        ("He came from her care home today.", "He came from her care home today."),
        ("NHS Number is missing.", "NHS Number is missing."),
        ("Admitted to Acute Receiving Unit.", "Admitted to Acute Receiving Unit."),
        ("Refer to Spinal Surgery.", "Refer to Spinal Surgery."),
        ("Lateral View and General Surgery.", "Lateral View and General Surgery."),
        ("Reviewed by doctors and nurses.", "Reviewed by doctors and nurses."),
    ],
)
def test_an_organisation_goes_and_a_department_stays(text: str, kept: str) -> None:
    assert cleaned(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("They moved from Zorby-upon-Tweel in spring.", "They moved from [PLACE] in spring."),
        ("Head of the femur, Circle of Willis.", "Head of the femur, Circle of Willis."),
        ("Upper Lobe, Lower Lobe.", "Upper Lobe, Lower Lobe."),
    ],
)
def test_a_place_of_several_words_goes_whole(text: str, kept: str) -> None:
    assert cleaned(text) == kept


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("A 92 year old woman.", "92 year old"),
        ("She is aged ninety-one.", "ninety-one"),
        ("In her 90s.", "90"),
        ("92F with pain.", "92F"),
        ("Handover: 101M, fall.", "101M"),
        ("92/F, fall.", "92"),
        ("Age: 103 y.", "103 y"),
        ("A 91-yr-old man.", "91-yr-old"),
        ("A centenarian.", "centenarian"),
        ("A nonagenarian.", "nonagenarian"),
        ("Dr Mcquarrie (101), review.", "101"),
    ],
)
def test_an_age_over_89_goes_in_any_form(text: str, age: str) -> None:
    found = [text[r.start : r.end] for r in clean_text(text, KnownPeople()).removed]
    assert age in found


@pytest.mark.parametrize(
    "text",
    [
        "A 62 year old woman.",
        "Tc-99m, 92 MBq.",
        "Calcium score (95), 101 (92) images.",
        "BP 92/60 and 95% saturation.",
        "A mass of 96 mm.",
    ],
)
def test_a_number_that_is_no_age_stays(text: str) -> None:
    assert cleaned(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Plaque only. Guy to phone Mrs Reid.", "Plaque only. [NAME] to phone Mrs [NAME]."),
        ("No clot. Will / bleep 6813", "No clot. [NAME] / bleep [PHONE]"),
        ("Seen by Kieran Crisp, CNS.", "Seen by [NAME], CNS."),
        ("The Bright family has moved.", "The [NAME] family has moved."),
        ("TRANS MM  21 mm", "TRANS [NAME]  21 mm"),
        ("Clear lungs.\nHT/jm\n", "Clear lungs.\n[NAME]\n"),
        ("Contrast to be given. Lesion to review.", "Contrast to be given. Lesion to review."),
        ("Chest and abdomen.\nAP/lat\n", "Chest and abdomen.\nAP/lat\n"),
        ("The extended family has moved.", "The extended family has moved."),
        ("A crisp outline, seen today.", "A crisp outline, seen today."),
    ],
)
def test_a_person_goes_by_what_stands_beside(text: str, kept: str) -> None:
    assert cleaned(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Born 22.06.2O15.", "Born [DATE]."),
        ("On 9 Dccember 1948.", "On [DATE]."),
        ("Fractiire of the di5tal radius.", "Fractiire of the di5tal radius."),
        ("Discs at L4/L5, S1 and B12 levels.", "Discs at L4/L5, S1 and B12 levels."),
        ("Discussed with Mr Huttori.", "Discussed with Mr [NAME]."),
        ("Seen with Siimmer today.", "Seen with [NAME] today."),
    ],
)
def test_what_a_scanner_misread_is_read_as_it_was_meant(text: str, kept: str) -> None:
    assert cleaned(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Adductor magnus, vastus intermedius, pes anserinus and fascia lata.",
        "Started on tirzepatide, apalutamide, co-amoxiclav and ursodeoxycholic acid.",
        "Gerdy's tubercle, Kager's fat pad, Blumensaat line and Chopart joint.",
        "Weigert-Meyer rule; May-Thurner configuration; Legg-Calve-Perthes.",
        "CAD-RADS 3, Likert 2, Bosniak IIF, NPI 3.4, pT3bN2aM1c and Deauville 4.",
        "b-values 50, 400, 1000, 1400; 68Ga-DOTATATE; IgG4-related; T2DM.",
        "NHSG, TT-TG 18 mm, HASTE, 3D SPACE and a JJ stent.",
    ],
)
def test_terms_of_medicine_stay(text: str) -> None:
    assert cleaned(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Seen by April Fitz-Gibbon.", "Seen by [NAME]."),
        ("Dr Innes Colles, radiology.", "Dr [NAME], radiology."),
        ("Discussed with Mr Magnus.", "Discussed with Mr [NAME]."),
        ("Discussed with HMT and Dr BRNSK.", "Discussed with [NAME] and Dr [NAME]."),
    ],
)
def test_a_name_that_is_a_word_of_medicine_goes_where_it_names(text: str, kept: str) -> None:
    assert cleaned(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Surname: hunter     Ward 4", "Surname: [NAME]     Ward 4"),
        ("Forename(s): Mark   CHI: none", "Forename(s): [NAME]   CHI: none"),
        ("Consultant: Ms rose day   Clinic 3", "Consultant: Ms [NAME]   Clinic 3"),
        ("GP Sharp, today.", "GP [NAME], today."),
        ("Consultant: Emergency Department", "Consultant: Emergency Department"),
        ("Contact: latex allergy", "Contact: latex allergy"),
        ("Second opinion SN 24 Sep 2017", "Second opinion [NAME] [DATE]"),
        ("CT 24 Sep 2017", "CT [DATE]"),
        ("MR BROWN and DR HAND, today.", "MR [NAME] and DR [NAME], today."),
        ("TBS 1.3. Normal.", "TBS 1.3. Normal."),
    ],
)
def test_a_field_of_a_form_names_a_person(text: str, kept: str) -> None:
    assert cleaned(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Walch B2 glenoid; Ishimaru zone 2; Berndt and Harty stage 3; von Rosen view.",
        "Le Fort II fracture; De Quervain's thyroiditis; Hoehn and Yahr 3.",
        "QRISK3 14, DAS28 4.6, L3B2, C5M7, sm3, Thy3a and cortisol 1323.",
        "Refsum disease, Nelson syndrome and Zellweger syndrome.",
        "MR brain; MR Brain; DR chest; MR Pelvis of a known Cancer.",
    ],
)
def test_a_score_or_eponym_stays_with_its_grade(text: str) -> None:
    assert cleaned(text) == text


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Sex/age F/94, ward 3.", "94"),
        ("She turned 93 this year.", "93"),
        ("He is 94.", "94"),
        ("x | 95 | y", "95"),
        ("Sex F92 here.", "92"),
    ],
)
def test_an_age_over_89_goes_without_its_unit(text: str, age: str) -> None:
    found = [text[r.start : r.end] for r in clean_text(text, KnownPeople()).removed]
    assert age in found
