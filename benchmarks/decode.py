"""How fast are compressed pixels decoded, beside GDCM? `make bench-decode`.

For each transfer syntax of the JPEG family, JPEG-LS, JPEG 2000 and RLE: real files (pydicom's, and
those of a folder that is given) and larger ones made here, monochrome of 2048 x 2048 with 12 bits,
and colour of 1024 x 1024. A measurement is the processor time from a header that is read already to
all decoded frames in memory, in one thread. GDCM runs in a process of its own, since it may abort,
and keeps its frames to itself: handing them to Python takes it longer than decoding them. Both take
turns at every file.

    python -m benchmarks.decode [FOLDER ...] [--repeats 7] [--peers .bench-peers]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pydicom.data
from pydicom.encaps import encapsulate
from pydicom.uid import UID
from scipy import ndimage

from benchmarks.measure import table
from imagehaven.dicom import read_header
from imagehaven.dicom.pixels import decode_frames
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Quarantine, Withheld

FAMILIES = {
    "1.2.840.10008.1.2.4.50": "JPEG baseline",
    "1.2.840.10008.1.2.4.51": "JPEG extended",
    "1.2.840.10008.1.2.4.57": "JPEG lossless",
    "1.2.840.10008.1.2.4.70": "JPEG lossless",
    "1.2.840.10008.1.2.4.80": "JPEG-LS lossless",
    "1.2.840.10008.1.2.4.81": "JPEG-LS near-lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.5": "RLE",
}

#: Reads one path a line, decodes it, and answers with its processor seconds, or why it could not.
PEER = """
import json, sys, time
import gdcm
native = gdcm.TransferSyntax(gdcm.TransferSyntax.ExplicitVRLittleEndian)
for line in sys.stdin:
    reader = gdcm.ImageReader()
    reader.SetFileName(line.rstrip("\\n"))
    if not reader.Read():
        print(json.dumps("not read"), flush=True)
        continue
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(native)
    change.SetInput(reader.GetImage())
    begun = time.process_time()
    decoded = change.Change()
    seconds = time.process_time() - begun
    print(json.dumps(seconds if decoded else "not decoded"), flush=True)
