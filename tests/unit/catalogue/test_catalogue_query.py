"""Answers in each format."""

import csv
import datetime as dt
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq

from imagehaven.catalogue.query import FORMATS, as_csv, as_json, as_parquet, as_table

ANSWER = pa.table(
    {
        "Modality": ["CT", None],
        "StudyDate": [dt.date(2020, 1, 2), None],
        "note": ['a "quoted", one\nline', "x" * 100],
    }
)
NOTHING = ANSWER.slice(0, 0)


def test_a_table_is_aligned_on_one_line_for_each_row_and_cuts_long_values() -> None:
    lines = as_table(ANSWER).splitlines()
    assert lines[0].split() == ["Modality", "StudyDate", "note"]
    assert lines[2].startswith("CT        2020-01-02  a")
    assert lines[3].endswith("…")
    assert lines[4] == "(2 rows)"
    assert as_table(NOTHING).endswith("(0 rows)\n")


def test_csv_quotes_and_leaves_null_empty() -> None:
    rows = list(csv.reader(io.StringIO(as_csv(ANSWER))))
    assert rows[0] == ["Modality", "StudyDate", "note"]
    assert rows[1] == ["CT", "2020-01-02", 'a "quoted", one\nline']
    assert rows[2][:2] == ["", ""]


def test_json_has_one_object_for_each_row() -> None:
    assert json.loads(as_json(ANSWER))[0]["StudyDate"] == "2020-01-02"
    assert json.loads(as_json(NOTHING)) == []


def test_parquet_comes_back_as_the_same_table() -> None:
    assert pq.read_table(io.BytesIO(as_parquet(ANSWER))).equals(ANSWER)


def test_every_format_takes_an_answer_without_columns_of_text() -> None:
    answer = pa.table({"n": [1], "raw": [b"\x00\xff"], "list": [["a"]]})
    for form in FORMATS.values():
        assert form(answer)
