from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ConfigError, PrivacyError
from edge.release.channels import Channels
from edge.release.goods import Goods
from edge.release.hours import Daypart, Hours
from edge.release.privacy import Budget, Ledger, Rule
from edge.release.released import Released
from edge.release.windows import UtcOf, WindowParams, Windows
from edge.rfid.items import ItemEvent
from edge.visits.path import Path, Stop
from edge.visits.plan import Floor, FloorPlan
from edge.visits.visits import Visit
from wire.codebook import Codebook, Scaling
from wire.messages import DROPPED, OUTCOMES

HOUR, MINUTE = 3_600_000, 60_000
GRACE = WindowParams().grace_ms
PARTS = (Daypart("morning", time(0)), Daypart("midday", time(13)), Daypart("evening", time(17)))
BERLIN = Hours(ZoneInfo("Europe/Berlin"), time(8), time(20))
RULES = (
    Rule("cells", "hour", clip=1, share=Fraction(20, 100)),
    Rule("zones", "day", clip=8, share=Fraction(40, 100)),
)
BUDGET = Budget(0.1, RULES)
"""Two channels, one of each period: what is said of them holds for all."""

Visits = Callable[..., Visit]
Bare = Callable[..., list[list[int]]]
UtcFrom = Callable[[datetime], UtcOf]


@pytest.fixture
def windows(
    floor: Floor, codebook: Codebook, noon: datetime, utc_from: UtcFrom
) -> Callable[..., Windows]:
    """Windows that begin at 12:00 UTC = 13:00 in Berlin."""

    def make(
        *,
        seed: int = 1,
        utc_of: UtcOf | None = None,
        budget: Budget = BUDGET,
        params: WindowParams | None = None,
        ledger: Ledger | None = None,
    ) -> Windows:
        return Windows(
            floor,
            ledger=ledger,
            codebook=codebook,
            budget=budget,
            hours=BERLIN,
            dayparts=PARTS,
            utc_of=utc_of or utc_from(noon),
            params=params,
            randbelow=random.Random(seed).randrange,
        )

    return make


def _spans(released: Sequence[Released]) -> list[tuple[str, str, str]]:
    return [
        (one.channel, f"{one.window_start:%d %H:%M}", f"{one.window_end:%d %H:%M}")
        for one in released
    ]


def _zone_cell(one: Released, zone: str, daypart: str, outcome: str) -> int:
    zones, parts, outcomes = one.axes
    place = zones.labels.index(zone) * len(parts.labels) + parts.labels.index(daypart)
    return place * len(outcomes.labels) + outcomes.labels.index(outcome)


def test_a_day_of_windows(windows: Callable[..., Windows], noon: datetime) -> None:
    day = windows(utc_of=lambda ms: noon + timedelta(minutes=10, milliseconds=ms))
    released = [one for minute in range(24 * 60) for one in day.advance(minute * MINUTE)]
    assert _spans(released) == [
        ("cells", "07 12:10", "07 13:00"),
        ("cells", "07 13:00", "07 14:00"),
        ("cells", "07 14:00", "07 15:00"),
        ("cells", "07 15:00", "07 16:00"),
        ("cells", "07 16:00", "07 17:00"),
        ("cells", "07 17:00", "07 18:00"),
        ("cells", "07 18:00", "07 19:00"),
        ("cells", "07 19:00", "07 19:30"),
        ("zones", "07 12:10", "07 19:30"),
        ("cells", "08 07:00", "08 08:00"),
        ("cells", "08 08:00", "08 09:00"),
        ("cells", "08 09:00", "08 10:00"),
        ("cells", "08 10:00", "08 11:00"),
        ("cells", "08 11:00", "08 12:00"),
    ]


