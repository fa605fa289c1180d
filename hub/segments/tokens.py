"""A rule's text as tokens, and the names and texts in it; evaluation is CEL's own."""

from __future__ import annotations

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
  | (?P<text>[rR]?(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"
        |"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
  | (?P<number>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|0[xX][0-9a-fA-F]+|\d+[uU]?)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign>&&|\|\||==|!=|<=|>=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
WORDS_OF_CEL = frozenset({"true", "false", "null", "in"})
MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
"""Their first argument names a variable of their own."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a rule; ``kind`` is text, number, word or sign."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Names:
    """What a rule speaks of.

    Attributes:
        paths: ``root.name`` pairs, in the order they first stand there.
        bare: other variables.
        indexed: roots indexed by something that is not a plain text.
        texts: the literal texts, without their quotes.
    """

    paths: tuple[str, ...]
    bare: tuple[str, ...]
    indexed: tuple[str, ...]
    texts: tuple[str, ...]


def tokens(rule: str) -> list[Token]:
    """Cut a rule into tokens; spaces and comments are left out."""
    return [
        Token(match.lastgroup or "", match.group())
        for match in TOKEN.finditer(rule)
        if match.lastgroup != "space"
    ]


def unquoted(text: str) -> str:
    """Give what stands between a literal's quotes."""
    body = text.lstrip("rR")
    return body[3:-3] if body[:3] in {'"""', "'''"} else body[1:-1]


def names_of(rule: str) -> Names:
    """Tell the names and texts of a rule.

    >>> names_of('pattern["wanderer"] > 0.5 && context.weekday in ["sat"]').paths
    ('pattern.wanderer', 'context.weekday')
    """
    found = tokens(rule)
    end = Token("sign", "")
    paths: list[str] = []
    bare: list[str] = []
    indexed: list[str] = []
    index_texts: set[int] = set()
    bound = {
        found[i + 2].text
        for i in range(len(found) - 2)
        if found[i].text in MACROS and found[i + 1].text == "(" and found[i + 2].kind == "word"
    }
    for i, token in enumerate(found):
        before = found[i - 1] if i else end
        if token.kind != "word" or token.text in WORDS_OF_CEL or before.text == ".":
            continue
        after = [*found[i + 1 : i + 4], end, end, end]
        if after[0].text == "." and after[1].kind == "word" and after[2].text != "(":
            if token.text not in bound:
                paths.append(f"{token.text}.{after[1].text}")
        elif after[0].text == "[" and token.text not in bound:
            if after[1].kind == "text" and after[2].text == "]":
                paths.append(f"{token.text}.{unquoted(after[1].text)}")
                index_texts.add(i + 2)
            else:
                indexed.append(token.text)
        elif after[0].text != "(" and token.text not in bound:
            bare.append(token.text)
    texts = [
        unquoted(token.text)
        for i, token in enumerate(found)
        if token.kind == "text" and i not in index_texts
    ]
    return Names(*(tuple(dict.fromkeys(part)) for part in (paths, bare, indexed, texts)))
