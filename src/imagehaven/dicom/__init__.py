"""DICOM on the ground floor: read any file's header, store its elements, decode its pixels.

Purpose: the one room that reads DICOM for the rest of the house, so that what pydicom and the
pixel decoders do with hostile or broken files is decided in one place.

Comes in: a seekable binary stream and its size.

Goes out: a :class:`Header`; its elements in the shape of the DICOM JSON Model; decoded frames.

Guarantees: a header is read once and without its pixels; memory does not grow with the file; no
declared length, nesting depth or character set is believed; what cannot be read raises
:class:`~imagehaven.errors.Quarantine` with one of a closed list of reasons; and no message holds a
value out of a file.
"""

from imagehaven.dicom.elements import to_elements
from imagehaven.dicom.header import Header, plain_stream, read_header
from imagehaven.dicom.keywords import first_value, keyword_to_tag, tag_to_keyword, vr_of
from imagehaven.dicom.parse import LargeValue
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.dicom.uids import PseudonymousUID, SourceUID, is_well_known

__all__ = [
    "Header",
    "LargeValue",
    "PseudonymousUID",
    "SourceUID",
    "first_value",
    "is_well_known",
    "keyword_to_tag",
    "plain_stream",
    "quiet_pydicom",
    "read_header",
    "tag_to_keyword",
    "to_elements",
    "vr_of",
]
