"""Words that say what stands beside them: titles, roles, relations, institutions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from imagehaven.deidentify.text.data_files import declared


@dataclass(frozen=True)
class Contexts:
    """The lists of ``data/contexts.yaml``, under their names there."""

    sure: frozenset[str]
    likely: frozenset[str]
    actions: frozenset[str]
    relations: frozenset[str]
    person_verbs: frozenset[str]
    particles: frozenset[str]
    institutions: frozenset[str]
    sure_institutions: frozenset[str]
    weak_institutions: frozenset[str]
    departments: frozenset[str]
    requests: frozenset[str]
    place_parts: frozenset[str]
    compass: frozenset[str]
    auxiliaries: frozenset[str]
    states: frozenset[str]
    no_surnames: frozenset[str]
    streets: frozenset[str]
    stops: frozenset[str]
    own_names: frozenset[str]
    clans: frozenset[str]
    sorts: frozenset[str]
    strong_roles: frozenset[str]
    meetings: frozenset[str]
    accented: frozenset[str]
    not_initials: frozenset[str]
    ranks: frozenset[str]
    tellings: frozenset[str]
    calls: frozenset[str]
    dated: frozenset[str]
    organs: frozenset[str]


@cache
def contexts() -> Contexts:
    """Return the lists, loaded once."""
    lists = declared("contexts.yaml")
    named = {key: frozenset(map(str, lists[key])) for key in lists if key != "titles"}
    titles = {key: frozenset(map(str, words)) for key, words in lists["titles"].items()}
    return Contexts(**titles, **named)


@cache
def role_words() -> frozenset[str]:
    """Return the words that say who somebody is, and so are no part of a name."""
    lists = contexts()
    return lists.sure | lists.likely | lists.strong_roles | lists.relations
