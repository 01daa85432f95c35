"""The declaration of the tables' columns is checked when it is read."""

import pytest

from imagehaven.catalogue.declared import declared, read_declaration
from imagehaven.errors import UserError


def test_the_packaged_declaration_is_valid_and_links_every_level() -> None:
    assert set(declared()) == {"patient", "study", "series", "instance"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patient:\n  PatientNam: text\n", "here.yaml, line 2: 'PatientNam' is not a DICOM"),
        ("patient:\n  PatientName: string\n", "line 2: there is no type 'string'. Valid choices:"),
        ("people:\n  PatientName: text\n", "line 1: there is no table 'people'"),
        ("study:\n  StudyID: text\n  StudyID: text\n", "line 3: 'StudyID' stands here"),
        ("instance:\n  PixelData: text\n", "line 2: PixelData holds no single value"),
        ("instance: [\n", "this is not valid YAML"),
        ("instance: text\n", "line 1: `name: value` lines go here"),
        ("", "the file is empty"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read_declaration(text, "here.yaml")
    assert message in str(caught.value)
    assert "here.yaml" in str(caught.value)
