"""What makers write into private elements, and identifiers in sequences of an unknown form."""

from __future__ import annotations

import gzip
import struct

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from leak_runs import (
    BORN,
    CHI,
    STRANGER,
    STRANGER_CHI,
    Plant,
    Released,
    Trap,
    item,
    planted,
    release_all,
    survivors,
)

_SECRET = f"{STRANGER}^Fiona {STRANGER_CHI}".encode()


def _private(group: int, creator: str, element: int, vr: str, value: object) -> Plant:
    return lambda dataset: dataset.private_block(group, creator, create=True).add_new(
        element, vr, value
    )


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def _csa(name: bytes, text: bytes) -> bytes:
    """A Siemens CSA header of one tag with one item: SV10, counts, name, VR, lengths, text."""
    tag = name.ljust(64, b"\0") + struct.pack("<L4sLLL", 1, b"LO\0\0", 19, 6, 77)
    first = struct.pack("<4L", len(text), len(text), 77, len(text)) + text
    rest = struct.pack("<4L", 0, 0, 77, 0) * 5
    return b"SV10\4\3\2\1" + struct.pack("<LL", 1, 77) + tag + first + rest


_ASCCONV = (
    b"### ASCCONV BEGIN ###\ntReferenceImage0 = " + _SECRET + b"\nsSliceArray.lSize = 1\n"
    b"### ASCCONV END ###\n"
)
_GE_PROTOCOL = b'set PATNAME "' + _SECRET + b'"\nset SLTHICK "5.0"\n'
_PHILIPS = b"<Patient Name='" + _SECRET + b"' Birth='" + BORN.encode() + b"'/>"


def _implicit_sequence(depth: int) -> bytes:
    """The bytes of a sequence in implicit VR little endian, its innermost a patient's name."""
    name = struct.pack("<HHL", 0x0010, 0x0010, len(_SECRET)) + _SECRET
    for _ in range(depth):
        held = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(name)) + name
        name = struct.pack("<HHL", 0x0008, 0x1140, len(held)) + held
    return b"\xfe\xff\x00\xe0" + struct.pack("<L", len(name)) + name


def _standard_sequence_as_unknown() -> bytes:
    """A real file with Referenced Other Plane Sequence (0008,9410) as UN, before group 0010."""
    data, value = planted(lambda dataset: None), _even(_implicit_sequence(3))
    place = data.index(b"\x10\0\x10\0PN")
    head = struct.pack("<HH2sHL", 0x0008, 0x9410, b"UN", 0, len(value))
    return data[:place] + head + value + data[place:]


def _philips_nested(dataset: Dataset) -> None:
    inner = item(PatientName=f"{STRANGER}^F")
    block = inner.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    block.add_new(0xFA, "LO", STRANGER_CHI)
    _private(0x2005, "Philips MR Imaging DD 005", 0x0E, "SQ", Sequence([inner]))(dataset)


def _own_names(dataset: Dataset) -> None:
    _private(0x0009, "GEMS_IDEN_01", 0x01, "LO", "GE_DRUMMOND_FF")(dataset)
    _private(0x0011, "SPI-P Release 1", 0x01, "UN", b"Elspeth Drummond ")(dataset)


def _numbers_as_words(dataset: Dataset) -> None:
    words = struct.unpack("<5L", b"Macfarlane Fiona    ")
    _private(0x0043, "GEMS_PARM_01", 0x5D, "UL", list(words))(dataset)


