"""Text read from pixels stays only when each of its words is proven to be nobody's."""

from __future__ import annotations

import pytest

from imagehaven.deidentify.text import KnownPeople, is_harmless

NOBODY = KnownPeople()


@pytest.mark.parametrize(
    "text",
    [
        "L",
        "R",
        "LEFT",
        "AP",
        "PA",
        "CC",
        "MLO",
        "R MLO",
        "5 cm",
        "10cm",
        "W:400 L:40",
        "W 400 / L 40",
        "WL 40 WW 400",
        "120 kV",
        "kV 120 mA 250",
        "A",
        "P",
        "H",
        "F",
        "Zoom 200%",
        "x2.0",
        "MI 1.2",
        "TIS 0.4",
        "MI: 1.2 TIS: 0.4",
        "SUPINE",
        "ERECT PORTABLE",
        "cm",
    ],
)
def test_a_marker_scale_or_setting_is_harmless(text: str) -> None:
    assert is_harmless(text, NOBODY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "SMITH",
        "L SMITH",
        "LEFT Rose",
        "0101010101",
        "12/03/2019",
        "14:30:02",
        "40",
        "1234",
        "ABC123",
        "R\x00",
        "St Marys",
        "W:400 JB",
        "Dr",
        "M 54",
        "AP?",
        "Grant",
        "№ 5",
        "ЛЕВЫЙ",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not is_harmless(text, NOBODY)


def test_a_harmless_word_that_is_a_known_name_is_not() -> None:
    assert is_harmless("HEAD", NOBODY)
    assert not is_harmless("HEAD", KnownPeople.of(names=["HEAD^ANNE"]))
    assert not is_harmless("W:4000 L:40", KnownPeople.of(identifiers=["4000"]))
