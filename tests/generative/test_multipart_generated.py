"""Multipart bodies, cut anywhere, come apart as they were put together; no other does harm."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagehaven.acquire.receive.web import multipart
from imagehaven.acquire.receive.web.multipart import Begin, End, Malformed, Multipart

# Short and made of few characters, so that parts hold what looks like a boundary.
BOUNDARIES = st.text(alphabet="-ab' ", min_size=1, max_size=4).filter(lambda b: b[-1] != " ")
CONTENTS = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"--", b"-", b"a", b"b", b" ", b"\0"]))
Part = tuple[dict[str, str], bytes]


def taken_apart(boundary: str, pieces: list[bytes]) -> list[Part]:
    parser = Multipart(boundary)
    parts: list[Part] = []
    ended = 0
    for piece in pieces:
        for event in parser.feed(piece):
            if isinstance(event, Begin):
                assert ended == len(parts)
                parts.append((event.header, b""))
            elif isinstance(event, End):
                ended += 1
            else:
                parts[-1] = (parts[-1][0], parts[-1][1] + event)
    parser.close()
    assert ended == len(parts)
    return parts


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(body) + 1) for place in places} | {0, len(body)})
    return [body[start:end] for start, end in pairwise(ends)]


@given(
    boundary=BOUNDARIES,
    contents=st.lists(CONTENTS.map(b"".join), min_size=1, max_size=4),
    preamble=st.sampled_from([b"", b"a preamble\r\n", b"--\r\n", b"\r\n"]),
    epilogue=st.sampled_from([b"", b"\r\n", b"\r\nan epilogue --a"]),
    padding=st.sampled_from([b"", b" ", b"\t  "]),
    places=st.lists(st.integers(0, 10_000), max_size=12),
)
def test_parts_come_out_as_they_went_in_wherever_the_body_is_cut(
    boundary: str,
    contents: list[bytes],
    preamble: bytes,
    epilogue: bytes,
    padding: bytes,
    places: list[int],
) -> None:
    mark = b"--" + boundary.encode()
    # RFC 2046: the boundary must not occur in what it separates.
    kept = [one.replace(b"\r\n" + mark, b"") for one in contents]
    kept = [one for one in kept if mark not in b"\r\n" + one and mark not in one + b"\r"]
    body = preamble if mark not in b"\r\n" + preamble else b""
    for number, content in enumerate(kept):
        body += mark + padding + b"\r\nX-Number: " + str(number).encode() + b"\r\n\r\n"
        body += content + b"\r\n"
    body += mark + b"--" + padding + epilogue
    expected = [({"x-number": str(number)}, content) for number, content in enumerate(kept)]
    assert taken_apart(boundary, cut(body, places)) == (expected if kept else [])


@given(
    body=st.lists(
        st.sampled_from([b"\r\n", b"--b", b"--", b"b", b"A: b", b":", b" ", b"\xff"]), max_size=20
    ).map(b"".join),
    places=st.lists(st.integers(0, 10_000), max_size=6),
)
def test_it_makes_no_difference_where_any_body_is_cut(body: bytes, places: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> object:
        try:
            return taken_apart("b", pieces)
        except Malformed as error:
            return str(error)

    assert outcome(cut(body, places)) == outcome([body])


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--b\r\n\r\n\r\n--b--", [({}, b"")]),
        (b"\r\n--b\r\nA: 1\r\nB:2 \r\n\r\nx\r\n--b--\r\n", [({"a": "1", "b": "2"}, b"x")]),
        (b"--b\r\nA: 1\r\n two\r\n\r\nx\r\n--b--", [({"a": "1 two"}, b"x")]),
        (b"--b\r\n\r\n\r\n--bb\r\n--b \r\n\r\n\n--b\r\n--b--", [({}, b"\r\n--bb"), ({}, b"\n--b")]),
        (b"--b--", []),
    ],
)
def test_the_corners_of_the_standard(body: bytes, parts: list[Part]) -> None:
    for size in (1, 2, 3, len(body)):
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        assert taken_apart("b", pieces) == parts


@pytest.mark.parametrize(
    "body",
    [
        b"", b"--b", b"--b\r\n", b"--b\r\n\r\nx", b"--b\r\n\r\nx\r\n--b", b"--b\r\n\r\nx\r\n--b-",
        b"--b\n\nx\n--b--", b"--b\r\nno field\r\n\r\nx\r\n--b--", b"--b\r\nA: 1\r\nA: 2\r\n\r\n",
        b"--b\r\nA" + b"a" * multipart.LONGEST_HEADER, b"x" * (multipart.LONGEST_ASIDE + 100),
        b"--b--" + b"x" * (multipart.LONGEST_ASIDE + 1), b"--b\r\nA: 1\r\n\r\n--b--",
    ],
)  # fmt: skip
def test_what_is_no_multipart_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        taken_apart("b", [body])


@pytest.mark.parametrize("boundary", ["", " ", "x ", "a\r\nb", "\u00e4", "x" * 201, 'a"b'])
def test_a_boundary_that_is_none_is_refused(boundary: str) -> None:
    with pytest.raises(Malformed):
        Multipart(boundary)


def test_a_boundary_longer_than_the_standard_allows_is_taken() -> None:
    # Orthanc's DICOMweb plug-in joins two UUIDs: 73 characters, where RFC 2046 allows 70.
    boundary = "e9c79603-1371-467d-b35c-51eda28c9938-e9c79603-1371-467d-b35c-51eda28c9938"
    body = f"--{boundary}\r\n\r\nx\r\n--{boundary}--".encode()
    assert taken_apart(boundary, [body]) == [({}, b"x")]


def test_what_is_held_does_not_grow_with_a_part() -> None:
    parser = Multipart("b")
    list(parser.feed(b"--b\r\n\r\n"))
    for _ in range(200):
        passed = b"".join(piece for piece in parser.feed(bytes(10_000)) if isinstance(piece, bytes))
        assert len(passed) > 9_900