PLANTS: dict[str, Plant] = {
    "CSA header": _private(
        0x0029, "SIEMENS CSA HEADER", 0x10, "OB", _even(_csa(b"PatientName", _SECRET))
    ),
    "CSA header that is kept elsewhere": _private(
        0x0029, "SIEMENS CSA HEADER", 0x20, "UN", _even(_csa(b"MrPhoenixProtocol", _ASCCONV))
    ),
    "ASCCONV text": _private(0x0021, "SIEMENS MR SDI 02", 0x19, "LT", _ASCCONV.decode()),
    "text in MEDCOM": _private(0x0029, "SIEMENS MEDCOM HEADER", 0x31, "LO", _SECRET.decode()),
    "GE protocol block": _private(0x0025, "GEMS_SERS_01", 0x1B, "OB", _even(_GE_PROTOCOL)),
    "GE protocol block, gzipped": _private(
        0x0025, "GEMS_SERS_01", 0x1B, "OB", _even(gzip.compress(_GE_PROTOCOL))
    ),
    "GE patient status": _private(0x0011, "GEMS_PATI_01", 0x10, "LO", _SECRET.decode()),
    "Philips XML": _private(0x2001, "Philips Imaging DD 001", 0x77, "OB", _even(_PHILIPS)),
    "Philips nested sequence": _philips_nested,
    "own names": _own_names,
    "letters as numbers": _numbers_as_words,
    "creator is a name": _private(0x0031, STRANGER, 0x01, "LO", "x"),
    "private sequence as UN": _private(
        0x0029, "SIEMENS MR HEADER", 0x20, "UN", _even(_implicit_sequence(2))
    ),
    "safe private element as UN": _private(0x0019, "SIEMENS MR HEADER", 0x0D, "UN", _even(_SECRET)),
    "private date": _private(0x0019, "SIEMENS MR HEADER", 0x0C, "UN", b"20240305"),
    "epoch in a double": _private(0x0009, "GEMS_IDEN_01", 0x27, "SL", 1709633472),
}
_SECRETS: dict[str, tuple[str | bytes, ...]] = {
    "GE protocol block, gzipped": (gzip.compress(_GE_PROTOCOL)[10:60],),
    "private date": ("20240305",),
    "epoch in a double": (struct.pack("<l", 1709633472), "1709633472"),
}
# What these blocks hold beside identifiers, and research needs; PS3.15 table E.3.10-1 has them.
NEAR: dict[str, tuple[Plant, int, str, int, object]] = {
    "diffusion b-value of Siemens": (
        _private(0x0019, "SIEMENS MR HEADER", 0x0C, "IS", "1000"),
        0x0019, "SIEMENS MR HEADER", 0x0C, 1000,
    ),
    "diffusion b-value of Philips": (
        _private(0x2001, "Philips Imaging DD 001", 0x03, "FL", 1000.0),
        0x2001, "Philips Imaging DD 001", 0x03, 1000.0,
    ),
    "diffusion b-value of GE": (
        _private(0x0043, "GEMS_PARM_01", 0x39, "IS", [1000, 0, 0, 0]),
        0x0043, "GEMS_PARM_01", 0x39, [1000, 0, 0, 0],
    ),
}  # fmt: skip


def _traps() -> dict[str, Trap]:
    traps = {}
    for name, plant in PLANTS.items():
        secrets = (STRANGER, STRANGER_CHI, *_SECRETS.get(name, ()))
        traps[name] = Trap(planted(plant), secrets)
        traps[f"{name}, implicit"] = Trap(planted(plant, implicit=True), secrets)
    unknown = _standard_sequence_as_unknown()
    traps["standard sequence as UN"] = Trap(unknown, (STRANGER, STRANGER_CHI))
    for name, (plant, *_) in NEAR.items():
        traps[name] = Trap(b"", (), planted(plant, "MR_small.dcm"))
        traps[f"{name}, implicit"] = Trap(b"", (), planted(plant, "MR_small.dcm", implicit=True))
    return traps


TRAPS = _traps()


@pytest.fixture(scope="module", name="outcome")
def _outcome(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return release_all(tmp_path_factory.mktemp("blobs"), TRAPS)


@pytest.mark.parametrize("name", [name for name, one in TRAPS.items() if one.leak])
def test_nothing_in_a_makers_own_element_names_anybody(name: str, outcome: Released) -> None:
    assert name in outcome.files, outcome.reasons.get(name)
    secrets = (*TRAPS[name].secrets, "drummond", CHI, BORN)
    assert not survivors(outcome.bytes_of(name), secrets)


@pytest.mark.parametrize("name", [name for name, one in TRAPS.items() if one.near])
def test_what_research_needs_of_it_is_kept(name: str, outcome: Released) -> None:
    _, group, creator, element, value = NEAR[name.removesuffix(", implicit")]
    block = outcome.dataset(f"{name} near").private_block(group, creator)
    assert block[element].value == value


def test_the_verifier_finds_nothing_in_what_was_released(outcome: Released) -> None:
    assert [f"{one.file} {one.location} {one.rule}" for one in outcome.findings] == []