def test_a_release_says_what_it_is(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare
) -> None:
    step = windows()
    step.feed_coverage(0, seeing=True)
    step.feed_coverage(HOUR // 4, seeing=False)
    step.feed(visit_at(10 * MINUTE))
    (one,) = step.advance(HOUR + GRACE)
    assert one.coverage == pytest.approx(0.25)
    assert (one.plan, one.codebook, one.sd, one.rho) == ("p1", "c1", 5.0, pytest.approx(0.02))
    assert one.axes[0].labels == ("0", "1", "2", DROPPED)
    assert bare([one], seed=1, budget=BUDGET) == [[0, 1, 0, 0]]
    # what was counted is not what is told
    assert list(one.counts) != [0, 1, 0, 0]


def test_outcomes_of_a_visit_by_zone_and_daypart_of_its_end(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare
) -> None:
    step = windows()
    early, late = visit_at(10 * MINUTE), visit_at(4 * HOUR)  # 13:10 and 17:00 local
    released = [*step.feed(early), *step.feed(late), *step.flush(5 * HOUR)]
    counted = dict(
        zip(
            [one.channel for one in released],
            bare(released, seed=1, budget=BUDGET),
            strict=True,
        )
    )
    (zones,) = [one for one in released if one.channel == "zones"]
    assert zones.codebook == ""
    assert [axis.name for axis in zones.axes] == ["zone", "daypart", "outcome"]
    assert zones.axes[2].labels == OUTCOMES
    assert sum(counted["zones"]) == 4
    for daypart in ("midday", "evening"):
        assert counted["zones"][_zone_cell(zones, "aisle-0", daypart, "short_stop")] == 1
        assert counted["zones"][_zone_cell(zones, "aisle-1", daypart, "pass")] == 1


def test_each_visit_is_counted_once_where_it_ends(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare
) -> None:
    step = windows()
    edge = HOUR
    released = step.feed(visit_at(edge - 1, seconds=30))
    released += step.feed(visit_at(edge, seconds=120))
    # news of a visit of the first hour, after the second one's first
    released += step.feed(visit_at(edge - 5_000, seconds=60))
    assert released == []
    assert step.due_ms() == edge + GRACE
    released += step.advance(edge + GRACE)
    released += step.advance(2 * HOUR + GRACE)
    assert bare(released, seed=1, budget=BUDGET) == [[1, 1, 0, 0], [0, 0, 1, 0]]


def test_what_cannot_be_placed_is_counted_as_dropped(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare
) -> None:
    step = windows()
    step.feed(visit_at(MINUTE, whole=False))  # a trait abstains
    first = step.advance(HOUR + GRACE)
    step.feed(visit_at(2 * MINUTE))  # far too late
    rest = step.flush(HOUR + 10 * MINUTE)
    counted = bare([*first, *rest], seed=1, budget=BUDGET)
    assert counted[0] == [0, 0, 0, 1]
    assert counted[1] == [0, 0, 0, 1]
    assert sum(counted[2]) == 4  # outcomes ask for no whole visit, and the day is still open


def test_after_hours_nobody_is_a_shopper(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare
) -> None:
    step = windows()
    released = [*step.feed(visit_at(9 * HOUR)), *step.advance(20 * HOUR)]  # 22:00 local
    released += step.feed(visit_at(18 * HOUR))  # 07:00 local
    released += step.flush(20 * HOUR)
    counted = bare(released, seed=1, budget=BUDGET)
    assert sum(sum(one) for one in counted) == 0
    closed, opened = datetime(2026, 3, 7, 19, 30, tzinfo=UTC), datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert all(one.window_end <= closed or one.window_start >= opened for one in released)
    assert any(one.window_end == closed for one in released)
    assert any(one.window_start == opened for one in released)


def test_drops_found_at_night_are_told_in_the_morning(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare
) -> None:
    step = windows()
    released = step.advance(9 * HOUR)
    released += step.feed(visit_at(MINUTE))  # far too late
    released += step.advance(19 * HOUR + MINUTE)
    released += step.flush(20 * HOUR)
    counted = bare(released, seed=1, budget=BUDGET)
    told = [one.window_start for one, exact in zip(released, counted, strict=True) if sum(exact)]
    assert told == [datetime(2026, 3, 8, 7, tzinfo=UTC)]
    assert sum(sum(one) for one in counted) == 1


def test_flush_lets_everything_out_once(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare
) -> None:
    step = windows()
    step.feed(visit_at(10 * MINUTE))
    first = step.flush(20 * MINUTE)
    assert _spans(first) == [
        ("cells", "07 12:00", "07 12:20"),
        ("zones", "07 12:00", "07 12:20"),
    ]
    assert step.flush(20 * MINUTE) == []
    step.feed(visit_at(30 * MINUTE))
    second = step.flush(40 * MINUTE)
    assert _spans(second) == [
        ("cells", "07 12:20", "07 12:40"),
        ("zones", "07 12:20", "07 12:40"),
    ]
    counted = bare([*first, *second], seed=1, budget=BUDGET)
    assert [sum(one) for one in counted] == [1, 2, 1, 2]


def test_without_a_clock_nothing_is_let_out_and_nothing_is_lost(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare, noon: datetime
) -> None:
    known = [False]
    step = windows(utc_of=lambda ms: noon + timedelta(milliseconds=ms) if known[0] else None)
    for hour in range(3):
        assert step.feed(visit_at(hour * HOUR + 10 * MINUTE)) == []
    assert step.advance(3 * HOUR) == []
    assert step.flush(3 * HOUR) == []
    assert step.due_ms() is None
    known[0] = True
    released = step.advance(3 * HOUR + GRACE)
    assert _spans(released) == [
        ("cells", "07 12:00", "07 13:00"),
        ("cells", "07 13:00", "07 14:00"),
        ("cells", "07 14:00", "07 15:00"),
    ]
    assert bare(released, seed=1, budget=BUDGET) == [[0, 1, 0, 0]] * 3


def test_a_clock_lost_before_the_stop_loses_no_dated_window(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare, noon: datetime
) -> None:
    known = [True]
    step = windows(utc_of=lambda ms: noon + timedelta(milliseconds=ms) if known[0] else None)
    released = step.feed(visit_at(10 * MINUTE))
    known[0] = False
    released += step.feed(visit_at(50 * MINUTE))
    released += step.feed(visit_at(70 * MINUTE))
    released += step.advance(3 * HOUR)
    assert released == []
    assert not step.undated
    released = step.flush(3 * HOUR + MINUTE)
    assert _spans(released) == [
        ("cells", "07 12:00", "07 13:00"),
        ("cells", "07 13:00", "07 14:00"),
        ("cells", "07 14:00", "07 15:00"),
        ("cells", "07 15:00", "07 15:01"),
        ("zones", "07 12:00", "07 15:01"),
    ]
    counted = bare(released, seed=1, budget=BUDGET)
    assert [sum(exact) for exact in counted] == [2, 1, 0, 0, 6]
    assert not step.undated
    assert step.flush(3 * HOUR + MINUTE) == []


@pytest.mark.parametrize("visits", [0, 3])
def test_what_a_stop_would_lose_is_known_and_tells_of_the_clock_alone(
    windows: Callable[..., Windows], visit_at: Visits, noon: datetime, visits: int
) -> None:
    known = [False]
    step = windows(utc_of=lambda ms: noon + timedelta(milliseconds=ms) if known[0] else None)
    assert not step.undated
    for minute in range(visits):
        step.feed(visit_at(minute * MINUTE))
    assert step.flush(10 * MINUTE) == []
    assert step.undated
    known[0] = True
    assert not step.undated
    assert [one.channel for one in step.flush(10 * MINUTE)] == ["cells", "zones"]
    known[0] = False
    assert not step.undated


def test_what_is_held_is_bounded_and_the_drop_is_told(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare, noon: datetime
) -> None:
    known = [False]
    step = windows(
        utc_of=lambda ms: noon + timedelta(milliseconds=ms) if known[0] else None,
        params=WindowParams(held_ms=7 * MINUTE),
    )
    for minute in range(5):
        step.feed(visit_at(minute * MINUTE))
    step.advance(10 * MINUTE)
    known[0] = True
    (cells, _) = step.flush(10 * MINUTE)
    assert bare([cells], seed=1, budget=BUDGET) == [[0, 2, 0, 3]]


@pytest.mark.parametrize("jump", [timedelta(hours=5), timedelta(minutes=-40)])
def test_a_clock_that_is_put_right_loses_no_visit_and_repeats_no_period(
    windows: Callable[..., Windows],
    visit_at: Visits,
    bare: Bare,
    noon: datetime,
    jump: timedelta,
) -> None:
    offset = [timedelta(0)]
    step = windows(utc_of=lambda ms: noon + timedelta(milliseconds=ms) + offset[0])
    released = step.feed(visit_at(50 * MINUTE))
    offset[0] = jump
    for minute in range(60, 200, 10):
        released += step.advance(minute * MINUTE)
        released += step.feed(visit_at(minute * MINUTE))
    released += step.flush(201 * MINUTE)
    counted = bare(released, seed=1, budget=BUDGET)
    cells = [
        (one, sum(exact))
        for one, exact in zip(released, counted, strict=True)
        if one.channel == "cells"
    ]
    assert sum(exact for _, exact in cells) == 15
    for (one, _), (following, _) in pairwise(cells):
        assert one.window_end <= following.window_start


def test_the_clip_keeps_the_strongest_outcomes(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare
) -> None:
    step = windows()
    step.feed(visit_at(10 * MINUTE, zones=10))
    released = step.flush(20 * MINUTE)
    _, counted = bare(released, seed=1, budget=BUDGET)
    assert sum(counted) == 8
    assert counted[_zone_cell(released[1], "aisle-0", "midday", "short_stop")] == 1


def test_a_new_codebook_waits_for_the_next_day(
    windows: Callable[..., Windows], codebook: Codebook
) -> None:
    step = windows()
    step.advance(0)
    step.renew(Codebook("c2", codebook.scaling, codebook.cells[:2]))
    released = [one for hour in range(1, 24) for one in step.advance(hour * HOUR + GRACE)]
    counted = [(one.window_start.day, one.codebook, len(one.counts)) for one in released]
    assert set(counted) == {(7, "c1", 4), (7, "", 150), (8, "c2", 3)}


@pytest.mark.parametrize("already_ms", [0, MINUTE, HOUR, HOUR + GRACE - 1])
def test_a_tighter_budget_holds_at_once_for_everything_let_out_after_it(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare, already_ms: int
) -> None:
    step = windows(budget=Budget(0.2, RULES))
    released = step.feed(visit_at(0))
    released += step.advance(already_ms)
    assert released == []
    step.tighten(0.05)
    step.tighten(0.5)  # looser: ignored
    released = step.flush(2 * HOUR)
    assert [one.channel for one in released] == ["cells", "cells", "zones"]
    told = {one.name: one for one in step.budget.message().channels}
    for one in released:
        assert (one.sd, one.rho) == (told[one.channel].sd, told[one.channel].rho)
        assert one.standard_privacy
    assert step.budget == Budget(0.05, RULES)
    assert [sum(exact) for exact in bare(released, seed=1, budget=step.budget)] == [1, 0, 2]


def test_a_hub_s_nonsense_changes_nothing(windows: Callable[..., Windows]) -> None:
    step = windows()
    unknown = Codebook("c9", (Scaling("heartbeat", 0, 1),), step.codebook.cells[:0])
    with pytest.raises(ConfigError, match="heartbeat"):
        step.renew(unknown)
    with pytest.raises(PrivacyError):
        step.tighten(0.0)
    assert (step.codebook.version, step.budget) == ("c1", BUDGET)


def test_a_channel_without_budget_is_not_released(windows: Callable[..., Windows]) -> None:
    step = windows(budget=Budget(0.1, RULES[:1]))
    assert {one.channel for one in step.flush(HOUR)} == {"cells"}


def test_a_floor_without_zones_to_shop_in_releases_cells_only(
    plan: FloorPlan, codebook: Codebook, noon: datetime, utc_from: UtcFrom, visit_at: Visits
) -> None:
    bare_floor = Floor(replace(plan, zones=plan.zones[-2:]))
    step = Windows(
        bare_floor,
        codebook=codebook,
        budget=BUDGET,
        hours=BERLIN,
        dayparts=PARTS,
        utc_of=utc_from(noon),
    )
    step.feed(replace(visit_at(MINUTE), stays=(), stops=()))
    assert [one.channel for one in step.flush(HOUR // 2)] == ["cells"]


def test_what_an_earlier_start_released_is_not_counted_again(
    windows: Callable[..., Windows], visit_at: Visits, bare: Bare
) -> None:
    first = windows()
    first.feed(visit_at(10 * MINUTE))
    assert len(first.flush(HOUR)) == 2
    again = windows(ledger=Ledger(first.ledger.spent))  # the same hour is replayed
    released = again.feed(visit_at(10 * MINUTE))
    until = again.waits_until
    assert until == datetime(2026, 3, 7, 13, tzinfo=UTC)
    released += again.feed(visit_at(50 * MINUTE))
    released += again.advance(HOUR)
    assert again.waits_until is None
    released += again.feed(visit_at(70 * MINUTE))
    released += again.flush(80 * MINUTE)
    assert _spans(released) == [
        ("cells", "07 13:00", "07 13:20"),
        ("zones", "07 13:00", "07 13:20"),
    ]
    assert [sum(one) for one in bare(released, seed=1, budget=BUDGET)] == [1, 2]


def test_a_replay_of_what_was_released_whole_releases_nothing(
    windows: Callable[..., Windows], visit_at: Visits
) -> None:
    first = windows()
    first.feed(visit_at(10 * MINUTE))
    first.flush(HOUR)
    again = windows(ledger=first.ledger, seed=2)
    assert [*again.feed(visit_at(10 * MINUTE)), *again.flush(HOUR)] == []


def test_a_full_store_s_release_fits_the_wire(windows: Callable[..., Windows]) -> None:
    step = windows()
    for one in step.flush(HOUR // 2):
        message = one.message(epoch="0" * 16, seq=1)
        assert message.counts == one.counts


ENDS = st.lists(
    st.tuples(st.integers(0, 9 * HOUR), st.integers(5, 200), st.integers(0, 10), st.booleans()),
    max_size=6,
)


def _exact(
    step: Windows, ended: Sequence[Visit], bare: Bare, budget: Budget
) -> dict[tuple[str, datetime], list[int]]:
    released = [one for visit in ended for one in step.feed(visit)] + step.flush(10 * HOUR)
    counted = bare(released, seed=1, budget=budget)
    return {
        (one.channel, one.window_start): exact for one, exact in zip(released, counted, strict=True)
    }


@settings(max_examples=40, deadline=None)
@given(ends=ENDS, one=ENDS.filter(len), total=st.sampled_from([0.1, 8.0]))
def test_neighbouring_days_differ_by_no_more_than_the_clip(
    *,
    floor: Floor,
    codebook: Codebook,
    utc_from: UtcFrom,
    noon: datetime,
    visit_at: Visits,
    bare: Bare,
    ends: list[tuple[int, int, int, bool]],
    one: list[tuple[int, int, int, bool]],
    total: float,
) -> None:
    """With one visit more, the counts before noise differ by 1 in at most ``clip`` cells."""
    budget = Budget(total, RULES)

    def run(days: Sequence[tuple[int, int, int, bool]]) -> dict[tuple[str, datetime], list[int]]:
        step = Windows(
            floor,
            codebook=codebook,
            budget=budget,
            hours=BERLIN,
            dayparts=PARTS,
            utc_of=utc_from(noon),
            randbelow=random.Random(1).randrange,
        )
        visits = [
            visit_at(end, seconds=seconds, zones=zones, whole=whole)
            for end, seconds, zones, whole in sorted(days)
        ]
        return _exact(step, visits, bare, budget)

    without, with_it = run(ends), run([*ends, one[0]])
    assert without.keys() == with_it.keys()
    for channel in budget.channels:
        moved = [
            after - before
            for key in without
            if key[0] == channel.name
            for before, after in zip(without[key], with_it[key], strict=True)
        ]
        assert set(moved) <= {0, 1}
        assert sum(moved) <= channel.clip
    closed_ms = 7 * HOUR + HOUR // 2
    shopped = sum(end < closed_ms for end, *_ in [*ends, one[0]])
    assert sum(sum(exact) for key, exact in with_it.items() if key[0] == "cells") == shopped


GOODS = Goods(("wine", "cheese"), {"1": "wine", "2": "cheese"}, ())


@settings(max_examples=8, deadline=None)
@given(ends=ENDS, one=ENDS.filter(len), parts=st.integers(0, 3))
def test_one_visit_more_changes_no_channel_by_more_than_its_bound(
    *,
    floor: Floor,
    codebook: Codebook,
    utc_from: UtcFrom,
    noon: datetime,
    visit_at: Visits,
    bare: Bare,
    ends: list[tuple[int, int, int, bool]],
    one: list[tuple[int, int, int, bool]],
    parts: int,
) -> None:
    """With every channel, over all windows together: what the accountant adds up."""
    budget = Budget()

    def run(days: Sequence[tuple[int, int, int, bool]]) -> dict[tuple[str, datetime], list[int]]:
        step = Windows(
            floor,
            codebook=codebook,
            budget=budget,
            hours=BERLIN,
            dayparts=PARTS,
            utc_of=utc_from(noon),
            goods=GOODS,
            randbelow=random.Random(1).randrange,
        )
        made = [
            _busy(visit_at(end, seconds=seconds, zones=zones, whole=whole), seed=end + seconds)
            for end, seconds, zones, whole in sorted(days)
        ]
        return _exact(step, made, bare, step.budget)

    channels = Channels(floor, dayparts=PARTS, goods=GOODS)
    fitted = budget.fitted(channels.most)
    more = one[: 1 + parts]
    without, with_it = run(ends), run([*ends, *more])
    assert without.keys() == with_it.keys()
    assert {name for name, _ in without} == set(channels.most)
    for channel in fitted.channels:
        moved = [
            after - before
            for key in without
            if key[0] == channel.name
            for before, after in zip(without[key], with_it[key], strict=True)
        ]
        # k visits of one person move the counts by k times as much, and cost k² as much
        assert sum(step * step for step in moved) <= len(more) ** 2 * channel.bound


def _busy(visit: Visit, *, seed: int) -> Visit:
    """Give a visit that walks, stands and takes things all over the floor."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((0, 0), (20, 10), (rng.integers(1, 150), 2))
    return replace(
        visit,
        path=Path(visit.start_ms, 250, places),
        stops=tuple(Stop("aisle-0", 0, 9_000, *at) for at in places[:12].tolist()),
        items=tuple(
            ItemEvent("picked", visit.start_ms, "aisle-1", product, product.encode())
            for product in ("1", "2")[: rng.integers(0, 3)]
        ),
        cut=bool(rng.integers(0, 2)),
    )


@settings(max_examples=40, deadline=None)
@given(ends=ENDS, seed=st.integers(0, 2**16))
def test_when_advance_is_called_changes_nothing(
    *,
    floor: Floor,
    codebook: Codebook,
    utc_from: UtcFrom,
    noon: datetime,
    visit_at: Visits,
    bare: Bare,
    ends: list[tuple[int, int, int, bool]],
    seed: int,
) -> None:
    def run(*, often: bool) -> list[tuple[object, ...]]:
        rng = random.Random(seed)
        step = Windows(
            floor,
            codebook=codebook,
            budget=BUDGET,
            hours=BERLIN,
            dayparts=PARTS,
            utc_of=utc_from(noon),
            randbelow=random.Random(1).randrange,
        )
        released: list[Released] = []
        for end, seconds, zones, whole in sorted(ends):
            if often:
                released += step.advance(rng.randint(0, end))
            released += step.feed(visit_at(end, seconds=seconds, zones=zones, whole=whole))
        while often and (due_ms := step.due_ms()) is not None and due_ms <= 10 * HOUR:
            settled = step.advance(due_ms)
            after_ms = step.due_ms()
            assert settled or after_ms is None or after_ms > due_ms
            released += settled
        released += step.advance(10 * HOUR)
        counted = bare(released, seed=1, budget=BUDGET)
        return sorted(
            (one.channel, one.window_start, one.window_end, exact)
            for one, exact in zip(released, counted, strict=True)
        )

    assert run(often=True) == run(often=False)
