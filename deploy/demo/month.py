"""Four weeks of three stores: their agents release day by day, and deliver to the hub.

The visits are the simulator's (`aisle-sim visits`), with no video; from there on all is an agent's
own: configuration, windows, noise and ledger, outbox and uplink. To the hub each is an agent that
was offline for weeks. A store whose planogram changes starts its agent anew, with the new plan.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from stores import BRANCHES, DAYS, FIRST, VISITS, Branch, toml_table, tool

from edge.config import StoreConfig, config_hash, parse
from edge.parts_io import Parts, catalogue_of, meta_of, windows_of
from edge.process_io import lock_folder
from edge.release.channels import Gist
from edge.release.codebook import nearest_cell
from edge.release.goods import Goods, goods_of
from edge.release.grid import Grid, grid_of
from edge.release.released import Released
from edge.release.state_io import load_ledger, save_ledger
from edge.release.tallies import Cell
from edge.release.windows import Windows
from edge.rfid.catalogue import BASKET_TAGS
from edge.rfid.epc import check_digit
from edge.uplink.mqtt_io import Uplink
from edge.uplink.outbox_io import Outbox
from edge.visits.measuring import SHOPPED
from edge.visits.plan import Point
from edge.visits.traits import TRAITS
from firmware_sim.stories import Story
from wire.messages import Config, Device, Health

AGENT = "ceiling"
GRACE_MS = 60_000
PATIENCE_S = 60.0
"""For the hub to acknowledge what was delivered."""
UNTOLD: dict[str, float | None] = {trait.name: None for trait in TRAITS}
CLASSES = 5
"""Of each category, so that the release tells categories and not classes."""


@dataclass(slots=True)
class Truth:
    """What was so on one day, for a table beside the hub's figures.

    Attributes:
        placed: visits that lie in a cell; ``baskets`` those with prices.
        patterns: of the placed, quality seekers of the baskets, bargain hunters of all visits.
    """

    visits: int = 0
    placed: int = 0
    baskets: int = 0
    patterns: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)


def main() -> int:
    """Run all stores, one after the other."""
    options = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(options.folder)
    survey = json.loads(simulator("survey"))
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = folder / "catalogue.csv"
    shelves = tomllib.loads(simulator("store"))["shelves"]
    catalogue.write_text(catalogue_text(sorted({shelf["category"] for shelf in shelves})))
    try:
        with Path(options.truth).open("w", encoding="utf-8") as truth:
            for branch in BRANCHES:
                stories = told(branch, days=options.days, visits=options.visits * branch.size)
                for plan, of_plan in groupby(stories, key=lambda story: story.plan):
                    path = folder / f"{branch.store}-{plan}.toml"
                    path.write_text(
                        branch_config(
                            survey,
                            store=branch.store,
                            plan=f"{branch.store}-{plan}",
                            folder=folder / branch.store,
                            catalogue=catalogue,
                            broker_port=options.broker_port,
                        )
                    )
                    for day, true in live(path, of_plan, days=options.days):
                        line = {"store": branch.store, "day": day} | msgspec.to_builtins(true)
                        print(json.dumps(line), file=truth, flush=True)
    except KeyboardInterrupt:
        return 130
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, help="for configurations and outboxes")
    parser.add_argument("--truth", required=True, help="where the truth goes, JSON Lines")
    parser.add_argument("--broker-port", type=int, required=True)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--visits", type=float, default=VISITS, help="a day in the largest store")
    return parser.parse_args()


def told(branch: Branch, *, days: int, visits: float) -> Iterator[Story]:
    """Give a store's visits as the simulator tells them."""
    changes = [word for change in branch.changes for word in ("--change", change)]
    command = [
        str(tool("aisle-sim")), "visits", "--format", "stories", "--days", str(days),
        "--visits", str(visits), "--seed", str(branch.seed), *changes,
    ]  # fmt: skip
    decode = msgspec.json.Decoder(Story).decode
    with subprocess.Popen(command, stdout=subprocess.PIPE) as telling:
        assert telling.stdout is not None
        try:
            for line in telling.stdout:
                yield decode(line)
        finally:
            telling.terminate()


