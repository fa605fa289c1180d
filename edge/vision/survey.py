"""What was measured in the shop, as text: files of points and tags, and what is said of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

import numpy as np

from edge.errors import ConfigError
from edge.vision.ground import MIN_PAIRS, Ground, Report
from edge.vision.lens import LensKind
from edge.vision.sectors import USUAL_SECTORS, looks_down

OBLIQUE_DEG = 45.0
"""From straight down; from here on people look as they do from a street's lamp post."""
STRAIGHT_DEG = (25.0, 125.0)
"""Fields of view across, within which lenses are that show straight lines straight."""
POINTS = ("x_px", "y_px", "east_m", "north_m")
TAGS = ("tag", "east_m", "north_m")
Pair = tuple[float, float, float, float]
"""x and y in pixels, east and north in metres."""


@dataclass(frozen=True, slots=True)
class VerdictParams:
    """How a calibration is called, by the error of points left out.

    Attributes:
        good_m: less is told apart by no shopper's feet, 0.3 m long.
        usable_m: less keeps people in the right aisle, 2 m wide, though not at the right shelf.
    """

    good_m: float = 0.15
    usable_m: float = 0.4


def points_of(text: str, *, where: str) -> list[Pair]:
    """Read calibration points, a line each under ``x_px,y_px,east_m,north_m``.

    Raises:
        ConfigError: names the line and what is wrong there.
    """
    return [(x, y, east, north) for _, (x, y, east, north) in _rows(text, POINTS, where=where)]


def tags_of(text: str, *, where: str) -> dict[int, tuple[float, float]]:
    """Read where tags' middles lie on the floor, a line each under ``tag,east_m,north_m``.

    Raises:
        ConfigError: names the line and what is wrong there.
    """
    found: dict[int, tuple[float, float]] = {}
    for line, (number, east, north) in _rows(text, TAGS, where=where):
        if number != int(number) or int(number) in found:
            raise ConfigError(f"{where}, line {line}: a tag's number is whole and comes once")
        found[int(number)] = east, north
    return found


def matched(
    seen: dict[int, tuple[float, float]], lying: dict[int, tuple[float, float]]
) -> list[Pair]:
    """Pair the tags of an image, in pixels, with those on the floor, in metres.

    Raises:
        ConfigError: fewer than four are known in both.
    """
    both = sorted(seen.keys() & lying.keys())
    if len(both) < MIN_PAIRS:
        missing = ", ".join(map(str, sorted(lying.keys() - seen.keys()))) or "none"
        raise ConfigError(
            f"{len(both)} of {len(lying)} tags were found in the picture, {MIN_PAIRS} are needed; "
            f"not found: {missing}; take a larger picture, print the tags larger, keep the white "
            "around them, avoid glare"
        )
    return [(*seen[number], *lying[number]) for number in both]


def refuse_outside(pairs: Sequence[Pair], *, size_px: tuple[int, int]) -> None:
    """Raise ConfigError for a point that is not in the picture."""
    for number, (x, y, _, _) in enumerate(pairs, start=1):
        if not (0 <= x <= size_px[0] and 0 <= y <= size_px[1]):
            raise ConfigError(
                f"point {number} at ({x:g}, {y:g}) is outside a picture of {size_px[0]}x"
                f"{size_px[1]}: correct it, or say the picture's size (--size)"
            )


def told(
    pairs: Sequence[Pair], *, ground: Ground, report: Report, known: Sequence[str] = ()
) -> Iterator[str]:
    """Give the lines that tell people how good a calibration is.

    Args:
        pairs: the points.
        ground: what they make.
        report: how well.
        known: what else to know of the camera: ``hints``.
    """
    yield "point     x px     y px   east m  north m   error cm   by the others cm"
    for number, (pair, error, other) in enumerate(
        zip(pairs, report.errors_m, report.left_out_m, strict=True), start=1
    ):
        x, y, east, north = pair
        by_others = "-" if isnan(other) else f"{100 * other:.0f}"
        mark = "   <- the worst" if number == report.worst + 1 else ""
        yield (
            f"{number:5d} {x:8.1f} {y:8.1f} {east:8.2f} {north:8.2f} {100 * error:10.0f} "
            f"{by_others:>18}{mark}"
        )
    yield f"lens: {ground.view.lens.kind}; {report.why}"
    yield _camera(ground)
    yield from (f"note: {hint}" for hint in known)
    yield f"verdict: {verdict(ground, report=report)}"


