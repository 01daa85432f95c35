"""Text in pixels, found or missed: `python -m benchmarks.deid.ocr`.

Strings whose glyph pixels are known are drawn on real frames that the detector was not trained on,
and each system says where it sees text. The strings, faces, places and the way of drawing are this
package's own, not those of ``training/text_detector``.
"""
