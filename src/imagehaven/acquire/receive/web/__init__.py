"""STOW-RS (PS3.18 section 10.5): the same spool, reached over HTTP.

Purpose: take in whole DICOM files that a client posts. Comes in: ``POST /studies`` and
``POST /studies/UID`` with ``multipart/related; type="application/dicom"``. Goes out: the files, as
they were sent, in the spool; the Store Instances Response (PS3.18 annex I.2) as DICOM JSON.

Guarantees: a request that breaks off or cannot be understood leaves nothing behind; what is
answered as stored lies whole, and on the disk, under its final name; memory for a connection is a
fixed buffer; heads, parts, bodies and every wait are bounded; no token, UID or value is in a line.

``http`` knows HTTP and no DICOM, ``multipart`` MIME alone, ``part10`` the head of a DICOM file;
``store`` joins them to the spool and ``answer`` writes what the client hears.
"""
