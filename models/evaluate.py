"""Measure a detector on a folder of labelled footage: ``python -m models.evaluate FOLDER``.

Prints one JSON object. What folders may hold says ``models/evaluation/folders.py``; how detections
and people are paired, ``RULES`` below. Nothing of the folder is used to choose anything but what
the JSON names as chosen on this data.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from math import hypot
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from edge.errors import ConfigError, ModelError
from edge.vision.background import Background, BackgroundParams
from edge.vision.detection import UNSURE, Backdrop, BodyPoint, Detection, Fitted, Image
from edge.vision.ground import Ground
from edge.vision.manifest import Manifest
from edge.vision.onnx_io import Detector, load_detector, shipped_manifest
from edge.vision.sectors import Sectors
from edge.vision.stillness import Stillness
from edge.vision.tracking import FloorPoint, Sighting, Tracker, TrackerParams, TrackPoint
from edge.vision.watching import Seer, SightParams, floor_points
from edge.visits.visits import VisitParams
from models.evaluation.backdrops import (
    Fixed,
    Way,
    medians_of_others,
    sequences,
    spread,
    way_for,
)
from models.evaluation.discs import Disc, disc_in, ground_below, turned_all_ways
from models.evaluation.floor import Places, score
from models.evaluation.folders import (
    Clip,
    DataError,
    Heads,
    TurnedBoxes,
    frames,
    read_folder,
    read_image,
)
from models.evaluation.matching import (
    BEST,
    RECALL,
    Array,
    Outcome,
    Report,
    away_boxes,
    away_centres,
    away_heads,
    away_turned,
    away_turned_boxes,
    centre_of,
    judge,
    report,
)

Backgrounds = Literal["auto", "causal", "median", "none"]

LEAST = 0.02
"""Confidence the curves begin at."""
HEADS_PX = 15.0
"""Between a head and its detection, in images of 800 pixels' diagonal (640 x 480)."""
OTHER_HEADS_PX = (10.0, 20.0)
"""The same, for those who compare with figures of an unstated radius."""
CENTRES_PX = 20.0
"""Between two centres in a clip."""
OVERLAP = 0.5
TURNED_OVERLAP = 0.3
GROWN = 0.1
"""Share by which a turned box is grown."""
WITHIN_M = 1.0
IMAGE_MS = BackgroundParams().every_ms
"""Images of a folder have no times; they are taken to be as far apart as the background asks."""

DISC_IMAGES = 9
"""Of a sequence, that a fisheye's disc is looked for in."""
SECTORS = 6
"""That pictures of a ceiling's fisheye are also looked at through, if no number is given."""
SECTORS_LEAST, SECTORS_MOST = 4, 12
"""As in an agent's configuration."""
LENS_DEG = 180.0
"""That a disc shows, if not told."""
TIMED = 10
"""Pictures whose milliseconds are taken, where that takes another look."""

WITHOUT, BEHIND = "without_background", "with_background"
CAUSAL = "learnt from the images before, as the agent does"

RULES = {
    "head": f"head points within {HEADS_PX:g} px x diagonal / 800 px; nets that do not tell heads: "
    "0.08 of the box's height below the middle of its upper edge",
    **{
        f"head_{radius:g}px": f"the same within {radius:g} px x diagonal / 800 px"
        for radius in OTHER_HEADS_PX
    },
    "centre": f"boxes' centres within {CENTRES_PX:g} px",
    "box": f"upright boxes' intersection over union at least {OVERLAP:g}",
    "floor": f"places on the floor within {WITHIN_M:g} m",
    "in_box": f"detection's centre inside the turned box grown by {GROWN:.0%}",
    "turned_box": f"turned boxes' intersection over union at least {TURNED_OVERLAP:g}; the "
    "detection's is turned along head and foot, where the net tells both",
}
"""Detections choose in order of confidence; each person is found once."""

Rule = Callable[[Sequence[Detection]], Array]


