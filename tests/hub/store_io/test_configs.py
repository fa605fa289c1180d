from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub.errors import ConfigError, NoDataError
from hub.ingest.judging import Arrival, Ingest, read_arrival
from hub.store_io.configs import ConfigTables, Scope
from hub.store_io.store import Store
from wire.codebook import Codebook
from wire.messages import Config, Meta, Status

AT = datetime(2026, 3, 8, 1, tzinfo=UTC)
NORTH, SOUTH, FAR = ("berlin-1", "north"), ("berlin-1", "south"), ("hamburg-1", "north")


@pytest.fixture
def tables(store: Store, arrive: Callable[..., Arrival], meta: Meta) -> ConfigTables:
    ingest = Ingest(known={}, zones={})
    arrivals = [
        arrive(meta),
        *(arrive(Status("online"), store=s, agent=a) for s, a in (SOUTH, FAR)),
    ]
    store.commit([d for a in arrivals for d in ingest.feed(read_arrival(a))])
    return ConfigTables(store)


@pytest.fixture
def book(meta: Meta) -> Callable[[str], Codebook]:
    return lambda version: msgspec.structs.replace(meta.codebook, version=version)


def test_nothing_is_asked_of_anybody_unless_somebody_did(tables: ConfigTables) -> None:
    assert tables.wanted() == {}


def test_the_last_wish_for_a_codebook_holds_and_a_wide_one_ends_narrow_ones(
    tables: ConfigTables, book: Callable[[str], Codebook]
) -> None:
    tables.publish(book("v2"), scope=Scope(), at=AT)
    assert tables.wanted() == dict.fromkeys((NORTH, SOUTH, FAR), Config(book("v2")))
    tables.publish(book("v3"), scope=Scope(*NORTH), at=AT)
    tables.publish(book("v4"), scope=Scope("hamburg-1"), at=AT)
    assert tables.wanted() == {
        NORTH: Config(book("v3")),
        SOUTH: Config(book("v2")),
        FAR: Config(book("v4")),
    }
    tables.publish(book("v2"), scope=Scope("berlin-1"), at=AT + timedelta(hours=1))
    assert tables.wanted()[NORTH] == Config(book("v2"))
    assert tables.wanted()[FAR] == Config(book("v4"))


def test_of_all_wishes_for_privacy_the_tightest_holds(
    tables: ConfigTables, book: Callable[[str], Codebook]
) -> None:
    tables.tighten(0.05, scope=Scope(), at=AT)
    tables.tighten(0.08, scope=Scope(*NORTH), at=AT)
    tables.tighten(0.01, scope=Scope(*SOUTH), at=AT)
    tables.publish(book("v2"), scope=Scope(*NORTH), at=AT)
    assert tables.wanted() == {
        NORTH: Config(book("v2"), 0.05),
        SOUTH: Config(None, 0.01),
        FAR: Config(None, 0.05),
    }
    tables.tighten(None, scope=Scope("berlin-1"), at=AT)
    assert tables.wanted()[SOUTH] == Config(None, 0.05)
    tables.tighten(None, scope=Scope(), at=AT)
    # an empty message, in the place of the one the broker keeps
    assert tables.wanted()[SOUTH] == Config()


def test_a_version_names_one_codebook_for_ever(
    tables: ConfigTables, book: Callable[[str], Codebook], meta: Meta
) -> None:
    tables.publish(book("v2"), scope=Scope(), at=AT)
    for version in ("v2", meta.codebook.version):
        other = msgspec.structs.replace(book(version), source="another")
        with pytest.raises(ConfigError, match="new version"):
            tables.publish(other, scope=Scope(), at=AT)
    tables.publish(meta.codebook, scope=Scope(), at=AT)
    assert list(tables.codebooks()) == sorted(["v2", meta.codebook.version])


@pytest.mark.parametrize(
    ("scope", "kind", "word"),
    [
        (Scope("", "north"), ConfigError, "--store"),
        (Scope("nowhere"), NoDataError, "berlin-1, hamburg-1"),
        (Scope("berlin-1", "west"), NoDataError, "north, south"),
    ],
)
def test_who_was_never_heard_is_asked_nothing(
    scope: Scope,
    kind: type[Exception],
    word: str,
    tables: ConfigTables,
    book: Callable[[str], Codebook],
) -> None:
    with pytest.raises(kind, match=word):
        tables.publish(book("v2"), scope=scope, at=AT)
    with pytest.raises(kind, match=word):
        tables.tighten(0.1, scope=scope, at=AT)
    assert tables.asked() == []
