"""Verify: an independent second pass over what was written.

Purpose: find every identifier of the very patient, and everything that looks like anybody's
identifier, before a file leaves. Shares no code and no decision with the de-identifier.

Comes in: a written file, the identifiers that the source instance held (from the catalogue), the
rules, and the values that the project wrote itself (pseudonyms, shifted dates).

Goes out: findings: file, place, class, rule, detector; never the value, unless it is asked for.

Guarantees: a file passes only with an empty list. What could not be checked is a finding. Known
identifiers and numbers with a check digit are reported before anything can waive them. Every
element of every depth is read as text, and every byte that is no pixel is searched.
"""

from imagehaven.verify.actions import identifiable
from imagehaven.verify.detect.rules import Rules, default_rules, load_rules, rules_hash
from imagehaven.verify.dicom_file import verify_file
from imagehaven.verify.findings import COULD_NOT_CHECK, VALUE_CLASSES, Finding
from imagehaven.verify.known.identifier import Identifier
from imagehaven.verify.known.identifiers import KnownIdentifiers, known_identifiers
from imagehaven.verify.scan import AllowedValues

__all__ = [
    "COULD_NOT_CHECK",
    "VALUE_CLASSES",
    "AllowedValues",
    "Finding",
    "Identifier",
    "KnownIdentifiers",
    "Rules",
    "default_rules",
    "identifiable",
    "known_identifiers",
    "load_rules",
    "rules_hash",
    "verify_file",
]
