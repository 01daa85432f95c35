"""The Standard's tables as data: whole, of one edition, and checked when they are loaded."""

from __future__ import annotations

import pytest

from imagehaven.deidentify.rulebook import table
from imagehaven.errors import UserError


def test_table_e_1_1_has_the_657_rows_of_edition_2026d() -> None:
    assert len(table.confidentiality_table()) == 657
    assert "edition 2026d" in table.data_text("ps315_e1.csv").splitlines()[0]


def test_table_e_3_4_1_has_the_214_rows_of_edition_2026d() -> None:
    assert len(table.content_table()) == 214
    assert "edition 2026d" in table.data_text("sr_content.csv").splitlines()[0]


def test_the_safe_private_list_has_the_87_rows_of_the_standard() -> None:
    assert len(table.safe_private()) == 87
    assert ("SIEMENS MR HEADER", 0x0019, 0x0C) in table.safe_private()


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
        for where, row in table._rows("broken.csv"):
            table._actions(row, where)


def test_a_missing_file_names_those_that_are_there() -> None:
    with pytest.raises(UserError, match=r"ps315_e1\.csv"):
        table.data_text("nothing.csv")
