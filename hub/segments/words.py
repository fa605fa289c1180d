"""A rule in plain words: the common part of CEL is spelt out, what is beyond it is quoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
