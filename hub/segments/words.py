"""In plain words: what a rule means, and what befell segments whose visits group anew.

Of rules the common part of CEL is spelt out, what is beyond it is quoted.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date

from hub.segments.matching import Transition
from hub.segments.tokens import MACROS, Token, tokens, unquoted
from hub.segments.vocabulary import Vocabulary, words_for

COMPARISONS = {
    "==": "is",
    "!=": "is not",
    ">": "is over",
    ">=": "is at least",
    "<": "is under",
    "<=": "is at most",
}
DAY_NAMES = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
END = Token("sign", "")


def in_words(rule: str, *, vocabulary: Vocabulary) -> str:
    """Say what a rule means, in a clause after "Visits for which".

    A rule is expected to be one that CEL could read.
    """
    if MACROS & {token.text for token in tokens(rule)}:
        return f"`{rule.strip()}` holds"
    names = {path: term.words for path, term in vocabulary.terms.items()}
    return _Reading(tokens(rule), names=names).all()


def befell(
    one: Transition, *, recent: tuple[date, date], known: Container[str]
) -> list[tuple[str, str, str]]:
    """Say what a transition means for the segments in it.

    Args:
        one: of groups, called by segments where these hold much the same visits.
        recent: first and last of the days it was seen in.
        known: ids of segments; other names are of groups that nobody has named.

    Returns:
        Segment, event, and its words.

    >>> split = Transition("split", ("a",), ("b", "now-2"), 0.95, parts=(0.6, 0.35))
    >>> for row in befell(split, recent=(date(2026, 3, 30), date(2026, 4, 5)), known={"a", "b"}):
    ...     print(row)
    ('a', 'split', 'in week 14 of 2026: 60 % of it in b, 35 % of it in a group without a name')
    ('b', 'born', 'split from a in week 14 of 2026: 60 % of it')
    """
    when, mothers, heirs = _weeks(*recent), one.before, one.now
    found = []
    if one.kind == "split":
        (mother,) = mothers
        shares = [
            f"{100 * part:.0f} % of it in {_named(heir, known)}"
            for heir, part in zip(heirs, one.parts, strict=True)
            if heir != mother
        ]
        found.append((mother, "split", f"in {when}: {', '.join(shares)}"))
        found += [
            (
                heir,
                "born",
                f"split from {_named(mother, known)} in {when}: {100 * part:.0f} % of it",
            )
            for heir, part in zip(heirs, one.parts, strict=True)
            if heir != mother
        ]
    elif one.kind == "merged":
        (heir,) = heirs
        pairs = list(zip(mothers, one.parts, strict=True))
        found += [
            (mother, "merged", f"into {_named(heir, known)} in {when}: {100 * part:.0f} % of it")
            for mother, part in pairs
            if mother != heir
        ]
        shares = [f"{100 * part:.0f} % of {_named(name, known)}" for name, part in pairs]
        event = "merged" if heir in mothers else "born"
        found.append((heir, event, f"in {when}, of {' and '.join(shares)}"))
    elif one.kind == "born":
        found.append((heirs[0], "born", f"in {when}, out of none of the groups before"))
    elif one.kind == "died":
        found.append((mothers[0], "died", f"in {when} no group holds its visits any more"))
    elif mothers != heirs:
        words = (
            f"goes on from {_named(mothers[0], known)} in {when}: {100 * one.overlap:.0f} % of it"
        )
        found.append((heirs[0], "born", words))
    return [row for row in found if row[0] in known]


def _named(name: str, known: Container[str]) -> str:
    return name if name in known else "a group without a name"


def _weeks(first: date, last: date) -> str:
    """Spell the weeks of a period.

    >>> _weeks(date(2025, 12, 22), date(2026, 1, 4))
    'week 52 of 2025 to week 1 of 2026'
    >>> _weeks(date(2025, 12, 29), date(2026, 1, 4))
    'week 1 of 2026'
    """
    (began, since, _), (year, until, _) = first.isocalendar(), last.isocalendar()
    if began != year:
        return f"week {since} of {began} to week {until} of {year}"
    return f"week {until} of {year}" if since == until else f"weeks {since} to {until} of {year}"


@dataclass(slots=True)
class _Phrase:
    """Words for a part of a rule; ``truth`` if it says yes or no, ``loose`` if it joins several."""

    words: str
    truth: bool = False
    loose: bool = False
    path: str = ""

    def clause(self) -> str:
        return self.words if self.truth else f"{self.words} holds"

    def inside(self) -> str:
        return f"({self.words})" if self.loose else self.words


@dataclass(slots=True)
class _Reading:
    left: list[Token]
    names: Mapping[str, str]
    at: int = field(default=0)

    def all(self) -> str:
        phrase = self._choice()
        if self.at < len(self.left):
            return f"`{''.join(token.text for token in self.left)}` holds"
        return phrase.words

    def _look(self) -> Token:
        return self.left[self.at] if self.at < len(self.left) else END

    def _take(self) -> Token:
        token = self._look()
        self.at += 1
        return token

    def _skip(self, text: str) -> bool:
        if self._look().text == text and self._look().kind in {"sign", "word"}:
            self.at += 1
            return True
        return False

    def _choice(self) -> _Phrase:
        first = self._joined("||", " or ")
        if not self._skip("?"):
            return first
        yes = self._choice()
        self._skip(":")
        no = self._choice()
        return _Phrase(f"{yes.inside()} if {first.clause()}, else {no.inside()}", loose=True)

    def _joined(self, sign: str, word: str) -> _Phrase:
        parts = [self._both() if sign == "||" else self._compared()]
        while self._skip(sign):
            parts.append(self._both() if sign == "||" else self._compared())
        if len(parts) == 1:
            return parts[0]
        words = word.join(part.inside() if part.loose else part.clause() for part in parts)
        return _Phrase(words, truth=True, loose=True)

    def _both(self) -> _Phrase:
        return self._joined("&&", " and ")

    def _compared(self) -> _Phrase:
        left = self._sum()
        sign = self._look().text
        if sign in COMPARISONS:
            self._take()
            right = self._sum(about=left.path)
            return _Phrase(f"{left.words} {COMPARISONS[sign]} {right.words}", truth=True)
        if sign == "in":
            self._take()
            right = self._sum(about=left.path)
            return _Phrase(f"{left.words} is one of {right.words}", truth=True)
        return left

    def _sum(self, *, about: str = "") -> _Phrase:
        phrase = self._one(about=about)
        while self._look().text in {"+", "-", "*", "/", "%"} and self._look().kind == "sign":
            sign = self._take().text
            other = self._one(about=about)
            phrase = _Phrase(f"{phrase.inside()} {sign} {other.inside()}", path=phrase.path)
        return phrase

    def _one(self, *, about: str) -> _Phrase:  # noqa: PLR0911 - one return for each kind of thing
        token = self._take()
        if token.kind == "number":
            return _Phrase(_number(token.text, about=about))
        if token.kind == "text":
            return _Phrase(_text(unquoted(token.text), about=about))
        if token.text == "(":
            inner = self._choice()
            self._skip(")")
            return _Phrase(inner.words, truth=inner.truth, loose=inner.loose, path=inner.path)
        if token.text == "!":
            return _Phrase(f"it is not so that {self._one(about=about).inside()}", truth=True)
        if token.text == "-":
            return _Phrase("-" + self._one(about=about).words)
        if token.text == "[":
            items = []
            while self._look().text not in {"]", ""}:
                items.append(self._choice_about(about))
                self._skip(",")
            self._skip("]")
            return _Phrase(" or ".join(items) or "nothing")
        if token.kind == "word":
            return self._name(token)
        return _Phrase(f"`{token.text}`")

    def _choice_about(self, about: str) -> str:
        if self._look().kind in {"text", "number"}:
            return self._one(about=about).words
        return self._choice().inside()

    def _name(self, token: Token) -> _Phrase:
        if token.text in {"true", "false"}:
            return _Phrase("always" if token.text == "true" else "never", truth=True)
        path = token.text
        while True:
            if self._skip("."):
                path += "." + self._take().text
            elif self._look().text == "[" and self.at + 1 < len(self.left):
                self._take()
                path += "." + unquoted(self._take().text)
                self._skip("]")
            else:
                break
        if self._look().text == "(":
            return self._call(path)
        words = self.names.get(path) or words_for(path)
        return _Phrase(words, truth=path.startswith("tag."), path=path)

    def _call(self, path: str) -> _Phrase:
        start, depth = self.at, 0
        while self.at < len(self.left):
            text = self._take().text
            depth += (text == "(") - (text == ")")
            if depth == 0:
                break
        inside = "".join(token.text for token in self.left[start : self.at])
        return _Phrase(f"`{path}{inside}`")


def _number(text: str, *, about: str) -> str:
    value = float(text.rstrip("uU")) if not text.lower().startswith("0x") else float(int(text, 16))
    if about.startswith("pattern."):
        return f"{100 * value:g} %"
    if about == "context.hour":
        return f"{value:02.0f}:00"
    return f"{value:g}"


def _text(text: str, *, about: str) -> str:
    return DAY_NAMES.get(text, f'"{text}"') if about == "context.weekday" else f'"{text}"'
