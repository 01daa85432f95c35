"""De-identify: from an original instance to one that may be released, or to a reason why not.

Purpose: default-deny de-identification by DICOM PS3.15 Annex E, keyed per project.

Comes in: a DICOM file or data set, a :class:`Profile` (:func:`load`), and a project's
:class:`Pseudonyms`.

Goes out: a file under ``patient/study/series/instance.dcm`` whose every element a rule allowed,
with the pairs for the vault; or :class:`~imagehaven.errors.Withheld` or
:class:`~imagehaven.errors.Quarantine` with a reason.

Guarantees: an element that no rule names is removed, at every depth; pixels that are not known to
be clean are withheld; pseudonyms, UIDs and date shifts depend on the key alone; pixel bytes are
copied unchanged; the same input, key and profile give the same bytes; the source is never written.
"""

from imagehaven.deidentify.actions import DeidentifySummary, Unreleased, deidentify
from imagehaven.deidentify.deidentifier import Deidentifier, deidentifier_for
from imagehaven.deidentify.elements.dataset import Cleaned, deidentify_dataset
from imagehaven.deidentify.faces import DefaceSummary, deface
from imagehaven.deidentify.generalise import Ladder, ladder_of
from imagehaven.deidentify.instance import Deidentified, deidentify_file
from imagehaven.deidentify.profiles.actions import (
    Trial,
    diff_profiles,
    explain_profile,
    list_profiles,
    try_profile,
)
from imagehaven.deidentify.profiles.explain import Explanation
from imagehaven.deidentify.pseudonyms import Pseudonyms, read_key
from imagehaven.deidentify.rulebook.layers import Context
from imagehaven.deidentify.rulebook.profile import Profile, load, profile_hash
from imagehaven.deidentify.rulebook.rules import Decision, decide
from imagehaven.deidentify.text.actions import ReportsSummary, deidentify_reports

__all__ = [
    "Cleaned",
    "Context",
    "Decision",
    "DefaceSummary",
    "Deidentified",
    "Deidentifier",
    "DeidentifySummary",
    "Explanation",
    "Ladder",
    "Profile",
    "Pseudonyms",
    "ReportsSummary",
    "Trial",
    "Unreleased",
    "decide",
    "deface",
    "deidentifier_for",
    "deidentify",
    "deidentify_dataset",
    "deidentify_file",
    "deidentify_reports",
    "diff_profiles",
    "explain_profile",
    "ladder_of",
    "list_profiles",
    "load",
    "profile_hash",
    "read_key",
    "try_profile",
]
