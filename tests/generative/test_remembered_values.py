"""What is remembered as clean changes no finding: with and without the reader, file after file."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import config, data
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian

from damaged_dicom import damaged_files
from imagehaven.dicom import read_header, to_elements
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Quarantine
from imagehaven.verify import AllowedValues, KnownIdentifiers, Rules, known_identifiers
from imagehaven.verify.detect.rules import default_rules, load_rules
from imagehaven.verify.dicom_file import verify_bytes
from imagehaven.verify.findings import Finding
from imagehaven.verify.known.matcher import Context
from imagehaven.verify.pixels.look import stated
from imagehaven.verify.read.byte_search import _terms, known_in_bytes
from imagehaven.verify.read.elements import name_of, texts_in
from imagehaven.verify.read.layout import layout
from imagehaven.verify.read.native import reader
from imagehaven.verify.remembered import Remembered
from imagehaven.verify.scan import Scanner, distinct

QUICK = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=150
)
NOTHING = AllowedValues()


def test_the_reader_was_built() -> None:
    assert reader() is not None


# ---- the same findings -----------------------------------------------------------------------


class Both:
    """One patient's files, each verified by the reference and with what is remembered."""

    def __init__(self, history: KnownIdentifiers, rules: Rules | None = None) -> None:
        self.rules = rules or default_rules()
        self.history = KnownIdentifiers().with_history([history]).history or history
        self.memory = Remembered.under(self.rules)

    def findings(
        self,
        content: bytes,
        known: KnownIdentifiers | None = None,
        allowed: AllowedValues | None = NOTHING,
    ) -> list[Finding]:
        known = (known or KnownIdentifiers()).with_history([self.history])
        if known.history is not self.history:  # as in a release: another history, another memory
            self.history = known.history or self.history
            self.memory = Remembered.under(self.rules)
        outcomes = []
        for memory in (None, self.memory):
            scanner = Scanner("a.dcm", self.rules, known, allowed, with_values=True)
            found = distinct(verify_bytes(content, "a.dcm", scanner, memory=memory))
            outcomes.append((found, scanner.waived, scanner.met, scanner.device))
        assert outcomes[0] == outcomes[1]
        return outcomes[0][0]

    def told(self, content: bytes) -> list[str] | None:
        """The names of what the reader would have scanned; None where it does not read."""
        read = self.memory.read(content, {})
        return [name_of(one.tag) for one in read.values] if read else None


def real_files() -> list[Path]:
    beside = Path(__file__).resolve().parents[3] / "shared"
    shared = Path(os.environ.get("IMAGEHAVEN_SHARED", beside)) / "dicom"
    found: list[Path] = []
    for place in (Path(data.__file__).parent, *sorted(shared.rglob("*"))):
        files = sorted(place.rglob("*") if place.name == "data" else place.glob("*"))
        found += [path for path in files if path.is_file()][: None if place.name == "data" else 2]
    return found


def without_pixels(content: bytes) -> bytes:
    """The file up to its pixels: reading those is another matter, and slow."""
    for implicit in (False, True):
        where = layout(content, 132, implicit=implicit, little=True)
        if where.pixels:
            start = where.pixels[0][0]
            return content[: start - (8 if implicit else 12)]
    return content


def elements_of(content: bytes) -> dict[str, Any]:
    try:
        return to_elements(read_header(BytesIO(content), len(content)).dataset)
    except Quarantine:
        return {}


@pytest.mark.parametrize("number", range(8))
def test_real_files_have_the_same_findings_again_and_again(number: int) -> None:
    taken = 0
    with quiet_pydicom():
        for path in real_files()[number::8]:
            content = without_pixels(path.read_bytes())
            if content[128:132] != b"DICM" or len(content) > 300_000:
                continue
            known = known_identifiers(elements_of(content))
            both = Both(known)
            for own in (known, None, known):
                both.findings(content, own)
            taken += both.told(content) is not None
    assert taken > 3


@given(damaged_files(), damaged_files())
@QUICK
def test_damaged_files_have_the_same_findings(first: bytes, second: bytes) -> None:
    with quiet_pydicom():
        first, second = without_pixels(first), without_pixels(second)
        known = known_identifiers(elements_of(first))
        both = Both(known)
        for content in (first, second, first):
            both.findings(content, known)


# ---- what must not be taken as known ---------------------------------------------------------


