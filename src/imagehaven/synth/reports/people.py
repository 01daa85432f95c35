"""The people of a report: patient, relatives and staff, with names of a chosen class."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from random import Random

from imagehaven.synth.chance import chance
from imagehaven.synth.reports.wordlists import entries, shares

_TITLES = {"F": ("Mrs", "Mrs", "Miss", "Ms"), "M": ("Mr",)}
_DOCTOR, _RADIOGRAPHER = ("Dr",) * 9 + ("Prof",), ("", "Radiographer", "Sonographer")
_STAFF_TITLES: dict[str, dict[str, tuple[str, ...]]] = {
    "doctor": {"F": _DOCTOR, "M": _DOCTOR},
    "surgeon": {"F": ("Miss", "Ms", "Mrs"), "M": ("Mr",)},
    "nurse": {
        "F": ("Sister", "Staff Nurse", "SN", "ANP"),
        "M": ("Charge Nurse", "Staff Nurse", "SN", "ANP"),
    },
    "radiographer": {"F": _RADIOGRAPHER, "M": _RADIOGRAPHER},
}


@dataclass(frozen=True)
class Who:
    """A person. The classes are those of names_*.yaml, for the hard cases."""

    role: str
    sex: str
    title: str
    given: str
    middle: str
    family: str
    former: str
    nick: str
    given_class: str
    family_class: str

    @property
    def kind(self) -> str:
        """Return the class of this person's name as an identifier."""
        return f"name-{self.role}"


def fold(text: str) -> str:
    """Return text without accents (Mòrag becomes Morag)."""
    return "".join(
        letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter)
    )


def _of_class(split: str, wanted: str) -> dict[str, list[str]]:
    for entry in entries("names", split):
        if entry["class"] == wanted:
            return dict(entry)
    raise KeyError(wanted)


def lookalikes(split: str) -> dict[str, str]:
    """Return, for names that are words, a sentence (a template) that has the word and no name."""
    return {
        name: sentence
        for entry in entries("names", split)
        for name, sentence in entry.get("lookalikes", {}).items()
    }


def _nicknames(split: str) -> dict[str, str]:
    return {
        given: nick
        for entry in entries("names", split)
        for given, nick in entry.get("nicknames", {}).items()
    }


def _pick(split: str, part: str, rng: Random) -> tuple[str, str]:
    """Return a name and its class; a class without such names gives a plain one."""
    drawn = shares()["names"]
    wanted = rng.choices(list(drawn), list(drawn.values()))[0]
    names = _of_class(split, wanted)[part]
    if not names:
        wanted, names = "plain", _of_class(split, "plain")[part]
    return rng.choice(names), wanted


def make_person(
    seed: int, split: str, purpose: object, role: str, *, job: str = "", sex: str = ""
) -> Who:
    """Return the person for a purpose, the same whenever asked.

    ``role`` is patient, relative or staff; ``job`` names a key of the titles of staff; ``sex``
    (F or M) is drawn where it is empty.
    """
    rng = chance(seed, "report-person", split, purpose, role, job)
    sex = sex or rng.choice("FM")
    part = "female" if sex == "F" else "male"
    family, family_class = _pick(split, "family", rng)
    given, given_class = _pick(split, part, rng)
    middle, _ = _pick(split, part, rng)
    former, _ = _pick(split, "family", rng)
    titles = _STAFF_TITLES[job][sex] if job else _TITLES[sex]
    return Who(
        role=role,
        sex=sex,
        title=rng.choice(titles),
        given=given,
        middle="" if middle == given else middle,
        family=family,
        former=former,
        nick=_nicknames(split).get(given, ""),
        given_class=given_class,
        family_class=family_class,
    )


def kin_word(who: Who, patient: Who, age: int) -> str:
    """Return what a relative is to a patient of some age in years: wife, son, niece."""
    pick = len(who.given + who.family)
    words: dict[str, tuple[str, ...]]
    if age < 16:
        words = {"F": ("mother", "aunt", "grandmother"), "M": ("father", "uncle", "grandfather")}
    else:
        words = {"F": ("wife", "sister"), "M": ("husband", "brother")}
        if age > 45:
            words = {"F": ("wife", "daughter", "niece"), "M": ("husband", "son", "nephew")}
    word = words[who.sex][pick % len(words[who.sex])]
    same = who.sex == patient.sex
    return "partner" if same and word in {"wife", "husband"} else word


def misspell(word: str, rng: Random) -> str:
    """Return a word with one slip of the fingers after its first letter."""
    if len(word) < 4:
        return word
    place = rng.randrange(1, len(word) - 1)
    slip = rng.choice(("drop", "double", "swap"))
    if slip == "drop":
        return word[:place] + word[place + 1 :]
    if slip == "double":
        return word[: place + 1] + word[place:]
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def name_text(who: Who, form: str, rng: Random) -> tuple[str, str, tuple[str, ...]]:
    """Return what stands before a name, the name itself and the hard cases that it is.

    ``form`` is one of full, listed, reversed, initialled, given, family, titled, initials, former.
    """
    drawn, hard = shares()["forms"], _classes(who, form)
    given, family = who.given, who.family
    if who.nick and rng.random() < drawn["nickname"] and form in {"given", "full"}:
        given = who.nick
        hard.append("nickname")
    middle = f" {who.middle}" if who.middle and rng.random() < drawn["middle-name"] else ""
    title = f"{who.title} " if who.title else ""
    texts = {
        "full": ("", f"{given}{middle} {family}"),
        "titledfull": (title, f"{given} {family}"),
        "titled": (title, family) if who.title else ("", f"{given} {family}"),
        "listed": ("", f"{family.upper()}, {given}{middle}"),
        "caretless": ("", f"{family} {given}{middle}"),
        "initialled": (title, f"{given[0]}. {family}"),
        "bare": ("", f"{given[0]} {family}"),
        "given": ("", given),
        "family": ("", family),
        "former": ("", who.former),
        "initials": ("", f"{given[0]}{middle[1:2]}{family[0]}".upper()),
    }
    before, text = texts[form]
    if form == "initials":
        return before, text, ("initials",)
    text, befallen = _befall(text, rng)
    return before, text, tuple(dict.fromkeys([*hard, *befallen]))


def _classes(who: Who, form: str) -> list[str]:
    """Return the classes of those parts of a name that a form shows."""
    if form == "former":
        return ["former"]
    shown = [who.family_class] if form != "given" else []
    if form not in {"titled", "initialled", "bare", "family"} or not who.title:
        shown.append(who.given_class)
    return [shown_class for shown_class in shown if shown_class != "plain"]


def _befall(text: str, rng: Random) -> tuple[str, list[str]]:
    drawn, hard = shares()["forms"], []
    if fold(text) != text and rng.random() < drawn["no-accent"]:
        text = fold(text)
        hard.append("no-accent")
    if "-" in text and rng.random() < drawn["no-hyphen"]:
        text = text.replace("-", " ")
        hard.append("no-hyphen")
    if rng.random() < drawn["misspelt"]:
        words = text.split(" ")
        place = max(range(len(words)), key=lambda number: len(words[number]))
        wrong = misspell(words[place], rng)
        if wrong != words[place]:
            words[place] = wrong
            hard.append("misspelt")
        text = " ".join(words)
    if rng.random() < drawn["lower-case"]:
        return text.lower(), [*hard, "lower-case"]
    if rng.random() < drawn["upper-case"] and len(text.upper()) == len(text):
        return text.upper(), [*hard, "upper-case"]
    return text, hard
