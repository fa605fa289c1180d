"""Whose hands an item event was in: by place, by standing still, and by what the antenna heard."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from edge.rfid.items import ItemEvent, Key, Trace
from edge.rfid.sales import Sale
from edge.visits.plan import Floor, Point, Shelf
from edge.visits.walks import Walk


@dataclass(frozen=True, slots=True)
class JoinParams:
    """How likely who did what. Set on seeds 101 to 103 of the simulator, scored on others.

    Attributes:
        reach_m: how far from the goods a hand can be, with the error of the place: arm 0.75 m,
            tracking 0.3 m, tag reading field 0.45 m.
        antenna_m: radius in which an antenna hears its goods.
        stand_m: distance from the goods of who handles them,
        stand_sd_m: and how much farther they may well stand.
        speed_m_s: mean speed of who handles goods; they stand still.
        end_sd_m: how far past the shelf's end they may be.
        place_ms: a place is the mean over this long before and after.
        arm_m: how far to either side hands reach, standard deviation.
        heights_m: where goods lie, above or below the antenna.
        rest_sd_db: error of a resting item's level, by place.
        carried_sd_db: error of a carried item's level, by place,
        offset_sd_db: and of its mean over one trace.
        unknown_sd_db: error of the level at 1 m before the first event; each event lowers it.
        rest_at_1m_dbm: level of a resting item at 1 m of 20 dBm sent, until it is learnt.
        carried_at_1m_db: what body and hand take from it.
        loss_db: per decade of distance, there and back.
        step_ms: a trace is read in pieces this long, or one interval between reads.
        heard: share of such pieces in which a tag in the field is read.
        empty_weight: what a piece without a read counts for; silences come in bursts,
        read_weight: and one with a read, whose errors are alike.
        most_nats: that one piece may count for or against.
        nobody_nats: likelihood that none of them did it; four at their doubtful best lose to it.
        least_share: smaller shares are none.
        back_nats: for who is not at the shelf as the item comes back.
        till_nats: for who is not at the till or the exit as the item is.
        unpaid_nats: for who leaves without having been at a till, of what is not put back;
        paid_nats: and for who was there.
        paying_ms: being there begins here.
    """

    reach_m: float = 1.5
    antenna_m: float = 1.6
    stand_m: float = 0.55
    stand_sd_m: float = 0.3
    speed_m_s: float = 0.3
    end_sd_m: float = 0.3
    place_ms: int = 500
    arm_m: float = 0.35
    heights_m: tuple[float, ...] = (-0.6, -0.3, 0.0, 0.3)
    rest_sd_db: float = 4.0
    carried_sd_db: float = 5.0
    offset_sd_db: float = 4.0
    unknown_sd_db: float = 8.0
    rest_at_1m_dbm: float = -50.0
    carried_at_1m_db: float = -15.0
    loss_db: float = 40.0
    step_ms: int = 500
    heard: float = 0.75
    empty_weight: float = 0.25
    read_weight: float = 0.15
    most_nats: float = 4.0
    nobody_nats: float = -12.0
    least_share: float = 0.05
    back_nats: float = -4.0
    till_nats: float = -3.0
    unpaid_nats: float = -2.3
    paid_nats: float = 0.6
    paying_ms: int = 10_000


@dataclass(slots=True)
class _Mean:
    """A mean with a first guess."""

    value: float
    count: int = 0

    def add(self, value: float) -> None:
        self.count += 1
        self.value += (value - self.value) / (self.count + 1)

    def sd(self, least: float, unknown: float) -> float:
        return math.hypot(least, unknown / (1 + self.count))


@dataclass(slots=True)
class _Ear:
    """An antenna's place, and what it has learnt of levels: the scene's own, no visit's.

    Attributes:
        shelf: the goods before it.
        rest: level at 1 m of an item on the shelf.
        carried: level at 1 m of one in a hand.
        faintest_dbm: the lowest level heard.
    """

    at: Point
    shelf: Shelf
    rest: _Mean
    carried: _Mean
    faintest_dbm: float | None = None


@dataclass(slots=True, eq=False)
class Claim:
    """One item that left its shelf: what happened to it, and who may have it.

    Attributes:
        nats: log likelihood of every walk that may be it.
        others: the same of nobody, and of walks that are over.
        events: since it was picked.
        returned: it is back on a shelf.
        paid: a line of the point of sale was matched to it.
    """

    nats: list[tuple[Walk, float]]
    others: float
    events: list[ItemEvent] = field(default_factory=list)
    returned: bool = False
    paid: bool = False

    def share_of(self, walk: Walk) -> float:
        """Give the probability that a walk has, or had, the item."""
        mine = [nats for one, nats in self.nats if one is walk]
        if not mine:
            return 0.0
        return math.exp(_sum_nats(mine) - _sum_nats([self.others, *(n for _, n in self.nats)]))

    def weigh(self, walk: Walk, nats: float) -> None:
        """Add evidence for or against one walk."""
        self.nats = [(one, old + nats if one is walk else old) for one, old in self.nats]

    def merge(self, later: Walk, *, earlier: Walk) -> None:
        """Note that two walks are one person's."""
        self.nats = [(earlier if one is later else one, nats) for one, nats in self.nats]

    def close(self, walk: Walk) -> None:
        """Let a walk go; its likelihood stays."""
        gone = [nats for one, nats in self.nats if one is walk]
        self.others = _sum_nats([self.others, *gone])
        self.nats = [(one, nats) for one, nats in self.nats if one is not walk]


