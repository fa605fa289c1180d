"""The messages, one class each; fields are added with a default, never renamed or reused.

Bodies travel in a CloudEvents envelope (``wire.codec``). Readers ignore fields they do not know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from wire.codebook import Codebook

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Utc = Annotated[datetime, msgspec.Meta(tz=True)]
Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Cost = Annotated[float, msgspec.Meta(ge=0.0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Seq = Annotated[int, msgspec.Meta(ge=1)]
Epoch = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]

OUTCOMES = ("pass", "short_stop", "long_stop", "put_back", "kept")
"""What a visit did in a zone, the strongest of these; the last two need a reader there."""
DROPPED = "dropped"
"""Last label of the ``cell`` axis: visits that could not be placed or released."""
PATTERNS = ("showroomer", "wanderer", "indecisive")
"""The axes a codebook cell is scored on."""
SUMS_UNIT = 100
"""``sums`` are told in this part of a scaled unit: a count of 100 is one spread of a trait."""
SEEN = ("whole", "cut")
"""How a visit was seen: from door to door, or cut by a lost track."""
PARTY = ("alone", "leads", "with")
"""Whose visit it was: of one alone, of the one who stands for several together, or of another."""
PRICE_TIERS = ("price-low", "price-middle", "price-high")
"""Labels of baskets, beside their tags: how dear what they hold is within its category; one each.

By the mean, over what was kept, of the share of the category's unit prices below its own: the
lower third, the middle, the upper.
"""

ChannelName = Literal[
    "cells",
    "day_cells",
    "sums",
    "zones",
    "walked",
    "stood",
    "flow",
    "goods",
    "tags",
    "visits",
    "groups",
]
AXES: dict[ChannelName, tuple[str, ...]] = {
    "cells": ("cell",),
    "day_cells": ("cell",),
    "sums": ("cell", "trait"),
    "zones": ("zone", "daypart", "outcome"),
    "walked": ("north_m", "east_m"),
    "stood": ("north_m", "east_m"),
    "flow": ("zone", "to_zone"),
    "goods": ("goods", "outcome"),
    "tags": ("tag",),
    "visits": ("seen", "party"),
    "groups": ("group", "trait"),
}
"""What every channel's counts are by; a release may bear its axes in another order."""


