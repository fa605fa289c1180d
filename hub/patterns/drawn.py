"""Bargain hunters and quality seekers: visits that promotions draw, baskets that dear goods do.

No codebook cell tells them, but other counts do: how many visits did more at a promotion than pass
(channel ``zones``), and how dear baskets are within their categories (``tags``). Kinds of visits
fall into these as a confusion says, as they do into cells, and so shares are corrected alike.

A visit counts for bargain where a promotion draws it more than it does the simulated store's usual
shopper, a basket for quality where its shopper takes dearer goods than that one. How many stop at
a promotion also hangs on where it stands and on what it offers, how many take what is dear on the
assortment: so the level is the simulated store's, and against other stores a share is a hint. What
is the store's own stays from day to day, and what changes there tells.

Several promotions in a plan are added up: a visit that stops at two counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

import numpy as np

from hub.patterns.cells import PatternShare, cells_of_days, corrected
from hub.patterns.confusion import shipped_for
from hub.patterns.quantify import QuantifyParams
from hub.patterns.shares import Share, ShareParams
from hub.patterns.zones import NEED_READER
from wire.messages import OUTCOMES, PRICE_TIERS, Release, Zone


@dataclass(frozen=True, slots=True)
class Drawn:
    """What visits are counted in beside a codebook's cells, and the pattern that it tells.

    Attributes:
        name: as ``Confusion.counted_in``.
        cells: what a visit can be in it.
        of: what the pattern's share is a share of.
    """

    name: str
    axis: str
    cells: tuple[str, ...]
    of: Literal["visits", "baskets"]

    @property
    def fingerprint(self) -> str:
        """Give what tells its cells from others, as ``Confusion.cells``."""
        return " ".join(self.cells)


PROMOTION = Drawn("promotion", "bargain", ("stopped", "did-not"), "visits")
TIERS = Drawn("price-tiers", "quality", PRICE_TIERS, "baskets")
STOPPED = OUTCOMES[1:]


@dataclass(frozen=True, slots=True)
class DrawnParams:
    """How shares of what draws visits are corrected.

    Days help each other (``hub.patterns.steady``), so a day alone is drawn to no usual mix.

    Attributes:
        bargain: half a standard deviation of deciding more slowly moves it by .03, for who is slow
            stops longer (tests/figures/axes_evidence.py).
        quality: no other tendency moves it.
        middle: relative error of how many baskets are of the middle tier: large ones are, and how
            large baskets are is the shop's [D].
    """

    bargain: QuantifyParams = field(
        default_factory=partial(QuantifyParams, prior_sd=2.0, cell_error=0.0, other_error=0.015)
    )
    quality: QuantifyParams = field(
        default_factory=partial(QuantifyParams, prior_sd=2.0, cell_error=0.0)
    )
    middle: float = 0.3


NO_PROMOTION = "no place in the plan is a promotion's"
NO_TIERS = "no agent tells how dear baskets are: that needs a reader and goods with prices"
UNTOLD = (NO_PROMOTION, NO_TIERS)
"""Reasons that no day changes."""
FEW = "too few {} for the privacy noise on them"


@dataclass(frozen=True, slots=True)
class Counted:
    """Visits, or baskets, by the cells of something they are counted in.

    Attributes:
        counts: noised.
        variances: of the noise, as if of each apart.
        noise: variance of the noise on their sum.
    """

    counts: tuple[float, ...]
    variances: tuple[float, ...]
    noise: float


def estimate_drawn(
    releases: Sequence[Release],
    *,
    zones: Mapping[str, Zone],
    show: ShareParams,
    params: DrawnParams | None = None,
) -> tuple[PatternShare, ...]:
    """Estimate the shares of bargain hunters and of quality seekers.

    Args:
        releases: of whole days.
        zones: of the plan.
        show: when a share is shown.
        params: how shares are corrected.
    """
    chosen = params or DrawnParams()
    promotions = {one.id: one.has_reader for one in zones.values() if one.kind == "promo"}
    tiers = add_tiers(releases, middle=chosen.middle)
    return (
        _share(PROMOTION, add_stops(releases, promotions=promotions), show, chosen.bargain)
        if promotions
        else _withheld(PROMOTION, NO_PROMOTION),
        _share(TIERS, tiers, show, chosen.quality) if tiers else _withheld(TIERS, NO_TIERS),
    )


def add_stops(releases: Sequence[Release], *, promotions: Mapping[str, bool]) -> Counted:
    """Count visits that did more at a promotion than pass, and those that did not.

    Visits are those of the agents that see a promotion, while they told of it.

    Args:
        releases: of whole days.
        promotions: id of each such place, and whether it has a reader.
    """
    stops, noise = 0.0, 0.0
    told: dict[str, list[tuple[datetime, datetime]]] = {}
    places: dict[int, list[int]] = {}
    for release in releases:
        if release.channel != "zones":
            continue
        key = id(release.axes)  # the database gives the same few axes thousands of times
        if key not in places:
            places[key] = _places(release, promotions=promotions)
        if places[key]:
            stops += sum(release.counts[place] for place in places[key])
            noise += release.sd**2 * len(places[key])
            told.setdefault(release.epoch, []).append((release.window_start, release.window_end))
    visits, visits_noise = 0.0, 0.0
    for release in cells_of_days(releases):
        if release.channel in {"cells", "day_cells"} and any(
            start <= release.window_start and release.window_end <= end
            for start, end in told.get(release.epoch, ())
        ):
            visits += sum(release.counts)
            visits_noise += release.sd**2 * len(release.counts)
    part = min(1.0, max(0.0, stops / visits)) if visits > 0 else 0.0
    # noise of both counts that moves their ratio as much as the noise of stops and visits does
    each = (noise + part**2 * visits_noise) / ((1 - part) ** 2 + part**2)
    return Counted((stops, visits - stops), (each, each), visits_noise)


def add_tiers(releases: Iterable[Release], *, middle: float) -> Counted | None:
    """Count baskets by price tier; None where no release tells of it.

    Args:
        releases: any.
        middle: as ``DrawnParams.middle``.
    """
    counts, noise, told = [0.0] * len(PRICE_TIERS), 0.0, False
    for release in releases:
        if release.channel != "tags":
            continue
        labels = release.axes[0].labels
        if set(PRICE_TIERS) <= set(labels):
            told = True
            noise += release.sd**2
            for place, tier in enumerate(PRICE_TIERS):
                counts[place] += release.counts[labels.index(tier)]
    if not told:
        return None
    variances = [noise] * len(counts)
    variances[1] += (middle * counts[1]) ** 2
    return Counted(tuple(counts), tuple(variances), noise * len(counts))


def _places(release: Release, *, promotions: Mapping[str, bool]) -> list[int]:
    """Give where in a release's counts visits stand that did more at a promotion than pass."""
    names = [axis.name for axis in release.axes]
    zone, outcome = names.index("zone"), names.index("outcome")
    shape = [len(axis.labels) for axis in release.axes]
    found = []
    for number, place in enumerate(np.ndindex(*shape)):
        here = release.axes[zone].labels[place[zone]]
        did = release.axes[outcome].labels[place[outcome]]
        if here in promotions and did in STOPPED and (promotions[here] or did not in NEED_READER):
            found.append(number)
    return found


def _share(
    drawn: Drawn, counted: Counted, show: ShareParams, params: QuantifyParams
) -> PatternShare:
    total = sum(counted.counts)
    if total <= 0 or total < show.support_sd * counted.noise**0.5:
        return _withheld(drawn, FEW.format(drawn.of))
    confusion = shipped_for(drawn.name, cells=drawn.fingerprint)
    if confusion is None:
        return _withheld(drawn, "how visits fall into these counts was not measured")
    found = corrected(
        counted.counts, variances=counted.variances, confusion=confusion, params=params
    )[drawn.axis]
    if isinstance(found, str):
        return _withheld(drawn, found)
    return PatternShare(drawn.axis, found.shown(show), True, found, drawn.of)


def _withheld(drawn: Drawn, why: str) -> PatternShare:
    return PatternShare(drawn.axis, Share(None, None, None, why), True, of=drawn.of)
