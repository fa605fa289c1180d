"""Shoppers: who comes, what they are after, how they walk, stop, pick, put back and pay.

A shopper has four correlated latent tendencies and no class; what a merchandiser would call a
showroomer or a wanderer is a matter of degree here. Source: behaviour/NOTES.md §4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import jupedsim
import numpy as np

from firmware_sim.floor import Floor, Point, apart
from firmware_sim.goods import Goods, TagAt, nearest_shelf
from firmware_sim.scene import Figure
from firmware_sim.store import OUTWARD, ShelfTable, Store
from firmware_sim.truth import Handled, Seen, Stood, TruthEvent, Visited

BUY, MISSION, DECISIVE, BARGAIN = range(4)
STEP_S = 0.1
"""Positions are renewed this often."""
STEPS_PER_DECISION = 2
ITERATIONS_PER_STEP = 2
"""Of JuPedSim, 0.05 s each."""


@dataclass(frozen=True, slots=True)
class ShopperParams:
    """How people shop; log-odds and logs are of the average shopper (all latents 0).

    Attributes:
        correlations: of the latents, upper triangle row by row (NOTES.md §4: .25 to .35).
        planned_log: log mean of planned stops beyond the first; ``planned_sd`` its spread.
        strolls_log: log mean of unplanned stops; ``strolls_mission`` how mission lowers it.
        detour: log-odds of walking through another aisle between stops; mission lowers it.
        nearest: log-odds of taking the nearest stop next (NOTES.md §4: .8 + .8 z).
        promo: log-odds of being drawn to a promotion; bargain raises it.
        dwell_sd: of a stop's log seconds; ``dwell_decisive`` how decision shortens it.
        pick_planned: added to a shelf's intent at a planned stop.
        pick_buy: how buying intent raises picking.
        pick_promo: how bargain raises picking promotions.
        back: log-odds of putting a picked item back; ``back_decisive``, ``back_buy`` lower it.
            NOTES.md §4 has -2; more here, so that a short run has some [D].
        again: share of those who then pick another.
        two: share of picks that take two.
        speed_m_s: mean walking speed; malls .85 (UTHM), stores 1.0; ``speed_sd`` its spread.
        second_glance_s: shortest time between picking and putting back.
        service_sd: of the till's log seconds.
        service_hurried: at closing time, service takes this share of the time.
        arm_m: how far along a shelf a shopper reaches.
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
    promo: float = -0.9
    promo_bargain: float = 0.8
    dwell_sd: float = 0.75
    dwell_decisive: float = 0.3
    pick_planned: float = 0.9
    pick_buy: float = 0.55
    pick_promo: float = 0.4
    back: float = -1.4
    back_decisive: float = 0.7
    back_buy: float = 0.35
    again: float = 0.35
    two: float = 0.15
    speed_m_s: float = 0.95
    speed_sd: float = 0.13
    second_glance_s: float = 3.0
    service_sd: float = 0.4
    service_hurried: float = 0.5
    arm_m: float = 0.7


@dataclass(frozen=True, slots=True)
class WalkParams:
    """How people move; all [D], set by looking at plotted paths.

    Attributes:
        ahead_m: a walker steers for a point this far ahead.
        corner_m: a corner counts as passed within this distance.
        arrive_m: a goal counts as reached within this distance,
        near_m: and within this one if that takes longer than ``near_s``.
        sway_sd_m: sideways wandering about the straight line, Ornstein-Uhlenbeck of ``sway_s``.
        progress_m: the way must get shorter by this much, else one is held up.
        sidestep_s: held up so long, one steps aside;
        squeeze_s: and so long, one turns the shoulder and squeezes past;
        give_up_s: and so long, one leaves the shelf be (NOTES.md §4: 8 s).
    """

    ahead_m: float = 1.2
    corner_m: float = 0.5
    arrive_m: float = 0.25
    near_m: float = 0.5
    near_s: float = 1.5
    sway_sd_m: float = 0.18
    sway_s: float = 2.5
    progress_m: float = 0.2
    sidestep_s: float = 2.0
    squeeze_s: float = 4.0
    give_up_s: float = 8.0
    radius_m: float = 0.2
    cart_radius_m: float = 0.27
    squeezed_radius_m: float = 0.06


@dataclass(frozen=True, slots=True)
class Closing:
    """How a run drains: nobody comes any more, and then everybody is asked to finish."""

    last_arrival_s: float
    last_call_s: float


