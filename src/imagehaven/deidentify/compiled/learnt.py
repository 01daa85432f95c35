"""What the compiled core learnt of the files that the reference de-identified before.

The first file of each kind goes through the reference; what its decisions depended on becomes a
key, and the core writes the files that share it. Which elements those are stands here: one too few,
and a file would be judged by another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from imagehaven.deidentify.compiled.decider import Decider
from imagehaven.deidentify.documents.kinds import document_kinds
from imagehaven.deidentify.elements.dataset import fixed_elements, fixed_pseudonyms, prepare
from imagehaven.deidentify.elements.descriptions import telling_tags
from imagehaven.deidentify.elements.guard import WATCHED
from imagehaven.deidentify.elements.identity import Identity
from imagehaven.deidentify.elements.value_actions import Pass
from imagehaven.deidentify.pixels.beside.spare_bits import SpareBits
from imagehaven.deidentify.pixels.policy import check_pixels, policy
from imagehaven.deidentify.pseudonyms import Pseudonyms
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.taught import Taught
from imagehaven.deidentify.writing.encode import EXPLICIT_LITTLE, encode, file_head
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import is_native, shape_of
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.dicom.rewrite import Declined, Pixels, Telling, make_session

_MOST_SESSIONS: Final = 128
_MOST_PIXELS: Final = 4096
_MOST_SEEN: Final = 100_000
_INTEGERS: Final = 0x7FE00010
_OWN: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
_TOP: Final = (
    "SpecificCharacterSet", "SOPClassUID", "Modality", "Manufacturer", "PixelRepresentation",
    "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate",
)  # fmt: skip
_PIXELS: Final = (
    "ImageType", "SOPClassUID", "Modality", "ConversionType", "Manufacturer",
    "ManufacturerModelName", "SoftwareVersions", "BurnedInAnnotation",
    "RecognizableVisualFeatures", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames",
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PlanarConfiguration",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What the files of one session have in common beside their decisions."""

    sop_class: str
    patient: str
    given: frozenset[tuple[str, str, str]] = field(repr=False)
    decider: Decider = field(repr=False)


@dataclass
class Learnt:
    """Sessions of the core and kinds of pixels, by the keys that the core makes of a file."""

    profile: Profile
    pseudonyms: Pseudonyms
    taught: Taught
    steps: Mapping[str, int]
    sessions: dict[bytes, Any] = field(default_factory=dict, repr=False)
    pixels: dict[bytes, Any] = field(default_factory=dict, repr=False)
    known: dict[bytes, Known] = field(default_factory=dict, repr=False)
    seen: set[bytes] = field(default_factory=set, repr=False)

    def serves(self, other: Learnt) -> bool:
        """Say whether what was learnt here is right there too."""
        mine = (self.profile, self.pseudonyms, self.taught, self.steps)
        return mine == (other.profile, other.pseudonyms, other.taught, other.steps)

    def learn(self, declined: Declined, header: Header) -> None:
        """Learn from a file whose pixels the reference released as they were."""
        if declined.people is None or declined.pixels is None:
            return
        with quiet_pydicom():
            self._learn(declined.people, declined.pixels, header)

    def _learn(self, people: bytes, pixels: bytes, header: Header) -> None:
        identity = Identity.of(header.dataset)
        if pixels not in self.pixels:
            if len(self.pixels) >= _MOST_PIXELS:
                self.pixels.clear()
            found = _plain_pixels(header, identity.sop_class, self.taught)
            self.pixels[pixels] = None if found is None else found.packed()
        if people in self.sessions or self.pixels[pixels] is None:
            return
        # Without a PatientID it is a patient by the name of its study, which is in no key.
        if identity.patient and identity.patient != identity.study:
            if people in self.seen:
                self._learn_people(people, header)
            else:
                self.seen.add(people)  # many come alone, and need no session

    def never(self, declined: Declined) -> None:
        """Learn that the pixels of such files, or their documents, change."""
        if declined.pixels is not None:
            self.pixels.setdefault(declined.pixels, None)

    def _learn_people(self, key: bytes, header: Header) -> None:
        if len(self.sessions) >= _MOST_SESSIONS or len(self.seen) >= _MOST_SEEN:
            self.sessions.clear()
            self.known.clear()
            self.seen.clear()
        work = prepare(header.dataset, self.profile, self.pseudonyms, denied=self.taught.denied)
        decider = Decider(work, self.steps)
        patient = self.pseudonyms.patient_id(work.identity.patient)
        self.known[key] = Known(
            work.identity.sop_class, patient, frozenset(fixed_pseudonyms(work)), decider
        )
        self.sessions[key] = make_session(
            decider,
            fixed=[
                (int(tag), encode(Dataset({tag: element}), EXPLICIT_LITTLE))
                for tag, element in fixed_elements(work).items()
            ],
            known=_numbers(work),
            key=self.pseudonyms.key,
            keeps_private="retain_safe_private" in self.profile.options,
            patient=patient,
            meta=_meta(work.identity.sop_class),
        )


@cache
def telling() -> Telling:
    """Return the elements that decisions depend on."""
    names = {tag for tag, entry in DicomDictionary.items() if entry[0] == "PN"}
    own = set(_tags(_OWN))
    return Telling.of((WATCHED | telling_tags() | names) - own, _tags(_TOP), _tags(_PIXELS), own)


def _tags(keywords: tuple[str, ...]) -> list[int]:
    return [tag for keyword in keywords if (tag := tag_for_keyword(keyword)) is not None]


def _numbers(work: Pass) -> list[bytes]:
    """Return the identifiers that a number may be, without zeros in front."""
    bare = {number.lstrip("0") for number in work.guard.numbers}
    return [number.encode("ascii") for number in bare if len(number) >= 5 and number.isascii()]


def _meta(sop_class: str) -> tuple[bytes, bytes]:
    """Return the file meta as written, before the SOP Instance UID and after it."""
    mark = "2.25.0"
    head = file_head(sop_class, mark, EXPLICIT_LITTLE)[132 + 12 :]
    before, after = head.split(b"\x02\x00\x03\x00UI\x06\x00" + mark.encode("ascii"))
    return before, after


def _plain_pixels(header: Header, sop_class: str, taught: Taught) -> Pixels | None:
    """Return what the core has to look at in such pixels, None where it cannot judge them."""
    if sop_class in document_kinds() or not is_native(header.transfer_syntax):
        return None
    if check_pixels(header, sop_class, known=taught.devices) is not None:
        return None
    if header.pixel_tag is None:
        return Pixels(look=False)
    shape = shape_of(header)
    spare = SpareBits(header.dataset, shape, little=True).possible
    drawn = policy().kinds.get(sop_class) == "acquired"
    if header.pixel_tag != _INTEGERS or not (spare or drawn):
        return Pixels(look=False)
    if shape.bits not in (8, 16) or shape.samples != 1 or shape.subsampled:
        return None
    return Pixels(
        look=True,
        frames=shape.frames,
        pixels=shape.rows * shape.columns,
        bits=shape.bits,
        stored=shape.stored,
        high=shape.high,
        signed=shape.signed,
    )
