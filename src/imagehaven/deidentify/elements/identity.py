"""Who and what an instance is: the identifiers that pseudonyms are made from."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import encodings_of, stored, text_of
from imagehaven.dicom.text import decode
from imagehaven.dicom.uids import SourceUID


@dataclass(frozen=True)
class Identity:
    """The instance's own identifiers, in clear: never to be logged or released.

    ``patient`` is its PatientID, or where that is empty its StudyInstanceUID: studies without a
    patient must not become one patient.
    """

    patient: str
    study: SourceUID
    series: SourceUID
    instance: SourceUID
    sop_class: str
    modality: str
    encodings: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset) -> Identity:
        """Read the identifiers of a data set; missing ones are ''."""
        encodings = tuple(encodings_of(dataset))
        study = text_of(dataset, 0x0020000D)
        raw = stored(dataset, 0x00100020)
        value = raw.value if raw is not None and isinstance(raw.value, bytes) else b""
        patient = decode(value, encodings)[0].split("\\")[0].strip(" \0")
        return cls(
            patient=patient or study,
            study=SourceUID(study),
            series=SourceUID(text_of(dataset, 0x0020000E)),
            instance=SourceUID(text_of(dataset, 0x00080018)),
            sop_class=text_of(dataset, 0x00080016),
            modality=text_of(dataset, 0x00080060),
            encodings=encodings,
        )

    def decode(self, value: bytes) -> str:
        """Decode a text value in the instance's character set, without its padding."""
        return decode(value, self.encodings)[0].strip(" \0")
