"""The compiled core reads a file exactly as pydicom is made to, or leaves it alone."""

from __future__ import annotations

import io
import json
import math
import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import data
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ImplicitVRLittleEndian

from damaged_dicom import SEEDS, damaged_files
from imagehaven.acquire import read_source
from imagehaven.acquire.source import Source
from imagehaven.catalogue.declared import promoted_keywords
from imagehaven.catalogue.loading.items import Item
from imagehaven.catalogue.loading.reader import ReadContext, read_chunk
from imagehaven.dicom.scan import NUMBERS, TEXTS, Scanned, core_works, scan_files
from imagehaven.errors import Quarantine

FAST, PLAIN = ReadContext(promoted_keywords()), ReadContext(promoted_keywords(), compiled=False)

budget = settings(
    max_examples=400,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)


def scan(*files: bytes | Path, hashing: bool = True) -> Scanned:
    given = [os.fsencode(f) if isinstance(f, Path) else memoryview(f) for f in files]
    return scan_files(given, promoted_keywords(), hashing=hashing)


def item(path: Path) -> Item:
    return {"source": str(path), "size": path.stat().st_size}


def element(tag: int, vr: str, content: bytes) -> bytes:
    """One element in explicit VR little endian, a long form's two zero bytes included."""
    long_form = vr in {"OB", "OW", "UN", "UT", "SQ"}
    length = struct.pack("<HI", 0, len(content)) if long_form else struct.pack("<H", len(content))
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode() + length + content


def file_of(*elements: bytes) -> bytes:
    """A file in explicit VR little endian with these elements and a SOPInstanceUID."""
    syntax = element(0x00020010, "UI", b"1.2.840.10008.1.2.1\0")
    parts = sorted([*elements, element(0x00080018, "UI", b"1.2.3\0")], key=tag_order)
    return b"".join([bytes(128), b"DICM", syntax, *parts])


def tag_order(content: bytes) -> tuple[int, ...]:
    return struct.unpack("<HH", content[:4])


def written(dataset: Dataset) -> bytes:
    """The data set as a file in implicit VR little endian."""
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, "1.2.3"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def value(content: bytes, tag: str) -> object:
    scanned = scan(content)
    assert scanned.declined == [None]
    return json.loads(scanned.columns["elements"][0].as_py())[tag]


@pytest.fixture(scope="module")
def real_files() -> list[Path]:
    beside = Path(__file__).resolve().parents[3] / "shared"
    shared = Path(os.environ.get("IMAGEHAVEN_SHARED", beside)) / "dicom"
    found = [p for place in (Path(data.__file__).parent, shared) for p in place.rglob("*")]
    return sorted(path for path in found if path.is_file())


def test_the_core_is_built_where_the_tests_run() -> None:
    assert core_works(), "install a C compiler and install imagehaven again"


def test_every_real_file_gets_the_row_that_pydicom_would_give(real_files: list[Path]) -> None:
    items = [item(path) for path in real_files]
    assert read_chunk(FAST, items) == read_chunk(PLAIN, items)


def test_one_file_is_read_by_the_core_as_by_pydicom(real_files: list[Path]) -> None:
    for path in real_files[::7]:
        source = Source(str(path), str(path), (), path.stat().st_size)
        swift, slow = (reading(path, source, compiled=compiled) for compiled in (True, False))
        assert swift == slow, path.name


def reading(path: Path, source: Source, *, compiled: bool) -> object:
    try:
        return read_source(io.BytesIO(path.read_bytes()), source, compiled=compiled)
    except Quarantine as fault:
        return fault.reason


def test_most_real_files_are_read_by_the_core(real_files: list[Path]) -> None:
    dicom = [path for path in real_files if path.suffix == ".dcm" or "shared" in path.parts]
    declined = scan(*dicom).declined
    assert declined.count(None) > 0.6 * len(dicom)


def test_a_file_in_memory_and_one_of_which_the_header_alone_is_read_give_the_same(
    real_files: list[Path],
) -> None:
    hashes = ["content_sha256", "dataset_sha256"]
    whole = scan(*real_files)
    in_memory = scan(*(path.read_bytes() for path in real_files))
    assert in_memory.declined == whole.declined
    assert in_memory.columns.equals(whole.columns)
    header_only = scan(*real_files, hashing=False)
    assert header_only.declined == whole.declined
    assert header_only.columns.drop_columns(hashes).equals(whole.columns.drop_columns(hashes))
    assert header_only.columns["content_sha256"].null_count == len(real_files)


