"""Acquire: turn paths into sources in one strict order, and read each source once.

Purpose: find every object in folders, archives and DICOMDIRs, and open it for the catalogue.

Comes in: paths that a person gave; nothing is assumed of what they hold.

Goes out: a sorted stream of :class:`Source` and :class:`Problem`, and a :class:`Reading` of each
source that is DICOM.

Guarantees: originals are opened read-only, and no member of an archive is ever written under its
name; everything met is a source or a problem, so nothing is lost; the order is total, so a killed
walk goes on behind any location; archives, links and headers are bounded, whoever made them.
"""

from imagehaven.acquire.limits import Limits
from imagehaven.acquire.mediadir import referenced_files
from imagehaven.acquire.opening import open_source, open_sources
from imagehaven.acquire.reading import Reading, read_source
from imagehaven.acquire.receive.actions import check_receiver, receive_dicom
from imagehaven.acquire.retrieve.actions import (
    check_retrieval,
    check_source,
    retrieve_dicom,
    retrieve_status,
)
from imagehaven.acquire.source import Problem, Source
from imagehaven.acquire.walk import walk

__all__ = [
    "Limits",
    "Problem",
    "Reading",
    "Source",
    "check_receiver",
    "check_retrieval",
    "check_source",
    "open_source",
    "open_sources",
    "read_source",
    "receive_dicom",
    "referenced_files",
    "retrieve_dicom",
    "retrieve_status",
    "walk",
]
