"""What the page edits of ``store.toml``, and the file with the edits written into it.

The file keeps its comments, its order and whatever the page knows nothing of: only keys that an
edit changes are touched.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Table, Whitespace

from edge.config import Name, SimulatedClock
from edge.errors import ConfigError
from edge.vision.lens import LensKind
from edge.visits.plan import FloorPlan, Polygon, Zone, ZoneKind

PointPair = tuple[float, float, float, float]

VERSION_MOST = 32
"""Characters of a plan's version, as ``edge.config`` has it."""
HEADER = re.compile(r"\[{1,2}[A-Za-z_][A-Za-z0-9_.-]*\]{1,2}\s*(#.*)?")
"""A line that begins a table."""


class CameraDraft(msgspec.Struct, frozen=True, kw_only=True):
    """One camera's calibration; every key as in ``edge.config.CameraConfig``.

    Attributes:
        size_px: None until a point has been read from a picture.
        lens: None leaves the choice to the points.
        focal_px: as ``k1``, ``k2``, ``centre_px`` and ``sectors``, not edited here.
    """

    name: Name
    size_px: tuple[int, int] | None = None
    points: tuple[PointPair, ...] = ()
    lens: LensKind | None = None
    height_m: float | None = None
    hfov_deg: float | None = None
    focal_px: float | None = None
    k1: float = 0.0
    k2: float = 0.0
    centre_px: tuple[float, float] | None = None
    sectors: int | None = None


class ZoneDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A zone; its id stays when its name is changed."""

    id: str
    kind: ZoneKind
    polygon: Polygon
    name: str = ""


class PlanDraft(msgspec.Struct, frozen=True, kw_only=True):
    """The floor plan; the file's version of it, which a changed plan is given anew."""

    version: str = "1"
    outline: Polygon = ()
    fixtures: tuple[Polygon, ...] = ()
    zones: tuple[ZoneDraft, ...] = ()

    def floor_plan(self) -> FloorPlan:
        """Give the plan as the pure core knows it."""
        zones = tuple(Zone(z.id, z.kind, z.name or z.id, z.polygon) for z in self.zones)
        return FloorPlan(self.version, self.outline, zones, self.fixtures)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page edits."""

    cameras: tuple[CameraDraft, ...] = ()
    plan: PlanDraft = PlanDraft()


class _Detector(msgspec.Struct, frozen=True):
    manifest: Path | None = None


class _Source(msgspec.Struct, frozen=True):
    name: str
    source: str | int = ""


class _File(msgspec.Struct, frozen=True):
    """What setup needs of a file that need not be whole yet."""

    store: str = ""
    agent: str = ""
    data_dir: Path = Path("/var/lib/aislewise")
    detector: _Detector = _Detector()
    cameras: tuple[_Source, ...] = ()
    simulated_clock: SimulatedClock | None = None


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A file as setup reads it; it may lack points, zones, even cameras.

    Attributes:
        sources: of the cameras by name; never shown, they may hold passwords.
        data_dir: the agent's.
        manifest: of the detector, if the shop has its own.
    """

    store: str
    agent: str
    draft: Draft
    sources: Mapping[str, str | int]
    data_dir: Path
    manifest: Path | None
    simulated_clock: SimulatedClock | None


def read_setup(text: str, *, where: str) -> Setup:
    """Read a file that may be unfinished.

    Raises:
        ConfigError: it is no TOML, or what it has is of the wrong kind.
    """
    plain = _document(text, where=where).unwrap()
    try:
        file = msgspec.convert(plain, _File, dec_hook=_path)
        draft = msgspec.convert(plain, Draft)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}; correct the value, then start setup again") from error
    cameras = tuple(
        msgspec.structs.replace(one, lens="pinhole") if one.points and not one.lens else one
        for one in draft.cameras
    )
    return Setup(
        store=file.store,
        agent=file.agent,
        draft=msgspec.structs.replace(draft, cameras=cameras),
        sources={one.name: one.source for one in file.cameras},
        data_dir=file.data_dir,
        manifest=file.detector.manifest,
        simulated_clock=file.simulated_clock,
    )


