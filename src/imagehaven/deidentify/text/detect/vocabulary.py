"""What is known to be a safe word: English, medicine, and which of these are names as well.

A word that is in no list is not known to be safe, and goes (deny by default).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from imagehaven.deidentify.text.data_files import declared, words_of


class Word(Enum):
    """What a word may be: safe anywhere; a word of imaging or of English that is a name too."""

    SAFE = "safe"
    CLINICAL_NAME = "clinical-name"
    NAME_TOO = "name-too"
    UNKNOWN = "unknown"


#: What words of medicine are put together from; the whole must be made of a beginning and an end.
_MADE = re.compile(
    r"(?:[a-z]{2,}(?:itis|ectomy|ectomies|ostomy|oscopy|oscopic|plasty|graphy|graphic|megaly"
    r"|aemia|aemic|uria|pathy|pathic|stenosis|sclerosis|sclerotic|lithiasis|carcinoma|sarcoma"
    r"|adenoma|fibroma|blastoma|cytoma|cytosis|oedema|ectasis|ectasia|ectatic|plegia|paresis"
    r"|rrhage|rrhagic|thorax|pneumonia|pleural|osseous|articular|vertebral|phalangeal|metatarsal"
    r"|metacarpal|femoral|tibial|fibular|humeral|umbar|vascular|myelia|penia|plasia|trophic)"
    r"|[a-z]{4,}(?:mycin|cillin|azole|olol|sartan|statin|floxacin|dronate|dronic|umab|zumab|ximab"
    r"|tinib|navir|tidine|prazole|thiazide|gliptin|gliflozin|xaban|gatran|triptan|setron|profen"
    r"|cycline|caine|zepam|zolam|oxetine|pramine|codone|parin)"
    # The stems of the International Nonproprietary Names (WHO), where no name ends so.
    r"|[a-z]{3,}(?:[aei]nib|[a-z]mab|ciclib|parib|rafenib|degib|lisib|limus|platin|taxel|rubicin"
    r"|mustine|trexed|trexate|citabine|asvir|buvir|previr|ciclovir|tegravir|amivir|matrelvir|vudine"
    r"|bactam|penem|fungin|vaptan|metformin|glinide|glitazone|glutide|reotide|semide|zolamide"
    r"|prilat|lapril|dopril|nopril|dipine|lukast|tropium|phylline|terol|grelor|[aiou]grel|fibrate"
    r"|steride|gepant|curium|curonium|flurane|fentanil|racetam|peridol|peridone|triptyline|faxine"
    r"|tecan|gliptide|poetin|grastim|stim|teplase|rudin|fenac|coxib|olone|onide|relix|dralazine"
    r"|perazine|promazine|quine|sulfan|sulfone|uracil|cog|cept|meran|siran|ersen|gene|leucel))"
    # What begins as antibiotics and contrast agents do.
    r"|(?:cefa|cefo|cefi|cefu|cefp|ceft|ceph|sulfa|sulfo|sulpha|gado|iodo|fluoro|technet)[a-z]{4,}"
)
_BEGINNING: Final = re.compile(
    r"(?:ante|antero|anti|auto|bi|calc|cardio|cerebro|cervico|cholecysto|co|costo|cranio|cysto|de"
    r"|duodeno|electro|endo|entero|epi|extra|femoro|fibro|gastro|glosso|hemi|hepato|hydro|hyper"
    r"|hypo|ilio|infero|infra|inter|intra|ischio|jejuno|juxta|laryngo|latero|lumbo|macro|medio|mega"
    r"|micro|mid|mini|mono|multi|musculo|myo|naso|neo|nephro|neuro|non|occipito|oesophago|esophago"
    r"|oro|osseo|osteo|pan|para|parieto|patello|peri|pleuro|pneumo|poly|post|postero|pre|pseudo"
    r"|pubo|pyo|re|recto|retro|sacro|salpingo|scapulo|semi|spheno|sphincter|spino|sub|supero|supra"
    r"|temporo|thoraco|tibio|trans|tri|tubo|ultra|un|uretero|urethro|utero|vaso|ventro|vesico)"
)
_SHORTEST_REST: Final = 5
_SHORTEST_MISREAD: Final = 5
_LONG: Final = 8


@dataclass(frozen=True)
class Vocabulary:
    """The lists: safe words, those of medicine, and words that are names as well."""

    safe: frozenset[str]
    medical: frozenset[str]
    names: frozenset[str]
    clinical: frozenset[str]


@cache
def vocabulary() -> Vocabulary:
    """Return the lists of this package, loaded once."""
    clinical = _lists("clinical", "abbreviations")
    medical = _lists(
        "medical",
        "diseases",
        "anatomy",
        "findings",
        "procedures",
        "drugs",
        "microbes",
        "techniques",
    )
    medical |= clinical
    safe = _lists("english", "general", "webster", "drug_names") | medical
    names = _lists("words_that_are_names", "more_names")
    # A name that only medicine knows is a term where it stands as one, and else a name.
    eponyms = declared("eponyms.yaml")
    named = frozenset(map(str, eponyms["alone"] + eponyms["with_head"]))
    names |= (named & medical) - clinical - words_of("words/english.txt")
    names |= _lists("places") & safe
    return Vocabulary(safe, medical, names, clinical)


def _lists(*names: str) -> frozenset[str]:
    return frozenset().union(*(words_of(f"words/{name}.txt") for name in names))


@lru_cache(maxsize=65536)
def judge(folded: str) -> Word:
    """Say what a folded word (see :func:`~imagehaven.deidentify.text.words.fold`) may be."""
    lists = vocabulary()
    if folded in lists.names and folded in lists.safe:
        return Word.CLINICAL_NAME if folded in lists.clinical else Word.NAME_TOO
    if folded in lists.safe or _MADE.fullmatch(folded):
        return Word.SAFE
    single = folded[:-1]
    if folded.endswith("s") and single in lists.medical and not {single, folded} & lists.names:
        return Word.SAFE
    return Word.SAFE if _derived(folded, lists) else Word.UNKNOWN


def _derived(folded: str, lists: Vocabulary) -> bool:
    """Say whether a word is one of medicine with an ending, or with a beginning as anatomy has."""
    if folded.endswith("ly") and folded[:-2] in lists.medical:
        return True
    found = _BEGINNING.match(folded)
    if found is None:
        return False
    rest = folded[found.end() :].removesuffix("s")
    if rest in lists.names or len(rest) < _SHORTEST_REST:
        return False
    return rest in lists.medical or (len(rest) > _SHORTEST_REST and rest in lists.safe)


@lru_cache(maxsize=8192)
def misspelt_term(folded: str) -> bool:
    """Say whether a long word is one of medicine with one letter wrong."""
    if len(folded) < _LONG or not folded.isascii():
        return False
    near = _by_ends().get((folded[:2], folded[-2:]), ())
    return any(
        abs(len(word) - len(folded)) <= 1 and OSA.distance(word, folded, score_cutoff=1) <= 1
        for word in near
    )


#: What a scanner reads for what stands there; several letters first.
_MISREAD: Final = (
    ("1", "l"), ("1", "i"), ("0", "o"), ("5", "s"), ("8", "b"), ("6", "b"), ("9", "g"), ("|", "l"),
    ("rn", "m"), ("ii", "u"), ("c", "e"), ("b", "h"), ("q", "g"), ("vv", "w"), ("cl", "d"),
    ("l", "i"), ("i", "l"), ("t", "f"), ("f", "t"), ("e", "c"), ("h", "b"), ("u", "ii"),
)  # fmt: skip


@lru_cache(maxsize=16384)
def misread_word(folded: str) -> str | None:
    """Return the safe word of which ``folded`` is a scanner's reading; None when there is none.

    Only words that nobody is called by are looked for: ``fractiire``, ``f1ight``, ``arid`` no.
    """
    shortest = _SHORTEST_MISREAD - (not folded.isalpha())
    if len(folded) < shortest or not folded.isascii():
        return None
    clear = folded
    for read, meant in (("1", "l"), ("0", "o"), ("5", "s"), ("8", "b")):
        clear = clear.replace(read, meant)
    tried = {clear}
    for read, meant in _MISREAD:
        tried |= {word for start in (folded, clear) for word in _exchanged(start, read, meant)}
    words = [word for word in sorted(tried - {folded}) if word in vocabulary().safe]
    if any(judge(word) is not Word.SAFE for word in words):
        return None  # it may be a name as well: Siimmer
    return words[0] if words else None


def _exchanged(word: str, read: str, meant: str) -> Iterator[str]:
    """Yield a word with one place, and with all places, read as they may have been meant."""
    at = word.find(read)
    if at >= 0:
        yield word.replace(read, meant)
    while at >= 0:
        yield word[:at] + meant + word[at + len(read) :]
        at = word.find(read, at + 1)


@cache
def _by_ends() -> dict[tuple[str, str], list[str]]:
    """Return the long words of medicine and common English by their first and last letters."""
    groups: dict[tuple[str, str], list[str]] = {}
    for word in vocabulary().medical:
        if len(word) >= _LONG - 1:
            groups.setdefault((word[:2], word[-2:]), []).append(word)
    return groups
