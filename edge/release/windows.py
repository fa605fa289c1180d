"""Visits to releases: each visit is counted wholly in the window in which it ends."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.errors import ConfigError
from edge.release.codebook import cell_axis, check_codebook, nearest_cell
from edge.release.coverage import Coverage
from edge.release.hours import Daypart, Hours, Span
from edge.release.noise import RandBelow
from edge.release.privacy import Budget, ChannelName, Ledger
from edge.release.released import Released, let_out
from edge.release.tallies import Tally
from edge.visits.plan import Floor, FloorPlan, ZoneKind
from edge.visits.traits import TraitParams, outcomes_of, traits_of
from edge.visits.visits import Visit
from wire import codec
from wire.codebook import Codebook
from wire.errors import WireError
from wire.messages import OUTCOMES, Axis, Release
from wire.topics import Topic

SHOPPED: tuple[ZoneKind, ...] = ("aisle", "promo", "fitting-room")
"""Kinds of zone that have outcomes; nobody shops at a till or a door."""
CHANNELS: tuple[ChannelName, ...] = ("cells", "zones")

UtcOf = Callable[[int], datetime | None]
"""Scene milliseconds → aware UTC, or None while the clock is not synchronised."""


@dataclass(frozen=True, slots=True)
class WindowParams:
    """When windows are let out.

    Attributes:
        grace_ms: how long after its end a window waits for visits that ended in it;
            ``Visits.latest_ms`` and a little.
        held: visits held while the clock is not synchronised; beyond, the oldest are dropped,
            and the drop is counted.
    """

    grace_ms: int = 20_000
    held: int = 20_000


@dataclass(frozen=True, slots=True)
class _Ended:
    """What a visit adds, stripped of everything else."""

    end_ms: int
    traits: dict[str, float | None]
    outcomes: dict[str, str]


@dataclass(slots=True)
class _Window:
    start_ms: int
    start_at: datetime
    trading: bool
    codebook: Codebook
    tally: Tally
    end_ms: int | None = None
    end_at: datetime | None = None

    def holds(self, scene_ms: int) -> bool:
        return self.start_ms <= scene_ms and (self.end_ms is None or scene_ms < self.end_ms)

    def instant(self, scene_ms: int) -> datetime:
        return self.start_at + timedelta(milliseconds=scene_ms - self.start_ms)


class Windows:
    """All windows in progress: ``cells`` by the hour, ``zones`` by the trading day.

    While the clock is not synchronised visits cannot be dated: what they add (traits,
    outcomes and the instant of their end) is held in memory until it is.

    Outside trading hours (``Hours``, with the time in which the last shoppers leave) nobody is a
    shopper: a visit that ends there is counted in no channel, and no window there is let out.
    Drops that are found at night are told in the next day's first window.
    """

    def __init__(
        self,
        floor: Floor,
        *,
        codebook: Codebook,
        budget: Budget,
        hours: Hours,
        dayparts: Sequence[Daypart],
        utc_of: UtcOf,
        start_ms: int = 0,
        params: WindowParams | None = None,
        trait_params: TraitParams | None = None,
        randbelow: RandBelow = secrets.randbelow,
    ) -> None:
        """Begin counting at ``start_ms``.

        Raises:
            ConfigError: the zones and dayparts do not fit into a message, or the codebook asks
                for traits this agent does not measure.
            PrivacyError: a channel has no budget.
        """
        check_codebook(codebook)
        self._floor = floor
        self._codebook = codebook
        self._budget = budget
        self._hours = hours
        self._dayparts = tuple(dayparts)
        self._utc_of = utc_of
        self._params = params or WindowParams()
        self._trait_params = trait_params or TraitParams()
        self._randbelow = randbelow
        self._zones = tuple(zone.id for zone in floor.plan.zones if zone.kind in SHOPPED)
        check_axes(floor.plan, dayparts=self._dayparts)
        for name in CHANNELS:
            budget.channel(name)
        self._ledger = Ledger()
        self._coverage = Coverage(start_ms)
        self._start_ms = start_ms
        self._now_ms = start_ms
        self._held: list[_Ended] = []
        self._dropped = 0
        self._windows: dict[ChannelName, list[_Window]] = {name: [] for name in CHANNELS}

    @property
    def codebook(self) -> Codebook:
        """The codebook of windows that open from now on."""
        return self._codebook

    @property
    def budget(self) -> Budget:
        """The budget of every window that is let out from now on."""
        return self._budget

    @property
    def undated(self) -> bool:
        """Whether time has passed that has no date yet, and that a stop would lose.

        It tells of the clock alone: it is true however many visits ended meanwhile, none included.
        """
        return self._start_ms < self._now_ms and (
            self._reckoned() is None and self._utc_of(self._now_ms) is None
        )

    def renew(self, codebook: Codebook) -> None:
        """Count by another codebook, from the next window on.

        Raises:
            ConfigError: it asks for traits this agent does not measure.
        """
        check_codebook(codebook)
        self._codebook = codebook

    def tighten(self, max_rho: float) -> None:
        """Spend no more than this on a visit, in windows in progress too; never more than before.

        A wish for more than the present budget is ignored. More noise is always allowed, so a
        window in progress need not end first.

        Raises:
            PrivacyError: the wish is no budget at all.
        """
        self._budget = self._budget.tightened(max_rho)
        for name in CHANNELS:
            for window in self._windows[name]:
                window.tally.tighten(self._budget.channel(name))

    def feed_coverage(self, scene_ms: int, *, seeing: float) -> None:
        """Take the share of the cameras that see (or true and false), from an instant on."""
        self._coverage.feed(scene_ms, seeing=seeing)

    def feed(self, visit: Visit) -> list[Released]:
        """Count a visit that is over; gives the windows that are complete by then."""
        self._held.append(
            _Ended(
                visit.end_ms,
                traits_of(visit, floor=self._floor, params=self._trait_params),
                outcomes_of(visit, floor=self._floor, params=self._trait_params),
            )
        )
        if len(self._held) > self._params.held:
            del self._held[0]
            self._dropped += 1
        return self.advance(max(self._now_ms, visit.end_ms))

    def advance(self, now_ms: int) -> list[Released]:
        """Let out the windows that are complete; none while the clock is not synchronised."""
        self._now_ms = max(self._now_ms, now_ms)
        now_at = self._utc_of(self._now_ms)
        return [] if now_at is None else self._advance(now_at)

    def _advance(self, now_at: datetime) -> list[Released]:
        for name in CHANNELS:
            self._roll(name, now_at=now_at)
        self._place_held()
        complete = [
            (name, window)
            for name in CHANNELS
            for window in self._windows[name]
            if window.end_ms is not None and window.end_ms + self._params.grace_ms <= self._now_ms
        ]
        return self._let_out(complete)

    def due_ms(self) -> int | None:
        """When the next window is complete; None while the clock is not synchronised."""
        now_at = self._utc_of(self._now_ms)
        if now_at is None:
            return None
        ends_ms: list[int] = []
        for name in CHANNELS:
            for window in self._windows[name]:
                end_ms = window.end_ms
                if end_ms is None:
                    edge = self._span(name, window.start_at).end
                    end_ms = self._now_ms + _ms(edge - now_at)
                ends_ms.append(end_ms + self._params.grace_ms)
        return max(self._now_ms, min(ends_ms)) if ends_ms else self._now_ms

    def flush(self, now_ms: int) -> list[Released]:
        """Let out everything counted so far, complete or not, at shutdown.

        A clock that is no longer synchronised is reckoned from the last window's start. If it
        never was, nothing can be dated, and ``undated`` says so: nothing is let out, or lost, yet.
        """
        self._now_ms = max(self._now_ms, now_ms)
        now_at = self._utc_of(self._now_ms) or self._reckoned()
        if now_at is None:
            return []
        released = self._advance(now_at)
        rest = []
        for name in CHANNELS:
            for window in self._windows[name]:
                if window.end_ms is None and window.start_ms < self._now_ms:
                    window.end_ms = self._now_ms
                    window.end_at = window.instant(self._now_ms)
                if window.end_ms is not None:
                    rest.append((name, window))
        self._start_ms = self._now_ms
        return released + self._let_out(rest)

    def _reckoned(self) -> datetime | None:
        """Give the present by the newest window and the scene's clock, if there is a window."""
        windows = self._windows["cells"]
        return windows[-1].instant(self._now_ms) if windows else None

    def _span(self, name: ChannelName, instant: datetime) -> Span:
        return self._hours.hour_at(instant) if name == "cells" else self._hours.span_at(instant)

    def _roll(self, name: ChannelName, *, now_at: datetime) -> None:
        """End windows whose edge has passed and open the next, up to now."""
        windows = self._windows[name]
        if not windows:
            begun_at = now_at + timedelta(milliseconds=self._start_ms - self._now_ms)
            windows.append(self._open(name, start_ms=self._start_ms, start_at=begun_at))
        while True:
            window = windows[-1]
            edge = self._span(name, window.start_at).end
            edge_ms = self._now_ms - _ms(now_at - edge)
            if edge_ms <= window.start_ms:  # the clock was put forward past this edge
                edge = self._span(name, now_at).end
                edge_ms = self._now_ms - _ms(now_at - edge)
            if edge_ms > self._now_ms:
                return
            window.end_ms, window.end_at = edge_ms, edge
            windows.append(self._open(name, start_ms=edge_ms, start_at=edge))

    def _open(self, name: ChannelName, *, start_ms: int, start_at: datetime) -> _Window:
        axes = (
            (cell_axis(self._codebook),)
            if name == "cells"
            else zone_axes(self._floor.plan, dayparts=self._dayparts)
        )
        return _Window(
            start_ms=start_ms,
            start_at=start_at.astimezone(UTC),
            trading=self._span(name, start_at).trading,
            codebook=self._codebook,
            tally=Tally(self._budget.channel(name), axes=axes),
        )

    def _place_held(self) -> None:
        held, self._held = self._held, []
        for ended in held:
            self._count_cell(ended)
            self._count_zones(ended)
        window = self._windows["cells"][-1]
        if window.trading:
            for _ in range(self._dropped):
                window.tally.add([(len(window.codebook.cells),)])
            self._dropped = 0

    def _count_cell(self, ended: _Ended) -> None:
        """Count a visit in its cell, or as dropped: too late, or traits unknown."""
        window = next((w for w in self._windows["cells"] if w.holds(ended.end_ms)), None)
        if window is None:
            self._dropped += 1
        elif window.trading:
            cell = nearest_cell(ended.traits, codebook=window.codebook)
            window.tally.add([(len(window.codebook.cells) if cell is None else cell,)])

    def _count_zones(self, ended: _Ended) -> None:
        """Count a visit's outcomes, the strongest first as far as the clip goes."""
        window = next((w for w in self._windows["zones"] if w.holds(ended.end_ms)), None)
        if window is None or not window.trading:
            return
        instant = window.instant(ended.end_ms)
        daypart = self._hours.daypart_at(instant, dayparts=self._dayparts)
        cells = [
            (self._zones.index(zone), daypart, OUTCOMES.index(outcome))
            for zone, outcome in ended.outcomes.items()
            if zone in self._zones
        ]
        cells.sort(key=lambda cell: -cell[2])
        window.tally.add(cells[: window.tally.channel.clip])

    def _let_out(self, complete: Sequence[tuple[ChannelName, _Window]]) -> list[Released]:
        released = []
        for name, window in complete:
            self._windows[name].remove(window)
            if window.end_ms is None or window.end_at is None:
                raise ValueError("a window without an end is not complete")
            if not window.trading or (name == "zones" and not self._zones):
                continue
            self._ledger.spend(name, start_ms=window.start_ms, end_ms=window.end_ms)
            released.append(
                let_out(
                    window.tally,
                    window_start=window.start_at,
                    window_end=window.end_at,
                    plan=self._floor.plan.version,
                    codebook=window.codebook.version if name == "cells" else "",
                    # Hundredths: finer ones would follow how often the loop turned.
                    coverage=round(self._coverage.share(window.start_ms, window.end_ms), 2),
                    randbelow=self._randbelow,
                )
            )
        starts = [window.start_ms for windows in self._windows.values() for window in windows]
        self._coverage.forget(min(starts, default=self._start_ms))
        return released


