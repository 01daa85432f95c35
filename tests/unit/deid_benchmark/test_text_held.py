"""The held split: made again the same, marked where it says so, and of names of its own."""

from __future__ import annotations

from benchmarks.deid.text_held import held_report

from imagehaven.synth.reports import make_report


def test_a_report_of_the_held_split_is_the_same_every_time() -> None:
    assert [held_report(1, at) for at in range(8)] == [held_report(1, at) for at in range(8)]
    assert held_report(1, 0).text != held_report(2, 0).text


def test_what_the_record_system_knows_stands_in_the_text_where_it_is_marked() -> None:
    for number in range(0, 80, 4):
        report = held_report(1, number)
        marked = {report.text[span.start : span.end] for span in report.identifiers}
        assert any(report.known["patient"]["family"][:3].lower() in one.lower() for one in marked)
        assert report.clinical


def test_its_towns_stand_in_no_other_split() -> None:
    towns = {held_report(1, at).known["patient"]["town"] for at in range(60)}
    for split in ("train", "dev", "validation", "test"):
        others = {make_report(1, at, split).known["patient"]["town"] for at in range(60)}
        assert not towns & others
