"""How a text reads: its words, its sentences, and where only a name has a capital."""

from __future__ import annotations

import re
from typing import Final

from imagehaven.deidentify.text.detect.known_search import KnownSearch
from imagehaven.deidentify.text.detect.vocabulary import Word, judge, misread_word, vocabulary
from imagehaven.deidentify.text.naming.contexts import contexts, role_words
from imagehaven.deidentify.text.spans import Token

_NAME_GAP = re.compile(
    r"(?:[ \t]{1,3}|[ \t]*\n[ \t]*|\.[ \t]*\n?[ \t]*|[-‐‑–’'`]|-[ \t]*\n[ \t]*|[ \t]?,[ \t]*)"
)
_SENTENCE_END = re.compile(r"[.!?:;)\]•*\-–/][ \t]*\n?[ \t\n]*$|\n[ \t]*\n[ \t]*$|^\s*$|[\"“(\[]$")
_ACCENT = re.compile(r"[^\W\d_a-zA-Z]")
_LONG_LINE: Final = 45
_SHOUTING: Final = 0.7


class Reading:
    """One text's tokens with what is known of each; ``kinds`` fills up with what must go."""

    def __init__(
        self, text: str, tokens: list[Token], search: KnownSearch, terms: set[int], safe: list[bool]
    ) -> None:
        self.text, self.tokens, self.search, self.terms = text, tokens, search, terms
        letters = [letter for letter in text if letter.isalpha()]
        upper = sum(map(str.isupper, letters))
        self.shouting = upper > _SHOUTING * len(letters)
        self.whispering = upper == 0
        self.kinds: dict[int, tuple[str, str]] = {}
        self.safe = safe
        # In a text that has capitals a name has one; what has none may be a misread word.
        self.words = [_word(token, lower=not self.whispering) for token in tokens]

    def mark(self, at: int, kind: str, detector: str) -> None:
        """Let token ``at`` go, unless something said so already."""
        self.kinds.setdefault(at, (kind, detector))

    def begin_with(self, at: int) -> None:
        """Take token ``at`` as a name that is known."""
        self.safe[at] = False
        self.kinds[at] = ("NAME", "known")

    def inside(self, at: int) -> bool:
        """Say whether a token stands inside a sentence, where only names have capitals."""
        start = self.tokens[at].start
        before = self.text[max(0, start - 12) : start]
        if start == 0 or _SENTENCE_END.search(before):
            return False
        if "\n" in before:
            line = self.text[:start].rstrip().rsplit("\n", 1)[-1]
            return len(line) > _LONG_LINE
        return True

    def capital_inside(self, at: int) -> bool:
        """Say whether a capital inside a sentence makes a name of token ``at``."""
        token = self.tokens[at]
        if self.shouting or not token.capital or not self.inside(at):
            return False
        return not self.titled_line(at)

    def titled_line(self, at: int) -> bool:
        """Say whether the words around are written with capitals too, as in a heading."""
        low, high = at, at + 1
        while low > max(0, at - 2) and self.only_space(low - 1):
            low -= 1
        while high < min(len(self.tokens), at + 3) and self.only_space(high - 1):
            high += 1
        around = [t for t in self.tokens[low:high] if t is not self.tokens[at]]
        safe = [
            t
            for t in around
            if t.capital
            and judge(t.folded) is Word.SAFE
            and t.folded not in contexts().likely
            and len(t.text) > 3
            and not t.text.isupper()
        ]
        return len(safe) >= 2

    def only_space(self, at: int) -> bool:
        """Say whether only spaces stand between token ``at`` and the next."""
        gap = self.text[self.tokens[at].end : self.tokens[at + 1].start]
        return not gap.strip(" \t")

    def name_like(self, at: int, *, sure: bool) -> bool:
        """Say whether a token may be part of a name where a context expects one."""
        if at >= len(self.tokens) or self.kinds.get(at, ("", ""))[0] == "NAME":
            return at < len(self.tokens)
        token, word = self.tokens[at], self.words[at]
        term = at in self.terms and not sure
        if word is None or term or self.safe[at] or self._stops(at, sure=sure):
            return False
        if word is Word.UNKNOWN or token.folded in self.search.parts:
            return True
        if self.shouting or self.whispering:
            return word is Word.NAME_TOO or (sure and (word is not Word.SAFE or token.initial))
        if token.initial and token.folded not in contexts().not_initials:
            return True
        return (token.capital or sure) and (word is not Word.SAFE or (sure and token.capital))

    def _stops(self, at: int, *, sure: bool) -> bool:
        """Say whether a word is one that ends a name: ``the``; but ``Mr May`` may be one."""
        token = self.tokens[at]
        if token.folded not in contexts().stops:
            return False
        if sure and self.shouting and token.folded in {"may", "will"} and at + 1 < len(self.tokens):
            # DR MAY FIELD, but not: DR MAY WISH.
            return self.words[at + 1] in {Word.SAFE, None} and self.only_space(at)
        named = sure or (self.words[at] is not Word.SAFE and self.inside(at))
        return not (token.capital and not self.shouting and named)

    def gap_ok(self, at: int, *, comma: bool = False) -> bool:
        """Say whether only what joins the parts of a name stands before token ``at``."""
        gap = self.text[self.tokens[at - 1].end : self.tokens[at].start]
        if "," in gap and not comma:
            return False
        if gap.strip(" \t") in {".", ".\n"} and len(self.tokens[at - 1].text) > 3:
            return False
        return _NAME_GAP.fullmatch(gap) is not None

    def any_run(self, at: int) -> list[int]:
        """Return the words from ``at`` on, in any case, that are names or no words at all."""
        run: list[int] = []
        while at < len(self.tokens) and len(run) < 5 and at not in self.terms:
            if run and not self.gap_ok(at):
                break
            word, token = self.words[at], self.tokens[at]
            if token.folded in role_words():
                break
            if word in {None, Word.SAFE} and not (run and token.folded in contexts().particles):
                break
            if token.folded in contexts().stops:
                break
            run.append(at)
            at += 1
        names = [i for i in run if self.words[i] in {Word.UNKNOWN, Word.NAME_TOO}]
        return run if len(names) > 0 and len(run) > 1 else []

    def run(self, at: int) -> list[int]:
        """Return the tokens from ``at`` on that could make one name together."""
        run: list[int] = []
        while at < len(self.tokens) and len(run) < 5:
            token = self.tokens[at]
            if (run and not self.gap_ok(at)) or token.folded in role_words():
                break
            particle = bool(run) and token.folded in contexts().particles
            if not (self.name_like(at, sure=False) or particle):
                break
            monocase = self.shouting or self.whispering
            named = token.capital or particle or monocase or self.words[at] is Word.UNKNOWN
            if not named:
                break
            run.append(at)
            at += 1
        while run and self.tokens[run[-1]].folded in contexts().particles:
            run.pop()
        return run

    def starts_plainly(self, at: int) -> bool:
        """Say whether a word begins a sentence and goes on as words do, not as a name."""
        if self.inside(at) or at + 1 >= len(self.tokens):
            return False
        following = self.tokens[at + 1]
        return (
            following.text.islower()
            and following.folded not in contexts().person_verbs
            and following.folded
            not in contexts().stops - {"in", "of", "the", "to", "not", "on", "up"}
            and not self.tokens[at].text.endswith(("'s", "’s"))
        )


def _word(token: Token, *, lower: bool) -> Word | None:
    """Judge a token; one with digits in it is no word (None)."""
    if not token.folded.isalpha():
        return None
    word = judge(token.folded)
    if word is Word.UNKNOWN and lower and token.text.islower() and misread_word(token.folded):
        return Word.SAFE
    if word is not Word.UNKNOWN and not token.text.isascii() and _ACCENT.search(token.text):
        # An accent makes a foreign name of a word: Sìne. Words of medicine have some of their own.
        plain = token.folded in vocabulary().medical or token.folded in contexts().accented
        return word if plain else Word.UNKNOWN
    return word
