"""What is planned comes back as it was, whatever a file is called."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.acquire import Problem, Source
from imagehaven.catalogue.loading.items import (
    containers_before,
    found_of,
    item_of,
    path_text,
    source_of,
)
from imagehaven.catalogue.loading.plan import chunks_of

names = st.binary(min_size=1, max_size=20).map(
    lambda raw: "/" + raw.replace(b"\0", b"x").decode("utf-8", "surrogateescape")
)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(names, st.lists(st.text(), max_size=2), st.integers(-1, 2**40))
def test_a_source_survives_the_ledger_and_the_source_table(
    path: str, members: list[str], size: int
) -> None:
    source = Source("/location", path, tuple(members), size)
    assert found_of(json.loads(json.dumps(item_of(source)))) == source
    path_text(path).encode("utf-8")
    assert source_of("/location", path_text(path), json.dumps(members), size) == source


def test_a_problem_survives_the_ledger() -> None:
    problem = Problem("/a", "unreadable", "the system reports something")
    assert found_of(item_of(problem)) == problem


def test_an_archive_is_counted_where_it_begins_and_only_there() -> None:
    inner = Source("/a.zip!/b.tar!/x", "/a.zip", ("b.tar", "x"), 1)
    assert containers_before(inner, None) == 2
    assert containers_before(inner, "/a.zip!/a") == 1
    assert containers_before(inner, "/a.zip!/b.tar!/w") == 0
    assert containers_before(Source("/a.zip", "/a.zip", (), 1), None) == 0


def test_chunks_are_bounded_and_the_members_of_an_archive_stay_together() -> None:
    loose = [{"source": f"/{n}", "size": 1} for n in range(5)]
    packed = [
        {"source": f"/a!/{n}", "path": "/a", "members": [str(n)], "size": 1} for n in range(7)
    ]
    assert [len(chunk) for chunk in chunks_of([*loose, *packed, *loose], 3)] == [3, 9, 3, 2]
    large = [{"source": f"/{n}", "size": 2**30} for n in range(5)]
    assert [len(chunk) for chunk in chunks_of(large, 100)] == [2, 2, 1]


def test_a_small_input_is_cut_finely_enough_to_keep_every_processor_busy() -> None:
    def lengths(count: int) -> list[int]:
        return [
            len(c) for c in chunks_of(({"source": f"/{n}", "size": 1} for n in range(count)), 500)
        ]

    assert lengths(158) == [32] * 4 + [30]
    assert lengths(4000)[:20] == [32] * 4 + [64] * 4 + [128] * 4 + [256] * 4 + [500] * 4