GoalKind = Literal["shelf", "stroll", "queue", "counter", "exit"]


@dataclass(frozen=True, slots=True)
class _Goal:
    kind: GoalKind
    point: Point
    facing: float = 0.0
    shelf: int = -1
    planned: bool = False


@dataclass(slots=True, eq=False)
class _Person:
    number: int
    agent: int
    role: Literal["leader", "companion"]
    look: int
    height_m: float
    speed_m_s: float
    radius_m: float
    carries: Literal["nothing", "basket", "cart"]
    enter_s: float
    at: Point
    goal: _Goal
    way: list[Point] = field(default_factory=list)
    standing: bool = False
    heading: float = math.pi / 2
    velocity: Point = (0.0, 0.0)
    pace_m_s: float = 0.0
    gait_m: float = 0.0
    sway_m: float = 0.0
    near_since_s: float | None = None
    checked_s: float = 0.0
    shortest_m: float = math.inf
    nearer_at_s: float = 0.0
    aside_until_s: float = 0.0
    squeezed_until_s: float = 0.0
    pose: Literal["walk", "stand", "reach", "crouch"] = "walk"
    pose_until_s: float = 0.0
    stood_since_s: float | None = None
    stops: list[Stood] = field(default_factory=list)
    dwell_s: dict[str, float] = field(default_factory=dict)
    inside: bool = True


@dataclass(slots=True, eq=False)
class _Action:
    at_s: float
    kind: Literal["pick", "put_back"]


@dataclass(slots=True, eq=False)
class _Party:
    number: int
    latents: tuple[float, float, float, float]
    people: list[_Person]
    plan: list[tuple[int, bool]]
    stop_until_s: float | None = None
    actions: list[_Action] = field(default_factory=list)
    picked_here: bool = False
    held: list[Handled] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)
    bought: int = 0
    counter: int | None = None
    hurried: bool = False

    @property
    def leader(self) -> _Person:
        return self.people[0]


