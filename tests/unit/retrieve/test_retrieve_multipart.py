"""A multipart answer comes apart as it was put together, however it is cut into reads."""

import io
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from imagehaven.acquire.retrieve.dicomweb.multipart import Broken, boundary_of, parts
from imagehaven.acquire.retrieve.dicomweb.part10 import NoFile, named_by_data_set, read_meta

BOUNDARY = "frontier"
contents = st.lists(
    st.one_of(
        st.binary(max_size=400),
        # What nearly is a delimiter.
        st.lists(st.sampled_from([b"\r\n", b"--", b"front", b"\r\n--frontie", b"x"])).map(b"".join),
    ).filter(lambda content: b"\r\n--frontier" not in b"\r\n" + content),
    max_size=4,
)


class Slow(io.BytesIO):
    """A stream that gives so many bytes at a time."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__(content)
        self.step = step

    def read(self, amount: int | None = -1, /) -> bytes:
        return super().read(min(self.step, amount or self.step))


def answer(files: list[bytes], preamble: bytes = b"") -> bytes:
    head = b"Content-Type: application/dicom\r\n\r\n"
    found = preamble
    for content in files:
        found += b"\r\n--frontier\r\n" + head + content
    return found + b"\r\n--frontier--\r\n"


def apart(content: bytes, step: int) -> list[bytes]:
    return [b"".join(pieces) for pieces in parts(Slow(content, step), BOUNDARY)]


@given(contents, st.integers(1, 60), st.sampled_from([b"", b"hello"]))
def test_parts_come_out_as_they_went_in(files: list[bytes], step: int, preamble: bytes) -> None:
    assert apart(answer(files, preamble), step) == files
    assert apart(answer(files).removeprefix(b"\r\n"), step) == files


@given(contents.filter(bool), st.integers(1, 60), st.data())
def test_an_answer_that_ends_early_is_told(
    files: list[bytes], step: int, data: st.DataObject
) -> None:
    whole = answer(files)
    short = whole[: data.draw(st.integers(0, len(whole) - len(b"--\r\n") - 1))]
    with pytest.raises(Broken):
        apart(short, step)


def test_a_part_that_nobody_reads_is_read_over() -> None:
    found = parts(Slow(answer([b"first" * 100, b"second"]), 16), BOUNDARY)
    next(found)
    assert b"".join(next(found)) == b"second"


def test_the_boundary_is_found_however_it_is_written() -> None:
    assert boundary_of('multipart/related; type="application/dicom"; boundary="a b"') == "a b"
    assert boundary_of("multipart/related; boundary=x; type=y") == "x"
    assert boundary_of("application/dicom") is None


@given(st.integers(0, 800))
def test_a_file_meta_is_read_as_soon_as_it_is_there(length: int) -> None:
    content = Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()
    meta = read_meta(content[:length])
    whole = read_meta(content)
    assert whole is not None
    assert meta == (whole if length >= whole.offset + 12 else meta)
    assert whole.transfer_syntax == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm"]
)
def test_an_object_has_the_name_that_its_data_set_has(name: str) -> None:
    path = Path(str(get_testdata_file(name)))
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    content = path.read_bytes()
    meta = read_meta(content)
    assert meta is not None
    # Even where the file meta says otherwise.
    wrong = type(meta)("1.1", "1.1", meta.transfer_syntax, meta.offset)
    named = named_by_data_set(wrong, content[meta.offset : meta.offset + 4096])
    assert (named.sop_class, named.sop_instance) == (dataset.SOPClassUID, dataset.SOPInstanceUID)
    assert named_by_data_set(wrong, b"") == wrong


def test_what_is_no_file_is_told() -> None:
    with pytest.raises(NoFile):
        read_meta(b"x" * 200)
