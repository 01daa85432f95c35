"""Whatever the text: it is never refused, its removals partition it, no known value survives."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.deidentify.text import KnownPeople, Surrogates, clean_text, is_harmless

KNOWN = KnownPeople.of(
    names=["Przybylski^Wanda", "O'Shaughnessy^Declan"],
    identifiers=["0101010101", "RJ17876687"],
    places=["Thistlewood Infirmary"],
)
SQUEEZED = ("przybylski", "oshaughnessy", "0101010101", "rj17876687", "thistlewoodinfirmary")
NOISE = st.sampled_from(
    [
        "chest clear",
        "12 mm",
        "Dr",
        "the",
        "on 3 March 2019",
        "[NAME]",
        "CT",
        ",",
        "by:",
        "\n",
        ". ",
        "山田",
    ]
)


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """A known value in some case, with gaps that people and line ends put into it."""
    value = draw(st.sampled_from(["Przybylski", "O'Shaughnessy", "0101010101", "RJ17876687"]))
    value = draw(st.sampled_from([str.upper, str.lower, str.title, str]))(value)
    if value[-1].isdigit():
        gap = draw(st.sampled_from(["", " ", "-", " - ", ".", "\u200b"]))
        at = draw(st.integers(1, len(value) - 1))
        return value[:at] + gap + value[at:]
    at = draw(st.integers(2, len(value) - 2))
    return (
        value[:at]
        + draw(st.sampled_from(["", "-", "-\n", "\u00ad", "\u200b", "\u0301"]))
        + value[at:]
    )


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=200), st.one_of(st.none(), st.integers(-730, 730)))
def test_no_text_is_refused_and_what_is_removed_partitions_it(text: str, days: int | None) -> None:
    result = clean_text(text, KNOWN, days=days)
    made, at = "", 0
    for one in result.removed:
        assert at <= one.start < one.end <= len(text)
        made += text[at : one.start] + one.replacement
        at = one.end
    assert made + text[at:] == result.text
    is_harmless(text, KNOWN)
    clean_text(text, KNOWN, surrogates=Surrogates(b"k" * 32))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(NOISE, max_size=4), disguised(), st.lists(NOISE, max_size=4))
def test_no_known_value_survives_in_any_form(
    before: list[str], value: str, after: list[str]
) -> None:
    left = clean_text(" ".join([*before, value, *after]), KNOWN).text
    squeezed = re.sub(r"[\W_\u0301\u00ad\u200b]", "", left).lower()
    assert not any(known in squeezed for known in SQUEEZED)
    assert not is_harmless(value, KNOWN)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.one_of(NOISE, disguised()), max_size=8))
def test_a_cleaned_text_is_clean(pieces: list[str]) -> None:
    once = clean_text(" ".join(pieces), KNOWN).text
    assert clean_text(once, KNOWN).text == once
