"""Visits by the thousand, with what an agent would measure of them and what they truly were.

No video, no bodies: a generative model of visits (behaviour/NOTES.md, section 4) over the walks
between a store's shelves, and the errors of an agent on top. For whoever calibrates or benches on
many days. Trait names are those of the agent's registry; NaN is "cannot be told".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import time
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_sim.floor import Floor, Point, apart
from firmware_sim.goods import nearest_shelf
from firmware_sim.store import OUTWARD, ShelfTable, Store, StoreError

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Columns = dict[str, NDArray[Any]]

LATENTS = ("buy", "mission", "decisive", "bargain", "quality")
BUY, MISSION, DECISIVE, BARGAIN, QUALITY = range(5)
TAGS = ("children", "ready_to_eat", "fitness", "formal", "organic")
MOST_SHELVES = 14
"""The shortest rounds over all sets of shelves are kept in a table."""
WEEK = (0.85, 0.85, 0.9, 0.95, 1.25, 1.5, 0.7)
"""Visits by day of the week against the mean, from Monday [K]."""


@dataclass(frozen=True, slots=True)
class BatchParams:
    """How people shop and how well they are seen; log-odds and logs are of the average shopper.

    What has no source here is as in ``ShopperParams``, from behaviour/NOTES.md section 4.

    Attributes:
        correlations: of buy, mission, decisive and bargain, upper triangle row by row. Quality is
            correlated with none: promotion share and price tier are not (section 3, +.03).
        companions: share of parties of two; they walk along and carry nothing.
        queues: share of companions who stand at the till with who pays: 24 of 91 in the store's
            own simulation; of the others an agent cannot tell that their party bought.
        staff: walks of staff a day; they stay long and pay nothing.
        again: log-odds of coming back to goods; ``again_decisive`` lowers it [D].
        till_s: median at the till, wait included.
        intent: added to every shelf's log-odds of a pick, and
        winding: walked over the shortest way between two places: both set so that the share who pay
            and the walks are those of the store's own simulation (tests/figures/traits.py).
        promo: share of a shelf's classes on promotion in its week, one week in four.
        tags: share of kept items with each of ``TAGS``, so that baskets hold them as often as
            section 3 says (12.4 % children, 1.6 % fitness, 2.4 % organic; the others [D]).
        overdispersion: of a day's tag shares, as variance over a Poisson's (section 5: 1.09).
        rain: share of wet days, with ``rain_visits`` of the visits [D].
        cut: share of visits in two pieces, for a track was lost.
        swapped: share of cut ones whose second piece is told with another's items.
        pick_missed: share of picks not heard, and of put-backs ``back_missed``.
        spurious: picks told a visit that were none [D].
        stop_missed: share of stops not found, and ``stop_false`` found a true one; both and
            ``dwell_error_s`` from tests/figures/stops.py at 10 cm.
        path_error: relative error of a path's length.
    """

    correlations: tuple[float, ...] = (0.35, 0.30, 0.25, 0.35, 0.25, 0.25)
    planned_log: float = -0.1
    planned_sd: float = 0.6
    strolls_log: float = 0.1
    strolls_mission: float = 0.7
    detour: float = -0.9
    detour_mission: float = 0.9
    nearest: float = 0.8
    nearest_mission: float = 0.8
    drawn: float = -0.9
    drawn_bargain: float = 0.8
    dwell_sd: float = 0.75
    dwell_decisive: float = 0.3
    intent: float = -0.15
    winding: float = 1.15
    pick_planned: float = 0.9
    pick_buy: float = 0.55
    pick_promo: float = 0.4
    back: float = -1.4
    back_decisive: float = 0.7
    back_buy: float = 0.35
    repick: float = 0.35
    two: float = 0.15
    again: float = -2.2
    again_decisive: float = 0.6
    speed_m_s: float = 0.95
    speed_sd: float = 0.13
    till_s: float = 35.0
    till_sd: float = 0.4
    companions: float = 0.18
    queues: float = 0.26
    staff: int = 6
    promo: float = 0.3
    promo_bargain: float = 0.7
    tier_quality: float = 0.6
    tags: tuple[float, ...] = (0.06, 0.10, 0.008, 0.006, 0.012)
    overdispersion: float = 1.09
    rain: float = 0.25
    rain_visits: float = 0.85
    cut: float = 0.15
    swapped: float = 0.1
    pick_missed: float = 0.15
    back_missed: float = 0.30
    spurious: float = 0.02
    stop_missed: float = 0.04
    stop_false: float = 0.15
    dwell_error_s: float = 0.6
    path_error: float = 0.03


@dataclass(frozen=True, slots=True)
class Change:
    """What is different from a day on: the truth of a test for drift.

    Attributes:
        day: the first one, from 0.
        what: a latent (its mean moves by ``by``), one of ``TAGS`` (its share times ``by``),
            ``arrivals`` or ``promo`` (times ``by``), ``out:CATEGORY`` (picked ``by`` times as
            often, 0 is sold out), or an edit of the planogram: ``offer:CATEGORY`` (an offer
            stands at its shelf: ``by`` times as many come, and pick ``by`` times as often) or
            ``planogram`` (the goods of shelves trade places; ``by`` is the seed of how).
    """

    day: int
    what: str
    by: float


@dataclass(frozen=True, slots=True)
class Marks:
    """Where each record of a day stopped and what it handled; K stops at most, in order.

    Attributes:
        shelves: (V, K) number of each stop's shelf, -1 where it made none.
        past: (V, K) the shelf it strayed past on its way there; -1 where it went straight.
        found: (V, K) whether the agent took it for a stop,
        dwell_s: (V, K) and how long it took it to last.
        handled: (V, K) shelf of each stop whose goods it was told; of another's where swapped.
        heard: (V, K) picks of these, and of them ``backs`` put back.
        categories: what each shelf held that day.
    """

    shelves: Ints
    past: Ints
    found: Bools
    dwell_s: Array
    handled: Ints
    heard: Ints
    backs: Ints
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shop:
    """What does not change with the visits; goods by shelf, in the plan's places.

    Attributes:
        walks_m: between shelves, then till, entrance and exit.
        rounds_m: shortest walk from entrance over a set of shelves and perhaps the till (bit s
            for shelf s, the till above) to the exit.
        zone: number of each shelf's zone among ``zones``.
    """

    walks_m: Array
    rounds_m: Array
    zones: tuple[str, ...]
    zone: Ints
    promo: Bools
    categories: tuple[str, ...]
    popularity: Array
    dwell_s: Array
    intent: Array
    price: Array


@dataclass(slots=True)
class _Day:
    """One day's people and stops while they are worked out.

    Attributes:
        latents: (N, 5).
        leads: (N,) carries the party's goods; ``leader`` is the number of who does.
        stops: (N, K) shelf of each stop in order, -1 past the last.
        past: (N, K) shelf one strays past before each, -1 where one goes straight.
        planned: (N, S).
        dwell_s: (N, K).
        picks: (N, K), and of them ``backs`` put back.
        far_m: (N, K) walked before each stop.
    """

    number: int
    latents: Array
    leads: Bools
    leader: Ints
    staff: Bools
    party: Ints
    size: Ints
    second: Array
    speed_m_s: Array
    planned: Bools
    wanted: Bools
    stops: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    past: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    dwell_s: Array = field(default_factory=lambda: np.zeros((0, 0)))
    picks: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    backs: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    decided_s: Array = field(default_factory=lambda: np.zeros((0, 0)))
    far_m: Array = field(default_factory=lambda: np.zeros((0, 0)))
    home_m: Array = field(default_factory=lambda: np.zeros(0))
    till_s: Array = field(default_factory=lambda: np.zeros(0))


class Batches:
    """Days of visits in a store, one after the other or any of them alone.

    Args:
        store: whose shelves, zones and opening hours.
        visits: a day, on average.
        seed: the same seed and day, the same visits.
        changes: what differs from some day on.
        readers_only: only what is handled before the store's antennas is heard; else all is.

    Raises:
        StoreError: too many shelves, or a change that names nothing of the store.
    """

    def __init__(
        self,
        store: Store,
        *,
        visits: float,
        seed: int,
        changes: Sequence[Change] = (),
        readers_only: bool = False,
        params: BatchParams = BatchParams(),
    ) -> None:
        self._store = store
        self._visits = visits
        self._seed = seed
        self._params = params
        self._changes = tuple(changes)
        self._shop = _shop(store)
        self._heard = np.array(
            [not readers_only or shelf in _heard(store) for shelf in store.shelves]
        )
        self._spread = np.linalg.cholesky(_correlation(params.correlations))
        known = {*LATENTS, *TAGS, "arrivals", "promo", "planogram"}
        known |= {f"{what}:{one}" for what in ("out", "offer") for one in self._shop.categories}
        for change in changes:
            if change.what not in known:
                raise StoreError(f"change {change.what!r} is none of {', '.join(sorted(known))}")

    def day(self, number: int) -> Columns:
        """Give one day's records: a visit that was cut is two.

        Returns:
            Columns of equal length: ``day``, ``second`` (of the store's day, at the end), ``plan``,
            ``visit``, ``party_id``, ``role``, ``entered``, ``left``, ``cut``, ``leads``, traits by
            the registry's names, and ``true_``...: latents, patterns and exact counts.
        """
        return self.marked_day(number)[0]

    def marked_day(self, number: int) -> tuple[Columns, Marks]:
        """Give one day's records, and where each of them stopped."""
        rng = np.random.default_rng((self._seed, number))
        shop = self._shelved(number)
        day = self._people(number, shop, rng=rng)
        self._wish(day, shop, rng=rng)
        self._walk(day, shop, rng=rng)
        self._handle(day, shop, rng=rng)
        return self._records(day, shop, rng=rng)

    # ---- what is so today --------------------------------------------------------------------

    def _by(self, what: str, *, day: int) -> list[float]:
        return [one.by for one in self._changes if one.what == what and one.day <= day]

    def _plan(self, day: int) -> int:
        """Number the planogram of a day, from 1."""
        edits = [one for one in self._changes if one.what.split(":")[0] in {"planogram", "offer"}]
        return 1 + sum(one.day <= day for one in edits)

    def _shelved(self, day: int) -> _Shop:
        shop = self._shop
        order = np.arange(len(shop.popularity))
        for by in self._by("planogram", day=day):
            regular = np.flatnonzero(~shop.promo)
            order[regular] = order[np.random.default_rng(round(by)).permutation(regular)]
        intent, popularity = shop.intent[order].copy(), shop.popularity[order].copy()
        categories = tuple(shop.categories[place] for place in order.tolist())
        for number, category in enumerate(categories):
            for by in self._by(f"out:{category}", day=day):
                intent[number] += math.log(max(by, 1e-9))
            for by in self._by(f"offer:{category}", day=day):
                popularity[number] *= by
                intent[number] += math.log(by)
        return _Shop(
            shop.walks_m, shop.rounds_m, shop.zones, shop.zone, shop.promo, categories,
            popularity, shop.dwell_s[order], intent, shop.price[order],
        )  # fmt: skip

    def _people(self, number: int, shop: _Shop, *, rng: np.random.Generator) -> _Day:
        params = self._params
        mean = self._visits * WEEK[number % 7] * math.prod(self._by("arrivals", day=number))
        if rng.random() < params.rain:
            mean *= params.rain_visits
        mean /= 1 - params.rain * (1 - params.rain_visits)
        parties = 1 + int(rng.poisson(mean / (1 + params.companions)))
        size = 1 + (rng.random(parties) < params.companions).astype(np.int64)
        party = np.concatenate([np.arange(parties), np.flatnonzero(size == 2)])  # noqa: PLR2004
        latents = rng.standard_normal((parties, len(LATENTS))) @ self._spread.T
        for place, name in enumerate(LATENTS):
            latents[:, place] += sum(self._by(name, day=number))
        second = self._arrivals(parties, rng=rng)[party] + rng.uniform(0, 4, len(party))
        # The leader of party n is person n; who works here comes last and alone.
        party = np.concatenate([party, parties + len(party) + np.arange(params.staff)])
        count, staff = len(party), party >= parties
        latents = np.where(staff[:, None], 0.0, latents[np.where(staff, 0, party)])
        speed = params.speed_m_s * np.exp(0.06 * latents[:, MISSION])
        return _Day(
            number=number,
            latents=latents,
            leads=np.arange(count) < parties,
            leader=np.where(staff, np.arange(count), party),
            staff=staff,
            party=party,
            size=np.where(staff, 1, size[np.where(staff, 0, party)]),
            second=np.concatenate([second, self._arrivals(params.staff, rng=rng)]),
            speed_m_s=np.clip(speed + rng.normal(0, params.speed_sd, count), 0.55, 1.4),
            planned=np.zeros((count, len(shop.popularity)), dtype=np.bool_),
            wanted=np.zeros((count, len(shop.popularity)), dtype=np.bool_),
        )

    def _arrivals(self, count: int, *, rng: np.random.Generator) -> Array:
        """Draw instants of coming: two peaks, before noon and after work [K]."""
        opens, closes = (
            3600 * at.hour + 60 * at.minute
            for at in map(time.fromisoformat, (self._store.opens, self._store.closes))
        )
        grid = np.linspace(opens, closes, 241)
        weight = np.full(len(grid), 0.4)
        for peak, wide, high in ((11.5, 1.5, 0.7), (17.5, 1.3, 1.0)):
            weight += high * np.exp(-(((grid / 3600 - peak) / wide) ** 2) / 2)
        edges = np.concatenate([[0.0], np.cumsum(weight[:-1])])
        drawn: Array = np.interp(rng.random(count) * edges[-1], edges, grid)
        return np.sort(drawn)

    # ---- what they do ------------------------------------------------------------------------

    def _wish(self, day: _Day, shop: _Shop, *, rng: np.random.Generator) -> None:
        """Choose shelves: planned ones, strolls, and perhaps a promotion; companions go along."""
        params, people, goods = self._params, len(day.party), ~shop.promo
        mission, bargain = day.latents[:, MISSION], day.latents[:, BARGAIN]
        logs = np.log(shop.popularity)
        count = 1 + rng.poisson(rng.lognormal(params.planned_log, params.planned_sd, people))
        strolls = rng.poisson(np.exp(params.strolls_log - params.strolls_mission * mission))
        rank = _rank(np.where(goods, logs, -np.inf) + rng.gumbel(size=(people, len(logs))))
        planned = (rank < count[:, None]) & goods
        left = np.where(goods & ~planned, logs / 2, -np.inf)
        rank = _rank(left + rng.gumbel(size=left.shape))
        wanted = planned | ((rank < strolls[:, None]) & goods & ~planned)
        drawn = rng.random(people) < _sigmoid(params.drawn + params.drawn_bargain * bargain)
        if shop.promo.any():
            offer = rng.choice(np.flatnonzero(shop.promo), people)
            wanted[np.flatnonzero(drawn), offer[drawn]] = True
        day.planned, day.wanted = planned[day.leader], wanted[day.leader]

    def _walk(self, day: _Day, shop: _Shop, *, rng: np.random.Generator) -> None:
        """Choose the order, shelf after shelf, and how long to stay."""
        params, shelves, people = self._params, len(shop.popularity), len(day.party)
        mission, decisive = day.latents[:, MISSION], day.latents[:, DECISIVE]
        most = int(day.wanted.sum(axis=1).max(initial=0)) + 1
        at, left = np.full(people, shelves + 1), day.wanted.copy()  # from the entrance on
        nearest = _sigmoid(params.nearest + params.nearest_mission * mission)
        detours = _sigmoid(params.detour - params.detour_mission * mission)
        # One comes back to goods at the end, if at all.
        again = rng.random(people) < _sigmoid(params.again - params.again_decisive * decisive)
        stops, far_m = np.full((people, most), -1), np.zeros((people, most))
        past = stops.copy()
        for step in range(most):
            more = left.any(axis=1)
            by_chance = rng.random(people) >= nearest
            away_m = np.where(
                by_chance[:, None], rng.random((people, shelves)), shop.walks_m[at, :shelves]
            )
            goal = np.where(left, away_m, np.inf).argmin(axis=1)
            earlier = stops[:, max(step - 2, 0)]
            back = ~more & again & (step > 1) & (earlier >= 0)
            again &= more
            goal = np.where(back, earlier, goal)
            turn = rng.integers(shelves, size=people)
            strays = (rng.random(people) < detours) & (left.sum(axis=1) > 1)
            detour_m = shop.walks_m[at, turn] + shop.walks_m[turn, goal]
            way_m = np.where(strays, detour_m, shop.walks_m[at, goal])
            moves = more | back
            far_m[:, step] = np.where(moves, way_m, 0.0)
            stops[:, step] = np.where(moves, goal, -1)
            past[:, step] = np.where(moves & strays, turn, -1)
            left[np.flatnonzero(more), goal[more]] = False
            at = np.where(moves, goal, at)
        median_s = shop.dwell_s[stops] * np.exp(-params.dwell_decisive * decisive)[:, None]
        dwell_s = np.clip(rng.lognormal(np.log(median_s), params.dwell_sd), 1.0, 120.0)
        dwell_s = np.where(day.staff[:, None], 300.0 + 10 * dwell_s, dwell_s)
        day.stops, day.past = stops[day.leader], past[day.leader]
        day.far_m = params.winding * far_m[day.leader]
        day.dwell_s = np.where(stops >= 0, dwell_s, 0.0)

    def _handle(self, day: _Day, shop: _Shop, *, rng: np.random.Generator) -> None:
        """Let leaders pick, put back and pay."""
        params, shelves = self._params, len(shop.popularity)
        here = (day.stops >= 0) & day.leads[:, None]
        planned = np.take_along_axis(day.planned, np.maximum(day.stops, 0), axis=1)
        intent = params.intent + shop.intent[day.stops] + params.pick_planned * planned
        intent += params.pick_buy * day.latents[:, BUY, None]
        intent += params.pick_promo * day.latents[:, BARGAIN, None] * shop.promo[day.stops]
        picks = here & (rng.random(here.shape) < _sigmoid(intent))
        doubt = params.back - params.back_decisive * day.latents[:, DECISIVE]
        back = _sigmoid(doubt - params.back_buy * day.latents[:, BUY])[:, None]
        backs = picks & (rng.random(here.shape) < back)
        repicks = backs & (rng.random(here.shape) < params.repick)
        twos = picks & ~backs & (rng.random(here.shape) < params.two)
        day.picks = picks.astype(np.int64) + repicks + twos
        day.backs = backs.astype(np.int64)
        day.dwell_s = np.where(picks, np.maximum(day.dwell_s, 3.0), day.dwell_s)
        day.decided_s = day.dwell_s * rng.uniform(0.35, 0.75, here.shape)
        more_s = np.where(backs, 3.0 + rng.exponential(4.0, here.shape), 0.0)
        more_s += np.where(repicks, 2.0 + rng.exponential(3.0, here.shape), 2.0 * twos)
        day.dwell_s = np.maximum(day.dwell_s, (day.decided_s + more_s + 1.0) * picks)
        day.decided_s += np.where(repicks | twos, more_s, 0.0)
        day.dwell_s = day.dwell_s[day.leader]
        pays = (day.picks - day.backs).sum(axis=1)[day.leader] > 0
        till_s = rng.lognormal(math.log(params.till_s), params.till_sd, len(pays))
        day.till_s = np.where(pays, till_s[day.leader], 0.0)
        last = np.maximum((day.stops >= 0).sum(axis=1) - 1, 0)
        at = np.take_along_axis(day.stops, last[:, None], axis=1)[:, 0]
        at = np.where(at >= 0, at, shelves + 1)
        out = shop.walks_m[at, shelves + 2]
        by_till = shop.walks_m[at, shelves] + shop.walks_m[shelves, shelves + 2]
        day.home_m = params.winding * np.where(pays, by_till, out)

    # ---- what is told of them ----------------------------------------------------------------

    def _records(
        self, day: _Day, shop: _Shop, *, rng: np.random.Generator
    ) -> tuple[Columns, Marks]:
        params = self._params
        people = len(day.party)
        cut = rng.random(people) < params.cut
        count = (day.stops >= 0).sum(axis=1)
        split = rng.integers(0, np.maximum(count, 1) + 1)
        visit = np.concatenate([np.arange(people), np.flatnonzero(cut)])
        piece = np.concatenate([np.zeros(people, np.int64), np.ones(int(cut.sum()), np.int64)])
        step = np.arange(day.stops.shape[1])
        mine = (day.stops[visit] >= 0) & np.where(
            (cut[visit] & (piece == 0))[:, None],
            step < split[visit, None],
            np.where((piece == 1)[:, None], step >= split[visit, None], True),
        )
        true = self._truth(day)
        goods = self._goods(day, shop, rng=rng)
        ends = (day.second + true["true_duration_s"])[visit]
        early = cut[visit] & (piece == 0)
        ends = np.where(early, ends - true["true_duration_s"][visit] / 2, ends)
        roles = np.where(day.staff, "staff", np.where(day.leads, "leader", "companion"))
        told: Columns = {
            "day": np.full(len(visit), day.number),
            "second": np.round(ends, 1),
            "plan": np.full(len(visit), self._plan(day.number)),
            "visit": visit,
            "party_id": day.party[visit],
            "role": roles[visit],
            "entered": piece == 0,
            "left": ~early,
            "cut": cut[visit],
            "leads": day.leads[visit],
        }
        way, found, dwell_s = self._way(
            day, shop, visit=visit, mine=mine, whole=~cut[visit], rng=rng
        )
        late = ~early
        hands, handled, heard, backs = self._hands(
            day, goods, visit=visit, mine=mine, late=late, rng=rng
        )
        told |= way | hands | {name: values[visit] for name, values in true.items()}
        shelves, past = (np.where(mine, one[visit], -1) for one in (day.stops, day.past))
        return told, Marks(shelves, past, found, dwell_s, handled, heard, backs, shop.categories)

    def _truth(self, day: _Day) -> Columns:
        here = day.stops >= 0
        kept = (day.picks - day.backs).sum(axis=1)
        engaged_s = np.where(here, day.dwell_s, 0.0).sum(axis=1)
        path_m = day.far_m.sum(axis=1) + day.home_m
        bought = kept[day.leader]
        true: Columns = {
            "true_duration_s": path_m / day.speed_m_s + engaged_s + day.till_s,
            "true_path_m": path_m,
            "true_stops": here.sum(axis=1),
            "true_picks": day.picks.sum(axis=1),
            "true_put_backs": day.backs.sum(axis=1),
            "true_bought": bought,
            # As firmware_sim.truth.patterns has them.
            "true_showroomer": (engaged_s >= 5) & (bought == 0),  # noqa: PLR2004
            "true_wanderer": day.latents[:, MISSION] < 0,
            "true_indecisive": day.latents[:, DECISIVE] < 0,
        }
        return true | {f"true_{name}": day.latents[:, n] for n, name in enumerate(LATENTS)}

    def _goods(self, day: _Day, shop: _Shop, *, rng: np.random.Generator) -> Columns:
        """Say of each stop's goods what a catalogue would; one draw a stop."""
        params, shape = self._params, day.stops.shape
        factor = math.prod(self._by("promo", day=day.number))
        week = (day.number // 7 + np.arange(len(shop.promo))) % 4 == 0
        expected = np.minimum(
            0.95, factor * params.promo * np.where(shop.promo, 2.0, week.astype(float))
        )
        share = expected[day.stops]
        odds = np.log(np.maximum(share, 1e-9) / (1 - share))
        promo = rng.random(shape) < _sigmoid(
            odds + params.promo_bargain * day.latents[:, BARGAIN, None]
        )
        drawn = params.tier_quality * day.latents[:, QUALITY, None] + math.sqrt(
            1 - params.tier_quality**2
        ) * rng.standard_normal(shape)
        price = shop.price[day.stops] * np.exp(0.35 * drawn)
        tags: Columns = {}
        for tag, base in zip(TAGS, params.tags, strict=True):
            rate = base * math.prod(self._by(tag, day=day.number))
            kept = max(1.0, float((day.picks - day.backs).sum()))
            # A day's share varies by more than chance does.
            rate *= float(
                rng.gamma(1 / (wide := (params.overdispersion - 1) / (rate * kept)), wide)
            )
            tags[tag] = rng.random(shape) < min(1.0, rate)
        return {
            "expected": share, "promo": promo, "tier": _normal_cdf(drawn), "price": price,
            "premium": np.exp(0.35 * drawn - 0.06) > 1.15,  # noqa: PLR2004 - NOTES.md section 2
        } | tags  # fmt: skip

    def _way(
        self, day: _Day, shop: _Shop, *, visit: Ints, mine: Bools, whole: Bools,
        rng: np.random.Generator,
    ) -> tuple[Columns, Bools, Array]:  # fmt: skip
        """Give traits of the way, and which stops were found and how long they seemed."""
        params, shelves = self._params, len(shop.popularity)
        stops = day.stops[visit]
        found = mine & (rng.random(mine.shape) >= params.stop_missed)
        dwell_s = np.maximum(
            0.0, day.dwell_s[visit] + rng.normal(0, params.dwell_error_s, mine.shape)
        )
        found &= dwell_s >= 3.0  # noqa: PLR2004 - the least a stop lasts
        engaged = found & (dwell_s >= 5.0)  # noqa: PLR2004 - NOTES.md section 2
        false = rng.poisson(params.stop_false * mine.sum(axis=1))
        path_m = (day.far_m.sum(axis=1) + day.home_m)[visit]
        seen_m = path_m * np.exp(rng.normal(0, params.path_error, len(visit)))
        places = np.where(engaged, 1 << np.maximum(stops, 0), 0)
        mask = np.bitwise_or.reduce(places, axis=1) | np.where(
            day.till_s[visit] > 0, 1 << shelves, 0
        )
        duration_s = path_m / day.speed_m_s[visit] + day.dwell_s[visit].sum(axis=1)
        duration_s += day.till_s[visit]
        zone_s = np.zeros((len(visit), len(shop.zones)))
        entries = np.zeros(len(visit))
        last = np.full(len(visit), -1)
        leg_s = day.far_m[visit] / day.speed_m_s[visit, None]
        for step in range(stops.shape[1]):
            here = mine[:, step]
            zone = shop.zone[stops[:, step]]
            # Half of the way to a shelf is in its zone.
            zone_s[np.arange(len(visit)), zone] += here * (dwell_s[:, step] + leg_s[:, step] / 2)
            entries += here & (zone != last)
            last = np.where(here, zone, last)
        total_s = zone_s.sum(axis=1)
        some: Bools = np.asarray(total_s > 0)
        share = np.divide(zone_s, total_s[:, None], where=total_s[:, None] > 0,
                          out=np.zeros_like(zone_s))  # fmt: skip
        unique = (zone_s > 0).sum(axis=1)
        logs = np.log(share, where=share > 0, out=np.zeros_like(share))
        promos = sorted(set(shop.zone[shop.promo].tolist()))
        traits: Columns = {
            "duration_s": _known(duration_s, whole),
            "path_m": _known(seen_m, whole),
            "moving_speed_m_s": day.speed_m_s[visit] * np.exp(rng.normal(0, 0.03, len(visit))),
            "excess_path": _known(seen_m / shop.rounds_m[mask], whole),
            "zone_entropy": _known(
                -(share * logs).sum(axis=1) / math.log(max(2, len(shop.zones))), some
            ),
            "revisits": _known(1 - unique / np.maximum(entries, 1), entries > 0),
            "coverage": unique / len(shop.zones),
            "promo_zone_share": _known(share[:, promos].sum(axis=1), some),
            "party": day.size[visit],
            "stops": (found.sum(axis=1) + false).astype(float),
            "stop_s": _known(
                (dwell_s * found).sum(axis=1) / np.maximum(found.sum(axis=1), 1),
                np.asarray(found.any(axis=1)),
            ),
            "engaged_s": (dwell_s * engaged).sum(axis=1) + 7.0 * rng.binomial(false, 0.4),
            "reapproaches": _repeats(stops, mine=found).sum(axis=1).astype(float),
        }
        return traits, found, dwell_s

    def _hands(
        self, day: _Day, goods: Columns, *, visit: Ints, mine: Bools, late: Bools,
        rng: np.random.Generator,
    ) -> tuple[Columns, Ints, Ints, Ints]:  # fmt: skip
        """Give traits of what was handled, and by stop: at which shelf, picks heard, put back."""
        params = self._params
        whose = visit.copy()
        swaps = np.flatnonzero(~late & (rng.random(len(visit)) < params.swapped))
        whose[swaps] = visit[rng.permutation(swaps)]
        near = mine & self._heard[day.stops[whose]]
        heard = np.where(near, rng.binomial(day.picks[whose], 1 - params.pick_missed), 0)
        backs = np.minimum(
            heard, np.where(near, rng.binomial(day.backs[whose], 1 - params.back_missed), 0)
        )
        false = rng.poisson(params.spurious, len(visit))
        picks, puts = heard.sum(axis=1) + false, backs.sum(axis=1)
        kept = heard - backs
        basket = kept.sum(axis=1) + false
        queues = day.leads | (rng.random(len(day.leads)) < params.queues)
        till_s = np.where(late & queues[visit], day.till_s[visit], 0.0)
        pays = till_s >= 10.0  # noqa: PLR2004 - NOTES.md section 2 [K]
        some, any_pick = kept.sum(axis=1) > 0, heard.sum(axis=1) > 0

        def mean(name: str, weight: Ints, known: Bools) -> Array:
            total = (goods[name][whose] * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1)
            return _known(total, known)

        decided = heard > 0
        decision_s = (day.decided_s[whose] * decided).sum(axis=1) / np.maximum(
            decided.sum(axis=1), 1
        )
        value = (goods["price"][whose] * kept).sum(axis=1)
        promo = mean("promo", heard, any_pick)
        traits = {
            "decision_s": _known(decision_s, any_pick),
            "decision_ratio": _known(decision_s / 10.0, any_pick),
            "picks": picks.astype(float),
            "put_backs": puts.astype(float),
            "put_back_ratio": (puts + 0.5) / (picks + 1.0),
            "kept": np.maximum(basket, pays).astype(float),
            "sold": np.where(pays, basket, 0).astype(float),
            "till_wait_s": _known(till_s, pays),
            "basket_size": basket.astype(float),
            "basket_value": np.round(value, 2),
            "value_band": np.searchsorted((10, 25, 50, 100), value, side="right").astype(float),
            "promo_picks": promo,
            "promo_lift": promo - mean("expected", heard, any_pick),
            "price_tier": mean("tier", kept, some),
            "premium_share": mean("premium", kept, some),
        } | {
            f"basket_{tag}": _known(((goods[tag][whose] & (kept > 0)).any(axis=1)).astype(float),
                                    some)
            for tag in TAGS
        }  # fmt: skip
        return traits, day.stops[whose], heard, backs


def rows(columns: Columns) -> Iterator[dict[str, Any]]:
    """Give records one by one, None for NaN, numbers to four digits."""
    lists = [_plain(values) for values in columns.values()]
    for values in zip(*lists, strict=True):
        yield dict(zip(columns, values, strict=True))


def _plain(values: NDArray[Any]) -> list[Any]:
    told = values.astype(object)
    if values.dtype.kind == "f":
        told = np.round(values, 4).astype(object)
        told[np.isnan(values)] = None
    listed: list[Any] = told.tolist()
    return listed


# ---- the store as numbers ------------------------------------------------------------------------


def _shop(store: Store) -> _Shop:
    shelves = store.shelves
    if len(shelves) > MOST_SHELVES:
        raise StoreError(
            f"shelves: there are {len(shelves)}, and batches of visits know the shortest rounds of "
            f"{MOST_SHELVES}; join some"
        )
    floor = Floor(store)
    points = [before_shelf(shelf, at=middle(shelf.line)) for shelf in shelves]
    points += [middle(store.till.counters), middle(store.room.entrance), middle(store.room.exit)]
    points = [floor.nearest_free(point) for point in points]
    walks_m = np.zeros((len(points), len(points)))
    for one, start in enumerate(points):
        for other, goal in enumerate(points[:one]):
            way = [start, *floor.way(start, goal=goal)]
            long_m = sum(apart(a, b) for a, b in pairwise(way))
            walks_m[one, other] = walks_m[other, one] = long_m
    shops = tuple(zone.id for zone in store.zones if zone.kind in {"aisle", "promo"})
    return _Shop(
        walks_m=walks_m,
        rounds_m=_rounds_m(walks_m),
        zones=shops,
        zone=np.array([shops.index(shelf.zone) for shelf in shelves]),
        promo=np.array([shelf.promo for shelf in shelves]),
        categories=tuple(shelf.category for shelf in shelves),
        popularity=np.array([shelf.popularity for shelf in shelves]),
        dwell_s=np.array([shelf.dwell_s for shelf in shelves]),
        intent=np.array([shelf.intent for shelf in shelves]),
        price=np.array([2.0 + 0.5 * shelf.dwell_s for shelf in shelves]),
    )


def _heard(store: Store) -> list[ShelfTable]:
    return [
        nearest_shelf(antenna, store=store)
        for reader in store.readers
        for antenna in reader.antennas()
        if antenna.items
    ]


def _rounds_m(walks_m: Array) -> Array:
    """Give the shortest walk from the entrance over every set of places to the exit.

    Source: Held & Karp 1962, over all sets at once.
    """
    places = len(walks_m) - 2
    entrance, leave = places, places + 1
    best = np.full((1 << places, places), np.inf)
    for place in range(places):
        best[1 << place, place] = walks_m[entrance, place]
    for chosen in range(1, 1 << places):
        for last in range(places):
            if chosen >> last & 1 and chosen != 1 << last:
                before = best[chosen ^ (1 << last)]
                best[chosen, last] = (before + walks_m[:places, last]).min()
    rounds: Array = (best + walks_m[:places, leave]).min(axis=1)
    rounds[0] = walks_m[entrance, leave]
    return rounds


def before_shelf(shelf: ShelfTable, *, at: Point) -> Point:
    """Give where one stands who looks at a point of a shelf."""
    outward = OUTWARD[shelf.faces]
    return at[0] + 0.8 * outward[0], at[1] + 0.8 * outward[1]


def middle(points: Sequence[Point]) -> Point:
    """Give the mean of some points."""
    return (
        sum(point[0] for point in points) / len(points),
        sum(point[1] for point in points) / len(points),
    )


# ---- arithmetic ----------------------------------------------------------------------------------


def _correlation(upper: tuple[float, ...]) -> Array:
    matrix = np.eye(len(LATENTS))
    matrix[np.triu_indices(QUALITY, 1)] = upper
    full: Array = np.maximum(matrix, matrix.T)
    return full


def _sigmoid(log_odds: Array) -> Array:
    odds: Array = 1.0 / (1.0 + np.exp(-log_odds))
    return odds


def _normal_cdf(drawn: Array) -> Array:
    """Approximate to .0003 by a logistic of an odd polynomial (Bowling et al. 2009)."""
    return _sigmoid(0.07056 * drawn**3 + 1.5976 * drawn)


def _rank(keys: Array) -> Ints:
    """Give each key's place in its row, the largest first."""
    ranks: Ints = np.argsort(np.argsort(-keys, axis=1), axis=1)
    return ranks


def _repeats(stops: Ints, *, mine: Bools) -> Bools:
    """Mark the stops at a shelf that one has stopped at before."""
    again = np.zeros(mine.shape, dtype=np.bool_)
    for step in range(stops.shape[1]):
        before = (stops[:, :step] == stops[:, step, None]) & mine[:, :step]
        again[:, step] = mine[:, step] & before.any(axis=1)
    return again


def _known(values: Array, known: Bools) -> Array:
    told: Array = np.where(known, values, np.nan)
    return told