class Joining:
    """Item events to walks, shared by likelihood where several come into question.

    Args:
        floor: the prepared plan.
        params: likelihoods.
        antennas: (reader, antenna), or a zone with one antenna alone, to where it hangs; without
            it, whoever is in the zone or in reach of it counts as near its goods.

    Attributes:
        unattributed: events that most likely were nobody's: staff, or a lost track. Depends on
            people: for tests, never for logs or health.
    """

    def __init__(
        self, floor: Floor, *, params: JoinParams, antennas: Mapping[str | Key, Point]
    ) -> None:
        self.unattributed = 0
        self._floor = floor
        self._params = params
        self._ears = {
            key: _Ear(
                (east, north),
                floor.shelf_near(east, north, radius_m=params.antenna_m),
                _Mean(params.rest_at_1m_dbm),
                _Mean(params.rest_at_1m_dbm + params.carried_at_1m_db),
            )
            for key, (east, north) in antennas.items()
        }
        self._open: dict[bytes, Claim] = {}
        self._claims: list[Claim] = []

    def give(self, event: ItemEvent, walks: Iterable[Walk]) -> None:
        """Join one event to those of the walks that may have caused it."""
        claim = self._open.get(event.tag)
        if event.kind == "picked" or (claim is None and event.kind != "put_back"):
            claim = self._claim(event, walks)
        elif claim is not None:
            self._follow(claim, event)
        if claim is None or not any(
            claim.share_of(walk) >= self._params.least_share for walk, _ in claim.nats
        ):
            self.unattributed += 1
        if claim is None:
            return
        claim.events.append(event)
        if event.kind == "put_back":
            claim.returned = True
            del self._open[event.tag]

    def sell(self, sale: Sale, walks: Iterable[Walk]) -> None:
        """Match a line of the point of sale to who was at that till, and to what they may have."""
        at_till = [
            (walk, nats) for walk in walks if (nats := self._at_till(walk, sale)) is not None
        ]
        for _ in range(sale.quantity):
            if not at_till:
                self.unattributed += 1
                continue
            claim = self._owed(sale, at_till)
            if claim is None:  # goods without a tag, or whose pick was missed
                claim = Claim(list(at_till), self._params.nobody_nats)
                self._claims.append(claim)
            else:
                there = {id(walk): nats for walk, nats in at_till}
                for walk in {id(one): one for one, _ in claim.nats}.values():
                    claim.weigh(walk, there.get(id(walk), self._params.till_nats))
            claim.paid = True
            if not any(event.kind == "sold" for event in claim.events):
                tag = claim.events[0].tag if claim.events else b""
                claim.events.append(
                    ItemEvent("sold", sale.scene_ms, sale.zone, sale.product_class, tag)
                )

    def merge(self, later: Walk, *, earlier: Walk) -> None:
        """Note that two walks are one person's."""
        for claim in self._claims:
            claim.merge(later, earlier=earlier)

    def take(self, walk: Walk) -> list[ItemEvent]:
        """Give what a walk has to do with, by time; the walk is over and forgotten."""
        events = []
        for claim in self._claims:
            if not any(one is walk for one, _ in claim.nats):
                continue
            if not claim.returned:
                claim.weigh(walk, self._paying_nats(walk))
            share = claim.share_of(walk)
            claim.close(walk)
            if share >= self._params.least_share:
                sold = any(event.kind == "sold" for event in claim.events)
                events += [
                    replace(event, share=share)
                    for event in claim.events
                    if not (sold and event.kind == "left_unpaid")
                ]
        self._claims = [claim for claim in self._claims if claim.nats]
        held = {id(claim) for claim in self._claims}
        self._open = {tag: claim for tag, claim in self._open.items() if id(claim) in held}
        return sorted(events, key=lambda event: event.scene_ms)

    # ---- likelihoods -------------------------------------------------------------------------

    def _claim(self, event: ItemEvent, walks: Iterable[Walk]) -> Claim | None:
        weights = [
            (walk, nats) for walk in walks if (nats := self._at_goods(walk, event)) is not None
        ]
        self._open.pop(event.tag, None)
        if not weights:
            return None
        claim = Claim(weights, self._params.nobody_nats)
        if event.kind == "picked":
            self._learn(event, claim)
        self._claims.append(claim)
        self._open[event.tag] = claim
        return claim

    def _at_till(self, walk: Walk, sale: Sale) -> float | None:
        """Give the log likelihood that a walk paid a line, or None where it was elsewhere."""
        params = self._params
        if not walk.start_ms <= sale.scene_ms <= walk.end_ms + params.place_ms:
            return None
        place = walk.mean_at(sale.scene_ms, half_ms=params.place_ms)
        away_m = self._floor.zone_distance_m(sale.zone, *place)
        if away_m > params.reach_m:
            return None
        before = walk.mean_at(sale.scene_ms - 1000, half_ms=params.place_ms)
        after = walk.mean_at(sale.scene_ms + 1000, half_ms=params.place_ms)
        speed_m_s = math.dist(before, after) / 2
        return -speed_m_s / params.speed_m_s - (away_m / params.stand_sd_m) ** 2 / 2

    def _owed(self, sale: Sale, at_till: list[tuple[Walk, float]]) -> Claim | None:
        """Find the item of a class that those at the till most likely have and did not pay."""
        walks = [walk for walk, _ in at_till]
        due = [
            (sum(claim.share_of(walk) for walk in walks), -number, claim)
            for number, claim in enumerate(self._claims)
            if claim.events
            and not (claim.returned or claim.paid)
            and claim.events[0].product_class == sale.product_class
        ]
        if not due:
            return None
        likely, _, claim = max(due, key=lambda one: one[:2])
        return claim if likely >= self._params.least_share else None

    def _follow(self, claim: Claim, event: ItemEvent) -> None:
        """Weigh who may have an item by where they are as it is heard again."""
        absent = self._params.back_nats if event.kind == "put_back" else self._params.till_nats
        for walk in {id(one): one for one, _ in claim.nats}.values():
            nats = self._at_goods(walk, event)
            claim.weigh(walk, absent if nats is None else max(nats, absent))

    def _at_goods(self, walk: Walk, event: ItemEvent) -> float | None:
        """Give the log likelihood that a walk caused an event, or None where it was elsewhere."""
        params = self._params
        if not walk.start_ms - params.place_ms <= event.scene_ms <= walk.end_ms + params.place_ms:
            return None
        east_m, north_m = walk.mean_at(event.scene_ms, half_ms=params.place_ms)
        ear = self._ear(event)
        away_m = (
            self._floor.zone_distance_m(event.zone, east_m, north_m)
            if ear is None
            else ear.shelf.distance_m(east_m, north_m)
        )
        if away_m > params.reach_m or self._behind(event.zone, east_m, north_m):
            return None
        before = walk.mean_at(event.scene_ms - 1000, half_ms=params.place_ms)
        after = walk.mean_at(event.scene_ms + 1000, half_ms=params.place_ms)
        nats = -math.dist(before, after) / 2 / params.speed_m_s
        if ear is None:
            return nats - (away_m / params.stand_sd_m) ** 2 / 2
        nats -= (max(0.0, away_m - params.stand_m) / params.stand_sd_m) ** 2 / 2
        if event.trace is not None:
            nats += self._rest_nats(ear, event.trace, (east_m, north_m))
            nats += self._trace_nats(ear, event, event.trace, walk)
        return nats

    def _ear(self, event: ItemEvent) -> _Ear | None:
        if event.antenna is not None and event.antenna in self._ears:
            return self._ears[event.antenna]
        return self._ears.get(event.zone)

    def _behind(self, zone: str, east_m: float, north_m: float) -> bool:
        """Tell whether somebody stands in another aisle: a gondola has two sides."""
        here = self._floor.zone_at(east_m, north_m)
        return here is not None and here.id != zone

    def _rest_nats(self, ear: _Ear, trace: Trace, place: Point) -> float:
        """Weigh how loud the item was on the shelf against where somebody stood before it."""
        params = self._params
        along_m = ear.shelf.along_m(ear.at, place)
        sd_db = ear.rest.sd(params.rest_sd_db, params.unknown_sd_db)
        nats = []
        for reach in (-1.2, -0.6, 0.0, 0.6, 1.2):
            for height_m in params.heights_m:
                away_m = math.hypot(along_m + reach * params.arm_m, height_m)
                off = (trace.rest_dbm - self._level(ear.rest.value, away_m)) / sd_db
                nats.append(-(reach * reach + off * off) / 2)
        return _sum_nats(nats) - math.log(len(nats))

    def _trace_nats(self, ear: _Ear, event: ItemEvent, trace: Trace, walk: Walk) -> float:
        """Weigh what was heard of the item, and what was not, against where somebody went."""
        params = self._params
        offset_sd = ear.carried.sd(params.offset_sd_db, params.unknown_sd_db)
        faintest = ear.faintest_dbm
        if faintest is None:
            faintest = ear.rest.value - 17.0
        faintest = min([faintest, *(level for _, level in trace.heard)])
        pieces = self._pieces(event, trace)
        places = [walk.mean_at(at_ms, half_ms=params.step_ms // 2) for at_ms, _ in pieces]
        expected = [self._level(ear.carried.value, math.dist(ear.at, place)) for place in places]
        nats = []
        for offset in (-1.5, -0.75, 0.0, 0.75, 1.5):
            total = -offset * offset / 2
            for (_, level), mean in zip(pieces, expected, strict=True):
                total += self._piece_nats(level, mean + offset * offset_sd, faintest=faintest)
            nats.append(total)
        return _sum_nats(nats)

    def _piece_nats(self, level: float | None, mean: float, *, faintest: float) -> float:
        params = self._params
        if level is not None:
            off = (level - mean) / params.carried_sd_db
            return params.read_weight * max(-params.most_nats, -off * off / 2)
        audible = 0.5 + 0.5 * math.erf((mean - faintest) / params.carried_sd_db / math.sqrt(2.0))
        return params.empty_weight * math.log(1.0 - params.heard * audible)

    def _pieces(self, event: ItemEvent, trace: Trace) -> list[tuple[int, float | None]]:
        """Cut a trace into (middle, mean level or None) from the pick to its end."""
        step_ms = max(self._params.step_ms, round(trace.interval_ms))
        levels: dict[int, list[int]] = {}
        for at_ms, level in trace.heard:
            levels.setdefault((at_ms - 1 - event.scene_ms) // step_ms, []).append(level)
        count = max(1, -(-(trace.until_ms - event.scene_ms) // step_ms))
        return [
            (
                event.scene_ms + number * step_ms + step_ms // 2,
                sum(levels[number]) / len(levels[number]) if number in levels else None,
            )
            for number in range(count)
        ]

    def _level(self, at_1m_dbm: float, away_m: float) -> float:
        return at_1m_dbm - self._params.loss_db * math.log10(max(away_m, 0.2))

    def _learn(self, event: ItemEvent, claim: Claim) -> None:
        """Learn levels at 1 m from a pick whose picker is fairly sure."""
        ear, trace = self._ear(event), event.trace
        walk, _ = max(claim.nats, key=lambda one: one[1])
        if ear is None or trace is None or claim.share_of(walk) < 0.5:  # noqa: PLR2004 - a half
            return
        params = self._params
        place = walk.mean_at(event.scene_ms, half_ms=params.place_ms)
        along_m = ear.shelf.along_m(ear.at, place)
        ear.rest.add(trace.rest_dbm - self._level(0.0, math.hypot(along_m, params.arm_m)))
        for _, level in trace.heard:
            ear.faintest_dbm = min(level, ear.faintest_dbm or level)
        heard = [
            level - self._level(0.0, math.dist(ear.at, walk.mean_at(at_ms, half_ms=250)))
            for at_ms, level in trace.heard
        ]
        if heard:
            ear.carried.add(sum(heard) / len(heard))

    def _paying_nats(self, walk: Walk) -> float:
        """Weigh whether who leaves has paid for what they may have."""
        if not walk.door_at_end or not any(zone.kind == "till" for zone in self._floor.plan.zones):
            return 0.0
        before_ms, there_ms = walk.start_ms, 0
        for at_ms, east_m, north_m in zip(walk.times_ms, walk.east_m, walk.north_m, strict=True):
            zone = self._floor.zone_at(east_m, north_m)
            if zone is not None and zone.kind == "till":
                there_ms += at_ms - before_ms
            before_ms = at_ms
        paid = there_ms >= self._params.paying_ms
        return self._params.paid_nats if paid else self._params.unpaid_nats


def _sum_nats(nats: Iterable[float]) -> float:
    """Give log(sum(exp))."""
    values = list(nats)
    most = max(values)
    return most + math.log(sum(math.exp(value - most) for value in values))
