"""However a source cuts its answers, every study is found, or the part is told as cut."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.acquire.retrieve.asking import (
    BY_TIME,
    CUT,
    SPLIT,
    WHOLE,
    Judged,
    Part,
    judge,
    looks_cut,
    parts_of,
)
from imagehaven.acquire.retrieve.peer import Found, Study

FIRST = date(2020, 1, 30)
DAYS = 4

studies = st.lists(
    st.builds(
        lambda number, day, second, modality: Study(
            f"1.2.{number}",
            f"{FIRST + timedelta(days=day):%Y%m%d}",
            ""
            if second is None
            else f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}.5",
            modalities=(modality,),
        ),
        st.integers(0, 10**9),
        st.integers(0, DAYS - 1),
        # Crowded seconds, so that some cannot be told apart.
        st.one_of(st.none(), st.integers(0, 86399), st.integers(3600, 3602)),
        st.sampled_from(["CT", "MR", "SR"]),
    ),
    max_size=60,
    unique_by=lambda study: study.uid,
)


def pacs(
    held: list[Study], most: int, *, says: bool = True, heeds_time: bool = True
) -> Callable[[Part], Found]:
    """A source that lists at most so many, and says so or not."""

    def answer(part: Part) -> Found:
        keys = part.keys()
        first, _, last = keys["StudyDate"].partition("-")
        begin, _, end = keys.get("StudyTime", "").partition("-")
        mine = [
            study
            for study in held
            if first <= study.day <= (last or first)
            and keys.get("ModalitiesInStudy", study.modalities[0]) == study.modalities[0]
            and (not begin or not heeds_time or begin <= study.time <= end)
        ]
        return Found(tuple(mine[:most]), cut=says and len(mine) > most)

    return answer


def ask(answer: Callable[[Part], Found], parts: list[Part], results: int | None) -> list[Judged]:
    told, waiting = [], list(parts)
    while waiting:
        judged = judge(part := waiting.pop(), answer(part), results)
        assert (judged.state == SPLIT) <= bool(judged.halves), part
        waiting += judged.halves
        told.append(judged)
        assert len(told) < 20000, "it asks without end"
    return told


@settings(max_examples=60)
@given(held=studies, most=st.integers(1, 30), says=st.booleans(), one=st.booleans())
def test_every_study_is_found_or_the_answer_is_told_as_cut(
    held: list[Study], most: int, says: bool, one: bool
) -> None:
    last = FIRST + timedelta(days=DAYS - 1)
    parts = [Part(FIRST, last)] if one else list(parts_of(FIRST, last, ("CT", "MR", "SR")))
    # A source that does not say that it cuts has its limit declared.
    told = ask(pacs(held, most, says=says), parts, None if says else most)
    found = {study.uid for judged in told for study in judged.studies}
    assert found <= {study.uid for study in held}
    crowd = {key: len([s for s in held if (s.day, s.time) == key])
             for key in {(s.day, s.time) for s in held}}  # fmt: skip
    if found != {study.uid for study in held}:
        assert any(judged.state == CUT or judged.reason == BY_TIME for judged in told)
        # Only what no question can tell apart is left out, and only a day asked by time is at it.
        lost = [study for study in held if study.uid not in found]
        assert all(not study.time or crowd[study.day, study.time] > most for study in lost)
        if any(study.time for study in lost):
            assert any(judged.state == CUT for judged in told)


@settings(max_examples=30)
@given(held=studies, most=st.integers(1, 10))
def test_a_source_that_ignores_times_is_told_as_cut_and_not_asked_without_end(
    held: list[Study], most: int
) -> None:
    told = ask(pacs(held, most, heeds_time=False), [Part(FIRST, FIRST)], None)
    there = {study.uid for study in held if study.day == f"{FIRST:%Y%m%d}"}
    found = {study.uid for judged in told for study in judged.studies}
    assert found == there or any(judged.state == CUT for judged in told)
    assert len(told) < 100


@given(start=st.integers(0, 86398), length=st.integers(1, 86399), days=st.integers(0, 400))
def test_halves_are_the_whole_and_share_nothing(start: int, length: int, days: int) -> None:
    part = Part(FIRST, FIRST + timedelta(days=days))
    if not days:
        part = Part(FIRST, FIRST, start=start, end=min(start + length, 86399))
    early, late = part.halves()
    if days:
        assert (early.first, late.last) == (part.first, part.last)
        assert late.first - early.last == timedelta(days=1)
    else:
        assert (early.start, late.end) == (part.start, part.end)
        assert late.start - early.end == 1


def test_a_second_and_a_line_have_no_halves() -> None:
    assert Part(FIRST, FIRST, start=7, end=7).halves() == ()
    assert Part(line=3, keyword="AccessionNumber", value="A1").halves() == ()


@pytest.mark.parametrize("count", [100, 128, 250, 500, 512, 1000, 1024, 5000])
def test_a_count_at_which_systems_stop_is_not_trusted(count: int) -> None:
    assert looks_cut(count)


@pytest.mark.parametrize("count", [0, 1, 50, 64, 99, 101, 133, 777])
def test_other_counts_are(count: int) -> None:
    assert not looks_cut(count)


def test_a_declared_limit_is_heeded() -> None:
    found = tuple(Study(f"1.{n}", "20200130", "120000") for n in range(30))
    assert judge(Part(FIRST, FIRST), Found(found), 30).state == SPLIT
    assert judge(Part(FIRST, FIRST), Found(found), 31).state == WHOLE
    second = Part(FIRST, FIRST, start=43200, end=43200)
    assert judge(second, Found(found), 30).state == CUT


def test_a_split_by_time_is_told_and_a_study_without_one_makes_it_cut() -> None:
    timed = Study("1.1", "20200130", "120000")
    told = judge(Part(FIRST, FIRST), Found((timed,), cut=True), None)
    assert (told.state, told.reason) == (SPLIT, BY_TIME)
    timeless = Study("1.2", "20200130")
    told = judge(Part(FIRST, FIRST), Found((timed, timeless), cut=True), None)
    assert (told.state, told.reason, len(told.halves)) == (CUT, "without-time", 2)


def test_what_was_not_asked_for_is_left_out() -> None:
    part = Part(FIRST, FIRST, "CT")
    mine = Study("1.1", "20200130", modalities=("CT", "SR"))
    others = (Study("1.2", "20200131"), Study("1.3", "20200130", modalities=("MR",)))
    assert judge(part, Found((mine, *others)), None) == Judged(WHOLE, "", (mine,))


def test_a_list_entry_wants_its_own_number() -> None:
    part = Part(line=2, keyword="AccessionNumber", value="A1")
    others = (Study("1.2", accession="A10"), Study("1.3"))
    assert judge(part, Found(others), None) == Judged(WHOLE, "not-found", ())


def test_a_part_is_named_without_the_value_of_a_list() -> None:
    assert Part(line=7, keyword="AccessionNumber", value="SECRET").name == "line 7"
    assert Part(FIRST, FIRST, "CT", 3600, 7199).name == "20200130-20200130 010000-015959 CT"
