"""What ``aisle-hub doctor`` does: looks at everything once."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.checking import (
    Check,
    CheckParams,
    check_agent,
    check_asked,
    check_backup,
    check_clock,
    check_disk,
    check_rejects,
    check_run,
    check_segments,
)
from hub.config import HubConfig, read_password
from hub.errors import ConfigError, HubError
from hub.ingest.mqtt_io import probe
from hub.replay import replay
from hub.segments.life import WATCHED
from hub.store_io.configs import ConfigTables
from hub.store_io.schema import NEWEST
from hub.store_io.segments import SegmentTables
from hub.store_io.store import Store
from hub.store_io.upkeep import faults, purge
from wire.messages import Meta

REJECTS = 2_000
"""As many of the newest are judged again, without being stored."""
TIME_ERROR = 5
"""adjtimex(2)'s return value while the kernel's clock is not synchronised."""


def checks(
    config: HubConfig,
    *,
    quick: bool,
    alive: Callable[[], None],
    params: CheckParams,
) -> Iterator[Check]:
    """Look at one thing after the other; what fails stops only what needs it.

    Args:
        config: of the hub.
        quick: leave out reading the whole file.
        alive: called now and then while that goes on.
        params: from when on something is wrong.
    """
    path = Path(config.database)
    try:
        store = Store.open(path, busy_ms=config.busy_ms)
    except HubError as error:
        yield Check(
            "database", "fail", str(error), "mend that first: what it holds was not looked at"
        )
        yield _broker(config)
        return
    with store:
        yield _file(path, params=params)
        if not quick:
            yield _soundness(store, alive=alive)
        now = datetime.now(tz=UTC)
        yield check_run(store.link("run"), store.link(), now=now, params=params)
        yield _broker(config)
        yield from _stored(store, config, now=now, params=params)


def _stored(
    store: Store, config: HubConfig, *, now: datetime, params: CheckParams
) -> Iterator[Check]:
    metas = {
        (name, agent): found[-1]
        for name in store.stores()
        for agent, found in store.metas(name).items()
    }
    ahead = {
        place: by_s
        for place, by_s in store.ahead_s().items()
        if place not in metas or not metas[place].simulated
    }
    yield check_clock(ahead, synchronised=_synchronised(), params=params)
    yield check_backup(store.link("backup"), now=now, params=params)
    yield _retention(store, config, now=now)
    tables = SegmentTables(store)
    watched = {row.segment for state in WATCHED for row in tables.segments(state=state)}
    yield check_segments(store.link("look"), watched=len(watched), now=now, params=params)
    agents = store.agents(now=now)
    for row in agents:
        yield from check_agent(row, now=now, params=params)
    if not agents:
        mend = "`aisle-hub agents enrol STORE/AGENT` says what an agent needs"
        yield Check("agents", "warn", "none was ever heard", mend)
    yield from _asked(store, metas=metas, now=now, params=params)
    kept = store.rejects(limit=REJECTS)
    understood = sum(one.verdict == "stored" for one in replay(store, kept, dry_run=True))
    refused = store.refused(since=now - timedelta(days=1))
    yield from check_rejects(refused, understood=understood)


def _asked(
    store: Store, *, metas: dict[tuple[str, str], Meta], now: datetime, params: CheckParams
) -> Iterator[Check]:
    tables = ConfigTables(store)
    asked_at = max((one.set_at for one in tables.asked()), default=now)
    for place, asked in tables.wanted().items():
        yield from check_asked(
            place,
            asked=asked,
            asked_at=asked_at,
            uses=metas.get(place),
            now=now,
            params=params,
        )


def _file(path: Path, *, params: CheckParams) -> Check:
    parts = [path, path.with_name(f"{path.name}-wal")]
    try:
        used = sum(part.stat().st_size for part in parts if part.exists())
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        return Check("disk", "fail", f"{path}: {error}", "give this user access to its folder")
    return check_disk(path=str(path), free=free, used=used, params=params)


def _soundness(store: Store, *, alive: Callable[[], None]) -> Check:
    try:
        wrong = faults(store, progress=alive)
    except HubError as error:
        wrong = [str(error)]
    if wrong:
        mend = "`aisle-hub db restore` the last backup; agents send again what is newer"
        return Check("database", "fail", f"damaged: {wrong[0]}", mend)
    return Check("database", "ok", f"sound; tables of step {NEWEST}")


def _broker(config: HubConfig) -> Check:
    broker = config.broker
    place = f"{broker.host}:{broker.port}"
    try:
        wrong = probe(broker, password=read_password(broker))
    except ConfigError as error:
        return Check("broker", "fail", str(error), "mend hub.toml, or the file it names")
    if wrong:
        why, _, mend = wrong.partition("; ")
        return Check(
            "broker", "fail", f"{place}: {why}", f"{mend} Agents keep what they cannot send"
        )
    return Check("broker", "ok", f"{place} lets the hub in")


def _retention(store: Store, config: HubConfig, *, now: datetime) -> Check:
    old = purge(store, config.retention, now=now, dry_run=True, progress=lambda _done, _all: None)
    if old:
        found = ", ".join(f"{rows} {what}" for what, rows in old.items())
        mend = "`aisle-hub db purge` each night (cron)"
        return Check("retention", "warn", f"older than hub.toml allows: {found}", mend)
    return Check("retention", "ok", "nothing is older than hub.toml allows")


def _synchronised() -> bool:
    timex = ctypes.create_string_buffer(512)  # struct timex with modes = 0: only read
    return int(ctypes.CDLL(None).adjtimex(timex)) not in {TIME_ERROR, -1}
