"""Values that reviewers marked are removed from every instance as if each named them itself."""

from __future__ import annotations

from pydicom.dataset import Dataset

from imagehaven.deidentify import Pseudonyms, deidentify_dataset, load
from imagehaven.deidentify.taught import denied_values
from imagehaven.deidentify.text import KnownPeople

KEY = Pseudonyms(b"k" * 32)


def described(denied: KnownPeople) -> Dataset:
    source = Dataset()
    source.SOPClassUID, source.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    source.StudyInstanceUID, source.SeriesInstanceUID = "1.2.4", "1.2.5"
    source.Modality, source.PatientID = "CT", "P"
    source.SeriesDescription = "CT chest contrast"
    source.ManufacturerModelName = "Brilliance 64"
    source.Manufacturer = "Philips"
    return deidentify_dataset(source, load("research"), KEY, denied=denied).dataset


def test_nothing_that_is_safe_goes_where_nothing_is_denied() -> None:
    made = described(denied_values([]))
    assert made.SeriesDescription == "CT chest contrast"
    assert (made.Manufacturer, made.ManufacturerModelName) == ("Philips", "Brilliance 64")


def test_names_numbers_and_phrases_that_are_denied_go_though_they_are_harmless_words() -> None:
    denied = denied_values([("person", "Chest"), ("id", "Brilliance-64"), ("phrase", "Philips")])
    made = described(denied)
    assert "chest" not in made.SeriesDescription.lower()
    assert "contrast" in made.SeriesDescription
    assert "Brilliance" not in made.get("ManufacturerModelName", "")
    assert made.get("Manufacturer", "") != "Philips"


def test_what_is_denied_is_never_shown() -> None:
    assert "Chest" not in repr(denied_values([("person", "Chest")]))
