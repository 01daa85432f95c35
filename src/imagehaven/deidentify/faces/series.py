"""Look at all instances of one series, and decide on it; or on many series at once."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from imagehaven.acquire import Source, open_sources
from imagehaven.deidentify.faces.decide import Decision, Part, decide, undecided
from imagehaven.deidentify.faces.parts import part_of, parts
from imagehaven.deidentify.faces.slices import NotAVolume, Slice, rescale_of, slices_of
from imagehaven.deidentify.faces.volume import Values, small, volume_of
from imagehaven.dicom.header import Header, read_header, text_of
from imagehaven.dicom.pixels import decode_frames, shape_of, values_of
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import ImagehavenError, Quarantine

_SOP_CLASS: Final = 0x00080016
_SERIES: Final = 0x0020000E
_MODALITY: Final = 0x00080060


def is_volume(header: Header) -> bool:
    """Say whether an instance is of a class whose series are looked at for faces."""
    return text_of(header.dataset, _SOP_CLASS) in parts().volumes


def series_uid(header: Header) -> str:
    """Return the SeriesInstanceUID, '' where there is none."""
    return text_of(header.dataset, _SERIES)


def decide_series(sources: Iterable[Source]) -> Decision:
    """Decide on a series from all of its instances; what cannot be read is left out.

    An instance that is left out has a reason of its own not to be released. Where the rest is no
    volume, the tags decide; see :func:`imagehaven.deidentify.faces.decide.undecided`.
    """
    return decide_streams(
        stream for _, stream in open_sources(list(sources)) if not isinstance(stream, Quarantine)
    )


def decide_streams(streams: Iterable[BinaryIO]) -> Decision:
    """Decide on a series from the open files of its instances."""
    found: list[tuple[Slice, Values]] = []
    said: set[Part] = set()
    modality = ""
    fault = ""
    with quiet_pydicom():
        for stream in streams:
            try:
                header = read_header(stream, stream.seek(0, io.SEEK_END))
                if not is_volume(header):
                    continue
                said.add(part_of(header.dataset))
                modality = text_of(header.dataset, _MODALITY)
                found += _frames(stream, header, ct=modality == "CT")
            except NotAVolume as error:
                fault = str(error)
            except (ImagehavenError, OSError):
                continue
            except Exception as error:  # noqa: BLE001 - hostile input can raise anything in pydicom
                fault = f"the reader failed with {type(error).__name__}"
        part = _common(said)
        if fault:
            return undecided(part, fault)
        try:
            return decide(volume_of(found), part, ct=modality == "CT")
        except NotAVolume as error:
            return undecided(part, f"the series is no volume: {error}")


def _common(said: set[Part]) -> Part:
    """What all tags agree on; the head, where any names it."""
    if Part.HEAD in said:
        return Part.HEAD
    return Part.OTHER if said == {Part.OTHER} else Part.UNSAID


def _frames(stream: BinaryIO, header: Header, *, ct: bool) -> Iterator[tuple[Slice, Values]]:
    """Yield the small frames of one instance, in Hounsfield units or as rescaled."""
    shape = shape_of(header)
    if shape.samples != 1:
        raise NotAVolume("its frames are in colour")
    places = slices_of(header.dataset)
    for place, words in zip(places, decode_frames(stream, header), strict=True):
        scale = rescale_of(header.dataset, place.frame)
        if scale is None and ct:
            raise NotAVolume("its values are not in Hounsfield units")
        slope, intercept = scale or (1.0, 0.0)
        values: npt.NDArray[np.float32] = values_of(words, shape).astype(np.float32)
        yield small(place, values * np.float32(slope) + np.float32(intercept))
