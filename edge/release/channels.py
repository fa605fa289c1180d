"""The channels: what of a visit is counted, and by what.

A channel is one entry here. What a visit adds is made of that visit alone, of the plan, the
catalogue and the codebook, and of nothing any other visit did: else its clip would not bound what
it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from edge.release.codebook import cell_axis, deviation, nearest_cell, trait_axis
from edge.release.goods import Goods
from edge.release.grid import Grid, grid_of
from edge.release.hours import Daypart
from edge.release.tallies import Cell
from edge.visits.measuring import SHOPPED
from edge.visits.plan import Floor, ZoneKind
from edge.visits.traits import TraitParams, kept_items, outcomes_of, traits_of
from edge.visits.visits import Visit
from wire.codebook import Codebook
from wire.messages import OUTCOMES, PARTY, SEEN, SUMS_UNIT, Axis, ChannelName

TOLD: tuple[ZoneKind, ...] = (*SHOPPED, "till", "entrance", "exit")
"""Kinds of zone that people are told to walk between."""
HANDLED = ("put_back", "kept")
"""What becomes of goods, the stronger last."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gist:
    """What a visit adds, stripped of everything else; in memory until its windows are found.

    Attributes:
        walked: cells of the grid, in order.
        stood: likewise.
        ways: pairs of zones it went between, in order.
        goods: label → ``put_back`` or ``kept``.
        tags: of the basket, after its price tier.
        seen: one of ``wire.messages.SEEN``.
        party: one of ``wire.messages.PARTY``.
    """

    end_ms: int
    traits: dict[str, float | None]
    outcomes: dict[str, str]
    walked: tuple[Cell, ...]
    stood: tuple[Cell, ...]
    ways: tuple[tuple[str, str], ...]
    goods: dict[str, str]
    tags: tuple[str, ...]
    seen: str
    party: str


@dataclass(frozen=True, slots=True)
class Placing:
    """By what a gist is placed in a window."""

    codebook: Codebook
    daypart: int
    clip: int


Shares = list[tuple[Cell, int]]
"""What a visit adds: a cell and how much."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of one store.

    Attributes:
        most: cells that one visit can touch; 0 where the store has nothing to tell in it.
        axes: of its counts.
        shares: what a visit adds, clipped.
        coded: whether its counts are by the codebook.
    """

    name: ChannelName
    most: int
    axes: Callable[[Codebook], tuple[Axis, ...]]
    shares: Callable[[Gist, Placing], Shares]
    coded: bool = False


class Channels:
    """All channels that a store has.

    Args:
        floor: of the agent.
        dayparts: of the store's day.
        goods: the catalogue's; none without one.
        trait_params: thresholds.
    """

    def __init__(
        self,
        floor: Floor,
        *,
        dayparts: Sequence[Daypart],
        goods: Goods | None = None,
        trait_params: TraitParams | None = None,
    ) -> None:
        self._floor = floor
        self._goods = goods or Goods()
        self._params = trait_params or TraitParams()
        self._grid = grid_of(floor.plan)
        zones = floor.plan.zones
        shopped = tuple(zone.id for zone in zones if zone.kind in SHOPPED)
        self._told = tuple(zone.id for zone in zones if zone.kind in TOLD)
        made = (
            Channel("cells", 1, lambda book: (cell_axis(book),), _cell, coded=True),
            Channel("day_cells", 1, lambda book: (cell_axis(book),), _cell, coded=True),
            Channel(
                "sums",
                1,
                lambda book: (Axis("cell", cell_axis(book).labels[:-1]), trait_axis(book)),
                _sums,
                coded=True,
            ),
            _zones(shopped, dayparts=dayparts),
            _heat("walked", self._grid, cells=lambda gist: gist.walked),
            _heat("stood", self._grid, cells=lambda gist: gist.stood),
            _flow(self._told),
            _handled(self._goods.labels),
            _tags(self._goods),
            Channel(
                "visits",
                1,
                lambda _: (Axis("seen", SEEN), Axis("party", PARTY)),
                lambda gist, _: [((SEEN.index(gist.seen), PARTY.index(gist.party)), 1)],
            ),
        )
        self._channels = {channel.name: channel for channel in made if channel.most}

    @property
    def most(self) -> dict[ChannelName, int]:
        """How many cells of each channel one visit can touch; from plan and catalogue alone."""
        return {name: channel.most for name, channel in self._channels.items()}

    def __getitem__(self, name: ChannelName) -> Channel:
        """Give one channel; KeyError for one that this store does not have."""
        return self._channels[name]

    def gist(self, visit: Visit) -> Gist:
        """Strip a visit of everything that is not counted."""
        traits = traits_of(visit, floor=self._floor, params=self._params)
        return Gist(
            end_ms=visit.end_ms,
            traits=traits,
            outcomes=outcomes_of(visit, floor=self._floor, params=self._params),
            walked=self._walked(visit),
            stood=self._stood(visit),
            ways=self._ways(visit),
            goods=self._goods_of(visit),
            tags=self._basket(traits),
            seen="cut" if visit.cut else "whole",
            party="alone" if visit.party == 1 else "leads" if visit.leads else "with",
        )

    def _walked(self, visit: Visit) -> tuple[Cell, ...]:
        return () if visit.path is None else self._grid.touched(visit.path.points_m)

    def _stood(self, visit: Visit) -> tuple[Cell, ...]:
        places = [(stop.east_m, stop.north_m) for stop in visit.stops]
        return self._grid.touched(np.array(places, dtype=np.float64).reshape(-1, 2))

    def _ways(self, visit: Visit) -> tuple[tuple[str, str], ...]:
        order = [stay.zone for stay in visit.stays if stay.zone in self._told]
        return tuple(dict.fromkeys(pair for pair in pairwise(order) if pair[0] != pair[1]))

    def _goods_of(self, visit: Visit) -> dict[str, str]:
        """Give, for every kind of goods in a visit's hands, the strongest that became of it."""
        found: dict[str, str] = {}
        for outcome, events in (
            ("put_back", [event for event in visit.items if event.kind == "put_back"]),
            ("kept", kept_items(visit)),
        ):
            for event in events:
                label = self._goods.label_of.get(event.product_class)
                if label is not None and event.share >= self._params.most_share:
                    found[label] = outcome
        return found

    def _basket(self, traits: dict[str, float | None]) -> tuple[str, ...]:
        shares = {tag: traits.get(f"basket_{tag.replace('-', '_')}") for tag in self._goods.tags}
        least = self._params.most_share
        tags = tuple(tag for tag, share in shares.items() if share is not None and share >= least)
        return (*self._goods.tier(traits.get("price_tier")), *tags)


