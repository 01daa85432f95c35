"""The network's vote: what it adds, what it takes back, and what it may never take back."""

from __future__ import annotations

import numpy as np
import pytest

from imagehaven.deidentify.text import KnownPeople, clean_text
from imagehaven.deidentify.text.spans import Found
from imagehaven.deidentify.text.tagging.pieces import COLUMNS, SIZES, pieces_of, rows_of
from imagehaven.deidentify.text.tagging.tagger import LABELS, shares_of
from imagehaven.deidentify.text.tagging.vote import Vote

REPORT = (
    "CT of the chest on 3 March 2019. No pleural effusion or pneumothorax. A 12 mm nodule in the"
    " right upper lobe, unchanged. {said} No fracture of the ribs. Stable appearances.\n"
)


def cleaned(said: str) -> str:
    return clean_text(REPORT.format(said=said), KnownPeople()).text


def test_pieces_leave_out_nothing_but_spaces() -> None:
    text = "Mr O'Neil (54M),\n\nCHI 0101 - seen_by ß山 Ünal's."
    bare = "".join(text.split())
    assert "".join("".join(piece.text.split()) for piece in pieces_of(text)) == bare


def test_every_number_of_a_row_is_within_its_table() -> None:
    text = "Dr QXZ-Vbrt saw 山田太郎 at ½ past; Ωμέγα №5 «x» 0123456789\n\n\n\tIII ﬁne ǅ ₂"
    rows = rows_of(text, pieces_of(text))
    assert rows.shape[1] == COLUMNS
    assert (rows >= 0).all()
    assert (rows < np.array(SIZES)).all()


@pytest.mark.parametrize("text", ["", " ", "x", "Mr Smith\n" * 3000])
def test_shares_of_any_text_come_to_one(text: str) -> None:
    pieces, shares = shares_of(text)
    assert shares.shape == (len(pieces), len(LABELS))
    assert np.allclose(shares.sum(1), 1, atol=1e-3)


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ("Reported by Crisp Harbour, checked HK.", ("Crisp", "Harbour", "HK")),
        ("Second read GD 12/03/2019.", ("GD",)),
        (
            "Films were shown to Dr Frost, to Kirsty Frost and to Thwaite.",
            ("Frost", "Kirsty", "Thwaite"),
        ),
    ],
)
def test_plain_words_go_where_names_stand(said: str, gone: tuple[str, ...]) -> None:
    left = cleaned(said)
    assert not [word for word in gone if word in left]


@pytest.mark.parametrize(
    "said",
    [
        "Kirchwell sign is positive.",
        "Ombrev index 12.",
        "Zandvoort-Perl classification type II.",
        "A crisp outline in the frost of the window.",
    ],
)
def test_a_term_stays_whose_name_no_list_has(said: str) -> None:
    assert said in cleaned(said)


def test_what_is_known_or_stands_after_a_title_is_never_taken_back() -> None:
    text = REPORT.format(said="Kirchwell sign is positive.")
    at = text.index("Kirchwell")
    vote = Vote(text)
    for detector in ("known", "context/title", "pattern/labelled", "date"):
        one = Found(at, at + 9, "NAME", detector)
        assert vote.confirmed([one]) == [one]


def test_a_known_name_goes_even_where_it_stands_as_a_term() -> None:
    known = KnownPeople.of(names=["Kirchwell^Anna"])
    assert "Kirchwell" not in clean_text(REPORT.format(said="Kirchwell sign."), known).text


def test_a_short_text_gets_no_vote() -> None:
    vote = Vote("Crisp Harbour")
    found = [Found(0, 5, "NAME", "vocabulary")]
    assert vote.confirmed(found) == found
    assert list(vote.added(lambda start, end: False, lambda start, end: False)) == []
