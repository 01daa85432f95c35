"""The compiled core: C that scans well-formed DICOM headers, and leaves all others to pydicom.

Comes in: paths, or files in memory. Goes out: the buffers of Arrow columns, one row a file.

Guarantees: the same texts as :mod:`imagehaven.dicom.elements` writes, or none: what is not plain
is declined with a word why, never guessed. No value is executed, no length believed, and Python's
lock is not held. A site without a compiler has no ``_core``; everything works, only slower.
"""
