"""Which SOP classes hold documents, and of what kind, as ``documents.yaml`` says."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from imagehaven.declarations import read_yaml
from imagehaven.errors import UserError

_SOURCE: Final = "documents.yaml"
OPTIONS: Final = {
    "content-tree": "clean_structured_content",
    "pdf": "clean_descriptors",
    "cda": "clean_descriptors",
    "annotations": "clean_graphics",
}
"""The kinds, each with the option of PS3.15 Table E.1-1 that lets it be cleaned."""

REASONS: Final = {
    "content-tree": "structured-report",
    "pdf": "encapsulated-document",
    "cda": "encapsulated-document",
    "annotations": "presentation-state",
}
"""Why a document is withheld where the profile has not that option."""


@functools.cache
def document_kinds() -> Mapping[str, str]:
    """What documents are, by SOP class; raises UserError naming the entry at fault."""
    text = (files("imagehaven.deidentify") / "data" / _SOURCE).read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for kind, classes in read_yaml(text).items():
        if kind not in OPTIONS:
            raise UserError(f"{_SOURCE}: {kind} must be one of {', '.join(OPTIONS)}.")
        for uid in classes:
            if uid in found:
                raise UserError(f"{_SOURCE}: {uid} stands there twice.")
            found[uid] = kind
    return found
