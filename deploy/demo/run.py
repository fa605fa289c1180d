"""Simulated stores through the whole chain, then reports.

One is live: broker, hub, simulator and agent, every part a process of its own on loopback, started
by its own command; what this file adds is the agent's configuration (from the simulator's survey)
and a table with the truth beside it. Meanwhile `month.py` delivers four weeks of three more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from stores import (
    BORN,
    BORN_STORE,
    BRANCHES,
    CHANGED,
    CHANGED_STORE,
    CHANGED_ZONE,
    DAYS,
    FIRST,
    TRUTH_OF,
    VISITS,
    toml_table,
    tool,
)

STORE, AGENT = "demo", "ceiling"
DETECTOR = Path(__file__).parents[2] / "models" / "sim_detector" / "manifest.toml"
"""Of the simulator's people; the general detector is not yet as good on them."""
CAMERA_LOGIN = "viewer:password-of-the-camera"
"""The simulated camera lets anybody in; real ones don't, and the tests search for this leaking."""
OPENS = datetime(2026, 3, 7, 16, 53, tzinfo=ZoneInfo("Europe/Berlin"))
RHO = 6.0
"""Sixty times the standard budget: 40 visits would rightly be withheld under the standard one."""
LEAD_S = 9.0
"""Wall seconds for all processes to come up before the scene begins."""
LINGER_MIN = 1.0
"""Scene minutes after closing in which the last shoppers are still counted."""
MONTH = Path(__file__).with_name("month.py")
ORGANIC = "eco-conscious"
"""The trade's segment of baskets with organic goods."""
MONTH_PATIENCE_S = 300.0
"""Wall seconds that the month may take after the live store has closed."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
COMMAND_S = 180.0
"""For one command; they take seconds, on a busy machine longer."""
PATIENCE_S = 40.0
"""Wall seconds to wait for the last release after closing."""


def main() -> int:
    """Run the demo; 0 when a report was written."""
    options = arguments()
    out = Path(options.out).resolve()
    with workspace(options.work) as work, Processes(work / "logs") as processes:
        try:
            return chain(options, work=work, out=out, processes=processes)
        except KeyboardInterrupt:
            say("stopped; every process is told to end")
            return 130
        except DemoError as failure:
            say(str(failure))
            kept = out / "logs"
            shutil.copytree(work / "logs", kept, dirs_exist_ok=True)
            say(f"what the processes said is in {kept}")
            return 1


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=float, default=5.0, help="scene seconds per wall second")
    parser.add_argument("--minutes", type=float, default=14.0, help="scene minutes")
    parser.add_argument("--month-days", type=int, default=DAYS, help="0 leaves the month out")
    parser.add_argument("--month-visits", type=float, default=VISITS, help="of its largest store")
    parser.add_argument("--out", default="run/demo", help="folder for the report")
    parser.add_argument("--work", help="keep databases, queues and logs in this folder")
    parser.add_argument("--broker-port", type=int, default=0, help="default: a free one")
    return parser.parse_args()


class DemoError(Exception):
    """The demo can't go on; the text says why."""


class Processes:
    """The parts, each in its own session, ended together whatever happens."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Nothing runs yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs, in the order data flows; kill what does not obey."""
        for number in SIGNALS:  # an impatient second Ctrl-C must not leave half of them
            signal.signal(number, signal.SIG_IGN)
        for name in ("simulator", "month", "agent", "hub", "broker"):
            self.end(name)

    def start(self, name: str, *command: str | Path) -> None:
        """Start a part; its output goes to a log."""
        with (self._logs / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self, name: str, *, patience_s: float = 8.0) -> None:
        """Ask a part to end, and make it."""
        process = self._running.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def check(self) -> None:
        """Say which part has died, if one has."""
        for name, process in self._running.items():
            code = process.poll()
            if code is not None and (code != 0 or name not in {"simulator", "month"}):
                raise DemoError(f"{name} ended with code {code}:\n{self.said(name)[-1500:]}")

    def finished(self, name: str) -> bool:
        """Tell whether a part has ended by itself, or was never started."""
        return name not in self._running or self._running[name].poll() is not None

    def said(self, name: str) -> str:
        """Give a part's log so far."""
        return (self._logs / f"{name}.log").read_text(errors="replace")

    def last_said(self, name: str) -> str:
        """Give the last line of a part's log; empty if it said nothing, or was never started."""
        return next(reversed(self.said(name).splitlines()), "") if name in self._running else ""