class Axis(msgspec.Struct, frozen=True):
    """One dimension of a release's counts, named so that the message explains itself."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    labels: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=256)]


class Release(msgspec.Struct, frozen=True):
    """Noised counts over many visits: the only thing about visits that ever leaves a store.

    All channels but ``cells`` are daily:

    - ``cells``, ``day_cells``: visits nearest to each prototype of the codebook, and the dropped;
    - ``sums``: what those visits' scaled traits deviate by from their prototype, each visit's
      deviations clipped to length 1 together, in parts of ``SUMS_UNIT``;
    - ``zones``: the strongest outcome of a visit in each zone, by the daypart of the visit's end;
    - ``walked``, ``stood``: which square cells of the floor visits walked on, and where they stood;
      labels are metres of a cell's south and west edge;
    - ``flow``: visits that went from a zone straight to another;
    - ``goods``: visits that put back or kept something of a class, or of a category where classes
      are many;
    - ``tags``: visits whose basket held goods of a tag, and, where the shop's prices are known, by
      ``PRICE_TIERS``;
    - ``visits``: how visits were seen, from which follow how often tracks are lost and how many
      came together;
    - ``groups``: a research mode that a store must switch on: means of the scaled traits of ten or
      more visits that are alike, in parts of ``SUMS_UNIT``, without noise and outside the budget
      (``rho`` 0); the first "trait", ``visits``, is how many they are.

    One that does not fit a message comes in several with other labels on its first axis.

    Attributes:
        epoch: names the agent's outbox file; random.
        seq: from 1, without gaps within an epoch.
        channel: what was counted.
        window_start: half-open period [start, end) in which the counted visits ended.
        plan: version of the floor plan the zone labels come from.
        codebook: version of the codebook the cell labels come from; empty where there are none.
        axes: dimensions of ``counts``, row-major.
        counts: visits per cell plus discrete Gaussian noise; may be negative.
        sd: standard deviation of the noise on each count.
        rho: zero-concentrated privacy budget this channel costs one visit; 0 for ``groups``, which
            no budget bounds.
        standard_privacy: false where the store chose a weaker budget than the default.
        coverage: share of the window in which the agent was up and seeing.
    """

    epoch: Epoch
    seq: Seq
    channel: ChannelName
    window_start: Utc
    window_end: Utc
    plan: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    codebook: Annotated[str, msgspec.Meta(max_length=32)]
    axes: Annotated[tuple[Axis, ...], msgspec.Meta(min_length=1, max_length=4)]
    counts: Annotated[tuple[int, ...], msgspec.Meta(min_length=1, max_length=4096)]
    sd: Positive
    rho: Cost
    standard_privacy: bool
    coverage: Fraction

    def __post_init__(self) -> None:
        """Refuse counts that do not fill the axes, and windows that end before they start."""
        cells = 1
        for axis in self.axes:
            cells *= len(axis.labels)
        if cells != len(self.counts):
            raise ValueError(f"{len(self.counts)} counts for {cells} cells")
        if self.window_end <= self.window_start:
            raise ValueError("window_end is not after window_start")


class Status(msgspec.Struct, frozen=True):
    """Whether the agent is connected; ``offline`` is its last will."""

    state: Literal["online", "offline"]


class Zone(msgspec.Struct, frozen=True):
    """A polygon on the ground plane, metres, x east, y north."""

    id: Name
    kind: Literal["aisle", "promo", "till", "entrance", "exit", "fitting-room"]
    name: str
    polygon: Annotated[tuple[tuple[float, float], ...], msgspec.Meta(min_length=3, max_length=64)]
    has_reader: bool = False


class Channel(msgspec.Struct, frozen=True):
    """What one visit spends in one release channel.

    Attributes:
        clip: in how many cells it may add 1; in ``sums``, the length of what it may add.
        sd: of the noise on each count; times ``unit`` it is in visits, or in spreads of a trait.
        unit: what a count of 1 stands for.
    """

    name: str
    period: Literal["hour", "day"]
    clip: Count
    rho: Cost
    sd: Positive
    unit: Positive = 1.0


class Privacy(msgspec.Struct, frozen=True):
    """The agent's privacy parameters, for reports and data-protection officers."""

    rho: Positive
    epsilon: Positive
    delta: Positive
    standard: bool
    channels: tuple[Channel, ...]


class Meta(msgspec.Struct, frozen=True):
    """What the agent is: retained, so that a hub knows it before its first release.

    Attributes:
        daypart_starts: local ``HH:MM`` at which each daypart begins; it lasts until the next one.
    """

    version: str
    config_hash: str
    plan: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    timezone: str
    opens: Annotated[str, msgspec.Meta(pattern=r"^[0-2][0-9]:[0-5][0-9]$")]
    closes: Annotated[str, msgspec.Meta(pattern=r"^[0-2][0-9]:[0-5][0-9]$")]
    outline: tuple[tuple[float, float], ...]
    zones: tuple[Zone, ...]
    fixtures: tuple[tuple[tuple[float, float], ...], ...]
    dayparts: tuple[str, ...]
    codebook: Codebook
    privacy: Privacy
    simulated: bool = False
    daypart_starts: tuple[str, ...] = ()


class Device(msgspec.Struct, frozen=True):
    """One camera, reader, source of sales or queue: its state and counters of its own workings.

    Never of people.
    """

    name: str
    kind: Literal["camera", "reader", "till", "outbox"]
    state: Literal["up", "down", "starting"]
    detail: str = ""
    counters: dict[str, Count] = {}


class Health(msgspec.Struct, frozen=True):
    """How the devices are; nothing here depends on a visit."""

    up_s: Count
    coverage: Fraction
    clock_synchronised: bool
    devices: tuple[Device, ...]


class Ack(msgspec.Struct, frozen=True):
    """The highest seq of ``epoch`` up to which the hub has stored or rejected everything."""

    epoch: Epoch
    seq: Count


class Config(msgspec.Struct, frozen=True):
    """What a hub may ask of an agent: a codebook, and tighter privacy, never looser."""

    codebook: Codebook | None = None
    max_rho: Positive | None = None


Message = Release | Status | Meta | Health | Ack | Config
