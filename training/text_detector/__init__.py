"""Make the detector of text in pixels: see README.md."""
