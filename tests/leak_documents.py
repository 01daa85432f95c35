"""Documents for leak tests: reports with a content tree, PDF and CDA inside an instance."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from leak_runs import as_bytes, item, real

_CLASS = "1.2.840.10008.5.1.4.1.1"


def code(value: str, meaning: str) -> Sequence:
    """A code of DCM."""
    return Sequence([item(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning=meaning)])


def content(kind: str, number: str, meaning: str, **values: object) -> Dataset:
    """A content item under a concept of DCM."""
    return item(
        RelationshipType="CONTAINS",
        ValueType=kind,
        ConceptNameCodeSequence=code(number, meaning),
        **values,
    )


def document(sop_class: str, modality: str, **values: object) -> Dataset:
    """A real file's identity without its picture, as another kind of object."""
    dataset = real("CT_small.dcm", SOPClassUID=f"{_CLASS}.{sop_class}", Modality=modality)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    for keyword in ("PixelData", "Rows", "Columns", "BurnedInAnnotation"):
        delattr(dataset, keyword)
    dataset.update(item(**values))
    return dataset


def report(*contents: Dataset, **values: object) -> bytes:
    """A structured report of these content items."""
    return as_bytes(
        document(
            "88.33",
            "SR",
            ValueType="CONTAINER",
            ContinuityOfContent="SEPARATE",
            CompletionFlag="COMPLETE",
            VerificationFlag="UNVERIFIED",
            ConceptNameCodeSequence=code("126000", "Imaging Measurement Report"),
            ContentSequence=Sequence(list(contents)),
            **values,
        )
    )


def pdf(line: str, author: str, title: str) -> bytes:
    """A small PDF with one line of text, an author and a title in its information and metadata."""
    text = f"BT /F1 12 Tf 20 100 Td ({line}) Tj ET".encode()
    about = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><a>{author}</a></x:xmpmeta>".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Metadata 6 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Metadata/Subtype/XML/Length %d>>stream\n%s\nendstream" % (len(about), about),
        f"<</Author({author})/Title({title})>>".encode(),
    ]
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(made)
    made += b"xref\n0 8\n0000000000 65535 f \n" + table
    return made + b"trailer<</Size 8/Root 1 0 R/Info 7 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start


def encapsulated(sop_class: str, kind: str, body: bytes, title: str) -> bytes:
    """An instance that holds a document."""
    body += b"\0" * (len(body) % 2)
    dataset = document(sop_class, "DOC", MIMETypeOfEncapsulatedDocument=kind, DocumentTitle=title)
    dataset.add_new(0x00420011, "OB", body)
    return as_bytes(dataset)
