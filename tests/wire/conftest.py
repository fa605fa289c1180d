"""One message of each kind, the same ones the golden files hold."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
import pytest

from wire.codebook import Cell, Codebook, Scaling
from wire.messages import (
    OUTCOMES,
    PARTY,
    SEEN,
    Ack,
    Axis,
    Channel,
    ChannelName,
    Config,
    Device,
    Health,
    Message,
    Meta,
    Privacy,
    Release,
    Status,
    Zone,
)
from wire.topics import Leaf

EPOCH = "00112233445566ff"
CODEBOOK = Codebook(
    version="golden",
    scaling=(Scaling("duration_s", 5.0, 0.5, log=True), Scaling("stops", 3.0, 2.0)),
    cells=(
        Cell((0.0, 0.5), {"showroomer": 0.25, "wanderer": 0.5}),
        Cell((1.0, -0.5), {"showroomer": 0.75, "wanderer": 0.5}),
    ),
    source="two cells for a test",
)


@pytest.fixture
def messages() -> dict[Leaf, Message]:
    return {
        "status": Status("online"),
        "meta": Meta(
            version="0.1.0",
            config_hash="5f2b",
            plan="plan-1",
            timezone="Europe/Berlin",
            opens="09:00",
            closes="20:00",
            outline=((0.0, 0.0), (12.0, 0.0), (12.0, 18.0), (0.0, 18.0)),
            zones=(Zone("aisle-1", "aisle", "Wine", ((0.0, 0.0), (2.0, 0.0), (2.0, 8.0)), True),),
            fixtures=(((3.0, 1.0), (4.0, 1.0), (4.0, 2.0)),),
            dayparts=("morning", "evening"),
            codebook=CODEBOOK,
            privacy=Privacy(
                0.1, 2.1, 1e-6, standard=True, channels=(Channel("cells", "hour", 1, 0.02, 5.0),)
            ),
            simulated=True,
        ),
        "release": Release(
            epoch=EPOCH,
            seq=1,
            channel="cells",
            window_start=datetime(2026, 3, 7, 9, tzinfo=UTC),
            window_end=datetime(2026, 3, 7, 10, tzinfo=UTC),
            plan="plan-1",
            codebook="golden",
            axes=(Axis("cell", ("0", "1", "dropped")),),
            counts=(12, -3, 0),
            sd=5.0,
            rho=0.02,
            standard_privacy=True,
            coverage=0.98,
        ),
        "health": Health(
            up_s=60,
            coverage=1.0,
            clock_synchronised=True,
            devices=(Device("north", "camera", "up", "640x432", {"reconnects": 2}),),
        ),
        "ack": Ack(EPOCH, 41),
        "config": Config(codebook=CODEBOOK, max_rho=0.05),
    }


@pytest.fixture
def channels(messages: dict[Leaf, Message]) -> dict[ChannelName, Release]:
    """A release of every channel."""
    cells = messages["release"]
    assert isinstance(cells, Release)
    cell, dropped = Axis("cell", ("0", "1")), Axis("cell", ("0", "1", "dropped"))
    zones = ("aisle-1", "entrance")
    axes: dict[ChannelName, tuple[Axis, ...]] = {
        "cells": (dropped,),
        "day_cells": (dropped,),
        "sums": (cell, Axis("trait", ("duration_s", "stops"))),
        "zones": (Axis("zone", zones[:1]), Axis("daypart", ("all",)), Axis("outcome", OUTCOMES)),
        "walked": (Axis("north_m", ("0", "1")), Axis("east_m", ("0", "1", "2"))),
        "stood": (Axis("north_m", ("-0.5", "0.5")), Axis("east_m", ("0",))),
        "flow": (Axis("zone", zones), Axis("to_zone", zones)),
        "goods": (Axis("goods", ("wine", "cheese")), Axis("outcome", ("put_back", "kept"))),
        "tags": (Axis("tag", ("organic",)),),
        "visits": (Axis("seen", SEEN), Axis("party", PARTY)),
        "groups": (Axis("group", ("0", "1")), Axis("trait", ("visits", "stops"))),
    }
    made: dict[ChannelName, Release] = {}
    for name, by in axes.items():
        size = math.prod(len(axis.labels) for axis in by)
        made[name] = msgspec.structs.replace(
            cells,
            channel=name,
            axes=by,
            counts=tuple(range(-1, size - 1)),
            codebook="golden" if name in ("cells", "day_cells", "sums", "groups") else "",
            rho=0.0 if name == "groups" else cells.rho,
        )
    return made
