"""Profiles: which options of PS3.15 Annex E apply, what is allowed beyond its table, and why.

A profile is a chain of YAML files (:mod:`layers`): a name, options, and overrides with reasons. The
reviewed lists that every profile shares lie under ``data/``. Loading checks them and names the file
and line at fault.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydicom.datadict import tag_for_keyword

from imagehaven.deidentify.rulebook.descriptors import Vocabulary
from imagehaven.deidentify.rulebook.document import Value, read_document
from imagehaven.deidentify.rulebook.iod import is_known
from imagehaven.deidentify.rulebook.layers import (
    Context,
    Example,
    Layer,
    Override,
    ProfileFile,
    merge_options,
    read_chain,
)
from imagehaven.deidentify.rulebook.table import data_text, folder_bytes
from imagehaven.deidentify.rulebook.technical import Technical

_LISTED: Final = ("data", "text/data", "pixels/text", "faces")
"""The folders of the lists and weights that every profile builds on."""

_LISTS: Final = ("kept", "descriptors", "bulk", "coding_schemes")


@dataclass(frozen=True)
class Profile:
    """A loaded profile. Two are equal when their ``digest`` and the places of their files are.

    ``options`` gives the line of each option, ``files`` the chain from the base to the profile.
    """

    name: str
    digest: str
    files: tuple[str, ...]
    options: Mapping[str, str] = field(compare=False, repr=False)
    layers: tuple[Layer, ...] = field(compare=False, repr=False)
    examples: tuple[Example, ...] = field(compare=False, repr=False)
    about: str = field(compare=False, repr=False)
    kept: frozenset[str] = field(compare=False, repr=False)
    descriptors: Mapping[str, str] = field(compare=False, repr=False)
    bulk: frozenset[str] = field(compare=False, repr=False)
    coding_schemes: frozenset[str] = field(compare=False, repr=False)
    vocabulary: Vocabulary = field(compare=False, repr=False)
    technical: Technical = field(compare=False, repr=False)

    def override(self, keyword: str, context: Context) -> tuple[Layer, Override] | None:
        """Return the last layer that says something of a keyword in this context, and what."""
        for layer in reversed(self.layers):
            if keyword in layer.overrides and layer.applies(context):
                return layer, layer.overrides[keyword]
        return None

    def normal(self, context: Context) -> Context:
        """Return the context as far as it makes a difference, so that decisions can be kept."""
        applied = [layer for layer in self.layers if layer.applies(context)]
        modality = max((one.key for one in applied if one.kind == "modality"), default="")
        # The longest name: what a shorter one (GE) applies to, applies to it (GE MEDICAL) as well.
        makers = [one.key for one in applied if one.kind == "manufacturer"]
        manufacturer = max(makers, key=len, default="")
        known = context.sop_class if is_known(context.sop_class) else ""
        return replace(context, sop_class=known, modality=modality, manufacturer=manufacturer)


def load(name: str | Path = "research") -> Profile:
    """Load a profile by its name (``research``, ``basic``) or from a YAML file of one's own.

    Raises :class:`UserError` with the file and line when it is not there or not well-formed.
    """
    chain = read_chain(name)
    lists = read_document(data_text("allowed_text.yaml"), "allowed_text.yaml").mapping(
        "the file", _LISTS
    )
    last = chain[-1]
    return Profile(
        name=last.name,
        digest=_digest(chain),
        options=merge_options(chain),
        layers=tuple(layer for one in chain for layer in one.layers),
        examples=tuple(example for one in chain for example in one.examples),
        files=tuple(one.file for one in chain),
        about=last.about,
        kept=_keywords(lists["kept"]),
        descriptors={
            _keyword(entry, keyword): entry.word(("X", "Z", "D"), keyword)
            for keyword, entry in lists["descriptors"].mapping("descriptors").items()
        },
        bulk=_keywords(lists["bulk"]),
        coding_schemes=frozenset(
            scheme.text("a scheme") for scheme in lists["coding_schemes"].items("coding_schemes")
        ),
        vocabulary=Vocabulary.load(),
        technical=Technical.load(),
    )


def profile_hash(profile: Profile) -> str:
    """Return the SHA-256 (hexadecimal) over the profile's files and every list it builds on."""
    return profile.digest


def _keywords(section: Value) -> frozenset[str]:
    return frozenset(
        _keyword(entry, entry.text("a keyword")) for entry in section.items("the list")
    )


def _keyword(entry: Value, keyword: str) -> str:
    if tag_for_keyword(keyword) is None:
        raise entry.fault(f"{keyword!r} is not a DICOM keyword (PS3.6)")
    return keyword


def _digest(chain: list[ProfileFile]) -> str:
    # Lengths keep the files apart: no two chains of texts read as one another.
    digest = hashlib.sha256()
    lists = [content for folder in _LISTED for content in folder_bytes(folder)]
    for content in (*(one.text.encode() for one in chain), *lists):
        digest.update(f"{len(content)}\0".encode() + content)
    return digest.hexdigest()
