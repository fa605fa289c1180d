"""What is well with a hub and what is not, given what is known of it: every fault with its mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hub.store_io.store import RETIRED, AgentRow, Link
from wire.messages import Config, Meta

State = Literal["ok", "warn", "fail"]
GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        state: ``warn`` harms later or a little, ``fail`` loses or hides something now.
        mend: what to do about it; empty where all is well.
    """

    what: str
    state: State
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class CheckParams:
    """From when on something is wrong.

    Attributes:
        silent: without a word; health comes every 60 s, and a reconnection takes 60 s at most.
        dead: since the running hub last noted itself; it does so every 30 s.
        coverage_warn: below, figures of the day are withheld more often.
        coverage_fail: below, most of the day was not seen.
        clock_s: a release cannot be dated after its arrival, but clocks differ a little.
        free_warn: bytes free on the database's disk; a year of 100 stores takes about a GB.
        free_fail: bytes free, below which a day's commits may not fit.
        backup: since the last backup; agents keep what they sent for 7 days, so that a restored
            older backup has a hole.
        looked: since segments were last looked after; the timer does so each night.
        taken: a codebook is taken up with the next trading day.
    """

    silent: timedelta = timedelta(minutes=5)
    dead: timedelta = timedelta(minutes=2)
    coverage_warn: float = 0.9
    coverage_fail: float = 0.5
    clock_s: float = 120.0
    free_warn: int = 2 * GB
    free_fail: int = GB // 5
    backup: timedelta = timedelta(days=7)
    looked: timedelta = timedelta(hours=50)
    taken: timedelta = timedelta(hours=26)


def check_disk(*, path: str, free: int, used: int, params: CheckParams) -> Check:
    """Judge the room on the database's disk.

    Args:
        path: of the database.
        free: bytes on its disk.
        used: bytes of the database.
        params: bounds.
    """
    found = f"{path}: {used / GB:.2f} GB, {free / GB:.1f} GB free"
    if free < params.free_fail:
        return Check("disk", "fail", found, "free space now: a full disk takes in no release")
    if free < max(params.free_warn, used):
        mend = "free space, or `aisle-hub db purge`: a backup here needs as much as the database"
        return Check("disk", "warn", found, mend)
    return Check("disk", "ok", found)


def check_run(
    run: Link | None, broker: Link | None, *, now: datetime, params: CheckParams
) -> Check:
    """Judge whether a hub takes releases in."""
    start = "start it: `sudo systemctl start aisle-hub`, or `aisle-hub run`"
    if run is None:
        return Check("hub", "fail", "`aisle-hub run` has never run on this database", start)
    if run.state != "running":
        return Check("hub", "fail", f"stopped since {_ago(run.since, now)}", start)
    if now - run.since > params.dead:
        found = f"no sign of life since {_ago(run.since, now)}: it was killed, or hangs"
        return Check("hub", "fail", found, "its log says why (`journalctl -u aisle-hub`); " + start)
    if broker is None or broker.state != "connected":
        detail = f"{broker.state}: {broker.detail}" if broker else "not connected yet"
        mend = "see the broker below; agents keep what they cannot send"
        return Check("hub", "fail", f"running, but the broker is {detail}", mend)
    return Check("hub", "ok", f"running, connected to {broker.detail}")


def check_backup(last: Link | None, *, now: datetime, params: CheckParams) -> Check:
    """Judge how old the last backup is."""
    mend = "`aisle-hub db backup FILE` each night (cron), onto another disk"
    if last is None:
        return Check("backup", "warn", "never made from this database", mend)
    found = f"{last.detail}, {_ago(last.since, now)}"
    if now - last.since > params.backup:
        return Check("backup", "warn", found, mend)
    return Check("backup", "ok", found)


def check_segments(last: Link | None, *, watched: int, now: datetime, params: CheckParams) -> Check:
    """Judge whether the segments in use are looked after: what nobody updates misleads silently."""
    if not watched:
        return Check("segments", "ok", "none is in use")
    found = f"{watched} in use, " + (
        f"looked after {_ago(last.since, now)}" if last else "never looked after"
    )
    if last is None or now - last.since > params.looked:
        mend = "`sudo systemctl enable --now aisle-hub-look.timer`, or `aisle-hub segments look`"
        return Check("segments", "warn", found, mend)
    return Check("segments", "ok", found)


