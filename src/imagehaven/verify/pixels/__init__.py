"""Read the pixels of a written file: an independent look for text that should not be there.

Comes in: a DICOM file as written, and the scanner that its elements are read with. Goes out:
findings with frame and box: known identifiers and patterns in what was read, any other free text,
and what could not be decoded.

Guarantees: which frames are looked at, how they are shown and which words are harmless is decided
here and by nothing of the de-identifier's; the cost of a file is bounded. What a reader cannot see
it cannot find: this is a second look, and no proof that there is no text.
"""

from imagehaven.verify.pixels.find import pixel_findings

__all__ = ["pixel_findings"]
