"""The floor's metrics, which the figures share."""

from __future__ import annotations

from types import ModuleType

import pytest

from models.evaluation import floor


@pytest.fixture(scope="session")
def floor_metrics() -> ModuleType:
    return floor
