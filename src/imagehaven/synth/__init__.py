"""The synthetic hospital: made-up people with real trouble, and the answer key to it.

Purpose: build an archive as a Scottish hospital would have it, of every modality, with identifiers
planted wherever real archives leak them, so that every later station can be measured.

Comes in: a folder that is empty, a number of patients and a seed.

Goes out: `dicom/` (folders, archives, a CD and some broken files), `health/` (CSV tables),
`reports/` (text), `genomes/` (VCF, PLINK) and `answer_key/` (every planted identifier by file and
location, every file by the state that ingest should give it, and the totals).

Guarantees: the same seed gives the same bytes, whatever the process, the clock or the order;
every identifier in a file stands in the answer key; nobody here exists (NHS numbers and telephone
numbers come from ranges that are never issued).
"""

from imagehaven.synth.actions import synthesise
from imagehaven.synth.bulk import BulkSummary, synthesise_headers
from imagehaven.synth.hospital import SynthSummary
from imagehaven.synth.people import is_chi, is_nhs
from imagehaven.synth.plan import PatientPlan, plan_patient
from imagehaven.synth.reports import write_reports

__all__ = [
    "BulkSummary",
    "PatientPlan",
    "SynthSummary",
    "is_chi",
    "is_nhs",
    "plan_patient",
    "synthesise",
    "synthesise_headers",
    "write_reports",
]
