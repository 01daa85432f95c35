"""Verify: an independent second pass over what was written.

Purpose: find every identifier of the very patient, and everything that looks like anybody's
identifier, before a file leaves. Shares no code and no decision with the de-identifier.

Comes in: a written file or a table, the identifiers that the source instance held (from the
catalogue), the rules, and the values that the project wrote itself (pseudonyms, shifted dates).

Goes out: findings: file, place, class, rule, detector; never the value, unless it is asked for.
Findings that are kept for review lie in the ledger, their values encrypted; what reviewers decide
is used by the next scan and the next release: values are looked for, and places in pictures are
written as device rules (``HAVEN/devices/reviewed.yaml``) for the de-identifier.

Guarantees: a file passes only with an empty list. What could not be checked is a finding. Known
identifiers and numbers with a check digit are reported before anything can waive them. Every
element of every depth is read as text, every byte that is no pixel is searched, and pixels are
read by a policy of this room's own (``verify/pixels``).
"""

from imagehaven.verify.actions import identifiable
from imagehaven.verify.decided import Decided
from imagehaven.verify.detect.rules import Rules, default_rules, load_rules, rules_hash
from imagehaven.verify.dicom_file import Verified, verify, verify_file
from imagehaven.verify.findings import COULD_NOT_CHECK, VALUE_CLASSES, Finding
from imagehaven.verify.known.identifier import Identifier
from imagehaven.verify.known.identifiers import KnownIdentifiers, known_identifiers
from imagehaven.verify.review.actions import (
    decide,
    findings,
    history,
    make_rule,
    rules_in_use,
    second,
    undo,
)
from imagehaven.verify.review.record import record_release
from imagehaven.verify.review.regions import region_files
from imagehaven.verify.review.taught import checks_hash, decided_of, rules_of
from imagehaven.verify.sampling.actions import sample, seen
from imagehaven.verify.sampling.plan import Sample
from imagehaven.verify.scan import AllowedValues

__all__ = [
    "COULD_NOT_CHECK",
    "VALUE_CLASSES",
    "AllowedValues",
    "Decided",
    "Finding",
    "Identifier",
    "KnownIdentifiers",
    "Rules",
    "Sample",
    "Verified",
    "checks_hash",
    "decide",
    "decided_of",
    "default_rules",
    "findings",
    "history",
    "identifiable",
    "known_identifiers",
    "load_rules",
    "make_rule",
    "record_release",
    "region_files",
    "rules_hash",
    "rules_in_use",
    "rules_of",
    "sample",
    "second",
    "seen",
    "undo",
    "verify",
    "verify_file",
]
