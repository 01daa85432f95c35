"""Catalogue: every object that was found, every element of it, and where it came from.

Purpose: the tables that every later room asks. Comes in: folders, archives and DICOMDIRs. Goes
out: ``instance`` with every element (DICOM JSON Model, PS3.18 F), ``series``, ``study``,
``patient``, ``source``, ``conflict``, ``quarantine``, ``container`` and ``load_chunk`` in the lake.

Guarantees: every object found ends in exactly one state (catalogued, duplicate, conflicting,
quarantined) and the totals are proved by anti-join; a load that was killed and run again ends with
the rows of an uninterrupted one; a SOPInstanceUID has one instance row whatever loads at once.
"""

from imagehaven.catalogue.actions import (
    IngestPlan,
    QuarantineList,
    ingest,
    quarantined,
    query,
    retry,
    watch,
)
from imagehaven.catalogue.feed import Watched, WatchPlan
from imagehaven.catalogue.holding import held
from imagehaven.catalogue.loading.items import source_of
from imagehaven.catalogue.loading.retry import Quarantined
from imagehaven.catalogue.loading.run import IngestReport
from imagehaven.catalogue.tables import prepare

__all__ = [
    "IngestPlan",
    "IngestReport",
    "QuarantineList",
    "Quarantined",
    "WatchPlan",
    "Watched",
    "held",
    "ingest",
    "prepare",
    "quarantined",
    "query",
    "retry",
    "source_of",
    "watch",
]