def _cell(gist: Gist, placing: Placing) -> Shares:
    cell = nearest_cell(gist.traits, codebook=placing.codebook)
    return [((len(placing.codebook.cells) if cell is None else cell,), 1)]


def _sums(gist: Gist, placing: Placing) -> Shares:
    cell = nearest_cell(gist.traits, codebook=placing.codebook)
    if cell is None:
        return []
    away = deviation(gist.traits, codebook=placing.codebook, cell=cell, unit=SUMS_UNIT)
    return [((cell, trait), amount) for trait, amount in enumerate(away)]


def _zones(zones: tuple[str, ...], *, dayparts: Sequence[Daypart]) -> Channel:
    axes = (
        Axis("zone", zones),
        Axis("daypart", tuple(part.name for part in dayparts)),
        Axis("outcome", OUTCOMES),
    )

    def shares(gist: Gist, placing: Placing) -> Shares:
        """The strongest outcomes first, as far as the clip goes."""
        cells = [
            (zones.index(zone), placing.daypart, OUTCOMES.index(outcome))
            for zone, outcome in gist.outcomes.items()
            if zone in zones
        ]
        cells.sort(key=lambda cell: -cell[2])
        return [(cell, 1) for cell in cells[: placing.clip]]

    return Channel("zones", len(zones), lambda _: axes, shares)


def _heat(name: ChannelName, grid: Grid, *, cells: Callable[[Gist], Sequence[Cell]]) -> Channel:
    axes = grid.axes()

    def shares(gist: Gist, placing: Placing) -> Shares:
        return [(cell, 1) for cell in spread(cells(gist), most=placing.clip)]

    return Channel(name, grid.rows * grid.columns, lambda _: axes, shares)


def _flow(zones: tuple[str, ...]) -> Channel:
    axes = (Axis("zone", zones), Axis("to_zone", zones))

    def shares(gist: Gist, placing: Placing) -> Shares:
        cells = [(zones.index(one), zones.index(other)) for one, other in gist.ways]
        return [(cell, 1) for cell in spread(cells, most=placing.clip)]

    return Channel("flow", len(zones) * (len(zones) - 1), lambda _: axes, shares)


def _handled(labels: tuple[str, ...]) -> Channel:
    axes = (Axis("goods", labels), Axis("outcome", HANDLED))

    def shares(gist: Gist, placing: Placing) -> Shares:
        cells = [
            (labels.index(label), HANDLED.index(outcome)) for label, outcome in gist.goods.items()
        ]
        cells.sort(key=lambda cell: -cell[1])
        return [(cell, 1) for cell in cells[: placing.clip]]

    return Channel("goods", len(labels), lambda _: axes, shares)


def _tags(goods: Goods) -> Channel:
    labels = (*goods.tiers, *goods.tags)
    axes = (Axis("tag", labels),)

    def shares(gist: Gist, placing: Placing) -> Shares:
        return [((labels.index(tag),), 1) for tag in gist.tags[: placing.clip]]

    return Channel("tags", len(goods.tags) + bool(goods.tiers), lambda _: axes, shares)


def spread(items: Iterable[T], *, most: int) -> list[T]:
    """Give at most so many of some items, evenly from all along them.

    >>> spread("abcdefgh", most=3)
    ['a', 'c', 'f']
    """
    listed = list(items)
    if len(listed) <= most:
        return listed
    return [listed[number * len(listed) // most] for number in range(most)]
