"""UIDs: a real one and a pseudonymous one are different types, so that mixing them fails mypy."""

from __future__ import annotations

from typing import NewType

SourceUID = NewType("SourceUID", str)
"""A UID as it stands in the original file: an identifier, never to be released."""

PseudonymousUID = NewType("PseudonymousUID", str)
"""A UID that a project's key made, under 2.25 (PS3.5 B.2): safe to release."""

DICOM_ROOT = "1.2.840.10008"
"""The root that the DICOM Standard registers its own UIDs under (PS3.6 Annex A)."""


def is_well_known(uid: str) -> bool:
    """Say whether the Standard itself registered ``uid`` (SOP classes, transfer syntaxes, ...).

    Such a UID names a kind of thing, never a patient's thing, and so needs no pseudonym.
    """
    return uid == DICOM_ROOT or uid.startswith(DICOM_ROOT + ".")