def image(raw: dict[int, tuple[str, bytes]] | None = None, **values: Any) -> bytes:
    """A small data set with values of elements, and bytes that need not be any."""
    with quiet_pydicom():
        dataset = pydicom.dcmread(str(data.get_testdata_file("CT_small.dcm")))
        del dataset.PixelData
        dataset.pop(0xFFFCFFFC, None)
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        for tag, (vr, value) in (raw or {}).items():
            dataset[tag] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
        buffer = BytesIO()
        dcmwrite(buffer, dataset)
    return buffer.getvalue()


def known(**values: str) -> KnownIdentifiers:
    elements: dict[str, Any] = {}
    for keyword, text in values.items():
        tag, vr = pydicom.datadict.tag_for_keyword(keyword), pydicom.datadict.dictionary_VR(keyword)
        value = {"Alphabetic": text} if vr == "PN" else text
        elements[f"{tag:08X}"] = {"vr": vr, "Value": [value]}
    return known_identifiers(elements)


def test_what_repeats_is_not_scanned_again() -> None:
    both = Both(known(PatientName="Drummond^Elspeth"))
    first = image(ImageComments="a fracture of the left wrist", SliceLocation="12.345678901")
    found = {one.location.rpartition(".")[2] for one in both.findings(first)}
    read = both.memory.read(first, {})
    assert read is not None
    assert {name_of(one.tag) for one in read.values if not one.number} <= found
    assert not {"ImageComments", "SliceLocation"} & set(both.told(first) or ())
    assert "ImageComments" in (both.told(image(ImageComments="another")) or ())


@pytest.mark.parametrize("first", ["chest", "Drummond", "19640412"])
@pytest.mark.parametrize("second", ["Elspeth Drummond", "chest", "ELSPETH 0101901232"])
def test_a_new_value_at_a_clean_element_is_scanned(first: str, second: str) -> None:
    both = Both(known(PatientName="Drummond^Elspeth", PatientID="0101901232"))
    for text in (first, second, first, second):
        found = both.findings(image(ImageComments=text))
        named = [one for one in found if one.location == "ImageComments"]
        assert bool(named) == (text != "chest"), text


def test_a_value_is_compared_with_what_each_source_held_at_its_place() -> None:
    both = Both(known(PatientName="Drummond^Elspeth", StationName="S7", AcquisitionDate="20040101"))
    content = image(StationName="S7", AcquisitionDate="20050505")
    rules = {
        one.rule
        for own in (known(StationName="S8"), known(StationName="S7"), known(StationName="S8"))
        for one in both.findings(content, own)
        if one.location == "StationName"
    }
    assert rules == {"known-unchanged"}
    moved = [known(AcquisitionDate=day) for day in ("20040101", "20050505", "20040101")]
    found = [both.findings(content, own) for own in moved]
    assert [any(one.location == "AcquisitionDate" for one in one_file) for one_file in found] == [
        False, True, False,
    ]  # fmt: skip


def test_a_value_that_is_clean_at_one_element_is_not_at_another() -> None:
    both = Both(known(PatientName="Drummond^Elspeth", DeviceSerialNumber="S7"))
    own = known(DeviceSerialNumber="S7")
    for content in (image(ContrastBolusAgent="S7"), image(DeviceSerialNumber="S7")):
        found = both.findings(content, own)
    assert "DeviceSerialNumber" in {one.location for one in found}


def test_a_place_that_a_later_source_tells_of_is_looked_at_from_then_on() -> None:
    both = Both(known(PatientName="Drummond^Elspeth"))
    content = image({0x00091001: ("PN", b"Ab^C")}, ImageComments="Ab^C")
    private = known_identifiers({"00091001": {"vr": "PN", "Value": [{"Alphabetic": "Ab^C"}]}})
    found = [both.findings(content, own) for own in (None, private, None)]
    at = [{one.location for one in one_file if one.rule == "known-unchanged"} for one_file in found]
    assert at == [set(), {"(0009,1001)"}, set()]


@pytest.mark.parametrize("vr", ["TM", "IS", "LO"])
def test_a_place_is_looked_at_in_each_sequence_that_a_source_held_it_in(vr: str) -> None:
    day = {"vr": "DA", "Value": ["20050505"]}
    inside = known_identifiers({"00081140": {"vr": "SQ", "Value": [{"00091001": day}]}})
    outside = known_identifiers({"00091001": day})
    both = Both(inside | outside)
    content = image({0x00091001: (vr, b"20050505")})
    for own in (inside, outside, inside):
        places = {one.location for one in both.findings(content, own)}
        assert ("(0009,1001)" in places) == (own is outside or vr == "LO")


