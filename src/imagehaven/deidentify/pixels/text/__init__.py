"""Find, show and read text that is drawn in the pixels of a frame.

Comes in: decoded frames, and what their header says about showing them (:class:`Rendering`). Goes
out: the boxes of all text in them, whatever it says; on demand, what it says.

Guarantees: bright and dark text alike, in every window a viewer could choose; no frame and no
part of one is skipped; memory does not grow with the size of a frame.
"""

from imagehaven.deidentify.pixels.text.boxes import Box
from imagehaven.deidentify.pixels.text.detector import find_text
from imagehaven.deidentify.pixels.text.displays import Palette, Rendering, displays
from imagehaven.deidentify.pixels.text.frames import find_text_in_frames
from imagehaven.deidentify.pixels.text.planes import together
from imagehaven.deidentify.pixels.text.reader import read_text

__all__ = [
    "Box",
    "Palette",
    "Rendering",
    "displays",
    "find_text",
    "find_text_in_frames",
    "read_text",
    "together",
]