def verdict(ground: Ground, *, report: Report, params: VerdictParams | None = None) -> str:
    """Say in a sentence what a calibration is good for."""
    limits = params or VerdictParams()
    if any(map(isnan, report.left_out_m)):
        said = (
            "four points always agree, so they tell nothing of their errors; measure two to four "
            "more"
        )
    else:
        missed_m = float(np.sqrt(np.square(report.left_out_m).mean()))
        worst = f"point {report.worst + 1}"
        if not isfinite(missed_m) or missed_m > limits.usable_m:
            said = f"poor; measure {worst} again, and more points around it"
        elif missed_m > limits.good_m:
            said = (
                f"usable; people are put on the floor within about {100 * missed_m:.0f} cm: the "
                f"right aisle, not the right shelf; look at {worst}"
            )
        else:
            said = f"good; people are put on the floor within about {100 * missed_m:.0f} cm"
    if not ground.heights_known:
        said += (
            ". What is above the floor, like a head, cannot be placed: give the lens's height "
            "(--height) or its field of view (--hfov)"
        )
    return said


def sectors_for(lens: LensKind, *, asked: int | None, ground: Ground) -> int:
    """Give through how many sectors a camera is looked at: as asked, or what serves; 0: none."""
    if asked is not None:
        return asked
    return USUAL_SECTORS if lens == "fisheye" and looks_down(ground) else 0


def hints(ground: Ground, *, sectors: int, brought: bool) -> list[str]:
    """Say what whoever hangs a camera should know of how the agent will look at it.

    Args:
        ground: the calibration.
        sectors: through how many it is looked at; 0: none.
        brought: whether the shop brought its own detector, so has chosen.
    """
    said = [_through(sectors), "" if brought else _aslant(ground), _odd_view(ground)]
    return [one for one in said if one]


def _through(sectors: int) -> str:
    if not sectors:
        return ""
    return (
        f"it is looked at through {sectors} sectors, slices around the spot below it: more of the "
        f"people in a round picture are found so, by {sectors} looks of the detector at each (six "
        "take about eight times as long as one of the whole). Plan one such camera to a box; for "
        "a slow box write sectors = 4 or 0 into the camera's table in the file"
    )


def _aslant(ground: Ground) -> str:
    if not ground.heights_known or ground.view.tilt_deg < OBLIQUE_DEG:
        return ""
    return (
        f"it looks {ground.view.tilt_deg:.0f} degrees aslant, as cameras on a wall do: detectors "
        "for street views may find people better there than the shipped one, and take two to "
        "three times as long: see models/README.md, 'Which detector'"
    )


def _odd_view(ground: Ground) -> str:
    """Doubt a height by the lens it would take; of a camera that looks down points cannot."""
    least_deg, most_deg = STRAIGHT_DEG
    hfov_deg = ground.view.lens.view_deg(ground.image_size[0])
    down = ground.heights_known and ground.view.tilt_deg < OBLIQUE_DEG
    if not down or ground.view.lens.kind == "fisheye" or least_deg <= hfov_deg <= most_deg:
        return ""
    height_m = ground.view.place_m[2]
    return (
        f"at {height_m:.1f} m over the floor the lens would see {hfov_deg:.0f} degrees across; "
        f"such lenses see {least_deg:.0f} to {most_deg:.0f}: is the height right, and in metres?"
    )


def _camera(ground: Ground) -> str:
    view = ground.view
    if not ground.heights_known:
        return "camera: the points do not tell its height"
    east, north, height = view.place_m.tolist()
    hfov_deg = view.lens.view_deg(ground.image_size[0])
    sees = f", sees {hfov_deg:.0f} degrees across" if isfinite(hfov_deg) else ""
    return (
        f"camera: {height:.2f} m over the floor at east {east:.2f}, north {north:.2f}, tilted "
        f"{view.tilt_deg:.0f} degrees from straight down{sees}"
    )


def _rows(
    text: str, header: tuple[str, ...], *, where: str
) -> Iterator[tuple[int, tuple[float, ...]]]:
    lines = enumerate(csv.reader(text.lstrip("\ufeff").splitlines()), start=1)
    rows = ((number, row) for number, row in lines if row and not row[0].startswith("#"))
    _, found = next(rows, (1, []))
    if tuple(name.strip() for name in found) != header:
        raise ConfigError(
            f"{where}: the first line is {','.join(found)!r}, not {','.join(header)!r}; from a "
            "spreadsheet, save with commas between columns and points in numbers"
        )
    for number, row in rows:
        try:
            values = tuple(float(value) for value in row)
        except ValueError as error:
            raise ConfigError(f"{where}, line {number}: {error}; correct it") from error
        if len(values) != len(header) or not all(map(isfinite, values)):
            raise ConfigError(
                f"{where}, line {number}: {','.join(row)!r} are not {len(header)} numbers"
            )
        yield number, values