def zone_axes(plan: FloorPlan, *, dayparts: Sequence[Daypart]) -> tuple[Axis, ...]:
    """Give the axes of a ``zones`` release."""
    return (
        Axis("zone", tuple(zone.id for zone in plan.zones if zone.kind in SHOPPED)),
        Axis("daypart", tuple(part.name for part in dayparts)),
        Axis("outcome", OUTCOMES),
    )


def check_axes(plan: FloorPlan, *, dayparts: Sequence[Daypart]) -> None:
    """Refuse a plan whose daily release would be larger than the contract allows.

    Raises:
        ConfigError: says how large it would be and what to reduce.
    """
    axes = zone_axes(plan, dayparts=dayparts)
    if not axes[0].labels:
        return
    cells = len(axes[0].labels) * len(axes[1].labels) * len(OUTCOMES)
    longest = "x" * 32
    now = datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)  # any instant at its longest
    topic = Topic(longest, longest, "release")
    message = Release(
        epoch="0" * 16,
        seq=2**53,
        channel="zones",
        window_start=now,
        window_end=now + timedelta(days=1),
        plan=plan.version,
        codebook="",
        axes=axes,
        counts=(-99_999,) * cells,
        sd=1 / 3,
        rho=1 / 3,
        standard_privacy=False,
        coverage=1 / 3,
    )
    try:
        body = codec.encode(topic, message, event_id="x" * 64, time=now)
        codec.decode(topic, body)
    except WireError as error:
        raise ConfigError(
            f"{len(axes[0].labels)} zones x {len(axes[1].labels)} dayparts do not fit into one "
            f"release ({error}); use fewer zones or dayparts, or split the floor between agents"
        ) from error


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
