"""The Standard's tables as data: whole, of one edition, and checked when they are loaded."""

from __future__ import annotations

import pytest
from pydicom._private_dict import private_dictionaries

from imagehaven.deidentify.rulebook import table
from imagehaven.errors import UserError


def test_table_e_1_1_has_the_657_rows_of_edition_2026d() -> None:
    assert len(table.confidentiality_table()) == 657
    assert "edition 2026d" in table.data_text("ps315_e1.csv").splitlines()[0]


def test_table_e_3_4_1_has_the_214_rows_of_edition_2026d() -> None:
    assert len(table.content_table()) == 214
    assert "edition 2026d" in table.data_text("sr_content.csv").splitlines()[0]


def test_the_safe_private_list_has_the_87_rows_of_the_standard() -> None:
    rows = table.safe_private()
    assert sum(row.source == "PS3.15 E.3.10-1" for row in rows.values()) == 87
    assert ("SIEMENS MR HEADER", 0x0019, 0x0C) in rows


def test_beyond_the_standard_only_numbers_of_a_makers_dictionary_are_safe() -> None:
    beyond = [row for row in table.safe_private().values() if "PS3.15" not in row.source]
    assert len(beyond) == 31
    for row in beyond:
        named = private_dictionaries[row.creator][f"{row.group:04X}xx{row.element:02X}"]
        assert named[0] == row.vr
        assert row.vr in ("DS", "FD", "FL", "IS", "SL", "SS", "UL", "US")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("ACME,0019,01,LO,1,Note,ACME manual,yes", "outside PS3.15 the VR"),
        ("ACME,0019,01,DS,1,Number,ACME manual,no", "must have reviewed"),
        ("ACME,0018,01,DS,1,Number,ACME manual,yes", "must be odd"),
        ("ACME,0019,01,DS,many,Number,ACME manual,yes", "the VM must be"),
    ],
)
def test_a_private_element_that_nobody_may_trust_is_refused(
    row: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "# source\ncreator,group,element,vr,vm,meaning,source,reviewed\n"
    monkeypatch.setattr(table, "data_text", lambda _: head + row + "\n")
    with pytest.raises(UserError, match=rf"private_safe\.csv:3: .*{fault}"):
        table.safe_private.__wrapped__()


def test_no_tag_stands_in_the_table_twice() -> None:
    tags = [row.tag for row in table.confidentiality_table()]
    assert len(tags) == len(set(tags))


def test_every_action_code_of_the_legend_occurs() -> None:
    assert {row.basic for row in table.confidentiality_table()} == table.BASIC_ACTIONS


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("tag,basic\n00100010,Q\n", "broken.csv:3"),
        ("tag,basic\n00100010\n", "broken.csv:3"),
        ("tag,basic\n00100020,Z\n00100010,X/Y\n", "broken.csv:4"),
    ],
)
def test_a_broken_row_is_refused_with_its_line(
    rows: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"# edition\n{rows}"
    monkeypatch.setattr(table, "data_text", lambda _: text)
    with pytest.raises(UserError, match=line):
        for where, row in table.rows("broken.csv"):
            table._actions(row, where)


def test_a_missing_file_names_those_that_are_there() -> None:
    with pytest.raises(UserError, match=r"ps315_e1\.csv"):
        table.data_text("nothing.csv")
