"""How well a store's days are known through the whole way: release, outbox, broker, hub, report.

Reads what a demo with ``--work`` left (``hub.db``, ``month.jsonl``): batch-simulated visits, seeds
and mixes the confusion never saw, let out by the agent's own code at the standard budget. Truth is
the share of the day's own visits (or baskets), as in ``pattern_coverage.py``; an error is
the total variation between shown and not shown.

    python deploy/demo/run.py --work /tmp/work && python tests/figures/month_shares.py /tmp/work
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import numpy as np

from hub.day import load_period
from hub.patterns.shares import ShareParams
from hub.reports.trend import daily_patterns
from hub.store_io.store import Store

PATTERN_OF = {"bargain": "visits", "quality": "baskets"}
"""What a pattern's true share is of, where not of the visits that could be placed."""
FIT = 0.06
"""Total variation asked for, per axis and day, at 2,400 visits a day."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, nargs="?", help="folder of a demo with --work")
    work = parser.parse_args().work
    if work is None:
        print("left out: it reads what a demo left, see --help")
        return
    lines = (work / "month.jsonl").read_text().splitlines()
    days = [json.loads(line) for line in lines]
    rows: dict[tuple[str, str], list[tuple[float, float, bool]]] = {}
    with Store.open(work / "hub.db", busy_ms=5_000) as hub:
        for day in days:
            at = date.fromisoformat(day["day"])
            data = load_period(hub, store=day["store"], since=at, until=at)
            for one in daily_patterns(data, params=ShareParams())[at].shares:
                whole = day[PATTERN_OF.get(one.name, "placed")]
                share, truth = one.share, day["patterns"].get(one.name, 0) / max(1, whole)
                if share.value is None or share.low is None or share.high is None:
                    continue
                held = share.low <= truth <= share.high
                found = (abs(share.value - truth), share.value - truth, held)
                rows.setdefault((day["store"], one.name), []).append(found)
    print(f"{'store':12} {'axis':12} days {'mean TV':>8} {'90 %':>6} {'most':>6} "
          f"{f'<= {FIT:g}':>7} {'bias':>7} {'held':>6}")  # fmt: skip
    for (store, axis), found in rows.items():
        error, signed, held = np.array(found).T
        print(
            f"{store:12} {axis:12} {len(found):4} {error.mean():8.3f} "
            f"{np.quantile(error, 0.9):6.3f} {error.max():6.3f} {np.mean(error <= FIT):7.2f} "
            f"{signed.mean():+7.3f} {held.mean():6.3f}"
        )
    every = np.array([row for found in rows.values() for row in found])
    print(f"all: {len(every)} intervals, {every[:, 2].mean():.3f} hold the truth; "
          f"{np.mean(every[:, 0] <= FIT):.3f} within {FIT:g}")  # fmt: skip


if __name__ == "__main__":
    main()
