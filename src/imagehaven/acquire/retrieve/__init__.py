"""The retriever: asks a PACS what it has, fetches it, and compares until nothing is missing.

Purpose: bring days, modalities, lists of accession numbers or cohorts from a PACS into the spool,
over months if need be, without hurting the PACS and without losing an instance unnoticed. Comes
in: a request, and sources declared in ``HAVEN/pacs.yaml``. Goes out: whole DICOM files in
``SPOOL/incoming/DATE/STUDY/``, as the receiver files them, and a worklist in the ledger.

Guarantees: the worklist is stored before anything is fetched; every study ends in one named state
(arrived, partly, missing, failed) with a reason; ``arrived`` means that every instance which the
source lists is on the disk or in the catalogue; what is there already is never fetched again, so
a kill costs at most the object under way; a truncated answer is never taken for a whole one; no
message, log or audit row holds a token, a UID or a value.

``sources`` reads the declaration; ``dimse`` and ``dicomweb`` speak to peers and decide nothing;
``asking`` and ``planning`` make the worklist; ``working`` brings one study home; ``running`` keeps
to hours, rates and the peer's health; ``worklist`` is the ledger's side of it.
"""
