"""Runs inside Presidio's own environment, where imagehaven is not: its OCR stage, on request.

Reads the path of a picture per line from standard input; writes per line, as JSON, the boxes of all
words read (left, top, right, bottom) and the processor milliseconds, Tesseract's included. The
picture is padded as Presidio's DICOM redactor pads it.
"""

from __future__ import annotations

import json
import resource
import sys

PADDING = 25


def main() -> None:
    """Answer until standard input ends."""
    from PIL import Image, ImageOps
    from presidio_image_redactor import TesseractOCR  # type: ignore[import-not-found]

    reader = TesseractOCR()
    for line in sys.stdin:
        with Image.open(line.strip()) as opened:
            image = opened.convert("RGB")
        begun = _spent()
        padded = ImageOps.expand(image, border=PADDING, fill=image.getpixel((0, 0)))
        found = reader.perform_ocr(padded)
        spent = 1000 * (_spent() - begun)
        boxes = [
            [left - PADDING, top - PADDING, left + width - PADDING, top + height - PADDING]
            for left, top, width, height, text in zip(
                found["left"], found["top"], found["width"], found["height"], found["text"],
                strict=True,
            )
            if text.strip()
        ]  # fmt: skip
        sys.stdout.write(json.dumps({"boxes": boxes, "ms": spent}) + "\n")
        sys.stdout.flush()


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
