"""Documents inside instances: pages, markup and content trees are cleaned, never passed on as is.

Purpose: structured reports, encapsulated PDF and CDA. Comes in: the source data set and whom it
names. Goes out: the same kind of document, of which every text went through the text cleaner and
every picture through the search for text. What cannot be cleaned is withheld with its reason.
"""

from imagehaven.deidentify.documents.cleaning import with_document
from imagehaven.deidentify.documents.kinds import document_kinds
from imagehaven.deidentify.documents.terms import Terms

__all__ = ["Terms", "document_kinds", "with_document"]