ODD: dict[str, dict[int, tuple[str, bytes]]] = {
    "a sequence under another VR": {0x00280010: ("US", b"\1\0\1\0")},
    "a sign of three bytes": {0x00280103: ("US", b"\1\0\0")},
    "a creator of floats": {0x00090010: ("FD", b"123456")},
    "burned-in text with a NUL before": {0x00280301: ("CS", b"\0NO ")},
    "burned-in text as bytes": {0x00280301: ("OB", b"NO")},
    "frames as a number": {0x00280008: ("US", b"1\0")},
    "a class with a NUL before": {0x00080016: ("UI", b"\0001.2.840.10008.5.1.4.1.1.2")},
    "an image type with a hard space": {0x00080008: ("CS", b"ORIGINAL\\\xa0DERIVED")},
    "two instances": {0x00080018: ("UI", b"1.2.3\\1.2.4 ")},
}


@pytest.mark.parametrize("odd", ODD)
def test_what_decides_how_others_are_read_is_left_to_pydicom_where_it_is_odd(odd: str) -> None:
    with quiet_pydicom():
        dataset = pydicom.dcmread(BytesIO(image()))
        for tag, (vr, value) in ODD[odd].items():
            dataset.pop(tag, None)
            dataset[tag] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
        buffer = BytesIO()
        dcmwrite(buffer, dataset)
    is_left_to_pydicom(buffer.getvalue())


def is_left_to_pydicom(content: bytes) -> None:
    both = Both(known(PatientName="Drummond^Elspeth"))
    for _ in range(2):
        both.findings(content)
    read = both.memory.read(content, {})
    assert read is None or stated(read.facts) is None


CHARSET = b"\x08\0\5\0CS\x0a\0ISO_IR 100"


@pytest.mark.parametrize(
    "odd",
    [
        b"\x08\0\5\0CS\x0c\0ISO_IR\0 100 ",
        b"\x08\0\5\0US\x02\0\1\0",
        b"\x08\0\0\0LT\x08\0Drummond" + CHARSET,
        b"\x08\0\1\0LO\x08\0Drummond" + CHARSET,
    ],
)
def test_an_odd_character_set_is_left_to_pydicom(odd: bytes) -> None:
    content = image()
    assert CHARSET in content
    is_left_to_pydicom(content.replace(CHARSET, odd, 1))


def test_a_private_element_in_the_file_meta_does_not_hide_what_follows() -> None:
    content = image(ImageComments="chest")
    private = b"\2\0\2\1OL\0\0\x08\0\0\0DRUMMOND"
    end = (
        content.index(b"\x08\0\5\0CS")
        if b"\x08\0\5\0CS" in content
        else content.index(b"\x08\0\x08\0CS")
    )
    both = Both(known(PatientName="Drummond^Elspeth"))
    places = {one.location for one in both.findings(content[:end] + private + content[end:])}
    assert any(place.startswith("file-meta") for place in places)


def test_what_one_file_may_say_the_next_may_not() -> None:
    both = Both(known(PatientName="Drummond^Elspeth"))
    content = image(PatientName="Q4GUMWQF", PatientID="Q4GUMWQF", ImageComments="seen 12/04/1964")
    mine = AllowedValues(frozenset({"Q4GUMWQF"}), frozenset({"19640412"}))
    others = AllowedValues(frozenset({"ANOTHER1"}), frozenset({"19640413"}))
    clean, blocked = both.findings(content, allowed=mine), both.findings(content, allowed=others)
    places = {"PatientName", "PatientID", "ImageComments"}
    assert not places & {one.location for one in clean}
    assert places == places & {one.location for one in blocked}
    assert both.findings(content, allowed=mine) == clean
    both.findings(content, allowed=None)