def revised(
    text: str, draft: Draft, *, sources: Mapping[str, str | int] | None = None, where: str = ""
) -> str:
    """Write a draft into a file's text; the same text if nothing was changed.

    Args:
        text: the file.
        draft: what it shall say.
        sources: of cameras the file does not have yet, or at another address.
        where: the file's name, for messages.

    Raises:
        ConfigError: the text is no TOML.
    """
    before = read_setup(text, where=where).draft
    document = _document(text, where=where)
    known = {camera.name: camera for camera in before.cameras}
    for camera in draft.cameras:
        source = (sources or {}).get(camera.name)
        if camera != known.get(camera.name) or source is not None:
            _write_camera(document, camera, source=source)
    if _contents(draft.plan) != _contents(before.plan):
        _write_plan(document, draft.plan, before=before.plan)
    return _aired(text, tomlkit.dumps(document))


def next_version(version: str) -> str:
    """Name the plan that follows one.

    >>> next_version("2026-11"), next_version("2026-11.2"), next_version("7")
    ('2026-11.2', '2026-11.3', '8')
    """
    counted = re.fullmatch(r"(.*\.)?([0-9]{1,9})", version)
    following = f"{counted[1] or ''}{int(counted[2]) + 1}" if counted else f"{version}.2"
    if len(following) > VERSION_MOST:
        raise ConfigError(
            f"plan.version {version!r} leaves no room to count on; give the plan a shorter one"
        )
    return following


def shown_diff(before: str, after: str, *, name: str) -> str:
    """Give what an edit changes, for eyes: cameras' addresses may hold passwords and are hidden."""
    old, new = (_hidden(text).splitlines(keepends=True) for text in (before, after))
    return "".join(difflib.unified_diff(old, new, fromfile=name, tofile=f"{name} (new)"))


def starter(*, store: str, timezone: str) -> str:
    """Give a new store's file; setup fills in the rest."""
    return f"""\
# One agent of one store, begun by `aisle-edge setup --new`. edge/config.py explains every key.
store = "{store}"           # what the hub calls yours: lower-case letters, digits, hyphens
agent = "agent-1"            # this box; a store may have several
timezone = "{timezone}"
opens = "09:00"              # when customers are in the shop
closes = "20:00"             # at closing everything that was counted is released
data_dir = "/var/lib/aislewise"

[broker]                     # where releases go
host = "127.0.0.1"
# port = 8883
# tls_ca = "/etc/aislewise/ca.pem"
# username = "{store}-agent-1"
# password_file = "/etc/aislewise/password"
"""


def _document(text: str, *, where: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"{where} is not valid TOML: {error}; correct that line") from error


def _contents(plan: PlanDraft) -> PlanDraft:
    return msgspec.structs.replace(plan, version="")


def _write_camera(
    document: tomlkit.TOMLDocument, camera: CameraDraft, *, source: str | int | None
) -> None:
    table = _entry(document, "cameras", key="name", value=camera.name)
    if source is not None and table.get("source") != source:
        table["source"] = source
    _put(table, "size_px", None if camera.size_px is None else list(camera.size_px))
    if camera.lens != "pinhole" or "lens" in table:  # which is the default
        _put(table, "lens", camera.lens)
    _put(table, "height_m", _short(camera.height_m))
    _put(table, "hfov_deg", _short(camera.hfov_deg))
    points = [[_plain(value) for value in point] for point in camera.points]
    _put_rows(table, "points", points)


def _write_plan(document: tomlkit.TOMLDocument, plan: PlanDraft, *, before: PlanDraft) -> None:
    if "plan" not in document:
        document["plan"] = tomlkit.table()
    table = document["plan"]
    if not isinstance(table, Table):
        raise ConfigError("plan: write it as a table [plan], not in braces")
    _put(table, "version", next_version(before.version) if "version" in table else "1")
    if plan.outline != before.outline:
        _put(table, "outline", _polygon(plan.outline))
    if plan.fixtures != before.fixtures:
        _put_rows(table, "fixtures", [_polygon(one) for one in plan.fixtures])
    known = {zone.id: zone for zone in before.zones}
    for zone in plan.zones:
        if zone != known.get(zone.id):
            _write_zone(table, zone)
    _drop(table, keep=[zone.id for zone in plan.zones])