def chain(options: argparse.Namespace, *, work: Path, out: Path, processes: Processes) -> int:
    """Start everything, wait for closing time, report and compare."""
    speed, scene_s = options.speed, options.minutes * 60
    port = options.broker_port or free_port()
    anchored_at = datetime.now(UTC) + timedelta(seconds=LEAD_S)
    begins_at = OPENS.astimezone(UTC)
    say(
        f"a simulated store, {options.minutes:g} minutes at {speed:g} x speed"
        + (f", beside it {options.month_days} days of three more" if options.month_days else "")
        + f": about {scene_s / speed + (75 if options.month_days else 25):.0f} seconds"
    )
    processes.start(
        "broker", tool("python"), "-m", "iotcore", "--listen", "127.0.0.1", "--port", str(port)
    )
    wait_for_port(port)
    database = work / "hub.db"
    processes.start("hub", tool("aisle-hub"), "run", "--db", database, "--broker-port", str(port))
    endpoints_file, truth = work / "endpoints.json", work / "truth.jsonl"
    processes.start(
        "simulator", tool("aisle-sim"), "run",
        "--speed", str(speed), "--minutes", str(options.minutes), "--drain", "2.5",
        "--truth", truth, "--camera-port", "0", "--reader-link", work / "reader",
        "--begins-at", begins_at.isoformat(), "--anchored-at", anchored_at.isoformat(),
        "--endpoints", endpoints_file,
    )  # fmt: skip
    if options.month_days:
        processes.start(
            "month", tool("python"), MONTH, "--folder", work / "month",
            "--truth", work / "month.jsonl", "--broker-port", str(port),
            "--days", str(options.month_days), "--visits", str(options.month_visits),
        )  # fmt: skip
    survey = json.loads(output("aisle-sim", "survey"))
    endpoints = wait_for_json(endpoints_file, processes=processes)
    config = work / "store.toml"
    config.write_text(
        agent_config(
            survey,
            endpoints=endpoints,
            broker_port=port,
            data_dir=work / "agent",
            clock=(speed, begins_at, anchored_at),
            closes=OPENS + timedelta(seconds=scene_s),
        )
    )
    processes.start("agent", tool("aisle-edge"), "run", "--config", config)
    watch(scene_s, speed=speed, anchored_at=anchored_at, database=database, processes=processes)
    out.mkdir(parents=True, exist_ok=True)
    compare(out=out, database=database, truth=truth)
    if options.month_days:
        wait_for_month(processes)
        shutil.copy(work / "month.jsonl", out / "month-truth.jsonl")
        tell_month(out=out, database=database, days=options.month_days)
    return 0


def watch(
    scene_s: float, *, speed: float, anchored_at: datetime, database: Path, processes: Processes
) -> None:
    """Show the scene's clock until closing, then wait until the hub has the day's releases."""
    patience = time.monotonic() + LEAD_S + scene_s / speed + PATIENCE_S
    while True:
        processes.check()
        passed = max(0.0, (datetime.now(UTC) - anchored_at).total_seconds() * speed)
        agents = json.loads(output("aisle-hub", "status", "--db", database, "--json"))["agents"]
        releases = sum(agent["releases"] for agent in agents)
        if passed < scene_s:
            clock = OPENS + timedelta(seconds=passed)
            bar = "#" * int(30 * passed / scene_s)
            beside = processes.last_said("month")
            progress(
                f"[{bar:<30}] store clock {clock:%H:%M:%S}   releases at the hub: {releases}"
                + (f"   beside it {beside}" if beside else "")
            )
        else:
            progress(f"[{'#' * 30}] closed; waiting for the last releases ({releases} so far)")
            if day_is_complete(database) and processes.finished("simulator"):
                progress("", end=True)
                return
            if time.monotonic() > patience:
                raise DemoError("the day's releases did not reach the hub in time")
        time.sleep(2.0)


def day_is_complete(database: Path) -> bool:
    """Tell whether the hub has the zones release, which closes the day."""
    try:
        report = json.loads(output("aisle-hub", "report", *of_the_day(database), "--json"))
    except DemoError:
        return False
    return any(zone["passers"]["value"] != 0 for zone in report["zones"])


