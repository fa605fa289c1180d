from __future__ import annotations

from math import cos, radians, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.detection import Detection
from models.evaluation.matching import (
    Curve,
    Outcome,
    away_boxes,
    away_centres,
    away_heads,
    away_turned,
    away_turned_boxes,
    judge,
    report,
    turned_box,
)


def _one(
    x: float, y: float, *, sure: float = 0.5, size: tuple[float, float] = (10, 20)
) -> Detection:
    return Detection(x, y + size[1] / 2, *size, sure, centre_x_px=x, centre_y_px=y)


def test_the_more_confident_chooses_first_and_a_person_is_found_once() -> None:
    found = [_one(0, 0, sure=0.3), _one(3, 0, sure=0.9), _one(50, 0, sure=0.5)]
    outcome = judge(
        found, away_centres(found, np.array([[-5, -10, 10, 20]]), within_px=8, point="foot")
    )
    assert outcome.people == 1
    assert outcome.right.tolist() == [False, True, False]


def test_nobody_and_nothing_can_be_judged() -> None:
    nobody = np.zeros((0, 4))
    assert judge([], away_centres([], nobody, within_px=8, point="foot")).people == 0
    outcome = judge([_one(0, 0)], away_boxes([_one(0, 0)], nobody, overlap=0.5, point="foot"))
    assert (outcome.people, outcome.right.tolist()) == (0, [False])
    empty = report([judge([], np.zeros((0, 2)))], confidence=0.5)
    assert empty["at_shipped_confidence"] == {
        "confidence": 0.5,
        "f1": 0.0,
        "precision": None,
        "recall": 0.0,
        "wrong_per_image": 0.0,
    }


def test_counts_over_thresholds() -> None:
    outcomes = [
        Outcome(3, np.array([0.9, 0.8, 0.2]), np.array([True, False, True])),
        Outcome(1, np.array([0.8, 0.5]), np.array([True, False])),
    ]
    curve = Curve.of(outcomes)
    assert curve.at(0.85)["precision"] == 1.0
    assert curve.at(0.8) == {
        "confidence": 0.8,
        "f1": round(4 / 7, 4),
        "precision": round(2 / 3, 4),
        "recall": 0.5,
        "wrong_per_image": 0.5,
    }
    assert curve.at(0.1)["recall"] == 0.75
    best = curve.best()
    assert (best["confidence"], best["f1"]) == (0.2, round(6 / 9, 4))
    most = curve.recall_at(0.6)
    assert most is not None
    assert (most["confidence"], most["recall"]) == (0.2, 0.75)
    strict = curve.recall_at(0.7)
    assert strict is not None
    assert strict["confidence"] == 0.9
    assert Curve.of([Outcome(1, np.array([0.5]), np.array([False]))]).recall_at(0.5) is None
    assert curve.average_precision() == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)


def test_head_points_are_the_nets_own_or_below_the_boxs_upper_edge() -> None:
    told = Detection(0, 100, 30, 100, 0.9, head_x_px=7, head_y_px=9)
    untold = Detection(0, 100, 30, 100, 0.9)
    heads = np.array([[7.0, 9.0], [0.0, 8.0]])
    away = away_heads([told, untold], heads, within_px=5, point="foot")
    assert away.tolist() == [[0.0, np.inf], [np.inf, 0.0]]


def test_upright_boxes_are_compared_by_intersection_over_union() -> None:
    truth = np.array([[-5.0, -10, 10, 20], [100, 100, 10, 20]])
    away = away_boxes([_one(0, 0), _one(5, 0)], truth, overlap=0.3, point="foot")
    assert away[0, 0] == 0
    assert away[1, 0] == pytest.approx(1 - 1 / 3)
    assert np.isinf(away[:, 1]).all()


@settings(deadline=None)
@given(degrees=st.floats(-180, 180), along=st.floats(-25, 25), across=st.floats(-8, 8))
def test_a_point_is_in_a_turned_box_as_it_was_before_turning(
    degrees: float, along: float, across: float
) -> None:
    turn = radians(degrees)
    right = (cos(turn), sin(turn))  # clockwise, as y counts down
    down = (-sin(turn), cos(turn))
    x, y = (100 + along * down[i] + across * right[i] for i in (0, 1))
    away = away_turned(
        [_one(x, y)], np.array([[100, 100, 10, 40, degrees]]), grown=0.1, point="foot"
    )
    inside = abs(along) <= 22 and abs(across) <= 5.5
    near_edge = abs(abs(along) - 22) < 1e-6 or abs(abs(across) - 5.5) < 1e-6
    assert near_edge or bool(np.isfinite(away[0, 0])) == inside


@settings(deadline=None)
@given(degrees=st.floats(-180, 180))
def test_a_body_seen_from_the_side_has_a_box_turned_along_it(degrees: float) -> None:
    turn, length, width = radians(degrees), 50.0, 20.0
    down = np.array([-sin(turn), cos(turn)])
    head, foot = 100 - 0.43 * length * down, 100 + 0.47 * length * down
    upright = (
        abs(cos(turn)) * width + abs(sin(turn)) * length,
        abs(sin(turn)) * width + abs(cos(turn)) * length,
    )
    one = Detection(*foot, *upright, 0.9, *head, 100, 100)
    box = turned_box(one, point="foot")
    assert box[2:4] == pytest.approx([width, length], rel=0.05)
    assert cos(radians(box[4] - degrees)) == pytest.approx(1)
    truth = np.array([[100, 100, width, length, degrees], [300, 100, width, length, degrees]])
    away = away_turned_boxes([one], truth, overlap=0.3, point="foot")
    assert away[0, 0] < 0.1
    assert np.isinf(away[0, 1])


def test_a_turned_box_across_is_no_match() -> None:
    lying = np.array([[0.0, 0.0, 10.0, 60.0, 90.0]])
    found = [_one(0, 0, size=(10, 60))]
    assert np.isinf(away_turned_boxes(found, lying, overlap=0.3, point="foot")).all()
    assert np.isfinite(away_turned_boxes(found, lying, overlap=0.05, point="foot")).all()


def test_from_right_above_the_upright_box_serves() -> None:
    one = Detection(50, 50, 30, 30, 0.9, head_x_px=50, head_y_px=49, centre_x_px=50, centre_y_px=50)
    assert turned_box(one, point="foot").tolist() == [50, 50, 30, 30, 0]