"""


@dataclass
class Peer:
    """GDCM in a process that is started anew when it aborts."""

    python: Path
    process: subprocess.Popen[str] | None = None

    def decode(self, path: Path) -> float | None:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [str(self.python), "-c", PEER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait()
            return None
        told = json.loads(answer)
        return None if isinstance(told, str) else float(told)


@dataclass
class Found:
    """Ratios of the files of one group, and what one of the two could not decode."""

    ratios: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    only_ours: int = 0
    only_theirs: int = 0
    neither: int = 0


def decode(path: Path) -> float | None:
    """Our processor seconds for all frames of a file."""
    with path.open("rb") as stream:
        try:
            header = read_header(stream, path.stat().st_size)
            begun = time.process_time()
            for _ in decode_frames(stream, header):
                pass
        except (Withheld, Quarantine):
            return None
        return time.process_time() - begun


def made(folder: Path) -> Iterator[Path]:
    """Larger files in each syntax that imagecodecs, or pydicom for RLE, can write."""
    random = np.random.default_rng(3)
    noise = random.normal(0, 1, (2048, 2048))
    mono = ndimage.gaussian_filter(noise, 24) * 24_000 + ndimage.gaussian_filter(noise, 1) * 60
    grey = np.clip(mono + 2000, 0, 4095).astype(np.uint16)
    colour = np.stack([np.clip(grey[:1024, s : s + 1024] / 16, 0, 255) for s in (0, 300, 600)], -1)
    rgb = colour.astype(np.uint8)
    eight = (grey >> 4).astype(np.uint8)
    for name, syntax, pixels, stream in (
        ("jpeg-grey", "4.50", eight, imagecodecs.jpeg8_encode(eight, level=90)),
        ("jpeg-colour", "4.50", rgb, imagecodecs.jpeg8_encode(rgb, level=90)),
        ("lossless-grey", "4.70", grey, imagecodecs.ljpeg_encode(grey, bitspersample=16)),
        ("jls-grey", "4.80", grey, imagecodecs.jpegls_encode(grey)),
        ("jls-colour", "4.80", rgb, imagecodecs.jpegls_encode(rgb)),
        ("j2k-grey", "4.90", grey, j2k(grey, reversible=True)),
        ("j2k-colour", "4.91", rgb, j2k(rgb, reversible=False)),
    ):
        yield write(folder / f"{name}.dcm", f"1.2.840.10008.1.2.{syntax}", pixels, stream)
    for name, pixels in (("rle-grey", grey), ("rle-colour", rgb)):
        yield write(folder / f"{name}.dcm", "1.2.840.10008.1.2.5", pixels, None)


def j2k(pixels: np.ndarray, *, reversible: bool) -> bytes:
    level = 0 if reversible else 40
    return bytes(
        imagecodecs.jpeg2k_encode(pixels, level=level, codecformat="j2k", reversible=reversible)
    )


def write(path: Path, syntax: str, pixels: np.ndarray, stream: bytes | None) -> Path:
    """A secondary capture with these pixels, compressed as ``stream`` or by pydicom."""
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    colour = pixels.ndim == 3
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if colour else 1
    photometric = "RGB" if colour else "MONOCHROME2"
    if colour and syntax.endswith("4.50"):
        photometric = "YBR_FULL_422"
    dataset.PhotometricInterpretation = photometric
    if colour:
        dataset.PlanarConfiguration = 0
    bits = 8 * pixels.itemsize
    dataset.BitsAllocated, dataset.PixelRepresentation = bits, 0
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelData = pixels.tobytes()
    if stream is None:
        dataset.compress(UID(syntax), encoding_plugin="pydicom")
    else:
        dataset.PixelData = encapsulate([bytes(stream)])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.save_as(path)
    return path


def real(folders: list[Path]) -> Iterator[Path]:
    places = [Path(pydicom.data.__file__).parent / "test_files", *folders]
    for place in places:
        yield from sorted(path for path in place.rglob("*") if path.is_file())


def family(path: Path) -> str | None:
    try:
        meta = pydicom.filereader.read_file_meta_info(path)
    except (OSError, pydicom.errors.InvalidDicomError, EOFError, KeyError, NotImplementedError):
        return None
    return FAMILIES.get(str(meta.get("TransferSyntaxUID", "")))


def measure(path: Path, peer: Peer, repeats: int, found: Found) -> None:
    pairs = [(decode(path), peer.decode(path)) for _ in range(repeats + 1)][1:]
    ours = [own for own, _ in pairs if own is not None]
    theirs = [other for _, other in pairs if other is not None]
    if len(ours) == len(theirs) == repeats:
        found.ratios.append(
            statistics.median(other / own for own, other in zip(ours, theirs, strict=True))
        )
        found.ours.append(statistics.median(ours))
        found.theirs.append(statistics.median(theirs))
    elif not ours and not theirs:
        found.neither += 1
    elif ours:
        found.only_ours += 1
    else:
        found.only_theirs += 1


def peer_python(home: Path) -> Path:
    """Python of a virtual environment with GDCM, made when it is not there."""
    place = home / "gdcm"
    if not (place / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        install = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "python-gdcm"]
        subprocess.run(install, check=True)
    return place / "bin" / "python"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--peers", type=Path, default=Path(".bench-peers"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    peer = Peer(peer_python(options.peers))
    groups: dict[tuple[str, str], Found] = defaultdict(Found)
    with quiet_pydicom(), tempfile.TemporaryDirectory() as temporary:
        for kind, paths in (("real", real(options.folders)), ("made", made(Path(temporary)))):
            for path in paths:
                name = family(path)
                if name is not None:
                    group = kind if kind == "real" else f"made: {path.stem.split('-')[-1]}"
                    measure(path, peer, options.repeats, groups[name, group])
    lines = []
    for (name, kind), found in sorted(groups.items()):
        files, ratio = len(found.ratios), "–"
        total = ["–", "–"]
        if files:
            ratio = f"{statistics.median(found.ratios):.2f}"
            total = [f"{sum(times) * 1e3:,.1f}" for times in (found.ours, found.theirs)]
        failed = f"{found.only_ours} / {found.only_theirs} / {found.neither}"
        lines.append([name, kind, str(files), *total, ratio, failed])
    heading = ["codec", "files", "number", "imagehaven, ms", "GDCM, ms", "imagehaven is × as fast",
               "decoded by us alone / GDCM alone / neither"]  # fmt: skip
    print(table(heading, lines))


if __name__ == "__main__":
    main()
