"""A chain made up from the contract: releases of cells by hour and day, and of tags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hub.ingest.judging import Arrival, Decision, Key, Noted, Stored
from hub.segments.context import Surroundings
from hub.segments.vocabulary import Vocabulary, vocabulary
from hub.store_io.store import Store
from wire.codebook import Cell, Codebook, Scaling
from wire.codec import encode
from wire.messages import DROPPED, Axis, Meta, Release
from wire.topics import Topic

EPOCH = "00000000deadbeef"
MONDAY = date(2026, 3, 2)
BOOK = Codebook(
    version="test-2",
    scaling=(
        Scaling("duration_s", 5.0, 1.0, log=True),
        Scaling("stops", 3.0, 2.0),
        Scaling("kept", 1.0, 1.0),
    ),
    cells=tuple(
        Cell(
            (0.5 * k - 1.0, 0.4 * k - 1.0, 1.0 if k % 2 else -1.0),
            {
                "showroomer": 0.05 if k % 2 else 0.8,
                "wanderer": 0.1 + 0.1 * k,
                "indecisive": 0.3,
            },
        )
        for k in range(8)
    ),
)


@dataclass(frozen=True)
class Floor:
    """Makes releases; ``sd`` 0 gives exact counts under a noise that is told all the same."""

    store: str = "berlin-1"
    agent: str = "north"
    visits: int = 2_000
    sd_hour: float = 7.1
    sd_day: float = 5.6
    sd_tag: float = 22.4
    exact: bool = False

    def day(
        self, day: date, *, likely: np.ndarray, rng: np.random.Generator, first_seq: int, tag: float
    ) -> list[Release]:
        """Give ten hours, the day, and the day's tags."""
        releases = []
        total = np.zeros(len(likely))
        seq = first_seq
        for hour in range(9, 19):
            counts = rng.multinomial(self.visits // 10, likely)
            total += counts
            start = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            releases.append(
                self.release("cells", seq, start, hours=1, counts=counts, sd=self.sd_hour, rng=rng)
            )
            seq += 1
        start = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        releases.append(
            self.release("day_cells", seq, start, hours=10, counts=total, sd=self.sd_day, rng=rng)
        )
        held = np.array([rng.binomial(int(total.sum()), tag)])
        tags = self.release("tags", seq + 1, start, hours=10, counts=held, sd=self.sd_tag, rng=rng)
        return [*releases, tags]

    def release(
        self,
        channel: str,
        seq: int,
        start: datetime,
        *,
        hours: int,
        counts: np.ndarray,
        sd: float,
        rng: np.random.Generator,
    ) -> Release:
        full = np.array([*counts, 0]) if channel != "tags" else counts
        noise = 0 if self.exact else rng.normal(0, sd, len(full))
        labels = ("organic",) if channel == "tags" else (*map(str, range(len(counts))), DROPPED)
        return Release(
            epoch=EPOCH,
            seq=seq,
            channel=channel,  # type: ignore[arg-type]
            window_start=start,
            window_end=start + timedelta(hours=hours),
            plan="plan-1",
            codebook="" if channel == "tags" else BOOK.version,
            axes=(Axis("tag" if channel == "tags" else "cell", labels),),
            counts=tuple(int(n) for n in np.rint(full + noise)),
            sd=sd,
            rho=0.01,
            standard_privacy=True,
            coverage=1.0,
        )


LIKELY = np.array([0.1, 0.15, 0.2, 0.1, 0.05, 0.2, 0.1, 0.1])


@pytest.fixture
def book() -> Codebook:
    return BOOK


@pytest.fixture
def likely() -> np.ndarray:
    return LIKELY


@pytest.fixture
def names(meta: Meta) -> Vocabulary:
    return vocabulary(
        [_with_book(meta)],
        surroundings=Surroundings({"berlin-1": {"format": "city"}}),
        tags=["organic"],
        stores=["berlin-1", "berlin-2"],
    )


def _with_book(meta: Meta) -> Meta:
    return msgspec.structs.replace(
        meta, codebook=BOOK, dayparts=("morning", "evening"), daypart_starts=("06:00", "14:00")
    )


@pytest.fixture
def releases_of() -> Callable[..., list[Release]]:
    """Give a function (days, likely=, seed=, tag=, **floor) that makes releases from a Monday on;
    ``likely`` and ``tag`` may be functions of the day's number."""

    def make(
        days: int,
        *,
        likely: np.ndarray | Callable[[int], np.ndarray] = LIKELY,
        tag: float | Callable[[int], float] = 0.05,
        seed: int = 1,
        **floor: object,
    ) -> list[Release]:
        rng = np.random.default_rng(seed)
        maker = replace(Floor(), **floor)  # type: ignore[arg-type]
        made: list[Release] = []
        for number in range(days):
            made += maker.day(
                MONDAY + timedelta(days=number),
                likely=likely(number) if callable(likely) else likely,
                rng=rng,
                first_seq=len(made) + 1,
                tag=tag(number) if callable(tag) else tag,
            )
        return made

    return make


@pytest.fixture
def filled(
    store: Store, database: Path, meta: Meta, releases_of: Callable[..., list[Release]]
) -> Callable[..., Path]:
    """Give a function (days, **as releases_of) that fills the database and tells its path."""

    def fill(days: int, *, name: str = "berlin-1", **options: object) -> Path:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        message = _with_book(meta)
        topic = Topic(name, "north", "meta")
        arrival = Arrival(str(topic), encode(topic, message, event_id="1", time=at), at, True)
        decisions: list[Decision] = [Noted(topic, message, at, arrival)]
        for release in releases_of(days, **options):
            key = Key(name, "north", EPOCH, release.seq)
            decisions.append(Stored(key, release, str(release.seq), at, arrival))
        store.commit(decisions)
        return database

    return fill
