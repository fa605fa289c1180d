from __future__ import annotations

import msgspec
import pytest

from wire.codebook import Codebook, default_codebook
from wire.messages import PATTERNS


def test_default_codebook_scores_every_pattern_in_every_cell() -> None:
    codebook = default_codebook()
    assert 16 <= len(codebook.cells) <= 32
    assert all(set(cell.patterns) == set(PATTERNS) for cell in codebook.cells)


def test_prototypes_must_fit_the_scaling() -> None:
    body = msgspec.to_builtins(default_codebook())
    body["cells"][0]["prototype"] = [0.0]
    with pytest.raises(msgspec.ValidationError, match="cell 0 has 1 coordinates"):
        msgspec.convert(body, Codebook)
