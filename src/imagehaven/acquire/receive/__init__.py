"""The DICOM receiver: a storage SCP that spools what a PACS sends, bit by bit as it was sent.

Purpose: take in objects over the DICOM network as fast as the disk writes them, and leave every
look inside to the ingest behind it. Comes in: associations (PS3.8) with C-STORE, C-ECHO and
storage commitment (PS3.4 annexes A, B and J). Goes out: whole DICOM files in
``SPOOL/incoming/DATE/STUDY/``, a line and an audit row for each association.

Guarantees: a success status is sent only after the whole object lies under its final name; the
data set is the bytes that came over the wire; the same object sent twice is one file; memory for
an association is one fixed buffer; no line and no audit row holds a UID or a value.

``upperlayer`` speaks the protocol and knows no files; ``spool`` and ``filing`` write files and
know no protocol; ``association`` joins the two.
"""
