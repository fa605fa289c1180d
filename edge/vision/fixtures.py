"""Where things stand that a detector takes for people: posts, signs, mannequins.

A sighting is worth as much as it is likelier to be somebody followed than nobody. Nobody is seen
evenly all over the floor, but for places at which a detector has fired while nothing moved there:
from those on, it is likely to fire again, also while people pass. So who stands beside a post and
walks away is not taken to have stayed as the post.

Source: clutter whose density is learnt by place, as in Musicki, Suvorova, Morelande & Moran,
"Clutter map and target tracking", FUSION 2005.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, slots=True)
class FixtureParams:
    """When a place is a fixture's; all [D], seen at PETS and on rendered people to serve.

    Attributes:
        after_ms: of still sightings at a place, after which it is one's.
        step_ms: at most so much is counted for one sighting.
        keep_ms: without a still sighting for so long it is forgotten,
        gone_ms: and without any for so long: who stood there is gone.
        seen: share of the images in which it is taken for somebody.
        sd_m: by how much its sightings scatter along each axis, before that is learnt,
        sd_worth: as so many sightings.
        near_m: within which still sightings are the same fixture's.
    """

    after_ms: int = 1_000
    step_ms: int = 300
    keep_ms: int = 120_000
    gone_ms: int = 3_000
    seen: float = 0.5
    sd_m: float = 0.15
    sd_worth: int = 20
    near_m: float = 0.5


@dataclass(slots=True)
class _Fixture:
    place_m: complex
    still_at_ms: int
    seen_at_ms: int
    variance_m2: float
    still_ms: int = 0
    sightings: int = 0


class Fixtures:
    """Learns the fixtures on one floor, in memory only."""

    def __init__(self, params: FixtureParams | None = None) -> None:
        self._params = params or FixtureParams()
        self._all: list[_Fixture] = []
        self._fed_ms = 0

    def feed(self, now_ms: int, seen: Iterable[complex], *, still: Iterable[complex]) -> None:
        """Take the places, east + north j, of one instant's sightings, and of the still ones."""
        params = self._params
        step_ms, self._fed_ms = min(params.step_ms, now_ms - self._fed_ms), now_ms
        if self._all:
            places = tuple(seen)
            for one in self._all:
                if any(abs(place_m - one.place_m) < params.near_m for place_m in places):
                    one.seen_at_ms = now_ms
            self._all = [
                one
                for one in self._all
                if now_ms - one.still_at_ms < params.keep_ms
                and now_ms - one.seen_at_ms < params.gone_ms
            ]
        for place_m in still:
            one = self._at(place_m) or self._begun(place_m, now_ms=now_ms)
            off_m = place_m - one.place_m
            one.sightings += 1
            one.place_m += off_m / one.sightings
            gain = 1 / (one.sightings + params.sd_worth)
            one.variance_m2 += gain * (0.5 * abs(off_m) ** 2 - one.variance_m2)
            one.still_ms += step_ms
            one.still_at_ms = now_ms

    def _at(self, place_m: complex) -> _Fixture | None:
        one = min(self._all, key=lambda it: abs(it.place_m - place_m), default=None)
        near = one is not None and abs(one.place_m - place_m) < self._params.near_m
        return one if near else None

    def _begun(self, place_m: complex, *, now_ms: int) -> _Fixture:
        self._all.append(_Fixture(place_m, now_ms, now_ms, self._params.sd_m**2))
        return self._all[-1]

    def density(self, place_m: complex) -> float:
        """Give how many sightings of fixtures an image has there, per 2 pi m²."""
        if not self._all:
            return 0.0
        params = self._params
        return sum(
            params.seen * exp(-0.5 * abs(place_m - one.place_m) ** 2 / one.variance_m2)
            / one.variance_m2
            for one in self._all
            if one.still_ms >= params.after_ms
        )  # fmt: skip
