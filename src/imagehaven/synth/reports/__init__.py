"""Clinical reports with every identifier and every clinical term annotated, to measure cleaning.

Purpose: a de-identifier of text is judged by what it removes and by what it leaves; both need a
corpus in which each is known to the character.

Comes in: a number of reports, a seed and a split. Goes out: JSON lines, one report each, with the
text, the spans of identifiers (class, and the hard case that each is), the spans of clinical
terms, the style, and what a record system would know of patient, staff and hospital.

Guarantees: the same seed gives the same reports; a split has its own styles, phrases, names and
places, so that what was learned by heart in another is worth nothing in ``test``; nobody here
exists. The words are in `data/`, one file for each split and subject. ``train``, ``dev`` and
``validation`` are for work on a de-identifier: their misses may be read. Files that end in
``_test.yaml`` are for measuring only: who works on a de-identifier does not read them.
"""

from imagehaven.synth.reports.annotated import (
    CLINICAL_KINDS,
    IDENTIFIER_KINDS,
    Span,
)
from imagehaven.synth.reports.corpus import Report, make_report, write_reports
from imagehaven.synth.reports.wordlists import SPLITS

__all__ = [
    "CLINICAL_KINDS",
    "IDENTIFIER_KINDS",
    "SPLITS",
    "Report",
    "Span",
    "make_report",
    "write_reports",
]