def live(path: Path, stories: Iterable[Story], *, days: int) -> Iterator[tuple[str, Truth]]:
    """Run one store's agent over some days; gives each day's truth.

    Raises:
        SystemExit: the hub does not acknowledge.
    """
    config = parse(path.read_text(), where=path.name, needs_cameras=False)
    first, stories = _peek(stories)
    zone = ZoneInfo(config.timezone)

    def midnight(day: int) -> datetime:
        whole = datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), tzinfo=zone)
        return whole.astimezone(UTC)

    begins_at = midnight(first.day)

    def utc_of(scene_ms: int) -> datetime:
        return begins_at + timedelta(milliseconds=scene_ms)

    def scene_ms(day: int, second: float = 0.0) -> int:
        return round(1_000 * ((midnight(day) - begins_at).total_seconds() + second))

    with ExitStack() as stack:
        parts = Parts.build(config)
        stack.callback(lock_folder(config.data_dir).close)
        windows = windows_of(
            parts,
            utc_of=utc_of,
            start_ms=0,
            grace_ms=GRACE_MS,
            ledger=load_ledger(config.data_dir),
        )
        windows.feed_coverage(0, seeing=1.0)
        outbox = Outbox(config.data_dir / "outbox.db", store=config.store, agent=config.agent)
        stack.callback(outbox.close)
        wishes: SimpleQueue[Config] = SimpleQueue()
        uplink = uplink_of(config, windows=windows, outbox=outbox, wishes=wishes)
        stack.callback(uplink.close)
        uplink.start()

        def save(released: list[tuple[Released, datetime]]) -> None:
            save_ledger(config.data_dir, windows.ledger)
            for one, at in released:
                outbox.put(one, at=at)
            uplink.wake()

        squares, goods = Squares(grid_of(parts.floor.plan)), goods_of(catalogue_of(config) or ())
        for day, of_day in groupby(stories, key=lambda story: story.day):
            obey(wishes, windows=windows)
            true, released = Truth(), list[tuple[Released, datetime]]()
            for story in of_day:
                end_ms = scene_ms(day, story.second)
                gist = gist_of(story, end_ms=end_ms, squares=squares, goods=goods)
                add(true, story, placed=nearest_cell(gist.traits, codebook=windows.codebook))
                released += ((one, utc_of(end_ms)) for one in windows.feed_gist(gist))
            closing = windows.advance(scene_ms(day + 1))
            save([*released, *((one, midnight(day + 1)) for one in closing)])
            print(f"{config.store}, day {day + 1} of {days}", flush=True)
            yield f"{FIRST + timedelta(days=day)}", true
        deliver(outbox, uplink=uplink)


def _peek(stories: Iterable[Story]) -> tuple[Story, Iterator[Story]]:
    waiting = iter(stories)
    first = next(waiting)
    return first, chain((first,), waiting)


