"""What ``aisle-hub status`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hub.store_io.store import AgentRow, Link

HEADS = ("store/agent", "state", "last seen", "releases", "missing", "rejects", "coverage 24 h")


def status_text(agents: Sequence[AgentRow], *, link: Link | None) -> str:
    """Give the connection, a table of the agents, and the devices that are not up."""
    lines = [
        f"broker  {link.state} {link.detail} since {when(link.since)}"
        if link
        else "broker  never connected",
        "",
    ]
    return "\n".join([*lines, agents_text(agents)])


def agents_text(agents: Sequence[AgentRow]) -> str:
    """Give a table of the agents, and the devices that are not up."""
    rows = [HEADS, *(_cells(agent) for agent in agents)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if not agents:
        lines.append("no agent was heard yet")
    lines += [
        f"  {agent.store}/{agent.agent}: {device.kind} {device.name} is {device.state}: "
        f"{device.detail}".rstrip(": ")
        for agent in agents
        if agent.health
        for device in agent.health.devices
        if device.state != "up"
    ]
    return "\n".join(lines)


def when(at: datetime | None) -> str:
    """Spell an instant in UTC."""
    return "never" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _cells(agent: AgentRow) -> tuple[str, ...]:
    coverage = agent.day_coverage
    return (
        f"{agent.store}/{agent.agent}",
        agent.state,
        when(agent.last_seen_at),
        str(agent.releases),
        str(agent.missing),
        str(agent.rejects),
        "-" if coverage is None else f"{100 * coverage:.0f} %",
    )
