"""Read a DICOM file's header once, without its pixels (PS3.10 section 7, PS3.5 section 7).

Comes in: a seekable stream and its size. Goes out: a frozen :class:`Header`, or a
:class:`~imagehaven.errors.Quarantine` whose reason says why the file cannot be read. Nothing else
is ever raised for what a file holds, and no declared length is believed.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final, cast

from pydicom.charset import default_encoding
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imagehaven.dicom.parse import UNDEFINED, Encoding, Parser, dictionary_vr
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Quarantine

PIXEL_TAGS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
MAX_INFLATED: Final = 256 * 2**20
MEDIA_DIRECTORY_CLASS: Final = "1.2.840.10008.1.3.10"

_BLOCK = 2**20
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_NATIVE = {
    Encoding(True, True): str(ImplicitVRLittleEndian),
    Encoding(False, True): str(ExplicitVRLittleEndian),
    Encoding(False, False): str(ExplicitVRBigEndian),
}


@dataclass(frozen=True)
class Header:
    """Everything of a DICOM file but its pixel data.

    ``dataset`` holds what precedes the first top-level Pixel Data, Float Pixel Data or Double
    Float Pixel Data, ``trailing`` what follows it. ``transfer_syntax`` is the one that the file
    really uses: where a native syntax is declared and another found, the one found. ``pixel_tag``
    and its fields are None without pixel data; ``pixel_length`` is 0xFFFFFFFF when encapsulated.
    Offsets count from the beginning of :func:`plain_stream`, which is the file itself unless its
    data set is deflated; ``pixel_end`` is where the pixel value ends, delimiter included, and
    ``dataset_offset`` where the file meta ends.
    """

    dataset: Dataset
    file_meta: FileMetaDataset
    preamble: bytes | None
    transfer_syntax: str
    pixel_tag: int | None
    pixel_offset: int | None
    pixel_length: int | None
    trailing: Dataset
    size: int
    dataset_offset: int
    pixel_end: int | None
    pixel_vr: str | None
    deflated: bool


def read_header(stream: BinaryIO, size: int) -> Header:
    """Read the header of the ``size`` bytes in ``stream``; no pixel byte is loaded.

    Raises :class:`Quarantine` with reason ``empty``, ``not-dicom``, ``truncated``,
    ``unreadable-transfer-syntax``, ``too-deep``, ``malformed``, ``no-sop-instance-uid``,
    ``hostile-length`` or ``media-directory``.
    """
    header = read_any_header(stream, size)
    if text_of(header.file_meta, 0x00020002) == MEDIA_DIRECTORY_CLASS or (
        BaseTag(0x00041220) in header.dataset and BaseTag(0x00080018) not in header.dataset
    ):
        raise Quarantine("media-directory", "a DICOMDIR lists instances and is none itself")
    if not text_of(header.dataset, 0x00080018):
        if header.preamble is None and not text_of(header.dataset, 0x00080016):
            raise Quarantine("not-dicom", "no DICM prefix, and no SOP class or instance inside")
        raise Quarantine("no-sop-instance-uid", "SOPInstanceUID is absent or empty")
    return header


def read_any_header(stream: BinaryIO, size: int) -> Header:
    """Read the header of a DICOM file or DICOMDIR; :func:`read_header` without its last checks."""
    if size == 0:
        raise Quarantine("empty", "the file has no bytes")
    with quiet_pydicom():
        try:
            return _read(stream, size)
        except (Quarantine, OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - hostile input can raise anything in pydicom
            detail = f"the reader failed with {type(error).__name__}"
            raise Quarantine("malformed", detail) from None


def plain_stream(stream: BinaryIO, header: Header) -> BinaryIO:
    """Return the stream that the header's offsets count in: inflated if the data set is deflated.

    At most 256 MiB are inflated; ``read_header`` has already refused files that need more.
    """
    return _inflated(stream, header.dataset_offset)[0] if header.deflated else stream


def text_of(dataset: Dataset, tag: int) -> str:
    """Return a raw element's first value as ASCII text without padding, '' if absent."""
    element = dataset.get_item(BaseTag(tag))
    value = element.value if element is not None else None
    if isinstance(value, bytes):
        value = value.decode("ascii", errors="replace")
    return value.split("\\")[0].strip(" \0") if isinstance(value, str) else ""


