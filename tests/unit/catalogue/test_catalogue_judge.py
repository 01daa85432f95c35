"""Which state the rule gives: catalogued, duplicate, unchanged, conflicting."""

from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.catalogue.loading.judge import Candidate, Seen, judge


def read(instance: bytes, fingerprint: bytes, source: bytes, content: bytes = b"c") -> Candidate:
    return Candidate("read", instance, fingerprint, source, content)


def test_the_first_content_under_a_uid_is_catalogued_and_the_same_again_is_a_duplicate() -> None:
    assert judge([read(b"u", b"f", b"1"), read(b"u", b"f", b"2")], Seen()) == [
        "catalogued",
        "duplicate",
    ]


def test_other_content_under_a_uid_is_a_conflict_within_a_chunk_and_across_chunks() -> None:
    assert judge([read(b"u", b"f", b"1"), read(b"u", b"g", b"2")], Seen()) == [
        "catalogued",
        "conflicting",
    ]
    assert judge([read(b"u", b"g", b"2")], Seen(instance={b"u": b"f"})) == ["conflicting"]


def test_a_source_with_the_content_it_had_is_unchanged_even_where_it_was_a_conflict() -> None:
    seen = Seen(instance={b"u": b"f"}, source={b"2": b"c"})
    assert judge([read(b"u", b"g", b"2")], seen) == ["unchanged"]


def test_a_source_with_new_content_is_judged_by_that_content() -> None:
    seen = Seen(instance={b"u": b"f"}, source={b"1": b"old"})
    assert judge([read(b"u", b"g", b"1"), read(b"v", b"g", b"1")], seen) == [
        "conflicting",
        "catalogued",
    ]


def test_what_was_not_read_keeps_its_kind() -> None:
    kinds = [Candidate(kind, b"", b"", b"1", b"") for kind in ("quarantined", "container")]
    assert judge(kinds, Seen()) == ["quarantined", "container"]


small = st.sampled_from([b"a", b"b", b"c"])


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.tuples(small, small), max_size=12), st.integers(0, 12))
def test_cutting_into_chunks_anywhere_changes_nothing(
    files: list[tuple[bytes, bytes]], cut: int
) -> None:
    candidates = [
        read(instance, content, bytes([number]), content)
        for number, (instance, content) in enumerate(files)
    ]
    whole = judge(candidates, Seen())
    head = judge(candidates[:cut], Seen())
    known = {
        c.instance: c.fingerprint
        for c, state in zip(candidates, head, strict=False)
        if state == "catalogued"
    }
    assert head + judge(candidates[cut:], Seen(instance=known)) == whole
    assert whole.count("catalogued") == len({instance for instance, _ in files})