def check_clock(
    ahead_s: Mapping[tuple[str, str], float], *, synchronised: bool, params: CheckParams
) -> Check:
    """Judge this machine's clock, by itself and by the releases' dates.

    Args:
        ahead_s: by how much agents' newest releases are dated after their arrival.
        synchronised: what the kernel says.
        params: bounds.
    """
    early = sorted(f"{s}/{a}" for (s, a), by_s in ahead_s.items() if by_s > params.clock_s)
    time_service = "switch time synchronisation on: `sudo timedatectl set-ntp true`"
    if len(early) > 1 or (early and len(ahead_s) == 1):
        found = f"releases of {', '.join(early[:5])} come from the future: this clock is slow"
        return Check("clock", "fail", found, time_service)
    if early:
        mend = f"set the time on that agent's box: {time_service}"
        return Check("clock", "warn", f"{early[0]} dates its releases in the future", mend)
    if not synchronised:
        return Check("clock", "warn", "the kernel says it is not synchronised", time_service)
    return Check("clock", "ok", "agrees with the agents'" if ahead_s else "synchronised")


def check_agent(row: AgentRow, *, now: datetime, params: CheckParams) -> Iterator[Check]:
    """Judge one agent by what arrived of it; one line if all is well."""
    what = f"agent {row.store}/{row.agent}"
    if row.state == RETIRED:
        yield Check(what, "ok", "retired")
        return
    faults = [
        *_presence(row, what=what, now=now, params=params),
        *_seeing(row, what=what, params=params),
    ]
    if row.missing:
        faults.append(
            Check(
                what,
                "warn",
                f"{row.missing} releases have not arrived although later ones did",
                "it sends them again within the hour; if not, its log tells of its outbox",
            )
        )
    if not faults:
        faults.append(Check(what, "ok", f"{row.releases} releases"))
    yield from faults


def check_asked(
    place: tuple[str, str],
    *,
    asked: Config,
    asked_at: datetime,
    uses: Meta | None,
    now: datetime,
    params: CheckParams,
) -> Iterator[Check]:
    """Judge whether an agent does what it was asked for."""
    if uses is None or now - asked_at < params.taken:
        return
    what = f"agent {place[0]}/{place[1]}"
    mend = "its log says why (`journalctl -u aisle-edge`); an older agent may lack a trait: update"
    if asked.codebook is not None and asked.codebook.version != uses.codebook.version:
        found = f"asked for codebook {asked.codebook.version}, it counts by {uses.codebook.version}"
        yield Check(what, "warn", found, mend)
    if asked.max_rho is not None and uses.privacy.rho > asked.max_rho * (1 + 1e-9):
        found = f"asked to spend rho {asked.max_rho:g} a visit, it spends {uses.privacy.rho:g}"
        yield Check(what, "warn", found, mend)


def check_rejects(
    refused: Mapping[tuple[str, str], tuple[int, str]], *, understood: int
) -> Iterator[Check]:
    """Judge what was refused in the last day, and whether some of it would not be any more."""
    for (store, agent), (times, reason) in sorted(refused.items()):
        whose = f"{store}/{agent}" if store else "an unknown sender"
        mend = "`aisle-hub rejects list`; most often agent and hub are of different versions"
        yield Check("rejects", "warn", f"{times} in 24 h of {whose}, the newest: {reason}", mend)
    if understood:
        mend = "`aisle-hub rejects replay --all` stores them"
        yield Check("rejects", "warn", f"{understood} would be understood now", mend)
    if not refused and not understood:
        yield Check("rejects", "ok", "none in 24 h")


def _presence(row: AgentRow, *, what: str, now: datetime, params: CheckParams) -> Iterator[Check]:
    seen = row.last_seen_at
    if seen is None or now - seen > params.silent:
        when = _ago(seen, now) if seen else "never"
        found = f"silent: last heard {when}; its connection is {row.state}"
        mend = (
            "is the box on, its network up, its account at the broker right? It keeps what it "
            "cannot send. If it is gone for good: `aisle-hub agents retire`"
        )
        yield Check(what, "fail", found, mend)
    elif row.health is not None and not row.health.clock_synchronised:
        mend = "switch time synchronisation on there; it holds its releases until then"
        yield Check(what, "fail", "its clock is not synchronised", mend)


def _seeing(row: AgentRow, *, what: str, params: CheckParams) -> Iterator[Check]:
    coverage = row.day_coverage
    if coverage is not None and coverage < params.coverage_warn:
        state: State = "fail" if coverage < params.coverage_fail else "warn"
        mend = "its devices below, or its log, say which; `aisle-edge check` on the box"
        yield Check(what, state, f"saw {100 * coverage:.0f} % of the last 24 h", mend)
    for device in row.health.devices if row.health else ():
        if device.state != "up":
            found = f"{device.kind} {device.name} is {device.state}: {device.detail}".rstrip(": ")
            yield Check(what, "fail", found, "plug and power; `aisle-edge check` on the box")


def _ago(at: datetime, now: datetime) -> str:
    minutes = max(0, int((now - at).total_seconds() // 60))
    if minutes < 120:  # noqa: PLR2004 - two hours in minutes
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