@budget
@given(content=damaged_files())
def test_a_damaged_file_gets_the_row_that_pydicom_would_give(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "damaged.dcm"
    path.write_bytes(content)
    assert read_chunk(FAST, [item(path)]) == read_chunk(PLAIN, [item(path)])


@budget
@given(content=st.binary(max_size=2000).map(lambda rest: b"\0" * 128 + b"DICM" + rest))
def test_any_bytes_at_all_are_read_as_pydicom_would_or_declined(content: bytes) -> None:
    scanned = scan(content)
    if scanned.declined == [None]:
        json.loads(scanned.columns["elements"][0].as_py())
    else:
        row = scanned.columns.to_pylist()[0]
        assert {row[name] for name in (*TEXTS, *NUMBERS, *promoted_keywords())} == {None}


def doubles(numbers: list[float]) -> str:
    """What the core makes of a FD element with these numbers."""
    content = file_of(element(0x00186028, "FD", struct.pack(f"<{len(numbers)}d", *numbers)))
    text = str(scan(content).columns["elements"][0].as_py())
    return text.partition('"00186028":{"vr":"FD","Value":[')[2].removesuffix("]}}")


@budget
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_doubles_are_written_as_python_writes_them(numbers: list[float]) -> None:
    assert doubles(numbers) == ",".join(map(repr, numbers))


def test_powers_of_two_have_the_shortest_digits_too() -> None:
    # Here the gap to the number below is half of that to the number above.
    powers = [math.ldexp(1.0, power) for power in range(-1074, 1024)]
    assert [doubles([number]) for number in powers] == [repr(number) for number in powers]


@budget
@given(st.lists(st.floats(width=32), min_size=1, max_size=40))
def test_single_floats_are_widened_and_what_json_has_no_number_for_is_text(
    numbers: list[float],
) -> None:
    content = file_of(element(0x00181271, "FL", struct.pack(f"<{len(numbers)}f", *numbers)))
    spoken = [
        n if math.isfinite(n) else "NaN" if math.isnan(n) else "inf" if n > 0 else "-inf"
        for n in numbers
    ]
    assert value(content, "00181271") == {"vr": "FL", "Value": spoken}


@budget
@given(
    st.binary(max_size=60) | st.text(max_size=30).map(str.encode),
    st.sampled_from(
        [b"ISO_IR 192", b"ISO_IR 100", b"ISO_IR 6 ", b"ISO_IR 144", b"\\ISO 2022 IR 87"]
    ),
    st.sampled_from(["LT", "LO", "PN", "UT", "DS", "CS"]),
)
def test_any_text_in_any_character_set_gets_the_row_that_pydicom_would_give(
    tmp_path: Path, text: bytes, charset: bytes, vr: str
) -> None:
    path = tmp_path / "text.dcm"
    path.write_bytes(
        file_of(element(0x00080005, "CS", charset), element(0x00104000, vr, text + b" "))
    )
    assert read_chunk(FAST, [item(path)]) == read_chunk(PLAIN, [item(path)])


def test_character_sets_beyond_latin_are_left_to_pydicom() -> None:
    def declined(charset: bytes, text: bytes) -> str | None:
        content = file_of(element(0x00080005, "CS", charset), element(0x00104000, "LT", text))
        return scan(content).declined[0]

    assert declined(b"ISO_IR 144", b"plain ASCII") is None
    assert declined(b"ISO_IR 100", "Größe".encode("latin-1")) is None
    assert declined(b"ISO_IR 192", "Größe".encode()) is None
    assert declined(b"ISO_IR 192", "Größe".encode("latin-1")) is not None
    assert declined(b"ISO_IR 144", b"\xb4") is not None
    assert declined(b"ISO_IR 6 ", b"\x1b$B;3") is not None


@pytest.mark.parametrize("signed", [0, 1])
def test_an_ambiguous_vr_follows_the_pixel_representation_around_it(signed: int) -> None:
    dataset, item_ = Dataset(), Dataset()
    dataset.PixelRepresentation = signed
    item_.add_new(0x00283002, "US", [256, 65535, 16])
    dataset.ModalityLUTSequence = [item_]
    dataset.add_new(0x00280106, "US", 65535)
    content = written(dataset)
    vr, number = ("SS", -1) if signed else ("US", 65535)
    assert value(content, "00280106") == {"vr": vr, "Value": [number]}
    nested = value(content, "00283000")
    assert isinstance(nested, dict)
    assert nested["Value"][0]["00283002"] == {"vr": vr, "Value": [256, number, 16]}


def test_private_elements_in_implicit_vr_have_the_vr_that_their_creator_gives() -> None:
    dataset = Dataset()
    block = dataset.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0x02, "SL", 912)
    foreign = dataset.private_block(0x0021, "NOBODY KNOWS", create=True)
    foreign.add_new(0x02, "SL", 912)
    content = written(dataset)
    assert value(content, "00191002") == {"vr": "SL", "Value": [912]}
    unknown = value(content, "00211002")
    assert isinstance(unknown, dict)
    assert (unknown["vr"], unknown["Length"]) == ("UN", struct.calcsize("<l"))


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_a_path_that_is_gone_or_a_folder_is_declined(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "one.dcm"
    path.write_bytes(SEEDS[seed])
    scanned = scan(tmp_path / "absent.dcm", tmp_path, path)
    assert scanned.declined[:2] == ["unreadable", "unreadable"]
