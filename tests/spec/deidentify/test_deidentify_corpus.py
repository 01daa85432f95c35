"""Every real file at hand ends in one named state, and none takes its identifiers along."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import data_store
import pydicom
import pytest
from pydicom.data import get_testdata_files

from imagehaven.deidentify import Profile, Pseudonyms, deidentify_file
from imagehaven.dicom import quiet_pydicom, read_header
from imagehaven.errors import Quarantine, Withheld

SHARED = Path(os.environ.get("IMAGEHAVEN_SHARED", Path(__file__).parents[4] / "shared")) / "dicom"
_LARGEST = 150_000
IDENTIFYING = ("PatientID", "PatientName", "SOPInstanceUID", "StudyInstanceUID", "AccessionNumber")


def _files() -> list[Path]:
    wheels = [Path(name) for name in get_testdata_files()]
    folders = [Path(data_store.__file__).parent, SHARED]
    found = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    files = wheels + [path for path in found if path.suffix not in (".py", ".pyc", ".csv")]
    # The folders repeat one another: one of each file is enough, and of large ones none, since
    # every frame that may show text is searched.
    sizes = {path: path.stat().st_size for path in files}
    return list({(p.name, size): p for p, size in sizes.items() if size <= _LARGEST}.values())


pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", name="outcomes")
def _outcomes(
    research: Profile, pseudonyms: Pseudonyms, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Path, str, Path | None]]:
    folder = tmp_path_factory.mktemp("released")
    outcomes: list[tuple[Path, str, Path | None]] = []
    for number, path in enumerate(_files()):
        root = folder / str(number)
        try:
            result = deidentify_file(path, root, research, pseudonyms)
            outcomes.append((path, "released", root / result.path))
        except (Withheld, Quarantine) as outcome:
            outcomes.append((path, outcome.reason, None))
    return outcomes


def test_every_real_file_ends_in_one_named_state(
    outcomes: list[tuple[Path, str, Path | None]],
) -> None:
    states = Counter(state for _, state, _ in outcomes)
    assert states.total() == len(_files())
    assert states["released"] >= 40
    assert all(state.replace("-", "").isalpha() for state in states)


def test_no_real_file_takes_its_identifiers_along(
    outcomes: list[tuple[Path, str, Path | None]],
) -> None:
    for source, _, released in outcomes:
        if released is None:
            continue
        head = _without_pixels(released)
        with quiet_pydicom():
            old = pydicom.dcmread(source, stop_before_pixels=True, force=True)
            values = [str(old.get(keyword, "")) for keyword in IDENTIFYING]
        kept = [value for value in values if len(value) >= 6 and value.encode() in head]
        assert not kept, source.name


def _without_pixels(path: Path) -> bytes:
    """Return what stands before the pixel data; nothing ever stands behind it."""
    data = path.read_bytes()
    with path.open("rb") as stream:
        header = read_header(stream, len(data))
    assert len(header.trailing) == 0
    return data[: header.pixel_offset]
