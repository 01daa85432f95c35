"""Pseudonyms are keyed, deterministic, and valid where DICOM wants them."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path

import pytest
from pydicom.uid import UID

from imagehaven.deidentify import Pseudonyms, read_key
from imagehaven.dicom.uids import SourceUID
from imagehaven.errors import UserError

ONE, OTHER = Pseudonyms(b"1" * 32), Pseudonyms(b"2" * 32)


def test_the_same_key_gives_the_same_pseudonym_on_every_machine() -> None:
    # Pinned: a release made again years later must carry these very values.
    assert ONE.patient_id("0101010101") == "PTVDMDHFWFTY3MKW"
    assert ONE.uid(SourceUID("1.2.3")) == "2.25.149855734858126957632767629766602925438"
    assert ONE.date_shift("0101010101").days == -284


def test_another_key_gives_unrelated_pseudonyms() -> None:
    assert ONE.patient_id("A1") != OTHER.patient_id("A1")
    assert ONE.uid(SourceUID("1.2.3")) != OTHER.uid(SourceUID("1.2.3"))
    assert ONE.identifier("AccessionNumber", "A1") != OTHER.identifier("AccessionNumber", "A1")


@pytest.mark.parametrize("spelling", ["010101 0101", " 0101010101 ", "010101-0101", "0101010101\0"])
def test_gaps_in_a_number_do_not_make_another_patient(spelling: str) -> None:
    assert ONE.patient_id(spelling) == ONE.patient_id("0101010101")
    assert ONE.date_shift(spelling) == ONE.date_shift("0101010101")


def test_gaps_in_an_id_with_letters_do_make_another_patient() -> None:
    assert ONE.patient_id("AB 1") != ONE.patient_id("AB1")


def test_one_value_has_different_pseudonyms_as_different_kinds() -> None:
    assert ONE.identifier("AccessionNumber", "7") != ONE.identifier("StudyID", "7")
    assert ONE.identifier("AccessionNumber", "7") != ONE.patient_id("7")


def test_a_pseudonymous_uid_is_a_valid_uuid_of_version_8() -> None:
    pseudonym = ONE.uid(SourceUID("1.2.840.113619.2.55.3"))
    assert UID(pseudonym).is_valid
    made = uuid.UUID(int=int(pseudonym.removeprefix("2.25.")))
    assert (made.version, made.variant) == (8, uuid.RFC_4122)


def test_padding_of_a_uid_does_not_count() -> None:
    assert ONE.uid(SourceUID("1.2.3\0")) == ONE.uid(SourceUID("1.2.3"))


def test_shifts_go_back_by_one_day_to_two_years() -> None:
    days = {-ONE.date_shift(str(number)).days for number in range(3000)}
    assert min(days) >= 1
    assert max(days) <= 730
    assert len(days) > 650


def test_a_key_never_shows_itself() -> None:
    assert "1111" not in repr(ONE)


@pytest.mark.parametrize(
    "content",
    [b"ab" * 32 + b"\n", base64.b64encode(b"\xab" * 32) + b"\n", b"\xab" * 32],
    ids=["hexadecimal", "Base64", "raw"],
)
def test_a_key_file_may_be_written_in_three_ways(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "project.key"
    file.write_bytes(content)
    assert read_key(file) == b"\xab" * 32


@pytest.mark.parametrize("content", [b"", b"short", b"ab" * 31])
def test_a_short_key_is_refused_with_the_remedy(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "project.key"
    file.write_bytes(content)
    with pytest.raises(UserError, match="64 hexadecimal digits"):
        read_key(file)


def test_a_missing_key_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="token_hex"):
        read_key(tmp_path / "none.key")
