"""Pair detections with people and count: precision, recall, F1, average precision.

The most confident detection chooses first, and takes the nearest person who is allowed and still
free; a person is found once (Everingham et al., Pascal VOC, IJCV 2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import BodyPoint, Detection

Array = NDArray[np.float64]
Report = dict[str, object]

TABLE = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Confidences the figures are printed at."""
PRECISION = 0.85
"""That recall is told at."""
BEST = "best_f1_threshold_chosen_on_this_data"
RECALL = f"recall_at_precision_{PRECISION}_threshold_chosen_on_this_data"
HEAD_IN_BOX = 0.08
"""Of a box's height: how far below its upper edge a head's middle is, for nets without heads."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One picture's detections, judged.

    Attributes:
        people: how many there are.
        confidence: (D,) of the detections.
        right: (D,) bool.
    """

    people: int
    confidence: Array
    right: NDArray[np.bool_]


def judge(detections: Sequence[Detection], away: Array) -> Outcome:
    """Pair one picture's detections, the most confident first.

    Args:
        detections: D of them.
        away: (D, T), how far each is from each person; infinite where it cannot be that one.
    """
    free = np.ones(away.shape[1], dtype=np.bool_)
    right = np.zeros(len(detections), dtype=np.bool_)
    confidence = np.array([one.confidence for one in detections], dtype=np.float64)
    for number in np.argsort(-confidence, kind="stable"):
        candidates = np.where(free, away[number], np.inf)
        if candidates.size and np.isfinite(candidates.min()):
            free[candidates.argmin()] = False
            right[number] = True
    return Outcome(away.shape[1], confidence, right)


def away_heads(
    detections: Sequence[Detection], heads: Array, *, within_px: float, point: BodyPoint
) -> Array:
    """Compare head points; ``heads`` is (T, 2)."""
    return _near([head_of(one, point=point) for one in detections], heads, within=within_px)


def away_centres(
    detections: Sequence[Detection], boxes: Array, *, within_px: float, point: BodyPoint
) -> Array:
    """Compare boxes' centres; ``boxes`` is (T, 4): left, top, width, height."""
    centres = [centre_of(one, point=point) for one in detections]
    return _near(centres, boxes[:, :2] + boxes[:, 2:] / 2, within=within_px)


def away_boxes(
    detections: Sequence[Detection], boxes: Array, *, overlap: float, point: BodyPoint
) -> Array:
    """Compare upright boxes by intersection over union; ``boxes`` is (T, 4) as above."""
    found = np.array(
        [(*centre_of(one, point=point), one.width_px, one.height_px) for one in detections]
    ).reshape(-1, 4)
    low, high = found[:, :2] - found[:, 2:] / 2, found[:, :2] + found[:, 2:] / 2
    sides = np.minimum(high[:, None], boxes[None, :, :2] + boxes[None, :, 2:]) - np.maximum(
        low[:, None], boxes[None, :, :2]
    )
    shared = np.clip(sides, 0, None).prod(axis=2)
    union = found[:, 2:].prod(axis=1)[:, None] + boxes[:, 2:].prod(axis=1)[None] - shared
    share = shared / np.maximum(union, np.finfo(np.float64).tiny)
    return np.where(share >= overlap, 1 - share, np.inf)


def away_turned(
    detections: Sequence[Detection], boxes: Array, *, grown: float, point: BodyPoint
) -> Array:
    """Tell which centres lie in which turned boxes, grown by a share; ``boxes`` is (T, 5)."""
    centres = np.array([centre_of(one, point=point) for one in detections]).reshape(-1, 1, 2)
    offset = centres - boxes[None, :, :2]
    turn = np.radians(boxes[:, 4])
    along = np.cos(turn) * offset[..., 0] + np.sin(turn) * offset[..., 1]
    across = -np.sin(turn) * offset[..., 0] + np.cos(turn) * offset[..., 1]
    inside = (np.abs(along) <= (1 + grown) * boxes[:, 2] / 2) & (
        np.abs(across) <= (1 + grown) * boxes[:, 3] / 2
    )
    return np.where(inside, np.hypot(along, across), np.inf)


def away_turned_boxes(
    detections: Sequence[Detection], boxes: Array, *, overlap: float, point: BodyPoint
) -> Array:
    """Compare turned boxes by intersection over union; ``boxes`` is (T, 5)."""
    found = [turned_box(one, point=point) for one in detections]
    away = np.full((len(found), len(boxes)), np.inf)
    for row, one in enumerate(found):
        reach = np.hypot(one[2], one[3]) + np.hypot(boxes[:, 2], boxes[:, 3])
        near = np.hypot(boxes[:, 0] - one[0], boxes[:, 1] - one[1]) <= reach / 2
        for column in np.flatnonzero(near):
            share = _shared(one, boxes[column])
            away[row, column] = 1 - share if share >= overlap else np.inf
    return away


def head_of(one: Detection, *, point: BodyPoint) -> tuple[float, float]:
    """Give where a detection's head is; without a head point, just below the box's upper edge."""
    if one.head_x_px is not None and one.head_y_px is not None:
        return one.head_x_px, one.head_y_px
    x, y = centre_of(one, point=point)
    return x, y - (0.5 - HEAD_IN_BOX) * one.height_px