@dataclass(slots=True)
class Pass:
    """What one way of looking found in all pictures.

    Attributes:
        ms: of each picture: preparing, net, reading out; through sectors, of ten pictures, all of
            it; CPU time of this thread.
        outcomes: by rule.
        ways: how sequences got their background.
    """

    ms: list[tuple[float, ...]] = field(default_factory=list)
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)

    def judge(self, found: Sequence[Detection], rules: dict[str, Rule]) -> None:
        """Count one picture."""
        for name, rule in rules.items():
            self.outcomes.setdefault(name, []).append(judge(found, rule(found)))

    def report(self, *, confidence: float) -> Report:
        """Sum up."""
        parts = [round(part, 2) for part in np.median(self.ms, axis=0).tolist()]
        names = ("prepare", "net", "read") if len(parts) > 1 else ()
        total = round(float(np.median(np.sum(self.ms, axis=1))), 2)
        return {
            **({"background": self.ways} if self.ways else {}),
            "ms": {**dict(zip(names, parts, strict=bool(names))), "total": total},
            **{name: report(some, confidence=confidence) for name, some in self.outcomes.items()},
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures; the process' own arguments if none are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, default=shipped_manifest(), help="a manifest.toml")
    parser.add_argument(
        "--backdrop",
        choices=("auto", "causal", "median", "none"),
        default="auto",
        help="where a net that sees change gets its background from; the figures without "
        "one are always given too",
    )
    parser.add_argument("--fps", type=float, help="of a clip, if the file's own are wrong")
    parser.add_argument(
        "--sectors",
        type=int,
        help="look at images through so many sectors too, by a lens guessed from the picture; 0: "
        f"do not; by default {SECTORS}, if the pictures beside boxes.csv are plainly a ceiling "
        "fisheye's",
    )
    parser.add_argument(
        "--lens-deg",
        type=float,
        default=LENS_DEG,
        help="degrees that a fisheye's disc shows (without one: its picture's longer side)",
    )
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        detector = load_detector(given.model)
        figures = evaluate(
            given.folder,
            detector=detector,
            backgrounds=given.backdrop,
            fps=given.fps,
            sectors=given.sectors,
            lens_deg=given.lens_deg,
        )
    except (DataError, ModelError, ConfigError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    print(json.dumps(figures, indent=1))


def evaluate(
    folder: Path,
    *,
    detector: Detector,
    backgrounds: Backgrounds = "auto",
    fps: float | None = None,
    sectors: int | None = None,
    lens_deg: float = LENS_DEG,
) -> Report:
    """Measure a detector on a folder.

    Raises:
        DataError: the folder is not one of the layouts, or damaged, or sectors do not suit it.
        ConfigError: a clip's calibration points contradict each other.
    """
    data = read_folder(folder)
    if sectors and not SECTORS_LEAST <= sectors <= SECTORS_MOST:
        raise DataError(f"{sectors} sectors: give {SECTORS_LEAST} to {SECTORS_MOST}, or 0 for none")
    if "change" not in detector.manifest.input.order:
        backgrounds = "none"
    if isinstance(data, Clip):
        if sectors:
            raise DataError(f"{folder}: sectors are for images; a clip's points tell no lens")
        figures = _clip(data, detector=detector, backgrounds=backgrounds, fps=fps)
    else:
        figures = _images(
            data, detector=detector, backgrounds=backgrounds, sectors=sectors, lens_deg=lens_deg
        )
    rules = {name for one in figures.values() if isinstance(one, dict) for name in one}
    model = detector.manifest
    return {
        "data": folder.resolve().name,
        "model": f"{model.name} {model.version}",
        "shipped_confidence": detector.confidence,
        "looks_at_change": "change" in model.input.order,
        "rules": {name: text for name, text in RULES.items() if name in rules},
        **figures,
    }


def _images(
    data: Heads | TurnedBoxes,
    *,
    detector: Detector,
    backgrounds: Backgrounds,
    sectors: int | None,
    lens_deg: float,
) -> Report:
    groups = sequences(data.files, size_of=lambda file: read_image(file).shape[:2])
    fisheye = _fisheye(data, groups, asked=sectors)
    native, around = _passes(backgrounds), _passes(backgrounds)
    lenses = {}
    for number, group in enumerate(groups):
        looks = [(native, _lookers(group, detector, of=detector, into=native, by=backgrounds))]
        if fisheye is not None:
            size = read_image(group[0]).shape[1::-1]
            ground, lenses[_named(group)] = _ground(fisheye.discs[number], size, lens_deg=lens_deg)
            look_px = detector.manifest.input.square_px
            seer = Sectors(detector, count=fisheye.sectors, ground=ground, look_px=look_px)
            looks.append((around, _lookers(group, seer, of=detector, into=around, by=backgrounds)))
        for file in group:
            image = read_image(file)
            rules = _rules(data, file, image=image, detector=detector)
            for passes, lookers in looks:
                for name, looker in lookers.items():
                    passes[name].judge(looker.look(image), rules)
    ways = dict(native)
    if fisheye is not None:
        ways |= {f"{fisheye.sectors}_sectors_{name}": one for name, one in around.items()}
    reports = {name: one.report(confidence=detector.confidence) for name, one in ways.items()}
    told = {"because": fisheye.why, "lens_guessed": lenses} if fisheye else None
    return {
        "layout": f"images + {'heads' if isinstance(data, Heads) else 'boxes'}.csv",
        "images": len(data.files),
        "images_without_people": sum(not len(there) for there in data.truth.values()),
        **({"sectors": told} if told else {}),
        "in_short": {name: _in_short(one) for name, one in reports.items()},
        **reports,
    }


@dataclass(frozen=True, slots=True)
class Fisheye:
    """Why and how images are looked at through sectors.

    Attributes:
        sectors: how many.
        why: in words.
        discs: of each sequence, where one was found.
    """

    sectors: int
    why: str
    discs: tuple[Disc | None, ...]


def _fisheye(
    data: Heads | TurnedBoxes, groups: Sequence[Sequence[Path]], *, asked: int | None
) -> Fisheye | None:
    """Say whether to look through sectors: asked to, or plainly under a ceiling's fisheye."""
    if asked == 0 or (asked is None and not isinstance(data, TurnedBoxes)):
        return None
    discs = tuple(
        disc_in([read_image(file) for file in spread(group, most=DISC_IMAGES)]) for group in groups
    )
    whys = []
    if asked is not None:
        whys.append("asked for")
    if round_ones := sum(disc is not None for disc in discs):
        whys.append(f"a bright disc within black corners in {round_ones} of {len(discs)} sequences")
    if isinstance(data, TurnedBoxes) and turned_all_ways(np.vstack(list(data.truth.values()))):
        whys.append("boxes turned all ways")
    return Fisheye(asked or SECTORS, "; ".join(whys), discs) if whys else None


def _ground(disc: Disc | None, size: tuple[int, int], *, lens_deg: float) -> tuple[Ground, str]:
    """Guess a camera that looks straight down; say how."""
    wide, high = size
    seen = disc or Disc(wide / 2, high / 2, max(wide, high) / 2)
    what = "a disc found" if disc else "no disc seen, its longer side taken for one"
    words = (
        f"{what}: radius {seen.radius_px:.0f} px about ({seen.x_px:.0f}, {seen.y_px:.0f}), "
        f"{lens_deg:g} degrees over it, equidistant, looking straight down"
    )
    return ground_below(seen, view_deg=lens_deg, size=size), words


def _named(group: Sequence[Path]) -> str:
    return f"{group[0].name} and {len(group) - 1} more"


def _in_short(one: Report) -> Report:
    """Give what is mostly asked for, by the first rule."""
    rule, figures = next((name, each) for name, each in one.items() if name in RULES)
    assert isinstance(figures, dict)
    ms = one["ms"]
    assert isinstance(ms, dict)
    recall = figures[RECALL]
    return {
        "ms": ms["total"],
        "rule": rule,
        "recall_at_precision_0.85": recall and recall["recall"],
        "best_f1": figures[BEST]["f1"],
        "f1_at_shipped_confidence": figures["at_shipped_confidence"]["f1"],
    }


def _clip(data: Clip, *, detector: Detector, backgrounds: Backgrounds, fps: float | None) -> Report:
    fps = fps or data.fps
    if not fps > 0:
        raise DataError(f"{data.video}: does not say its frames a second: give --fps")
    passes = _passes("none" if backgrounds == "none" else "causal")
    ground = Ground.from_points(data.points[:, :2], data.points[:, 2:], image_size=data.size)
    lookers = {name: Looker(detector, into=one) for name, one in passes.items()}
    if behind := passes.get(BEHIND):
        lookers[BEHIND] = Learner(
            detector, manifest=detector.manifest, into=behind, every_ms=1000 / fps
        )
        behind.ways[data.video.name] = CAUSAL
    followers = {name: Follower(detector, ground=ground) for name in passes}
    count = 0
    for number, image in frames(data.video):
        count += 1
        for name, looker in lookers.items():
            found = looker.look(image)
            followers[name].follow(_at_ms(number, fps=fps), found, image=image)
            if number in data.boxes:
                rules = _clip_rules(data, number, follower=followers[name], detector=detector)
                passes[name].judge(found, rules)
    if count <= max(data.boxes):
        raise DataError(f"{data.video}: {count} frames, but truth.csv names {max(data.boxes)}")
    truth = {_at_ms(number, fps=fps): there for number, there in data.places.items()}
    return {
        "layout": "video + truth.csv + floor_points.csv",
        "images": count,
        "images_judged": len(data.boxes),
        "frames_a_second": fps,
        "calibration_misses_by_m": round(ground.residual_m, 3),
        **{
            name: {
                **one.report(confidence=detector.confidence),
                "tracks_on_floor": followers[name].report(truth),
            }
            for name, one in passes.items()
        },
    }


def _passes(backgrounds: Backgrounds) -> dict[str, Pass]:
    names = (WITHOUT,) if backgrounds == "none" else (WITHOUT, BEHIND)
    return {name: Pass() for name in names}


def _at_ms(frame: int, *, fps: float) -> int:
    return round(1_000 * frame / fps)


def _clip_rules(
    data: Clip, frame: int, *, follower: Follower, detector: Detector
) -> dict[str, Rule]:
    boxes, places = data.boxes[frame], list(data.places[frame].values())
    point = detector.manifest.output.point
    return {
        "centre": lambda found: away_centres(found, boxes, within_px=CENTRES_PX, point=point),
        "box": lambda found: away_boxes(found, boxes, overlap=OVERLAP, point=point),
        "floor": lambda found: follower.away(found, places),
    }


def _rules(
    data: Heads | TurnedBoxes, file: Path, *, image: Image, detector: Detector
) -> dict[str, Rule]:
    truth, point = data.truth[file], detector.manifest.output.point
    if isinstance(data, TurnedBoxes):
        return {
            "in_box": lambda found: away_turned(found, truth, grown=GROWN, point=point),
            "turned_box": lambda found: away_turned_boxes(
                found, truth, overlap=TURNED_OVERLAP, point=point
            ),
        }
    unit = float(np.hypot(*image.shape[:2])) / 800

    def near(radius: float) -> Rule:
        return lambda found: away_heads(found, truth, within_px=radius * unit, point=point)

    others = {f"head_{radius:g}px": near(radius) for radius in OTHER_HEADS_PX}
    return {"head": near(HEADS_PX), **others}


def _lookers(
    group: Sequence[Path], seer: Seer, *, of: Detector, into: dict[str, Pass], by: Backgrounds
) -> dict[str, Looker]:
    """Give what looks at a sequence's images in order, with and without a background.

    Args:
        group: the sequence.
        seer: finds people.
        of: the detector it finds them by.
        into: takes times and ways, by pass.
        by: where backgrounds come from.
    """
    lookers = {WITHOUT: Looker(seer, into=into[WITHOUT])}
    if behind := into.get(BEHIND):
        manifest = of.manifest
        how, lookers[BEHIND] = _behind(group, seer, manifest=manifest, into=behind, backgrounds=by)
        behind.ways[_named(group)] = how
    return lookers


def _behind(
    group: Sequence[Path],
    seer: Seer,
    *,
    manifest: Manifest,
    into: Pass,
    backgrounds: Backgrounds,
) -> tuple[str, Looker]:
    """Choose how a sequence's background is got, and what looks at its images in order."""
    fixed = Fixed()
    way: Way = "none"
    if backgrounds == "auto":
        some = [read_image(file) for file in spread(group, most=fixed.most)]
        way = way_for(some, count=len(group), fixed=fixed)
    elif len(group) >= fixed.least:
        way = backgrounds
    if way == "causal":
        return CAUSAL, Learner(seer, manifest=manifest, into=into, every_ms=IMAGE_MS)
    if way == "median":
        canvases = [seer.fit(read_image(file)).canvas for file in group]
        given = medians_of_others(canvases, alike=fixed.alike)
        how = f"median of the {len(group) - 1} other images of the sequence"
        return how, Looker(seer, into=into, backdrops=given)
    return "none: too few images, or not one fixed camera's", Looker(seer, into=into)


class Looker:
    """Finds the people in images, also the least likely, and counts the time an agent needs.

    Args:
        into: takes the times.
        backdrops: of the images to come, in order; none if empty.
    """

    def __init__(self, seer: Seer, *, into: Pass, backdrops: Sequence[Backdrop] = ()) -> None:
        self._seer = seer
        self._into = into
        self._backdrops = iter(backdrops)

    def look(self, image: Image) -> list[Detection]:
        """Look at the next image."""
        return self._find(image, backdrop=next(self._backdrops, None))[1]

    def _find(self, image: Image, *, backdrop: Backdrop | None) -> tuple[Fitted, list[Detection]]:
        began = time.thread_time()
        fitted = self._seer.fit(image)
        fitting = time.thread_time()
        behind = None if backdrop is None else _filled(backdrop, image=image, scale=fitted.scale)
        began += time.thread_time() - fitting
        if not isinstance(self._seer, Detector):
            if len(self._into.ms) < TIMED:  # not by the least likely, of whom an agent wants none
                self._seer.find(fitted, backdrop=behind, least=UNSURE * self._seer.confidence)
                self._into.ms.append((1_000 * (time.thread_time() - began),))
            return fitted, self._seer.find(fitted, backdrop=behind, least=LEAST)
        prepared = self._seer.prepare(fitted, backdrop=behind)
        ready = time.thread_time()
        outputs = self._seer.run(prepared)
        done = time.thread_time()
        self._seer.read(outputs, of=fitted)
        read = time.thread_time()
        self._into.ms.append(
            (1_000 * (ready - began), 1_000 * (done - ready), 1_000 * (read - done))
        )
        return fitted, self._seer.read(outputs, of=fitted, least=LEAST)


def _filled(backdrop: Backdrop, *, image: Image, scale: float) -> Backdrop:
    """Leave unknown what no image fills, as the agent does."""
    rows, cols = (max(1, round(side * scale)) for side in image.shape[:2])
    known = np.zeros_like(backdrop.known)
    known[:rows, :cols] = backdrop.known[:rows, :cols]
    return Backdrop(backdrop.picture, known)


class Learner(Looker):
    """Looks before a background that it learns on the way, as the agent does."""

    def __init__(self, seer: Seer, *, manifest: Manifest, into: Pass, every_ms: float) -> None:
        super().__init__(seer, into=into)
        self._manifest = manifest
        self._background = Background()
        self._every_ms = every_ms
        self._count = 0

    def look(self, image: Image) -> list[Detection]:
        """Look at the next image."""
        fitted, found = self._find(image, backdrop=self._background.backdrop)
        params = SightParams.of(self._manifest)
        least = max(params.kept, params.unsure * self._manifest.output.confidence)
        point = self._manifest.output.point
        boxes = [
            _box(one, scale=fitted.scale, point=point) for one in found if one.confidence >= least
        ]
        self._background.feed(round(self._count * self._every_ms), fitted.canvas, boxes)
        self._count += 1
        return found


def _box(one: Detection, *, scale: float, point: BodyPoint) -> tuple[float, float, float, float]:
    """Give a detection's box in pixels of the canvas: left, top, right, bottom."""
    x, y = centre_of(one, point=point)
    wide, high = one.width_px / 2, one.height_px / 2
    return (x - wide) * scale, (y - high) * scale, (x + wide) * scale, (y + high) * scale


class Follower:
    """Follows people over a clip as the agent does."""

    def __init__(self, detector: Detector, *, ground: Ground) -> None:
        self._detector = detector
        self._ground = ground
        self._tracker = Tracker(TrackerParams(sure=detector.begins))
        self._params = SightParams.of(detector.manifest)
        self._stillness = Stillness()
        self._tracks: dict[int, list[TrackPoint]] = {}

    def follow(self, scene_ms: int, found: Sequence[Detection], *, image: Image) -> None:
        """Take one image and its detections."""
        least = self._params.unsure * self._detector.confidence
        fitted, point = self._detector.fit(image), self._detector.manifest.output.point
        self._stillness.feed(scene_ms, fitted.canvas)
        points = self._points(
            [
                replace(
                    one,
                    still=self._stillness.holds(_box(one, scale=fitted.scale, point=point)),
                )
                for one in found
                if one.confidence >= least
            ]
        )
        for event in self._tracker.feed(Sighting(scene_ms, points)):
            if isinstance(event, TrackPoint):
                self._tracks.setdefault(event.track, []).append(event)

    def away(self, found: Sequence[Detection], places: Sequence[tuple[float, float]]) -> Array:
        """Compare places on the floor, without following anybody."""
        stands = [self._points([one]) for one in found]
        floor = [(at[0].east_m, at[0].north_m) if at else (np.inf, np.inf) for at in stands]
        offset = np.array(floor).reshape(-1, 1, 2) - np.array(places).reshape(1, -1, 2)
        away = np.hypot(offset[..., 0], offset[..., 1])
        return np.where(away < WITHIN_M, away, np.inf)

    def _points(self, found: Sequence[Detection]) -> tuple[FloorPoint, ...]:
        return floor_points(
            found,
            ground=self._ground,
            height_m=self._detector.point_height_m,
            params=self._params,
        )

    def report(self, truth: Mapping[int, Places]) -> Report:
        """Compare tracks with true paths: as given, gaps bridged, and of these only who walked.

        The last is what the agent makes visits of.
        """
        given: dict[int, dict[int, tuple[float, float]]] = {}
        for track, points in self._tracks.items():
            for point in points:
                given.setdefault(point.scene_ms, {})[track] = (point.east_m, point.north_m)
        bridged = {at_ms: dict(there) for at_ms, there in given.items()}
        for track, points in self._tracks.items():
            for one, other in pairwise(points):
                for at_ms in truth:
                    if one.scene_ms < at_ms < other.scene_ms:
                        bridged.setdefault(at_ms, {})[track] = _between(one, other, at_ms=at_ms)
        walkers = {track for track, points in self._tracks.items() if _walked(points)}
        walked = {
            at_ms: {track: place for track, place in there.items() if track in walkers}
            for at_ms, there in bridged.items()
        }
        kinds = {"as_given": given, "gaps_bridged": bridged, "walked": walked}
        return {
            name: {
                key: round(value, 4)
                for key, value in asdict(score(truth, tracks, within_m=WITHIN_M)).items()
            }
            for name, tracks in kinds.items()
        }


def _walked(points: Sequence[TrackPoint]) -> bool:
    first = points[0]
    reach_m = max(hypot(one.east_m - first.east_m, one.north_m - first.north_m) for one in points)
    return reach_m >= VisitParams().least_reach_m


def _between(one: TrackPoint, other: TrackPoint, *, at_ms: int) -> tuple[float, float]:
    share = (at_ms - one.scene_ms) / (other.scene_ms - one.scene_ms)
    return (
        one.east_m + share * (other.east_m - one.east_m),
        one.north_m + share * (other.north_m - one.north_m),
    )


if __name__ == "__main__":
    main()
