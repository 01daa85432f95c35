"""Small real files for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.data import get_testdata_file


@pytest.fixture(scope="session")
def ct() -> bytes:
    return Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()


@pytest.fixture(scope="session")
def mr() -> bytes:
    return Path(str(get_testdata_file("MR_small.dcm"))).read_bytes()
