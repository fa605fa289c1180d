"""Visits to releases: each visit is counted wholly in the window in which it ends."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.release.channels import Channels, Gist, Placing
from edge.release.codebook import check_codebook
from edge.release.coverage import Coverage
from edge.release.goods import Goods
from edge.release.groups import GROUPS, Batch
from edge.release.hours import Daypart, Hours, Span
from edge.release.noise import RandBelow
from edge.release.privacy import Budget, Ledger, Period
from edge.release.released import Released, let_out, let_out_groups
from edge.release.tallies import Tally
from edge.visits.plan import Floor
from edge.visits.traits import TraitParams
from edge.visits.visits import Visit
from wire.codebook import Codebook
from wire.messages import ChannelName

PERIODS: tuple[Period, ...] = ("hour", "day")
DROPPING: dict[Period, ChannelName] = {"hour": "cells", "day": "day_cells"}
"""The channel of each period that tells how many visits could not be placed or released."""

UtcOf = Callable[[int], datetime | None]
"""Scene milliseconds → aware UTC, or None while the clock is not synchronised."""


@dataclass(frozen=True, slots=True)
class WindowParams:
    """When windows are let out.

    Attributes:
        grace_ms: how long after its end a window waits for visits that ended in it;
            ``Visits.latest_ms`` and a little.
        held_ms: how long a visit is held while the clock is not synchronised; then it is dropped,
            and the drop is counted. By time and not by number: one visit more must not push
            another out.
    """

    grace_ms: int = 20_000
    held_ms: int = 24 * 3_600_000


@dataclass(slots=True)
class _Window:
    start_ms: int
    start_at: datetime
    trading: bool
    codebook: Codebook
    tallies: dict[ChannelName, Tally]
    batch: Batch | None
    end_ms: int | None = None
    end_at: datetime | None = None

    def holds(self, scene_ms: int) -> bool:
        return self.start_ms <= scene_ms and (self.end_ms is None or scene_ms < self.end_ms)

    def instant(self, scene_ms: int) -> datetime:
        return self.start_at + timedelta(milliseconds=scene_ms - self.start_ms)


class Windows:
    """All windows in progress: ``cells`` by the hour, all other channels by the trading day.

    While the clock is not synchronised visits cannot be dated: what they add (``Gist``) is held in
    memory until it is.

    Outside trading hours (``Hours``, with the time in which the last shoppers leave) nobody is a
    shopper: a visit that ends there is counted in no channel, and no window there is let out.
    Drops that are found at night are told in the next day's first window.

    Before the instant up to which the ledger says that something was released, nothing is counted:
    what is replayed, or seen by a clock put back over a restart, is not released twice.

    Args:
        floor: of the agent.
        codebook: of the first windows.
        budget: of a visit; channels that it sets nothing aside for are not released.
        hours: of the store.
        dayparts: of its day.
        utc_of: the scene's clock.
        goods: the catalogue's.
        ledger: what was released before.
        groups: whether the store has switched the research mode on.
        start_ms: when counting begins.
        params: when windows are let out.
        trait_params: thresholds.
        randbelow: where the noise comes from; an agent gives the system's alone.

    Raises:
        ConfigError: the codebook asks for traits this agent does not measure.
        PrivacyError: the channels would exceed the budget.
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
        goods: Goods | None = None,
        ledger: Ledger | None = None,
        groups: bool = False,
        start_ms: int = 0,
        params: WindowParams | None = None,
        trait_params: TraitParams | None = None,
        randbelow: RandBelow = secrets.randbelow,
    ) -> None:
        check_codebook(codebook)
        self._plan = floor.plan.version
        self._codebook = codebook
        self._channels = Channels(floor, dayparts=dayparts, goods=goods, trait_params=trait_params)
        self._budget = budget.fitted(self._channels.most)
        self._parts = self._budget.channels
        self._hours = hours
        self._dayparts = tuple(dayparts)
        self._utc_of = utc_of
        self._params = params or WindowParams()
        self._randbelow = randbelow
        self._ledger = ledger or Ledger()
        self._groups = groups
        self._coverage = Coverage(start_ms)
        self._start_ms = start_ms
        self._now_ms = start_ms
        self._told_ms = start_ms
        self._held: list[Gist] = []
        self._dropped: dict[Period, int] = dict.fromkeys(PERIODS, 0)
        self._windows: dict[Period, list[_Window]] = {period: [] for period in PERIODS}

    @property
    def codebook(self) -> Codebook:
        """The codebook of days that begin from now on."""
        return self._codebook

    @property
    def ledger(self) -> Ledger:
        """What was released, and of which period; an agent keeps it over its restarts."""
        return self._ledger

    @property
    def budget(self) -> Budget:
        """The budget of every window that is let out from now on."""
        return self._budget

    @property
    def waits_until(self) -> datetime | None:
        """Until when nothing is counted, because it was released before; None if it is counted."""
        windows = self._windows["hour"]
        if not windows or windows[-1].start_ms <= self._now_ms:
            return None
        return windows[-1].start_at

    @property
    def undated(self) -> bool:
        """Whether time has passed that has no date yet, and that a stop would lose.

        It tells of the clock alone: it is true however many visits ended meanwhile, none included.
        """
        return self._start_ms < self._now_ms and (
            self._reckoned() is None and self._utc_of(self._now_ms) is None
        )

    def renew(self, codebook: Codebook) -> None:
        """Count by another codebook, from the next trading day on.

        Not within a day: the sums of a day are read with the counts of the same codebook.

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
        self._parts = self._budget.channels
        for windows in self._windows.values():
            for window in windows:
                for part in self._parts:
                    if part.name in window.tallies:
                        window.tallies[part.name].tighten(part)

    def feed_coverage(self, scene_ms: int, *, seeing: float) -> None:
        """Take the share of the cameras that see (or true and false), from an instant on."""
        self._coverage.feed(scene_ms, seeing=seeing)

    def feed(self, visit: Visit) -> list[Released]:
        """Count a visit that is over; gives the windows that are complete by then."""
        return self.feed_gist(self._channels.gist(visit))

    def feed_gist(self, gist: Gist) -> list[Released]:
        """Count what a visit adds, where something else has measured the visit."""
        self._held.append(gist)
        return self.advance(max(self._now_ms, gist.end_ms))

    def advance(self, now_ms: int) -> list[Released]:
        """Let out the windows that are complete; none while the clock is not synchronised."""
        self._now_ms = max(self._now_ms, now_ms)
        now_at = self._utc_of(self._now_ms)
        if now_at is None:
            self._drop_old()
            return []
        return self._advance(now_at)

    def _drop_old(self) -> None:
        oldest_ms = self._now_ms - self._params.held_ms
        kept = [gist for gist in self._held if gist.end_ms >= oldest_ms]
        for period in PERIODS:
            self._dropped[period] += len(self._held) - len(kept)
        self._held = kept

    def _advance(self, now_at: datetime) -> list[Released]:
        for period in reversed(PERIODS):  # an hour is counted by its day's codebook
            self._roll(period, now_at=now_at)
        self._place_held()
        complete = [
            (period, window)
            for period in PERIODS
            for window in self._windows[period]
            if window.end_ms is not None and window.end_ms + self._params.grace_ms <= self._now_ms
        ]
        return self._let_out(complete)

    def due_ms(self) -> int | None:
        """When the next window is complete; None while the clock is not synchronised."""
        now_at = self._utc_of(self._now_ms)
        if now_at is None:
            return None
        ends_ms: list[int] = []
        for period in PERIODS:
            for window in self._windows[period]:
                end_ms = window.end_ms
                if end_ms is None:
                    edge = self._span(period, window.start_at).end
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
        for period in PERIODS:
            for window in self._windows[period]:
                if window.end_ms is None and window.start_ms < self._now_ms:
                    window.end_ms = self._now_ms
                    window.end_at = window.instant(self._now_ms)
                if window.end_ms is not None:
                    rest.append((period, window))
        self._start_ms = self._now_ms
        return released + self._let_out(rest)

    def _reckoned(self) -> datetime | None:
        """Give the present by the newest window and the scene's clock, if there is a window."""
        windows = self._windows["hour"]
        return windows[-1].instant(self._now_ms) if windows else None

    def _span(self, period: Period, instant: datetime) -> Span:
        return self._hours.hour_at(instant) if period == "hour" else self._hours.span_at(instant)

    def _roll(self, period: Period, *, now_at: datetime) -> None:
        """End windows whose edge has passed and open the next, up to now."""
        windows = self._windows[period]
        if not windows:
            begun_at = now_at + timedelta(milliseconds=self._start_ms - self._now_ms)
            told_at = max(begun_at, self._ledger.until or begun_at)
            start_ms = self._start_ms + _ms(told_at - begun_at)
            if told_at > begun_at:
                self._told_ms = start_ms
            windows.append(self._open(period, start_ms=start_ms, start_at=told_at))
        while True:
            window = windows[-1]
            edge = self._span(period, window.start_at).end
            edge_ms = self._now_ms - _ms(now_at - edge)
            if edge_ms <= window.start_ms:  # the clock was put forward past this edge
                edge = self._span(period, now_at).end
                edge_ms = self._now_ms - _ms(now_at - edge)
            if edge_ms > self._now_ms:
                return
            window.end_ms, window.end_at = edge_ms, edge
            windows.append(self._open(period, start_ms=edge_ms, start_at=edge))

    def _open(self, period: Period, *, start_ms: int, start_at: datetime) -> _Window:
        days = [day for day in self._windows["day"] if day.start_ms <= start_ms]
        codebook = days[-1].codebook if days and period == "hour" else self._codebook
        return _Window(
            start_ms=start_ms,
            start_at=start_at.astimezone(UTC),
            trading=self._span(period, start_at).trading,
            codebook=codebook,
            tallies={
                one.name: Tally(one, axes=self._channels[one.name].axes(codebook))
                for one in self._parts
                if one.period == period
            },
            batch=Batch(codebook) if self._groups and period == GROUPS.period else None,
        )

    def _place_held(self) -> None:
        held, self._held = self._held, []
        for gist in held:
            for period in PERIODS:
                self._count(period, gist)
        for period, name in DROPPING.items():
            window = self._windows[period][-1]
            tally = window.tallies.get(name)
            if window.trading and tally is not None:
                for _ in range(self._dropped[period]):
                    tally.add([(len(window.codebook.cells),)])
                self._dropped[period] = 0

    def _count(self, period: Period, gist: Gist) -> None:
        """Count a visit in every channel of a period, or as dropped where it comes too late."""
        window = next((w for w in self._windows[period] if w.holds(gist.end_ms)), None)
        if window is None and gist.end_ms < self._told_ms:
            return
        if window is None:
            self._dropped[period] += 1
            return
        if not window.trading:
            return
        if window.batch is not None:
            window.batch.add(gist.traits)
        daypart = self._hours.daypart_at(window.instant(gist.end_ms), dayparts=self._dayparts)
        for name, tally in window.tallies.items():
            placing = Placing(window.codebook, daypart, tally.channel.clip)
            shares = self._channels[name].shares(gist, placing)
            tally.add([cell for cell, _ in shares], amounts=[amount for _, amount in shares])

    def _let_out(self, complete: Sequence[tuple[Period, _Window]]) -> list[Released]:
        released = []
        for period, window in complete:
            self._windows[period].remove(window)
            if window.end_ms is None or window.end_at is None:
                raise ValueError("a window without an end is not complete")
            if not window.trading:
                continue
            # Hundredths: finer ones would follow how often the loop turned.
            share = round(self._coverage.share(window.start_ms, window.end_ms), 2)
            released += self._tell(window, start=window.start_at, end=window.end_at, share=share)
        starts = [window.start_ms for windows in self._windows.values() for window in windows]
        self._coverage.forget(min(starts, default=self._start_ms))
        return released

    def _tell(
        self, window: _Window, *, start: datetime, end: datetime, share: float
    ) -> list[Released]:
        """Let one window's channels out, each entered in the ledger first."""
        released = []
        for name, tally in window.tallies.items():
            self._ledger.spend(tally.channel, start=start, end=end)
            whole = let_out(
                tally,
                window_start=start,
                window_end=end,
                plan=self._plan,
                codebook=window.codebook.version if self._channels[name].coded else "",
                coverage=share,
                randbelow=self._randbelow,
            )
            released += whole.parts()
        if window.batch is not None:
            self._ledger.spend(GROUPS, start=start, end=end)
            groups = let_out_groups(
                window.batch,
                window_start=start,
                window_end=end,
                plan=self._plan,
                codebook=window.codebook.version,
                coverage=share,
            )
            released += groups.parts() if groups else []
        return released


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
