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
from imagehaven.deidentify.elements.dataset import Cleaned, deidentify_dataset
from imagehaven.deidentify.instance import Deidentified, deidentify_file
from imagehaven.deidentify.pseudonyms import Pseudonyms, read_key
from imagehaven.deidentify.rulebook.profile import Profile, load, profile_hash
from imagehaven.deidentify.rulebook.rules import Decision, decide

__all__ = [
    "Cleaned",
    "Decision",
    "Deidentified",
    "DeidentifySummary",
    "Profile",
    "Pseudonyms",
    "Unreleased",
    "decide",
    "deidentify",
    "deidentify_dataset",
    "deidentify_file",
    "load",
    "profile_hash",
    "read_key",
]