def _write_zone(plan: Table, zone: ZoneDraft) -> None:
    table = _entry(plan, "zones", key="id", value=zone.id)
    _put(table, "kind", zone.kind)
    _put(table, "name", zone.name or None)
    _put(table, "polygon", _polygon(zone.polygon))


def _drop(plan: Table, *, keep: Sequence[str]) -> None:
    zones = plan.get("zones")
    if isinstance(zones, AoT):
        for number in reversed(range(len(zones))):
            if zones[number].get("id") not in keep:
                del zones[number]


def _entry(parent: Any, name: str, *, key: str, value: str) -> Table:  # noqa: ANN401 - tomlkit's containers share no type
    """Find a table of an array of tables by a key, or add it."""
    if name not in parent or not isinstance(parent[name], AoT):
        if name in parent and len(parent[name]):
            raise ConfigError(f"{name}: write each as a table [[{name}]], not in braces")
        parent[name] = tomlkit.aot()
    tables: AoT = parent[name]
    found = next((table for table in tables if table.get(key) == value), None)
    if found is None:
        found = tomlkit.table()
        found[key] = value
        tables.append(found)
        found = tables[-1]
    assert isinstance(found, Table)
    return found


def _put(table: Table, key: str, value: Any) -> None:  # noqa: ANN401 - whatever TOML can hold
    """Set a key, after the others and before the blank lines that end a table; None removes it."""
    if value is None:
        table.pop(key, None)
    elif key in table:
        if table[key] != value:
            table[key] = value
    else:
        body = table.value.body
        blank = []
        while body and isinstance(body[-1][1], Whitespace):
            blank.append(body.pop())
        table[key] = value
        body.extend(reversed(blank))


def _put_rows(table: Table, key: str, rows: Sequence[object]) -> None:
    """Set an array of one row a line; rows that stay keep their comments."""
    array = table.get(key)
    if not isinstance(array, Array) or not len(array) or not rows:
        fresh: Array = tomlkit.array()
        fresh.extend(rows)
        _put(table, key, fresh.multiline(multiline=bool(rows)))
        return
    for number, row in enumerate(rows[: len(array)]):
        if array[number] != row:
            array[number] = row
    while len(array) > len(rows):
        del array[-1]
    for row in rows[len(array) :]:
        array.append(row)


def _polygon(polygon: Polygon) -> list[list[float]]:
    return [[_plain(value) for value in corner] for corner in polygon]


def _plain(value: float) -> float:
    """Give a number as a person would write it: centimetres and hundredths of pixels, 3 not 3.0."""
    short = round(value, 2)
    return int(short) if short == int(short) else short


def _short(value: float | None) -> float | None:
    return None if value is None else _plain(value)


def _aired(before: str, after: str) -> str:
    """Give each table that was added a blank line before it; the others stay as they were."""
    old = set(before.split("\n"))
    lines: list[str] = []
    for line in after.split("\n"):  # splitlines() would also break a name at a U+2028 in it
        if HEADER.fullmatch(line):
            while len(lines) > 1 and not lines[-1] and not lines[-2]:
                lines.pop()
            if lines and lines[-1] and (line not in old or "\n\n[" in before):
                lines.append("")
        lines.append(line)
    return "\n".join(lines).rstrip("\n") + "\n"


def _hidden(text: str) -> str:
    """Hide what follows a source, to the end of its line, and whatever else looks like one."""
    text = re.sub(r"""\bsource["']?\s*=\s*("{3}|'{3})[\s\S]*?\1""", "source = (not shown)", text)
    text = re.sub(r"""(\bsource["']?\s*=).*""", r"\1 (not shown)", text)
    return re.sub(r"""[a-z]+://[^"'\n]*""", "(not shown)", text)


def _path(kind: type, value: object) -> Path:
    if kind is not Path or not isinstance(value, str):
        raise NotImplementedError
    return Path(value)
