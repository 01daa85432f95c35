"""Filing: instances as bytes, on the shelves of a hospital, with the odd broken file between."""

from imagehaven.synth.filing.broken import TROUBLES, make_trouble
from imagehaven.synth.filing.encode import encode
from imagehaven.synth.filing.shelves import Made, put, store, zip_bytes

__all__ = ["TROUBLES", "Made", "encode", "make_trouble", "put", "store", "zip_bytes"]
