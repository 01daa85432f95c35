"""On real scanner files, technical values are not taken for identifiers."""

import os
import time
from collections import Counter
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_files

from imagehaven.verify import known_identifiers, verify_file
from imagehaven.verify.read.elements import values

SHARED = Path(os.environ.get("IMAGEHAVEN_SHARED", Path(__file__).parents[4] / "shared")) / "dicom"
# What these rules find on real files is there: dates in UIDs, names in PN elements, burned-in text.
TRUE_FINDINGS = {"date-in-uid", "could-not-check", "text-in-pixels"}
TECHNICAL_VRS = {"DS", "IS", "CS", "AE", "AS", "TM", "DA", "DT", "FD", "FL", "UL", "US", "SS"}
TECHNICAL = ("SoftwareVersions", "Manufacturer", "CodeMeaning", "CodeValue", "ProtocolName", "Scan")


def real_files():
    found = [Path(name) for name in get_testdata_files()]
    if SHARED.is_dir():
        found += [path for path in SHARED.rglob("*") if path.is_file()]
    for path in filter(Path.is_file, found):
        with path.open("rb") as stream:
            if stream.read(132)[128:] == b"DICM":
                yield path


@pytest.fixture(scope="module")
def findings():
    return {path: verify_file(path) for path in real_files()}


def test_pattern_findings_outside_names_and_uids_are_few(findings):
    rules = Counter(
        finding.rule
        for found in findings.values()
        for finding in found
        if finding.rule not in TRUE_FINDINGS and "Name" not in finding.location
    )
    per_file = sum(rules.values()) / len(findings)
    assert per_file < 0.2, rules


def test_technical_elements_have_no_findings(findings):
    wrong = [
        (path.name, finding.location, finding.rule)
        for path, found in findings.items()
        for finding in found
        if finding.location.rsplit(".", 1)[-1].startswith(TECHNICAL)
    ]
    assert wrong == []


def test_numbers_codes_and_times_of_real_files_have_no_findings(findings):
    wrong = []
    for path, found in findings.items():
        places = {finding.location for finding in found}
        if not places - {"file-name", "dataset"}:
            continue
        dataset = dcmread(path, stop_before_pixels=True)
        wrong += [
            (path.name, value.location, value.vr)
            for value in values(dataset)
            if value.vr in TECHNICAL_VRS and value.location in places
        ]
    assert wrong == []


def test_every_real_file_is_checked_to_its_end(findings):
    unchecked = {
        path.name: finding.shape
        for path, found in findings.items()
        for finding in found
        if finding.rule == "could-not-check"
    }
    assert set(unchecked) <= {
        "rtplan_truncated.dcm",
        "MR_truncated.dcm",
        "emri_small_jpeg_2k_lossless_too_short.dcm",
        "truncated_ct_pixeldata.dcm",
        "winter.dcm",
        "encapsulated_pdf_synthetic.dcm",
        # Their pixel data is not what their header says, or cannot be decoded.
        "JPEG2000-embedded-sequence-delimiter.dcm",
        "MR_small_padded.dcm",
        "meta_missing_tsyntax.dcm",
        "nested_priv_SQ.dcm",
    }, unchecked


def test_verification_keeps_up_with_a_release():
    path = next(p for p in real_files() if p.name == "CT_small.dcm")
    known = known_identifiers(
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Drummond^Elspeth"}]}}
    )
    verify_file(path, known)
    start = time.perf_counter()
    for _ in range(50):
        verify_file(path, known)
    assert (time.perf_counter() - start) / 50 < 0.1