class Squares:
    """Cells of a floor's grid by point; the simulator's points are few."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._known: dict[Point, tuple[Cell, ...]] = {}

    def touched(self, points: Iterable[Point]) -> tuple[Cell, ...]:
        """Give the cells that hold some points, in order."""
        for point in points:
            if point not in self._known:
                self._known[point] = self._grid.touched(np.array([point]))
        return tuple(dict.fromkeys(cell for point in points for cell in self._known[point]))


def gist_of(story: Story, *, end_ms: int, squares: Squares, goods: Goods) -> Gist:
    """Give what a visit adds to the counts."""
    return Gist(
        end_ms=end_ms,
        traits=UNTOLD | story.traits,
        outcomes=story.zones,
        walked=squares.touched(story.walked),
        stood=squares.touched(story.stood),
        ways=story.ways,
        goods=story.goods,
        tags=(*goods.tier(story.traits.get("price_tier")), *story.tags),
        seen="cut" if story.cut else "whole",
        party=story.party,
    )


def add(true: Truth, story: Story, *, placed: int | None) -> None:
    """Note what a visit truly was."""
    true.visits += 1
    true.tags.update(story.tags)
    basket = story.traits.get("price_tier") is not None
    true.baskets += basket
    true.placed += placed is not None
    counted = {"bargain": True, "quality": basket}
    true.patterns.update(
        name
        for name, shown in story.truth.items()
        if shown and counted.get(name, placed is not None)
    )


def obey(wishes: SimpleQueue[Config], *, windows: Windows) -> None:
    """Take up what the hub has asked for; it may only tighten."""
    while not wishes.empty():
        wish = wishes.get()
        if wish.max_rho is not None:
            windows.tighten(wish.max_rho)
        if wish.codebook is not None:
            windows.renew(wish.codebook)


def uplink_of(
    config: StoreConfig, *, windows: Windows, outbox: Outbox, wishes: SimpleQueue[Config]
) -> Uplink:
    """Give the agent's connection."""
    return Uplink(
        outbox,
        store=config.store,
        agent=config.agent,
        broker=config.broker,
        meta=lambda: meta_of(
            config,
            config_hash=config_hash(config),
            codebook=windows.codebook,
            budget=windows.budget,
        ),
        health=lambda: Health(
            up_s=0,
            coverage=1.0,
            clock_synchronised=True,
            devices=(Device("outbox", "outbox", "up", "", {"waiting": outbox.level().waiting}),),
        ),
        on_config=wishes.put,
        utc_now=lambda: datetime.now(UTC),
    )


def deliver(outbox: Outbox, *, uplink: Uplink) -> None:
    """Wait until the hub has everything.

    Raises:
        SystemExit: it does not say so.
    """
    until = time.monotonic() + PATIENCE_S
    while outbox.level().waiting:
        if time.monotonic() > until:
            raise SystemExit(f"the hub has not acknowledged everything: {uplink.detail}")
        time.sleep(0.2)


def branch_config(
    survey: dict[str, Any],
    *,
    store: str,
    plan: str,
    folder: Path,
    catalogue: Path,
    broker_port: int,
) -> str:
    """Write a store's configuration; a reader hears every shelf."""
    shopped = [zone["id"] for zone in survey["zones"] if zone["kind"] in SHOPPED]
    tables: list[tuple[str, dict[str, Any]]] = [
        (
            "",
            {
                "store": store,
                "agent": AGENT,
                "timezone": survey["timezone"],
                "opens": survey["opens"],
                "closes": survey["closes"],
                "data_dir": str(folder),
                "catalogue": str(catalogue),
                "simulated": True,
            },
        ),
        ("[broker]", {"port": broker_port}),
        (
            "[plan]",
            {"version": plan, "outline": survey["outline"], "fixtures": survey["fixtures"]},
        ),
        *(
            ("[[plan.zones]]", {key: zone[key] for key in ("id", "kind", "name", "polygon")})
            for zone in survey["zones"]
        ),
        *(
            (
                "[[readers]]",
                {"name": zone, "port": "simulated", "region": "EU", "zone": zone, "place": "shelf"},
            )
            for zone in shopped
        ),
    ]
    return "\n".join(toml_table(header, values) for header, values in tables)


def catalogue_text(categories: list[str]) -> str:
    """Write a catalogue with some classes of every category, and every tag on one of them."""
    lines = ["class,category,price,size,promo,tags"]
    for number in range(CLASSES * len(categories)):
        body = 401_234_500_000 + number
        tag = BASKET_TAGS[number] if number < len(BASKET_TAGS) else ""
        lines.append(
            f"{body}{check_digit(body)},{categories[number // CLASSES]},"
            f"{2 + number % CLASSES}.90,1 pc,no,{tag}"
        )
    return "\n".join(lines) + "\n"


def simulator(command: str) -> str:
    """Give what a command of the simulator prints."""
    done = subprocess.run([tool("aisle-sim"), command], capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