def _read(stream: BinaryIO, size: int) -> Header:
    parser = Parser(stream, size)
    charset = [default_encoding]
    preamble, start = _preamble(stream, size)
    meta, start = parser.top_level(start, Encoding(False, True), lambda t: t >> 16 != 2, charset)
    dataset_offset = start
    declared = text_of(meta, 0x00020010)
    deflated = declared == DeflatedExplicitVRLittleEndian and not _looks_plain(stream, start)
    if deflated:
        stream, size = _inflated(stream, start)
        parser = Parser(stream, size)
    command, start = parser.top_level(start, Encoding(True, True), lambda t: t >> 16 != 0, charset)
    if start >= size:
        raise Quarantine("truncated", "the file ends before its data set")
    encoding = _encoding(stream, start, declared)
    dataset, start = parser.top_level(start, encoding, PIXEL_TAGS.__contains__, charset)
    dataset.update(command)
    encoding = Encoding(bool(dataset._read_implicit), encoding.little)
    pixels, end = parser.stopped, None
    trailing = Dataset()
    if pixels is not None:
        end = _pixel_end(parser, pixels.value, pixels.length, encoding.little)
        if any(_peek(stream, end, 8)):  # zeros up to the end are a medium's padding
            trailing, _ = parser.top_level(end, encoding, lambda _: False, charset)
    return Header(
        dataset=dataset,
        file_meta=FileMetaDataset(meta),
        preamble=preamble,
        transfer_syntax=_real_syntax(declared, encoding),
        pixel_tag=pixels.tag if pixels else None,
        pixel_offset=pixels.value if pixels else None,
        pixel_length=pixels.length if pixels else None,
        trailing=trailing,
        size=size,
        dataset_offset=dataset_offset,
        pixel_end=end,
        pixel_vr=pixels.vr if pixels else None,
        deflated=deflated,
    )


def _preamble(stream: BinaryIO, size: int) -> tuple[bytes | None, int]:
    """Return the preamble and where the file meta starts; ``not-dicom`` for anything else.

    Without the prefix, the first element decides: it must be a known one of group 0002, 0004 or
    0008 and fit into the file, which text, images and archives do not by chance.
    """
    head = _peek(stream, 0, 132)
    if head[128:132] == b"DICM":
        if size == 132:
            raise Quarantine("truncated", "the file ends behind the DICM prefix")
        return head[:128], 132
    if len(head) >= 8:
        group, element = int.from_bytes(head[0:2], "little"), int.from_bytes(head[2:4], "little")
        if group in (0x0800, 0x0400):
            group, element = int.from_bytes(head[0:2]), int.from_bytes(head[2:4])
        if group in (0x0002, 0x0004, 0x0008) and dictionary_vr(group << 16 | element, None) != "UN":
            return None, 0
    raise Quarantine("not-dicom", "no DICM prefix, and no data set at the beginning")


def _encoding(stream: BinaryIO, start: int, declared: str) -> Encoding:
    """Choose the encoding for a data set by its declared transfer syntax and its first bytes."""
    if declared and not _UID.fullmatch(declared):
        raise Quarantine("unreadable-transfer-syntax", "TransferSyntaxUID is no UID")
    head = _peek(stream, start, 6)
    little = declared != ExplicitVRBigEndian
    # A data set starts with a low group: swapped, 0008 reads 0800, and the declaration is wrong.
    if head[:2] in ((b"\x00\x08", b"\x00\x04") if little else (b"\x08\x00", b"\x04\x00")):
        little = not little
    return Encoding(declared in ("", ImplicitVRLittleEndian), little)


def _real_syntax(declared: str, encoding: Encoding) -> str:
    native = _NATIVE.get(encoding)
    if native is None:
        raise Quarantine("unreadable-transfer-syntax", "implicit VR in big endian does not exist")
    return native if not declared or declared in _NATIVE.values() else declared


def _pixel_end(parser: Parser, start: int, length: int, little: bool) -> int:
    if length == UNDEFINED:
        return parser.skip_fragments(start, parser.size, little)
    if start + length > parser.size:
        raise Quarantine("truncated", "the pixel data is shorter than its declared length")
    return start + length


def _looks_plain(stream: BinaryIO, start: int) -> bool:
    """Say whether a data set declared as deflated starts like a plain explicit one."""
    head = _peek(stream, start, 6)
    return head[:2] == b"\x08\x00" and head[4:6].isalpha() and head[4:6].isupper()


def _inflated(stream: BinaryIO, start: int) -> tuple[BinaryIO, int]:
    """Return the file with its data set inflated (PS3.5 A.5), bounded in size."""
    plain = BytesIO()
    plain.write(_peek(stream, 0, start))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        while not inflater.eof and (block := inflater.unconsumed_tail or stream.read(_BLOCK)):
            plain.write(inflater.decompress(block, _BLOCK))
            if plain.tell() > MAX_INFLATED:
                raise Quarantine("hostile-length", "the deflated data set inflates without end")
    except zlib.error:
        raise Quarantine("malformed", "the deflated data set cannot be inflated") from None
    if not inflater.eof:
        raise Quarantine("truncated", "the deflated data set ends early")
    size = plain.tell()
    return cast(BinaryIO, plain), size


def _peek(stream: BinaryIO, start: int, length: int) -> bytes:
    stream.seek(start)
    return stream.read(length)
