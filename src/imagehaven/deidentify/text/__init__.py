"""Free text without identifiers: reports, descriptions, comments, text read from pixels.

Three detectors work together: what is known of the people (fuzzily matched), patterns with
checksums, and a vocabulary that everything else must be in (deny by default). In a text of some
length a small network (:mod:`tagging`) votes too: it adds names that stand where names stand, and
takes back unknown words that it is sure are terms.

Comes in: a text and :class:`KnownPeople`. Goes out: :class:`CleanedText`, with the offsets of what
was removed. Guarantees: what is not known to be safe is removed; the same input gives the same
output; nothing is remembered between texts.
"""

from imagehaven.deidentify.text.clean import CleanedText, Removed, clean_text
from imagehaven.deidentify.text.harmless import is_harmless
from imagehaven.deidentify.text.known import KnownPeople, known_people
from imagehaven.deidentify.text.surrogates import Surrogates

__all__ = [
    "CleanedText",
    "KnownPeople",
    "Removed",
    "Surrogates",
    "clean_text",
    "is_harmless",
    "known_people",
]