def centre_of(one: Detection, *, point: BodyPoint) -> tuple[float, float]:
    """Give the middle of a detection's box; without one, from the point, the body upright."""
    if one.centre_x_px is not None and one.centre_y_px is not None:
        return one.centre_x_px, one.centre_y_px
    return one.x_px, one.y_px + {"foot": -0.5, "centre": 0.0, "head": 0.5}[point] * one.height_px


def turned_box(one: Detection, *, point: BodyPoint) -> Array:
    """Turn a detection's upright box along its body, where head and foot are told.

    The sum of the turned box's sides follows from the upright one's; its length from the head's
    middle to the soles, which are a tenth short of the whole body.

    Returns:
        (5,): centre x and y, width, height, degrees clockwise.
    """
    x, y = centre_of(one, point=point)
    upright = np.array([x, y, one.width_px, one.height_px, 0.0])
    if one.head_x_px is None or one.head_y_px is None or point != "foot":
        return upright
    right, down = one.x_px - one.head_x_px, one.y_px - one.head_y_px
    tall = float(np.hypot(right, down))
    if tall < 0.1 * max(one.width_px, one.height_px):  # seen from right above
        return upright
    both = (one.width_px + one.height_px) * tall / (abs(right) + abs(down))
    length = min(max(1.1 * tall, 0.5 * both), 0.75 * both)
    return np.array([x, y, both - length, length, np.degrees(np.arctan2(-right, down))])


def report(outcomes: Sequence[Outcome], *, confidence: float) -> Report:
    """Sum up one rule's outcomes; what is chosen by looking at them is named so."""
    curve = Curve.of(outcomes)
    return {
        "people": curve.people,
        "at_shipped_confidence": curve.at(confidence),
        BEST: curve.best(),
        RECALL: curve.recall_at(PRECISION),
        "average_precision": round(curve.average_precision(), 4),
        "over_thresholds": [curve.at(level) for level in TABLE],
    }


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Counts over falling confidence.

    Attributes:
        people: in all pictures.
        pictures: how many.
        levels: (N,) distinct confidences, falling.
        right: (N,) detections at least so confident that are people.
        said: (N,) detections at least so confident.
    """

    people: int
    pictures: int
    levels: Array
    right: Array
    said: Array

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Curve:
        """Gather pictures."""
        confidence = np.concatenate([np.empty(0), *(one.confidence for one in outcomes)])
        right = np.concatenate([np.empty(0, np.bool_), *(one.right for one in outcomes)])
        order = np.argsort(-confidence, kind="stable")
        levels, right = confidence[order], np.cumsum(right[order], dtype=np.float64)
        last = np.append(levels[1:] != levels[:-1], True)[: len(levels)]
        said = np.arange(1, len(levels) + 1, dtype=np.float64)
        people = sum(one.people for one in outcomes)
        return cls(people, len(outcomes), levels[last], right[last], said[last])

    def at(self, confidence: float) -> Report:
        """Give the figures of what is at least so confident."""
        count = int(np.searchsorted(-self.levels, -confidence, side="right"))
        right = self.right[count - 1] if count else 0.0
        said = self.said[count - 1] if count else 0.0
        return {
            "confidence": round(confidence, 4),
            "f1": round(float(2 * right / max(1.0, self.people + said)), 4),
            "precision": round(float(right / said), 4) if said else None,
            "recall": round(float(right / self.people), 4) if self.people else None,
            "wrong_per_image": round(float((said - right) / max(1, self.pictures)), 3),
        }

    def best(self) -> Report:
        """Give the figures where F1 is best."""
        if not len(self.levels):
            return self.at(1.0)
        return self.at(float(self.levels[(self.right / (self.people + self.said)).argmax()]))

    def recall_at(self, precision: float) -> Report | None:
        """Give the figures of most recall where precision is at least so high; None: nowhere."""
        enough = np.flatnonzero(self.right / self.said >= precision)
        return self.at(float(self.levels[enough[-1]])) if len(enough) else None

    def average_precision(self) -> float:
        """Give the area under precision over recall, precision taken as never rising."""
        if not self.people:
            return 0.0
        precision = np.maximum.accumulate((self.right / self.said)[::-1])[::-1]
        recall = np.diff(self.right, prepend=0.0) / self.people
        return float((precision * recall).sum())


def _near(points: Sequence[tuple[float, float]], truth: Array, *, within: float) -> Array:
    offset = np.array(points, dtype=np.float64).reshape(-1, 1, 2) - truth[None]
    away = np.hypot(offset[..., 0], offset[..., 1])
    return np.where(away < within, away, np.inf)


def _shared(one: Array, other: Array) -> float:
    """Give two turned boxes' intersection over union."""
    first, second = (((b[0], b[1]), (b[2], b[3]), b[4]) for b in (one.tolist(), other.tolist()))
    kind, corners = cv2.rotatedRectangleIntersection(first, second)
    if kind == cv2.INTERSECT_NONE or corners is None:
        return 0.0
    shared = float(cv2.contourArea(cv2.convexHull(corners)))
    union = float(one[2] * one[3] + other[2] * other[3]) - shared
    return shared / union if union > 0 else 0.0
