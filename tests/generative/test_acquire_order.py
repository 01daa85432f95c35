"""For any tree of names, the walk is complete, strictly ordered and resumable everywhere."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.acquire import Source, open_sources, walk
from imagehaven.acquire.source import shown
from imagehaven.errors import Quarantine

NAMES = st.text(alphabet="aAzé!. #\\\n\x7f-0/", min_size=1, max_size=4).map(
    lambda name: name.replace("/", "!")
)
FILE_NAMES = NAMES.filter(lambda name: name.strip(".") != "")
TREES = st.recursive(
    st.just("file"),
    lambda inner: (
        st.dictionaries(FILE_NAMES, inner, max_size=5)
        | st.lists(st.text("ab!. #é", min_size=1, max_size=4), unique=True, max_size=4)
    ),
    max_leaves=25,
)
quick = settings(max_examples=80, derandomize=True, deadline=None)


def build(root: Path, tree: object) -> int:
    """Make a tree: a dict is a folder, a list a zip with these members; return what a walk met."""
    if isinstance(tree, dict):
        root.mkdir()
        return sum(build(root / name, branch) for name, branch in tree.items())
    buffer = io.BytesIO()
    if isinstance(tree, list):
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in tree:
                archive.writestr(name, f"content of {name}")
        root.write_bytes(buffer.getvalue())
        return len(tree) or 1  # an empty archive is a problem
    root.write_bytes(b"content")
    return 1


@quick
@given(st.dictionaries(FILE_NAMES, TREES, max_size=6), st.data())
def test_a_walk_is_ordered_complete_and_resumes_anywhere(
    tree: dict[str, object], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        expected = build(root, tree)
        items = list(walk([root]))
        locations = [item.location for item in items]
        assert len(items) == expected
        assert locations == sorted(set(locations))
        assert [location.encode() for location in locations] == sorted(
            location.encode() for location in locations
        )
        start = data.draw(st.sampled_from(["", *locations]) | NAMES.map(lambda n: f"{root}/{n}"))
        assert list(walk([root], after=start)) == [i for i in items if i.location > start]
        sources = [item for item in items if isinstance(item, Source)]
        assert [Source.from_json(source.to_json()) for source in sources] == sources
        read = []
        for source, stream in open_sources(sources):
            assert not isinstance(stream, Quarantine)
            assert len(stream.read()) == source.size
            read.append(source.location)
        assert sorted(read) == sorted(source.location for source in sources)


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.binary(min_size=1, max_size=6), st.binary(min_size=1, max_size=6))
def test_different_names_are_shown_differently(one: bytes, other: bytes) -> None:
    names = [os.fsdecode(name) for name in (one, other)]
    texts = [shown(name) for name in names]
    assert (texts[0] == texts[1]) == (names[0] == names[1])
    for text in texts:
        text.encode("utf-8")
        assert "!/" not in text
        assert "\n" not in text