class Shoppers:
    """Everybody in the store, moved on in small steps of scene time.

    Args:
        store: where.
        seed: the same seed, the same run.
        begins_at: aware instant of scene second 0; opening hours hold if it is given.
        closing: when arrivals stop.
        positions_s: how often ``Seen`` is told; None for never.
    """

    def __init__(
        self,
        store: Store,
        *,
        seed: int,
        begins_at: datetime | None = None,
        closing: Closing | None = None,
        positions_s: float | None = None,
        params: ShopperParams = ShopperParams(),
        walk: WalkParams = WalkParams(),
    ) -> None:
        self._store = store
        # Who comes and what for does not depend on how the others walk.
        self._wishes = np.random.default_rng((seed, 0))
        self._rng = np.random.default_rng((seed, 1))
        self._begins_at = begins_at
        self._closing = closing
        self._steps_per_look = max(1, round(positions_s / STEP_S)) if positions_s else 1 << 62
        self._params = params
        self._walk = walk
        self._floor = Floor(store)
        self._goods = Goods(store, rng=np.random.default_rng((seed, 2)))
        self._tagged = {
            store.shelves.index(nearest_shelf(antenna, store=store))
            for reader in store.readers
            for antenna in reader.antennas()
            if antenna.items
        }
        self._sim = jupedsim.Simulation(
            model=jupedsim.CollisionFreeSpeedModel(), geometry=self._floor.free, dt=0.05
        )
        self._stage = self._sim.add_direct_steering_stage()
        self._journey = self._sim.add_journey(jupedsim.JourneyDescription([self._stage]))
        self._spread = np.linalg.cholesky(_correlation(params.correlations))
        self._steps = 0
        self._parties: list[_Party] = []
        self._waiting: list[tuple[_Party, list[_Person]]] = []
        self._next_arrival_s = self._interval()
        self._numbers = 0
        self._items = 0
        self._queue: list[_Party] = []
        self._counters: list[_Party | None] = [None] * len(store.till.counters)
        self._told: list[TruthEvent] = []

    @property
    def scene_s(self) -> float:
        """How far the scene has come."""
        return self._steps * STEP_S

    def advance(self, scene_s: float) -> list[TruthEvent]:
        """Move everybody on to an instant; gives what became true on the way."""
        while (self._steps + 1) * STEP_S <= scene_s + 1e-9:
            if self._steps % STEPS_PER_DECISION == 0:
                self._decide()
            self._sim.iterate(ITERATIONS_PER_STEP)
            self._steps += 1
            self._follow()
            if self._steps % self._steps_per_look == 0:
                self._tell(Seen(self.scene_s, tuple((p.number, *p.at) for p in self._everybody())))
        told, self._told = self._told, []
        return told

    def end(self) -> list[TruthEvent]:
        """Give the visits nobody will see the end of."""
        return [
            self._visited(party, person=person, finished=False)
            for party in self._parties
            for person in party.people
            if person.inside
        ]

    def figures(self) -> tuple[Figure, ...]:
        """Show everybody as a camera sees them."""
        return tuple(self._figure(person) for person in self._everybody())

    def bodies(self) -> tuple[Point, ...]:
        """Say where bodies are, for radio waves to pass."""
        return tuple(person.at for person in self._everybody())

    def items(self) -> tuple[TagAt, ...]:
        """Say where all tags are."""
        return self._goods.tags(holders={p.number: p.at for p in self._everybody()})

    # ---- arrivals ----------------------------------------------------------------------------

    def _interval(self) -> float:
        rate = self._store.arrivals_per_minute / 60.0
        return float(self._wishes.exponential(1.0 / rate)) if rate > 0 else math.inf

    def _arrive(self) -> None:
        while self._next_arrival_s <= self.scene_s:
            at_s = self._next_arrival_s
            self._next_arrival_s += self._interval()
            if self._takes(at_s):
                self._plan_party()

    def _takes(self, at_s: float) -> bool:
        if self._closing and at_s > self._closing.last_arrival_s:
            return False
        if self._begins_at is None:
            return True
        return self._store.is_open(self._begins_at + timedelta(seconds=at_s))

    def _plan_party(self) -> None:
        drawn = self._spread @ self._wishes.standard_normal(4)
        latents = (float(drawn[0]), float(drawn[1]), float(drawn[2]), float(drawn[3]))
        party = _Party(number=self._numbers, latents=latents, people=[], plan=self._plan(latents))
        self._numbers += 1
        roles: list[Literal["leader", "companion"]] = ["leader"]
        if self._wishes.random() < self._store.people.companions:
            roles.append("companion")
        self._waiting.append((party, [self._draw_person(party, role=role) for role in roles]))

    def _draw_person(self, party: _Party, *, role: Literal["leader", "companion"]) -> _Person:
        number = self._numbers
        self._numbers += 1
        carries = self._draw_load() if role == "leader" else "nothing"
        speed = self._params.speed_m_s * math.exp(0.06 * party.latents[MISSION])
        return _Person(
            number=number,
            agent=-1,
            role=role,
            look=2 * int(self._wishes.integers(1 << 20)) + self._store.room.floor % 2,
            height_m=float(np.clip(self._wishes.normal(1.70, 0.09), 1.45, 2.0)),
            speed_m_s=float(np.clip(self._wishes.normal(speed, self._params.speed_sd), 0.55, 1.4)),
            radius_m=self._walk.cart_radius_m if carries == "cart" else self._walk.radius_m,
            carries=carries,
            enter_s=0.0,
            at=(0.0, 0.0),
            goal=_Goal("stroll", (0.0, 0.0)),
        )

    def _draw_load(self) -> Literal["nothing", "basket", "cart"]:
        drawn = self._wishes.random()
        people = self._store.people
        if drawn < people.carts:
            return "cart"
        return "basket" if drawn < people.carts + people.baskets else "nothing"

    def _plan(self, latents: tuple[float, float, float, float]) -> list[tuple[int, bool]]:
        """Choose the shelves a party means to see: (shelf, planned)."""
        params, shelves = self._params, self._store.shelves
        goods = [n for n, shelf in enumerate(shelves) if not shelf.promo]
        promos = [n for n, shelf in enumerate(shelves) if shelf.promo]
        more = self._wishes.poisson(self._wishes.lognormal(params.planned_log, params.planned_sd))
        strolls = self._wishes.poisson(
            math.exp(params.strolls_log - params.strolls_mission * latents[MISSION])
        )
        weights = np.array([shelves[n].popularity for n in goods])
        count = min(1 + int(more), len(goods))
        planned = self._wishes.choice(goods, size=count, replace=False, p=weights / weights.sum())
        plan = [(int(n), True) for n in planned]
        others = [n for n in goods if n not in planned]
        if others and strolls:
            weights = np.sqrt([shelves[n].popularity for n in others])
            chosen = self._wishes.choice(
                others,
                size=min(int(strolls), len(others)),
                replace=False,
                p=weights / weights.sum(),
            )
            plan += [(int(n), False) for n in chosen]
        drawn = _sigmoid(params.promo + params.promo_bargain * latents[BARGAIN])
        if promos and self._wishes.random() < drawn:
            plan.append((int(self._wishes.choice(promos)), False))
        return plan

    def _let_in(self) -> None:
        """Put those who wait outside onto the floor, as soon as the door is free."""
        for party, people in list(self._waiting):
            if self._enter(party, people[0]):
                people.pop(0)
                if party not in self._parties:
                    self._parties.append(party)
                    self._go_on(party)
                elif not people:
                    self._accompany(party)
            if not people:
                self._waiting.remove((party, people))

    def _enter(self, party: _Party, person: _Person) -> bool:
        (east_a, north_a), (east_b, north_b) = self._store.room.entrance
        share = float(self._rng.random())
        point = (east_a + share * (east_b - east_a), north_a + share * (north_b - north_a))
        if any(True for _ in self._sim.agents_in_range(point, 0.65)):
            return False
        person.agent = self._sim.add_agent(
            jupedsim.CollisionFreeSpeedModelAgentParameters(
                position=point,
                radius=person.radius_m,
                desired_speed=person.speed_m_s,
                time_gap=0.8,
                journey_id=self._journey,
                stage_id=self._stage,
            )
        )
        person.enter_s, person.at = self.scene_s, point
        party.people.append(person)
        return True

    # ---- decisions ---------------------------------------------------------------------------

    def _decide(self) -> None:
        self._arrive()
        self._let_in()
        self._goods.advance(self.scene_s)
        self._serve()
        for party in list(self._parties):
            self._hurry(party)
            self._shop(party)
            for person in party.people:
                if person.inside:
                    self._move(party, person)
            if not any(person.inside for person in party.people):
                self._parties.remove(party)

    def _hurry(self, party: _Party) -> None:
        if self._closing is None or self.scene_s < self._closing.last_arrival_s:
            return
        if self.scene_s < self._closing.last_call_s:
            party.plan = party.plan[:1]
            return
        party.plan = []
        if party.hurried:
            return
        party.hurried = True
        party.actions = [action for action in party.actions if action.kind == "put_back"]
        if party.stop_until_s is not None and party.leader.goal.kind == "shelf":
            party.stop_until_s = max((a.at_s + 0.5 for a in party.actions), default=self.scene_s)
        elif party.leader.goal.kind in {"shelf", "stroll"}:
            self._go_on(party)

    def _shop(self, party: _Party) -> None:
        """Let a party's leader act where the leader stands."""
        while party.actions and party.actions[0].at_s <= self.scene_s:
            self._handle(party, party.actions.pop(0))
        if party.stop_until_s is None or self.scene_s < party.stop_until_s:
            return
        party.stop_until_s = None
        if party.leader.goal.kind == "counter":
            self._paid(party)
        else:
            self._go_on(party)

    def _go_on(self, party: _Party) -> None:
        """Choose what a party does next."""
        if party.plan:
            if len(party.plan) > 1 and self._chance(
                self._params.detour - self._params.detour_mission * party.latents[MISSION]
            ):
                goal: _Goal | None = self._stroll_goal()
            else:
                goal = self._shelf_goal(party)
            if goal is not None:
                self._head_for(party, goal)
                return
        if party.held:
            self._queue.append(party)
            self._head_for(party, self._queue_goal(len(self._queue) - 1))
        else:
            self._head_for(party, self._exit_goal())

    def _head_for(self, party: _Party, goal: _Goal) -> None:
        for person in party.people:
            if person.inside:
                mine = goal if person.role == "leader" else self._beside(goal, person=person)
                self._set_out(person, goal=mine, engaged=party.picked_here)
        party.picked_here = False

    def _accompany(self, party: _Party) -> None:
        for person in party.people[1:]:
            goal = self._beside(party.leader.goal, person=person)
            self._set_out(person, goal=goal, engaged=False)

    def _set_out(self, person: _Person, *, goal: _Goal, engaged: bool) -> None:
        self._end_stop(person, engaged=engaged)
        person.goal = goal
        person.way = self._floor.way(person.at, goal=goal.point)
        person.standing = False
        person.near_since_s = None
        person.shortest_m = math.inf
        person.nearer_at_s = person.checked_s = self.scene_s

    def _end_stop(self, person: _Person, *, engaged: bool) -> None:
        if person.stood_since_s is None:
            return
        start_s, person.stood_since_s = person.stood_since_s, None
        person.stops.append(
            Stood(
                zone=self._store.shelves[person.goal.shelf].zone,
                start_s=start_s,
                end_s=self.scene_s,
                engaged=engaged or self.scene_s - start_s >= 5.0,  # noqa: PLR2004 - NOTES.md §2
            )
        )

    # ---- goals -------------------------------------------------------------------------------

    def _shelf_goal(self, party: _Party) -> _Goal | None:
        """Take the next shelf of the plan at which there is room to stand."""
        while party.plan:
            at = party.leader.at
            nearest = self._params.nearest
            nearest += self._params.nearest_mission * party.latents[MISSION]
            if self._chance(nearest):
                shelf, planned = min(
                    party.plan, key=lambda stop: apart(at, _middle(self._store.shelves[stop[0]]))
                )
            else:
                shelf, planned = party.plan[int(self._rng.integers(len(party.plan)))]
            party.plan.remove((shelf, planned))
            for _ in range(8):
                point = self._slot(self._store.shelves[shelf], along=float(self._rng.random()))
                if self._has_room(point):
                    return _Goal(
                        "shelf", point, _into(self._store.shelves[shelf]), shelf, planned=planned
                    )
        return None

    def _slot(self, shelf: ShelfTable, *, along: float) -> Point:
        (east_a, north_a), (east_b, north_b) = shelf.line
        outward = OUTWARD[shelf.faces]
        off = float(self._rng.uniform(0.45, 0.6))
        return (
            east_a + along * (east_b - east_a) + off * outward[0],
            north_a + along * (north_b - north_a) + off * outward[1],
        )

    def _has_room(self, point: Point) -> bool:
        return all(
            apart(point, person.goal.point) > 0.7  # noqa: PLR2004 - a shoulder's width [K]
            for person in self._everybody()
        )

    def _stroll_goal(self) -> _Goal:
        shelves = self._store.shelves
        shelf = shelves[int(self._rng.integers(len(shelves)))]
        point = self._slot(shelf, along=float(self._rng.random()))
        outward = OUTWARD[shelf.faces]
        middle = (point[0] + 0.5 * outward[0], point[1] + 0.5 * outward[1])
        return _Goal("stroll", self._floor.nearest_free(middle))

    def _queue_goal(self, place: int) -> _Goal:
        spots = self._store.till.queue
        return _Goal("queue", spots[min(place, len(spots) - 1)], math.pi)

    def _exit_goal(self) -> _Goal:
        (east_a, north_a), (east_b, north_b) = self._store.room.exit
        share = float(self._rng.random())
        point = (east_a + share * (east_b - east_a), north_a + share * (north_b - north_a))
        return _Goal("exit", point)

    def _beside(self, goal: _Goal, *, person: _Person) -> _Goal:
        """Find a place next to where the leader goes."""
        side = 1.0 if person.number % 2 else -1.0
        across = (math.cos(goal.facing + math.pi / 2), math.sin(goal.facing + math.pi / 2))
        back = (-math.cos(goal.facing), -math.sin(goal.facing))
        if goal.kind == "exit":
            return self._exit_goal()
        step = 0.7 if goal.kind == "shelf" else 0.0
        for reach in (side * step, -side * step, 0.0):
            away = 0.1 if reach else 0.75
            point = (
                goal.point[0] + reach * across[0] + away * back[0],
                goal.point[1] + reach * across[1] + away * back[1],
            )
            if self._floor.is_free(point) and self._near_shelf(point, goal=goal):
                break
        return _Goal(goal.kind, self._floor.nearest_free(point), goal.facing, goal.shelf)

    def _near_shelf(self, point: Point, *, goal: _Goal) -> bool:
        """Tell whether a companion's place is still before the leader's shelf."""
        if goal.kind != "shelf":
            return True
        (east_a, north_a), (east_b, north_b) = self._store.shelves[goal.shelf].line
        low, high = sorted((east_a + north_a, east_b + north_b))
        along = point[1] + east_a if east_a == east_b else point[0] + north_a
        return low - 0.2 <= along <= high + 0.2

    # ---- stops, hands and the till -----------------------------------------------------------

    def _arrived(self, party: _Party, person: _Person) -> None:
        kind = person.goal.kind
        if kind == "exit":
            self._leave(party, person)
            return
        if kind == "stroll" and person.role == "leader":
            self._go_on(party)
            return
        person.standing = True
        person.way = []
        if kind == "shelf":
            person.stood_since_s = self.scene_s
        if person.role == "leader":
            if kind == "shelf":
                self._start_stop(party)
            elif kind == "counter":
                seconds = self._rng.lognormal(
                    math.log(self._store.till.service_s), self._params.service_sd
                )
                # At closing time the shop opens every till it has.
                share = self._params.service_hurried if party.hurried else 1.0
                party.stop_until_s = self.scene_s + share * float(seconds)

    def _start_stop(self, party: _Party) -> None:
        params, goal = self._params, party.leader.goal
        shelf = self._store.shelves[goal.shelf]
        median_s = shelf.dwell_s * math.exp(-params.dwell_decisive * party.latents[DECISIVE])
        dwell_s = float(self._rng.lognormal(math.log(median_s), params.dwell_sd))
        dwell_s = min(max(dwell_s, 1.0), 120.0)
        intent = shelf.intent + params.pick_buy * party.latents[BUY]
        intent += params.pick_planned * goal.planned
        intent += params.pick_promo * party.latents[BARGAIN] * shelf.promo
        actions: list[_Action] = []
        last_s = 0.0
        if self._chance(intent) and not party.hurried:
            dwell_s = max(dwell_s, 3.0)
            actions, last_s = self._plan_hands(party, dwell_s=dwell_s)
        party.actions = actions
        party.stop_until_s = self.scene_s + max(dwell_s, last_s + 1.0)

    def _plan_hands(self, party: _Party, *, dwell_s: float) -> tuple[list[_Action], float]:
        params = self._params
        at_s = dwell_s * float(self._rng.uniform(0.35, 0.75))
        actions = [_Action(self.scene_s + at_s, "pick")]
        back = params.back - params.back_decisive * party.latents[DECISIVE]
        if self._chance(back - params.back_buy * party.latents[BUY]):
            at_s += params.second_glance_s + float(self._rng.exponential(4.0))
            actions.append(_Action(self.scene_s + at_s, "put_back"))
            if self._rng.random() < params.again:
                at_s += 2.0 + float(self._rng.exponential(3.0))
                actions.append(_Action(self.scene_s + at_s, "pick"))
        elif self._rng.random() < params.two:
            at_s += 2.0
            actions.append(_Action(self.scene_s + at_s, "pick"))
        return actions, at_s

    def _handle(self, party: _Party, action: _Action) -> None:
        leader = party.leader
        done = self._pick(party) if action.kind == "pick" else self._put_back(party)
        if done is None:
            return
        party.picked_here = True
        party.handled.append(done)
        self._tell(done)
        low = done.gtin is not None and self._goods.item(done.item).height_m < 0.5  # noqa: PLR2004
        leader.pose = "crouch" if low else "reach"
        leader.pose_until_s = self.scene_s + 1.4

    def _pick(self, party: _Party) -> Handled | None:
        goal, leader = party.leader.goal, party.leader
        shelf = self._store.shelves[goal.shelf]
        gtin = None
        if goal.shelf in self._tagged:
            near = self._goods.at_shelf(
                shelf.zone,
                east_m=goal.point[0],
                north_m=goal.point[1],
                arm_m=math.hypot(self._params.arm_m, 0.6),
            )
            if not near:
                return None
            item = near[int(self._rng.integers(min(len(near), 4)))]
            self._goods.pick(item, holder=leader.number)
            gtin = self._goods.item(item).gtin
        else:
            self._items -= 1
            item = self._items
        done = Handled("pick", self.scene_s, shelf.zone, shelf.category, item, gtin)
        party.held.append(done)
        return done

    def _put_back(self, party: _Party) -> Handled | None:
        if not party.held:
            return None
        last = party.held.pop()
        if last.gtin is not None:
            self._goods.put_back(last.item)
        return Handled("put_back", self.scene_s, last.zone, last.category, last.item, last.gtin)

    def _serve(self) -> None:
        """Call the next in the queue to each free counter."""
        for number, busy in enumerate(self._counters):
            if busy is None and self._queue:
                party = self._queue.pop(0)
                self._counters[number] = party
                party.counter = number
                counter = self._store.till.counters[number]
                self._head_for(party, _Goal("counter", counter, math.pi / 2))
                for place, waiting in enumerate(self._queue):
                    goal = self._queue_goal(place)
                    if waiting.leader.goal != goal:
                        self._head_for(waiting, goal)

    def _paid(self, party: _Party) -> None:
        for held in party.held:
            if held.gtin is not None:
                self._goods.sell(held.item, scene_s=self.scene_s)
            sold = Handled("sold", self.scene_s, held.zone, held.category, held.item, held.gtin)
            party.handled.append(sold)
            self._tell(sold)
        party.bought = len(party.held)
        party.held = []
        if party.counter is not None:
            self._counters[party.counter] = None
            party.counter = None
        self._head_for(party, self._exit_goal())

    def _leave(self, party: _Party, person: _Person) -> None:
        self._sim.mark_agent_for_removal(person.agent)
        person.inside = False
        self._goods.leave(person.number)
        self._tell(self._visited(party, person=person, finished=True))

    # ---- walking -----------------------------------------------------------------------------

    def _move(self, party: _Party, person: _Person) -> None:
        """Steer one person for the next fifth of a second."""
        agent = self._sim.agent(person.agent)
        if person.standing:
            agent.model.desired_speed = 0.0
            return
        if self._is_there(person):
            self._arrived(party, person)
            if person.standing or not person.inside:
                agent.model.desired_speed = 0.0
                return
        self._mind_hold_ups(party, person)
        agent.model.radius = (
            self._walk.squeezed_radius_m
            if self.scene_s < person.squeezed_until_s
            else person.radius_m
        )
        agent.model.desired_speed = person.speed_m_s * (1.15 if party.hurried else 1.0)
        if self.scene_s >= person.aside_until_s:
            agent.target = self._ahead(person)

    def _is_there(self, person: _Person) -> bool:
        away = apart(person.at, person.goal.point)
        if away <= self._walk.arrive_m:
            return True
        reach_m = self._walk.near_m
        if person.goal.kind == "stroll":
            return away <= reach_m
        if away > reach_m:
            person.near_since_s = None
            return False
        if person.near_since_s is None:
            person.near_since_s = self.scene_s
        return self.scene_s - person.near_since_s >= self._walk.near_s

    def _ahead(self, person: _Person) -> Point:
        """Find the point to steer for: ahead on the way, a little off the line."""
        walk, way = self._walk, person.way
        while len(way) > 1 and apart(person.at, way[0]) < walk.corner_m:
            way.pop(0)
        east, north = way[0][0] - person.at[0], way[0][1] - person.at[1]
        far = math.hypot(east, north)
        if far < walk.ahead_m:
            return self._floor.nearest_free(way[0])
        fade = 1.0 - 0.2 / walk.sway_s
        person.sway_m = fade * person.sway_m + walk.sway_sd_m * math.sqrt(1 - fade * fade) * float(
            self._rng.standard_normal()
        )
        east, north = east / far, north / far
        point = (
            person.at[0] + walk.ahead_m * east - 2 * person.sway_m * north,
            person.at[1] + walk.ahead_m * north + 2 * person.sway_m * east,
        )
        if self._floor.is_free(point):
            return point
        straight = (person.at[0] + walk.ahead_m * east, person.at[1] + walk.ahead_m * north)
        return straight if self._floor.is_free(straight) else self._floor.nearest_free(way[0])

    def _mind_hold_ups(self, party: _Party, person: _Person) -> None:
        """Do something about it when the way does not get shorter."""
        if self.scene_s - person.checked_s < 1.0:
            return
        person.checked_s = self.scene_s
        rest_m = _length([person.at, *person.way])
        if rest_m < person.shortest_m - self._walk.progress_m:
            person.shortest_m = rest_m
            person.nearer_at_s = self.scene_s
            return
        held_s = self.scene_s - person.nearer_at_s
        if held_s >= self._walk.give_up_s:
            self._give_up(party, person)
        elif held_s >= self._walk.squeeze_s:
            person.squeezed_until_s = self.scene_s + 2.0
            person.way = self._floor.way(person.at, goal=person.goal.point)
        elif held_s >= self._walk.sidestep_s:
            self._sidestep(person)

    def _sidestep(self, person: _Person) -> None:
        angle = float(self._rng.uniform(0.0, 2 * math.pi))
        point = (person.at[0] + 0.8 * math.cos(angle), person.at[1] + 0.8 * math.sin(angle))
        self._sim.agent(person.agent).target = self._floor.nearest_free(point)
        person.aside_until_s = self.scene_s + 0.8

    def _give_up(self, party: _Party, person: _Person) -> None:
        person.nearer_at_s = self.scene_s
        person.shortest_m = math.inf
        person.squeezed_until_s = self.scene_s + 3.0
        if person.role == "companion" and person.goal.kind != "exit":
            person.standing = True
        elif person.goal.kind in {"shelf", "stroll"}:
            self._go_on(party)

    def _follow(self) -> None:
        """Take over where JuPedSim has moved everybody."""
        for person in self._everybody():
            at = self._sim.agent(person.agent).position
            east, north = at[0] - person.at[0], at[1] - person.at[1]
            moved = math.hypot(east, north)
            person.gait_m += moved
            person.at = (at[0], at[1])
            person.velocity = (
                0.7 * person.velocity[0] + 0.3 * east / STEP_S,
                0.7 * person.velocity[1] + 0.3 * north / STEP_S,
            )
            person.pace_m_s = moved / STEP_S
            if person.standing:
                person.heading = _turn(person.heading, person.goal.facing)
            elif math.hypot(*person.velocity) > 0.2:  # noqa: PLR2004 - slower has no direction
                person.heading = _turn(
                    person.heading, math.atan2(person.velocity[1], person.velocity[0])
                )
            for zone in self._floor.zones(person.at) if self._steps % 2 == 0 else ():
                person.dwell_s[zone] = person.dwell_s.get(zone, 0.0) + 2 * STEP_S

    # ---- giving out --------------------------------------------------------------------------

    def _everybody(self) -> Iterator[_Person]:
        for party in self._parties:
            for person in party.people:
                if person.inside:
                    yield person

    def _figure(self, person: _Person) -> Figure:
        pose = person.pose if self.scene_s < person.pose_until_s else "stand"
        sway_m = 0.02 * math.sin(self.scene_s * 0.9 + person.number) if person.standing else 0.0
        return Figure(
            look=person.look,
            east_m=person.at[0] - sway_m * math.sin(person.heading),
            north_m=person.at[1] + sway_m * math.cos(person.heading),
            heading=person.heading,
            speed_m_s=0.0 if person.standing else person.pace_m_s,
            gait_m=person.gait_m,
            pose=pose if person.standing else "walk",
            carries=person.carries,
            height_m=person.height_m,
        )

    def _visited(self, party: _Party, *, person: _Person, finished: bool) -> Visited:
        leads = person.role == "leader"
        return Visited(
            party=party.number,
            role=person.role,
            enter_s=person.enter_s,
            exit_s=self.scene_s,
            latents=party.latents,
            stops=tuple(person.stops),
            dwell_s=dict(person.dwell_s),
            entered=tuple(person.dwell_s),
            handled=tuple(party.handled) if leads else (),
            bought=party.bought,
            path_m=person.gait_m,
            finished=finished,
        )

    def _tell(self, event: TruthEvent) -> None:
        self._told.append(event)

    def _chance(self, log_odds: float) -> bool:
        return bool(self._rng.random() < _sigmoid(log_odds))


def _sigmoid(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


def _correlation(upper: tuple[float, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    matrix = np.eye(4)
    matrix[np.triu_indices(4, 1)] = upper
    return np.maximum(matrix, matrix.T)


def _length(way: list[Point]) -> float:
    return sum(apart(one, other) for one, other in pairwise(way))


def _middle(shelf: ShelfTable) -> Point:
    (east_a, north_a), (east_b, north_b) = shelf.line
    return (east_a + east_b) / 2, (north_a + north_b) / 2


def _into(shelf: ShelfTable) -> float:
    """Direction in which a customer faces a shelf."""
    outward = OUTWARD[shelf.faces]
    return math.atan2(-outward[1], -outward[0])


def _turn(heading: float, towards: float) -> float:
    """Turn by at most a fifth of a half turn a step."""
    rest = (towards - heading + math.pi) % (2 * math.pi) - math.pi
    return heading + max(-0.6, min(0.6, rest))