@pytest.mark.parametrize("first", [b"ISO_IR 100", b"ISO_IR 192", b"\\ISO 2022 IR 87", b""])
@pytest.mark.parametrize("second", [b"ISO_IR 144", b"ISO_IR 192", b"ISO_IR 13", b"nonsense"])
def test_the_same_bytes_in_another_character_set_are_another_value(
    first: bytes, second: bytes
) -> None:
    both = Both(
        known_identifiers({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Дюма^Иван"}]}})
    )
    text = "Дюма".encode("iso8859-5") + b" \x1b$B;3ED\x1b(B"
    comment = RawDataElement(Tag(0x00204000), "LT", len(text), text, 0, False, True)
    item = Dataset()
    item[0x00204000] = comment
    for charset in (first, second, first):
        inner = Dataset()
        inner[0x00080005] = RawDataElement(
            Tag(0x00080005), "CS", len(charset), charset, 0, False, True
        )
        inner[0x00204000] = comment
        with quiet_pydicom():
            content = image({0x00080005: ("CS", charset), 0x00204000: ("LT", text)})
            nested = image(ReferencedImageSequence=Sequence([item, inner]))
        both.findings(content)
        both.findings(nested)


def test_a_rule_that_asks_for_few_digits_is_asked(tmp_path: Path) -> None:
    layer = tmp_path / "rules.yaml"
    layer.write_text(
        "version: 1\nrules:\n  - id: short-number\n    class: other-id\n    author: a site\n"
        "    description: a number of four digits\n    where: [number]\n    level: value\n"
        "    digits: 4\n    pattern: '7777'\n    matches: ['7777']\n    passes: ['7778']\n"
    )
    both = Both(known(PatientName="Drummond^Elspeth"), load_rules(layer))
    found = [both.findings(image(InstanceNumber=number)) for number in ("1", "7777", "1", "7777")]
    assert [any(one.rule == "short-number" for one in one_file) for one_file in found] == [
        False, True, False, True,
    ]  # fmt: skip


def test_a_waiver_is_counted_for_every_file() -> None:
    both = Both(known(PatientName="Drummond^Elspeth"))
    content = image(SoftwareVersions="1.2.3 2004-08-26 release", ProtocolName="2004-08-26")
    for _ in range(3):
        both.findings(content)


@pytest.mark.parametrize("implicit", [False, True])
def test_items_are_told_apart_by_their_number_and_private_ones_by_their_tag(implicit: bool) -> None:
    items = []
    for comment in ("chest", "Drummond", "chest"):
        item = Dataset()
        item.ImageComments = comment
        item.add_new(0x00091001, "LO", f"{comment} 2")
        items.append(item)
    dataset = pydicom.dcmread(str(data.get_testdata_file("CT_small.dcm")))
    del dataset.PixelData
    dataset.ReferencedImageSequence = Sequence(items)
    dataset.ReferencedImageSequence.is_undefined_length = implicit
    buffer = BytesIO()
    if implicit:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dcmwrite(buffer, dataset, implicit_vr=implicit, little_endian=True)
    both = Both(known(PatientName="Drummond^Elspeth"))
    for _ in range(2):
        places = {one.location for one in both.findings(buffer.getvalue())}
        assert "ReferencedImageSequence[1].ImageComments" in places
        assert "ReferencedImageSequence[0].ImageComments" not in places
    assert both.told(buffer.getvalue()) is not None


TEXTS = st.sampled_from(
    ["chest", "Drummond", "0101901232", "12/04/1964", "1.2.3.4567", "ab\\cd", ""]
)
KEYWORDS = (
    "ImageComments",
    "PatientName",
    "StudyDate",
    "SliceLocation",
    "StudyID",
    "AccessionNumber",
)


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    return {
        keyword: draw(TEXTS | st.text("abcD^=.0123456789 -/", max_size=18))
        for keyword in draw(st.sets(st.sampled_from(KEYWORDS), min_size=1))
    }


@given(st.lists(st.tuples(values(), values(), values()), min_size=2, max_size=5))
@QUICK
def test_any_values_of_any_files_have_the_same_findings(
    files: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]],
) -> None:
    with quiet_pydicom(), config.disable_value_validation():
        named = known(PatientName="Drummond^Elspeth", PatientID="0101901232")
        for source, _, _ in files:
            named |= known(**source)
        both = Both(named)
        for source, written, mine in files:
            allowed = AllowedValues(frozenset(map(str, mine.values())), frozenset({"19640412"}))
            raw = {
                int(pydicom.datadict.tag_for_keyword(keyword) or 0): (
                    pydicom.datadict.dictionary_VR(keyword),
                    text.encode() + b" " * (len(text) % 2),
                )
                for keyword, text in written.items()
            }
            both.findings(image(raw), known(**source), allowed)


# ---- values that no check has a say on -------------------------------------------------------


META = b"DICM\x02\0\0\0UL\4\0\x1c\0\0\0\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"