def compare(*, out: Path, database: Path, truth: Path) -> None:
    """Write the report, print the table with the truth beside it."""
    page, numbers = out / "report.html", out / "report.json"
    numbers.write_text(output("aisle-hub", "report", *of_the_day(database), "--json"))
    output("aisle-hub", "report", *of_the_day(database), "--out", page)
    shutil.copy(truth, out / "truth.jsonl")
    say(output("aisle-sim", "score", truth, numbers))
    say(
        f"Simulated store; privacy budget rho {RHO:g}, weaker than the standard 0.10, because "
        "a demo has few visits.\n"
        f"Report for the merchandiser: {page}"
    )


def wait_for_month(processes: Processes) -> None:
    """Show how far the month is until its last day is at the hub."""
    patience = time.monotonic() + MONTH_PATIENCE_S
    while not processes.finished("month"):
        if time.monotonic() > patience:
            raise DemoError("the month's releases did not reach the hub in time")
        progress(f"four weeks of three more stores: {processes.last_said('month')}")
        time.sleep(2.0)
    processes.check()
    progress("", end=True)


def tell_month(*, out: Path, database: Path, days: int) -> None:
    """Do what a hub's operator does, and write the pages."""
    hub = ("--db", database)
    last = FIRST + timedelta(days=days - 1)
    period = ("--from", f"{FIRST}", "--to", f"{last}")
    say("looking after segments, drawing pages")
    output("aisle-hub", "segments", "add", "--template", ORGANIC, *hub)
    output("aisle-hub", "segments", "accept", ORGANIC, *hub)
    looked = json.loads(output("aisle-hub", "segments", "look", "--json", *hub))["looked"]
    pages: dict[str, Path] = {}
    say(f"\nThree more stores, {FIRST} to {last}, at the standard privacy budget")
    for branch in BRANCHES:
        page = pages[branch.store] = out / f"month-{branch.store}.html"
        of_store = ("--store", branch.store, *period)
        numbers = output("aisle-hub", "report", *hub, *of_store, "--out", page, "--json")
        say(beside_truth(branch.store, json.loads(numbers), truth=out / "month-truth.jsonl"))
    for one in looked:
        if one["alarm"]:
            say(noticed(one))
    stores = [word for branch in BRANCHES for word in ("--store", branch.store)]
    pages["the three side by side"] = out / "month-chain.html"
    output("aisle-hub", "report", *hub, *stores, *period, "--out", out / "month-chain.html")
    if last > CHANGED:
        change = (
            "--store", CHANGED_STORE, "--changed", CHANGED_ZONE, "--on", f"{CHANGED}",
            "--before", f"{(CHANGED - FIRST).days}",
        )  # fmt: skip
        page = pages[f"what the offer in {CHANGED_ZONE} did"] = out / "month-change.html"
        output("aisle-hub", "report", *hub, *change, "--to", f"{last}", "--out", page)
    for name, page in pages.items():
        say(f"  {name}: {page}")


def beside_truth(store: str, numbers: dict[str, Any], *, truth: Path) -> str:
    """Say what the hub learnt of a store, and what was so."""
    days = [json.loads(line) for line in truth.read_text().splitlines()]
    mine = [day for day in days if day["store"] == store]
    said = [
        (
            f"{store:12} visits {numbers['visits']['value']:,.0f} "
            f"(true {sum(day['visits'] for day in mine):,})"
        )
    ]
    for row in numbers["patterns"]:
        whole = sum(day[TRUTH_OF.get(row["name"], "placed")] for day in mine)
        true = sum(day["patterns"].get(row["name"], 0) for day in mine) / whole
        told = (
            f"{100 * row['value']:.1f} % [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
            if row["value"] is not None
            else "withheld"
        )
        said.append(f"{row['name']} {told} (true {100 * true:.1f})")
    return "; ".join(said)


def noticed(looked: dict[str, Any]) -> str:
    """Say that a segment has changed, and when it did."""
    alarm = looked["alarm"]
    where = looked["store"] or "all together"
    return (
        f"{where}: segment {looked['segment']} was {100 * alarm['before']:.1f} % of the "
        f"visits, {100 * alarm['after']:.1f} % since {alarm['since']}, noticed on {alarm['day']} "
        f"(in truth doubled in {BORN_STORE} on {BORN})"
    )


