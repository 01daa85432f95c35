"""Surrogates are the same for the same person, of the same form, and nobody's."""

from __future__ import annotations

import re

from imagehaven.deidentify.text import KnownPeople, Surrogates, clean_text
from imagehaven.deidentify.text.detect.patterns import is_nhs_number

ONE, OTHER = Surrogates(b"1" * 32), Surrogates(b"2" * 32)
NOBODY = KnownPeople()


def test_one_person_has_one_surrogate_in_every_report_and_form() -> None:
    first = ONE.replace("NAME", "Zoe Quill")
    assert ONE.replace("NAME", "QUILL, Zoe") == f"{first.split()[1].upper()}, {first.split()[0]}"
    assert ONE.replace("NAME", "Quill") == first.split()[1]
    assert OTHER.replace("NAME", "Zoe Quill") != first


def test_a_surrogate_is_never_the_name_itself() -> None:
    for name in ("Blair", "Cameron", "Fraser", "Winston"):
        assert all(Surrogates(bytes([n]) * 32).replace("NAME", name) != name for n in range(200))


def test_a_number_keeps_its_shape_and_is_no_valid_one() -> None:
    made = {ONE.replace("ID", f"{n:06d} {n:04d}") for n in range(500)}
    assert all(re.fullmatch(r"\d{6} \d{4}", number) for number in made)
    assert not any(is_nhs_number(number.replace(" ", "")) for number in made)
    assert ONE.replace("ID", "RJ-1234").count("-") == 1


def test_a_report_with_surrogates_has_no_label_where_a_surrogate_can_be() -> None:
    text = "Dr Grant saw Mrs Quill (CHI 010101 0101), tel 0141 496 0559, q@x.scot, DD1 4HN."
    left = clean_text(text, NOBODY, surrogates=ONE).text
    assert "[" not in left
    assert not any(word in left for word in ("Grant", "Quill", "0101", "0559", "q@x", "DD1"))
    assert left.endswith("Z.")


def test_a_key_never_shows_itself() -> None:
    assert "111" not in repr(ONE)