def told_of(vr: str, value: bytes, digits_of: Rules | None = None) -> bool:
    """Say whether the reader tells of a value at an element that nothing is known of."""
    memory = Remembered.under(digits_of or default_rules())
    tag, head = (
        b"\x20\x00\x00\x90",
        b"\0" * 128 + META,
    )
    short = vr in ("DS", "IS", "US", "SS", "UL", "SL", "FD", "FL")
    length = (
        len(value).to_bytes(2, "little") if short else b"\0\0" + len(value).to_bytes(4, "little")
    )
    read = memory.read(head + tag + vr.encode() + length + value, {})
    assert read is not None
    return any(one.tag == 0x00209000 for one in read.values)


BINARY = st.sampled_from(["US", "SS", "UL", "SL", "FD", "FL", "OB", "OW", "UN", "SV", "UV"])
PIECES = st.sampled_from(
    [
        b"abcd",
        b"abcde",
        b"a\0b\0c\0d\0",
        b"a\0b\0c\0d\0e\0",
        b"\0a\0b\0c\0d\0e",
        b"\t\n\r\t",
        b"\0",
        b"\x80",
    ]
)


@given(BINARY, st.lists(PIECES | st.binary(max_size=6), max_size=6).map(b"".join))
@settings(max_examples=600, deadline=None, derandomize=True)
def test_a_binary_value_that_the_reader_passes_over_has_no_text(vr: str, value: bytes) -> None:
    if value and not list(texts_in(value, vr, ["iso8859"])):
        assert not told_of(vr, value)
    elif value:
        assert told_of(vr, value)


@pytest.mark.parametrize(
    ("vr", "number"),
    [("UL", 999_999), ("UL", 1_000_000), ("SL", -1_000_000), ("SL", -999_999), ("FD", 1e6),
     ("FD", 1e6 + 0.5), ("FD", 1e15), ("FD", 1e15 - 1), ("FD", -1e6), ("FD", float("nan")),
     ("FD", float("inf")), ("UV", 10**15), ("UV", 10**15 - 1), ("SV", -(10**6))],
)  # fmt: skip
def test_a_large_whole_number_is_told(vr: str, number: float) -> None:
    import struct

    code = {"UL": "<L", "SL": "<l", "FD": "<d", "UV": "<Q", "SV": "<q"}[vr]
    value = struct.pack(code, number)
    assert told_of(vr, value) == bool(list(texts_in(value, vr, ["iso8859"])))


@given(st.text("0123456789eE+.- \\\0xa", max_size=24).map(str.encode))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_a_number_that_the_reader_passes_over_is_short_and_a_number(value: bytes) -> None:
    if value and not told_of("DS", value):
        for context, text in texts_in(value, "DS", ["iso8859"]):
            assert context is Context.NUMBER
            assert sum(map(str.isalnum, text)) < 7


# ---- words among bytes -----------------------------------------------------------------------

NAMES = st.sampled_from(
    ["Drummond^Elspeth", "O'Neill^Máire", "山田^太郎", "Li^Wu", "van der Berg^Jo"]
)
SPACED = st.sampled_from([b"", b" ", b"-", b"\0", b"^ ", b"...", b"____", b"x"])


def _pieces(name: str, between: bytes) -> Iterator[bytes]:
    for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "shift_jis", "gb18030"):
        try:
            yield between.join(part.encode(encoding) for part in name.upper().split("^"))
        except UnicodeEncodeError:
            continue


@given(
    NAMES, SPACED, st.binary(max_size=40), st.integers(0, 5), st.sampled_from([0, 65_500, 65_535])
)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_bytes_in_which_a_name_is_found_may_hold_it(
    name: str, between: bytes, around: bytes, which: int, before: int
) -> None:
    identifiers = known_identifiers(
        {
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]},
            "00100020": {"vr": "LO", "Value": ["AB-12 34/567"]},
            "0020000D": {"vr": "UI", "Value": ["1.2.840.99999.1.22.333"]},
        }
    )
    pieces = [*_pieces(name, between), b"ab1234" + between + b"567", b"1.2.840.99999.1.22.333.4"]
    content = b"\x80" * before + around + pieces[which % len(pieces)] + around
    terms = _terms(identifiers)
    assert terms.words is not None
    bare = terms._replace(words=None)
    hits = list(_found_with(bare, content))
    assert not hits or terms.words.may_be_in(content, 0, len(content))
    assert list(known_in_bytes(content, 0, len(content), identifiers)) == hits


def _found_with(terms: Any, content: bytes) -> Iterator[Any]:
    from imagehaven.verify.read import byte_search

    return byte_search._hits_of(terms, content, 0, len(content))
