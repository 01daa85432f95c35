"""Codes of standard terminologies: a known code has a known meaning, whatever a file says.

The concepts are those of PS3.16 that pydicom carries (DCM, SCT, UCUM, LN and others).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydicom.sr._concepts_dict import concepts

_PUBLIC: Final = frozenset(
    """DCM SCT SRT SNM3 99SDM UCUM LN RADLEX NCIt UMLS MSH FMA UBERON NYUMCCG MDC SCPECG BARI
    RXNORM ATC NDC UNS PUBCHEM_CID ITIS_TSN I9 I9C I9P I10 I10C I10P ICD9 ICD10 ICDO ICDO3 ACR BI C4
    CPT4 C5 CPT5 RFC3066 RFC5646 ISO639_1 ISO639_2 ISO3166_1 ISO5218_1 NICIP READ CTV3 OPCS4 OPCS
    IBSI AAPM APDICOM BPSO MVSO CADSR""".split()
)
"""Designators of published schemes (PS3.16 section 8, with those of the United Kingdom)."""


def is_public(scheme: str) -> bool:
    """Say whether a scheme is a published one, whose codes may be long numbers."""
    return scheme in _PUBLIC


def standard_meaning(scheme: str, code: str) -> str | None:
    """Return the meaning of a code, None when its scheme or the code is not known."""
    return _meanings().get((scheme, code))


@cache
def _meanings() -> Mapping[tuple[str, str], str]:
    known: dict[str, Any] = dict(concepts)
    return {
        (scheme, code): meaning
        for scheme, names in known.items()
        for codes in names.values()
        for code, (meaning, *_) in codes.items()
        if meaning.isascii() and len(meaning) <= 64
    }
