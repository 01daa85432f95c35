"""What the de-identifier and the verifier reach, measured: `python -m benchmarks.deid`.

Each part prints Markdown for docs/benchmarks.md: `midi` (elements, identifiers and pixels in the
manner of the MIDI-B challenge), `text` (reports), `ocr` (text in pixels), `faces`, `verifier`.
"""