def of_the_day(database: Path) -> tuple[str | Path, ...]:
    """Give the options that name the demo's store and day."""
    return ("--db", database, "--store", STORE, "--day", f"{OPENS:%Y-%m-%d}")


def agent_config(
    survey: dict[str, Any],
    *,
    endpoints: dict[str, Any],
    broker_port: int,
    data_dir: Path,
    clock: tuple[float, datetime, datetime],
    closes: datetime,
) -> str:
    """Write what store IT would write after a survey, as TOML."""
    speed, begins_at, anchored_at = clock
    camera, ports = survey["camera"], endpoints["readers"]
    points = [[*pair["px"], *pair["m"]] for pair in camera["points"]]
    tables: list[tuple[str, dict[str, Any]]] = [
        (
            "",
            {
                "store": STORE,
                "agent": AGENT,
                "timezone": survey["timezone"],
                "opens": f"{OPENS:%H:%M}",
                "closes": f"{closes:%H:%M}",
                "linger_min": LINGER_MIN,
                "data_dir": str(data_dir),
                "simulated": True,
            },
        ),
        ("[[dayparts]]", {"name": "before-five", "starts": "00:00"}),
        ("[[dayparts]]", {"name": "after-five", "starts": "17:00"}),
        ("[broker]", {"port": broker_port}),
        ("[detector]", {"manifest": str(DETECTOR)}),
        ("[privacy]", {"rho": RHO}),
        (
            "[simulated_clock]",
            {
                "speed": speed,
                "begins_at": begins_at,
                "anchored_at": anchored_at,
            },
        ),
        (
            "[plan]",
            {"version": "demo-1", "outline": survey["outline"], "fixtures": survey["fixtures"]},
        ),
        *(
            ("[[plan.zones]]", {key: zone[key] for key in ("id", "kind", "name", "polygon")})
            for zone in survey["zones"]
        ),
        (
            "[[cameras]]",
            {
                "name": camera["name"],
                "source": endpoints["camera_url"].replace("://", f"://{CAMERA_LOGIN}@"),
                "size_px": [camera["width_px"], camera["height_px"]],
                "height_m": camera["height_m"],
                "points": points,
            },
        ),
        *(
            (
                "[[readers]]",
                {"port": ports[reader["name"]]}
                | {key: reader[key] for key in ("name", "zone", "place", "region", "antenna")},
            )
            for reader in survey["readers"]
        ),
    ]
    return "\n".join(toml_table(header, values) for header, values in tables)


@contextlib.contextmanager
def workspace(keep: str | None) -> Iterator[Path]:
    """Give a folder for databases, queues and ports; gone afterwards unless it was asked for."""
    if keep is not None:
        yield Path(keep)
        return
    with tempfile.TemporaryDirectory(prefix="aislewise-demo-") as folder:
        yield Path(folder)


def output(name: str, *options: str | Path) -> str:
    """Run one of our commands and give what it prints."""
    command = [tool(name), *options]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=COMMAND_S
        )
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"{name} {options[0]} took more than {COMMAND_S:g} s") from error
    if done.returncode:
        raise DemoError(f"{name} {options[0]} ended with code {done.returncode}: {done.stderr}")
    return done.stdout


def free_port() -> int:
    """Find a free TCP port on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.1)
    raise DemoError(f"the broker does not listen on port {port}")


def wait_for_json(path: Path, *, processes: Processes) -> dict[str, Any]:
    """Wait for a file another process writes when it is ready."""
    for _ in range(300):
        if path.exists():
            read: dict[str, Any] = json.loads(path.read_text())
            return read
        processes.check()
        time.sleep(0.1)
    raise DemoError(f"the simulator did not get ready: no {path.name} after 30 s")


def progress(text: str, *, end: bool = False) -> None:
    """Show a line that the next one replaces on a terminal, and stays in a log."""
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="\n" if end else "", flush=True)
    elif text:
        print(text, flush=True)


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


if __name__ == "__main__":
    for each in SIGNALS:  # a terminated demo cleans up as an interrupted one does
        signal.signal(each, signal.default_int_handler)
    sys.exit(main())
