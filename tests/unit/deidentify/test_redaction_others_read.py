"""What is written after a redaction is what other people's programs read."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

import made_pixels as made
from imagehaven.deidentify.pixels.areas import fitted
from imagehaven.dicom import quiet_pydicom
from imagehaven.dicom.pixels import shape_of
from redacting import AREAS, frames_of, header_of, redacted

TARGETS = {
    "RLE RGB": ("1.2.840.10008.1.2.5", "RGB"),
    "JPEG-LS grey": ("1.2.840.10008.1.2.4.80", "MONOCHROME2"),
    "JPEG-LS 12 bits": ("1.2.840.10008.1.2.4.90", "MONOCHROME2"),
    "JPEG-LS near": ("1.2.840.10008.1.2.4.81", "MONOCHROME2"),
    "JPEG 2000 RCT": ("1.2.840.10008.1.2.4.90", "YBR_RCT"),
    "JPEG 2000 lossy grey": ("1.2.840.10008.1.2.4.91", "MONOCHROME2"),
    "JPEG 2000 lossy ICT": ("1.2.840.10008.1.2.4.90", "YBR_RCT"),
    "HTJ2K 12 bits": ("1.2.840.10008.1.2.4.90", "MONOCHROME2"),
    "HTJ2K RCT": ("1.2.840.10008.1.2.4.201", "YBR_RCT"),
    "JPEG lossless RGB": ("1.2.840.10008.1.2.4.70", "RGB"),
    "JPEG baseline inverted": ("1.2.840.10008.1.2.4.90", "MONOCHROME1"),
    "JPEG baseline YBR": ("1.2.840.10008.1.2.4.90", "YBR_RCT"),
    "JPEG extended 12 bits": ("1.2.840.10008.1.2.4.90", "MONOCHROME2"),
}


@pytest.mark.parametrize("name", TARGETS)
def test_lossless_stays_and_lossy_becomes_lossless(name: str, tmp_path: Path) -> None:
    new = pydicom.dcmread(io.BytesIO(redacted(made.compressed(name, 2), tmp_path)))
    assert (new.file_meta.TransferSyntaxUID, new.PhotometricInterpretation) == TARGETS[name]


@pytest.mark.parametrize(
    "name", ["RLE 16 bits", "JPEG-LS grey", "JPEG 2000 12 bits", "JPEG lossless RGB"]
)
def test_frames_that_do_not_change_keep_their_codestream(name: str, tmp_path: Path) -> None:
    source = made.compressed(name, 3)
    new = pydicom.dcmread(io.BytesIO(redacted(source, tmp_path, only=1)))
    before, after = (
        list(pydicom.encaps.generate_frames(one.PixelData, number_of_frames=3))
        for one in (source, new)
    )
    assert [old == now for old, now in zip(before, after, strict=True)] == [True, False, True]


@pytest.mark.parametrize("table", ["basic", "extended", "none"])
def test_offset_tables_are_built_again(table: str, tmp_path: Path) -> None:
    new = pydicom.dcmread(
        io.BytesIO(redacted(made.compressed("RLE grey", 3, table=table), tmp_path))
    )
    assert ("ExtendedOffsetTable" in new) == (table == "extended")
    for number in range(3):
        tables = [new.get(name) for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")]
        extended = (tables[0], tables[1]) if table == "extended" else None
        found = pydicom.encaps.get_frame(
            new.PixelData, number, number_of_frames=3, extended_offsets=extended
        )
        assert (
            found == list(pydicom.encaps.generate_frames(new.PixelData, number_of_frames=3))[number]
        )
    basic = pydicom.encaps.parse_basic_offsets(io.BytesIO(new.PixelData))
    assert len(basic) == (0 if table == "extended" else 3)


READABLE = [
    "RLE grey", "RLE 16 bits", "RLE signed", "RLE RGB", "RLE palette", "JPEG 2000 grey",
    "JPEG 2000 12 bits", "JPEG 2000 16 bits", "JPEG 2000 RCT", "JPEG baseline grey",
    "JPEG baseline YBR", "JPEG 2000 lossy ICT", "JPEG extended 12 bits",
]  # fmt: skip


@pytest.mark.parametrize("name", READABLE)
def test_pydicom_reads_the_same_frames(name: str, tmp_path: Path) -> None:
    data = redacted(made.compressed(name, 2), tmp_path)
    with quiet_pydicom():
        theirs = pydicom.pixels.pixel_array(io.BytesIO(data), raw=True)
    for mine, other in zip(frames_of(data), theirs, strict=True):
        assert np.array_equal(mine, other)


def run(*command: str | Path) -> str:
    """Run one of the Debian packages' tools that `make setup` names."""
    tool = shutil.which(str(command[0]))
    assert tool, f"{command[0]} is not installed"
    done = subprocess.run(
        [tool, *map(str, command[1:])], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


DCMTK = {
    "RLE grey": "dcmdrle", "RLE 16 bits": "dcmdrle", "RLE RGB": "dcmdrle",
    "JPEG-LS grey": "dcmdjpls", "JPEG-LS 16 bits": "dcmdjpls", "JPEG-LS RGB": "dcmdjpls",
    "JPEG-LS near": "dcmdjpls",
    "JPEG lossless grey": "dcmdjpeg", "JPEG lossless 12 bits": "dcmdjpeg",
    "JPEG lossless 16 bits": "dcmdjpeg", "JPEG lossless RGB": "dcmdjpeg",
}  # fmt: skip


@pytest.mark.parametrize("name", DCMTK)
def test_dcmtk_reads_the_same_frames(name: str, tmp_path: Path) -> None:
    data = redacted(made.compressed(name, 2), tmp_path)
    said = run(DCMTK[name], tmp_path / "new.dcm", tmp_path / "plain.dcm")
    theirs = (tmp_path / "plain.dcm").read_bytes()
    assert not said
    for mine, other in zip(frames_of(data), frames_of(theirs), strict=True):
        assert np.array_equal(mine, other)


def errors(path: Path) -> set[str]:
    """What dicom3tools' checker finds wrong."""
    return {line for line in run("dciodvfy", path).splitlines() if line.startswith("Error")}


@pytest.mark.parametrize("name", ["grey", *(name for name in TARGETS if "HTJ2K" not in name)])
def test_no_new_error_is_found_in_the_file(name: str, tmp_path: Path) -> None:
    source = made.native(made.GREY, made.EXPLICIT) if name == "grey" else made.compressed(name, 2)
    untouched = tmp_path / "untouched"
    untouched.mkdir()
    redacted(source, untouched, areas=())
    redacted(source, tmp_path)
    assert errors(tmp_path / "new.dcm") <= errors(untouched / "new.dcm")


REAL = [
    "CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "image_dfl.dcm",
    "liver.dcm", "liver_expb.dcm", "SC_rgb_expb_2frame.dcm", "SC_ybr_full_422_uncompressed.dcm",
    "SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_rle_32bit.dcm", "MR_small_RLE.dcm", "OBXXXX1A_rle.dcm",
    "examples_palette.dcm", "MR_small_jp2klossless.dcm", "693_J2KI.dcm", "US1_J2KI.dcm",
    "GDCMJ2K_TextGBR.dcm", "JPEG-LL.dcm", "JPGExtended.dcm", "JPEGLSNearLossless_16.dcm",
    "SC_jpeg_no_color_transform.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_app14_dcmd.dcm",
    "emri_small_jpeg_ls_lossless.dcm", "color3d_jpeg_baseline.dcm",
    "eCT_Supplemental.dcm",
]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_files_change_in_the_areas_only(name: str, tmp_path: Path) -> None:
    with quiet_pydicom():
        source: Dataset = pydicom.dcmread(str(get_testdata_file(name)))
        data = Path(str(get_testdata_file(name))).read_bytes()
        new = redacted(source, tmp_path, data=data)
    for old, now in zip(frames_of(data), frames_of(new), strict=True):
        inside = np.zeros(old.shape[:2], np.bool_)
        for area in fitted(AREAS, shape_of(header_of(data))):
            inside[area.top : area.bottom, area.left : area.right] = True
        assert np.array_equal(old[~inside], now[~inside])
        part = now[AREAS[0].top : AREAS[0].bottom, AREAS[0].left : AREAS[0].right]
        assert (part == part[0, 0]).all()
