"""The verifier reads pixels: what is found in them, what may stand, what could not be looked at."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, generate_uid

from imagehaven.verify import KnownIdentifiers, default_rules, known_identifiers, verify_file
from imagehaven.verify.pixels import pixel_findings
from imagehaven.verify.pixels.look import policy
from imagehaven.verify.scan import Scanner

CR, SC, SC_FRAMES = (
    "1.2.840.10008.5.1.4.1.1.1",
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.7.2",
)
CHI = "0101901232"
KNOWN = known_identifiers(
    {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "FARQUHARSON^MHAIRI"}]},
        "00100020": {"vr": "LO", "Value": [CHI]},
    }
)


def grey() -> np.ndarray:
    """A real CT slice of 128 x 128 as eight bits, twice its size."""
    pixels = pydicom.dcmread(get_testdata_file("CT_small.dcm")).pixel_array.astype(float)
    eight = (pixels - pixels.min()) * 255 / (pixels.max() - pixels.min())
    return np.kron(eight.astype(np.uint8) // 2, np.ones((3, 3), np.uint8))


def with_text(frame: np.ndarray, text: str, at=(8, 6), size=20, shade=255) -> np.ndarray:
    image = Image.fromarray(frame)
    ink = shade if frame.ndim == 2 else (shade,) * 3
    ImageDraw.Draw(image).text(at, text, fill=ink, font=ImageFont.load_default(size))
    return np.asarray(image)


def written(folder: Path, pixels: np.ndarray, **elements) -> Path:
    """A file as a release writes it: no identifier in any element."""
    frames = (
        pixels.shape[0] if pixels.ndim == 4 or (pixels.ndim == 3 and pixels.shape[-1] != 3) else 1
    )
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    colour = pixels.shape[-1] == 3
    values = {
        "SOPClassUID": SC_FRAMES if frames > 1 else SC,
        "SOPInstanceUID": generate_uid(entropy_srcs=["a"]),
        "Modality": "OT",
        "Rows": pixels.shape[-3 if colour else -2],
        "Columns": pixels.shape[-2 if colour else -1],
        "SamplesPerPixel": 3 if colour else 1,
        "PhotometricInterpretation": "RGB" if colour else "MONOCHROME2",
        "BitsAllocated": 8 * pixels.itemsize,
        "BitsStored": 8 * pixels.itemsize,
        "HighBit": 8 * pixels.itemsize - 1,
        "PixelRepresentation": 0,
        **({"PlanarConfiguration": 0} if colour else {}),
        **({"NumberOfFrames": frames} if frames > 1 else {}),
        "PixelData": np.ascontiguousarray(pixels).tobytes(),
        **elements,
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    path = folder / "image.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def found(path: Path, known: KnownIdentifiers | None = KNOWN):
    scanner = Scanner(path.name, default_rules(), known, with_values=True)
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    with path.open("rb") as stream:
        return list(pixel_findings(stream, path.stat().st_size, dataset, scanner))


def test_a_name_and_a_chi_number_in_a_corner_are_found_with_frame_and_box(tmp_path):
    frame = with_text(with_text(grey(), "FARQUHARSON"), CHI, at=(200, 350))
    findings = found(written(tmp_path, frame))
    assert {finding.value_class for finding in findings} == {"name", "chi"}
    name = next(finding for finding in findings if finding.value_class == "name")
    assert name.frame == 1
    x, y, width, height = name.box
    assert x <= 12 and y <= 14 and 100 < width < 220 and 10 < height < 50
    assert name.location == f"PixelData frame 1 box {x},{y},{width},{height}"


def test_a_name_that_was_misread_by_a_letter_is_still_the_patients(tmp_path):
    findings = found(written(tmp_path, with_text(grey(), "FARQUHAR5ON")))
    assert "name" in {finding.value_class for finding in findings}


def test_text_of_nobody_we_know_is_a_finding_all_the_same(tmp_path):
    findings = found(written(tmp_path, with_text(grey(), "Raigmore ward")), None)
    assert [(f.value_class, f.rule, f.detector) for f in findings] == [
        ("other-id", "text-in-pixels", "ocr")
    ]


@pytest.mark.parametrize("text", ["L", "LAT R", "W 400 L 40", "12.5 cm", "Im 3/40"])
def test_a_side_marker_and_the_scale_may_stand(tmp_path, text):
    assert found(written(tmp_path, with_text(grey(), text, size=26))) == []


def test_a_clean_slice_passes(tmp_path):
    assert found(written(tmp_path, grey())) == []
    assert found(Path(get_testdata_file("CT_small.dcm"))) == []


def test_text_that_only_one_frame_shows_is_found_there(tmp_path):
    frames = np.stack([grey()] * 24)
    frames[16] = with_text(frames[16], "FARQUHARSON")
    assert [finding.frame for finding in found(written(tmp_path, frames))] == [17]


def test_dark_text_is_found(tmp_path):
    frame = with_text(np.full((384, 384), 200, np.uint8), "FARQUHARSON", shade=20)
    assert [finding.value_class for finding in found(written(tmp_path, frame))] == ["name"]


def test_text_in_monochrome1_is_found(tmp_path):
    frame = 255 - with_text(grey(), "FARQUHARSON")
    path = written(tmp_path, frame, SOPClassUID=CR, PhotometricInterpretation="MONOCHROME1")
    assert [finding.value_class for finding in found(path)] == ["name"]


def test_text_that_only_a_palette_shows_is_found(tmp_path):
    # Neighbouring entries, so that no window on the entries shows what their colours do.
    entries = with_text(np.full((384, 384), 128, np.uint8), "FARQUHARSON", shade=129)
    ramp = np.arange(256, dtype=np.uint16) * 40
    ramp[129] = 65535
    tables = {}
    for colour in ("Red", "Green", "Blue"):
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tables[f"{colour}PaletteColorLookupTableData"] = ramp.tobytes()
    path = written(tmp_path, entries, PhotometricInterpretation="PALETTE COLOR", **tables)
    assert apply_color_lut(entries, pydicom.dcmread(path)).max() == 65535
    assert [finding.value_class for finding in found(path)] == ["name"]


def test_text_in_colour_is_found(tmp_path):
    frame = with_text(np.stack([grey()] * 3, axis=-1), "FARQUHARSON")
    assert [finding.value_class for finding in found(written(tmp_path, frame))] == ["name"]


def test_text_in_the_corner_of_a_large_radiograph_is_found_at_full_size(tmp_path):
    frame = np.full((2400, 2000), 900, np.uint16)
    small = with_text(np.zeros((40, 200), np.uint8), "FARQUHARSON", at=(2, 4), size=13)
    frame[2350:2390, 1780:1980] += small.astype(np.uint16) * 12
    path = written(tmp_path, frame, SOPClassUID=CR)
    assert "name" in {finding.value_class for finding in found(path)}


def test_pixels_that_cannot_be_decoded_are_a_finding(tmp_path):
    path = written(tmp_path, grey())
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = JPEG2000
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51 no codestream "])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)
    (finding,) = found(path)
    assert (finding.value_class, finding.location) == ("could-not-check", "PixelData")


def test_original_slices_of_a_scanner_are_read_as_a_sample(tmp_path):
    """A wrong decision about a whole kind of image shows in one file of many."""
    frame = with_text(grey(), "FARQUHARSON")
    read = 0
    for number in range(4 * policy().one_in):
        path = written(
            tmp_path,
            frame,
            SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
            SOPInstanceUID=f"1.2.3.{number}",
        )
        if found(path):
            read += 1
            break
    assert read == 1
    derived = written(
        tmp_path,
        frame,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        ImageType=["DERIVED", "SECONDARY", "AXIAL"],
        SOPInstanceUID="1.2.3.1",
    )
    assert found(derived)


def test_verifying_a_file_reads_its_pixels(tmp_path):
    path = written(tmp_path, with_text(grey(), "FARQUHARSON"))
    assert [finding.value_class for finding in verify_file(path, KNOWN)] == ["name"]
    assert verify_file(written(tmp_path, grey()), KNOWN) == []
