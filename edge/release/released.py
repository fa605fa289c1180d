"""The only type the outbox takes, and the only functions that can make one: here noise is added.

To make one (tests of the uplink included) go through the door:

    budget = Budget()                                   # edge.release.privacy
    tally = Tally(budget.channel("cells"), axes=(Axis("cell", ("0", "1", "dropped")),))
    tally.add([(0,)])                                   # edge.release.tallies
    let_out(tally, window_start=..., window_end=..., plan="p1", codebook="c1", coverage=1.0)
"""

from __future__ import annotations

import secrets
from dataclasses import InitVar, dataclass, replace
from datetime import datetime
from typing import NoReturn

import msgspec

from edge.errors import PrivacyError
from edge.release.groups import GROUPS, Batch
from edge.release.noise import RandBelow, discrete_gaussian
from edge.release.tallies import Tally
from wire.codec import MAX_BYTES
from wire.messages import Axis, ChannelName, Release

MOST_BYTES = MAX_BYTES["release"] - 600
"""Of a release's body, so that it fits a message in its envelope, whatever its names."""
MOST_LABELS = 256
MOST_COUNTS = 4096
_DOOR = object()


@dataclass(frozen=True, slots=True)
class Released:
    """Noised counts over many visits, ready to leave; made by ``let_out`` alone.

    Attributes as in ``wire.messages.Release``, which the outbox completes with epoch and seq.

    Raises:
        PrivacyError: somebody else tried to build one.
    """

    door: InitVar[object]
    channel: ChannelName
    window_start: datetime
    window_end: datetime
    plan: str
    codebook: str
    axes: tuple[Axis, ...]
    counts: tuple[int, ...]
    sd: float
    rho: float
    standard_privacy: bool
    coverage: float

    def __post_init__(self, door: object) -> None:
        """Refuse anybody without the key, and values the contract would refuse later."""
        if door is not _DOOR:
            raise PrivacyError("only edge.release.released.let_out makes a Released")
        self.message(epoch="0" * 16, seq=1)

    def message(self, *, epoch: str, seq: int) -> Release:
        """Give the message of the contract under the outbox's key."""
        return Release(
            epoch=epoch,
            seq=seq,
            channel=self.channel,
            window_start=self.window_start,
            window_end=self.window_end,
            plan=self.plan,
            codebook=self.codebook,
            axes=self.axes,
            counts=self.counts,
            sd=self.sd,
            rho=self.rho,
            standard_privacy=self.standard_privacy,
            coverage=self.coverage,
        )

    def parts(self) -> list[Released]:
        """Give it in messages that fit the contract: itself, or with parts of its first axis."""
        labels = self.axes[0].labels
        if len(labels) == 1 or (
            len(msgspec.json.encode(self.message(epoch="0" * 16, seq=2**53))) <= MOST_BYTES
            and len(labels) <= MOST_LABELS
            and len(self.counts) <= MOST_COUNTS
        ):
            return [self]
        middle = len(labels) // 2
        step = len(self.counts) // len(labels)
        return [
            part
            for first, last in ((0, middle), (middle, len(labels)))
            for part in replace(
                self,
                door=_DOOR,
                axes=(Axis(self.axes[0].name, labels[first:last]), *self.axes[1:]),
                counts=self.counts[first * step : last * step],
            ).parts()
        ]

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: a second one would be released twice."""
        raise TypeError("a Released is not copied; the outbox stores its message")

    def __setstate__(self, _state: object) -> NoReturn:
        """Refuse to be filled by anybody but ``let_out``."""
        raise PrivacyError("only edge.release.released.let_out makes a Released")


def let_out(
    tally: Tally,
    *,
    window_start: datetime,
    window_end: datetime,
    plan: str,
    codebook: str,
    coverage: float,
    randbelow: RandBelow = secrets.randbelow,
) -> Released:
    """Add the channel's noise to every count, zeros included, and let the result out.

    Args:
        tally: exact counts of one window.
        window_start: aware UTC; half-open period [start, end).
        window_end: aware UTC.
        plan: version of the floor plan.
        codebook: version of the codebook, empty where the channel has none.
        coverage: share of the window in which the agent was seeing.
        randbelow: where the noise comes from; an agent never gives another.

    Raises:
        ValueError: an instant without a time zone, or a window that ends before it starts.
    """
    if window_start.utcoffset() is None or window_end.utcoffset() is None:
        raise ValueError("a window's instants carry a time zone")
    channel = tally.channel
    return Released(
        _DOOR,
        channel=channel.name,
        window_start=window_start,
        window_end=window_end,
        plan=plan,
        codebook=codebook,
        axes=tally.axes,
        counts=tuple(
            count + discrete_gaussian(channel.variance, randbelow=randbelow)
            for count in tally.close()
        ),
        sd=channel.sd,
        rho=channel.rho,
        standard_privacy=channel.standard,
        coverage=coverage,
    )


def let_out_groups(
    batch: Batch,
    *,
    window_start: datetime,
    window_end: datetime,
    plan: str,
    codebook: str,
    coverage: float,
) -> Released | None:
    """Let out means of groups of visits, without noise: the research mode.

    Args:
        batch: of one trading day.
        window_start: as ``let_out``.
        window_end: as ``let_out``.
        plan: version of the floor plan.
        codebook: version of the codebook that scales the traits.
        coverage: as ``let_out``.

    Returns:
        None where the visits were too few.
    """
    groups = batch.close()
    if not groups:
        return None
    return Released(
        _DOOR,
        channel=GROUPS.name,
        window_start=window_start,
        window_end=window_end,
        plan=plan,
        codebook=codebook,
        axes=batch.axes(groups=len(groups)),
        counts=tuple(value for group in groups for value in group),
        sd=GROUPS.sd,
        rho=GROUPS.rho,
        standard_privacy=False,
        coverage=coverage,
    )
