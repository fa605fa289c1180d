import numpy as np
import pytest

from firmware_sim.render import project
from firmware_sim.scene import CameraSpec
from firmware_sim.store import default_store
from firmware_sim.survey import image_point, survey


def test_a_survey_has_what_an_agent_needs() -> None:
    found = survey(default_store())
    assert len(found["camera"]["points"]) >= 6
    assert {zone["id"] for zone in found["zones"] if zone["has_reader"]} == {"aisle-2"}
    assert len(found["fixtures"]) == 7
    assert found["readers"][0] == {
        "name": "toys",
        "zone": "aisle-2",
        "place": "shelf",
        "region": "EU",
        "baud": 115_200,
        "antenna": [3.5, 10.0],
        "antennas": [{"number": 1, "zone": "aisle-2", "place": "shelf", "at": [3.5, 10.0]}],
    }
    assert not {"seed", "shelves", "popularity"} & set(str(found).split("'"))


@pytest.mark.parametrize("tilt", [0.0, 0.4])
@pytest.mark.parametrize("pan", [0.0, 1.0])
def test_marks_lie_where_the_camera_shows_them(tilt: float, pan: float) -> None:
    camera = CameraSpec(6, 9, 7, tilt, pan, 1.85, 640, 432)
    marks = [(5.0, 8.0), (7.0, 11.0), (6.5, 9.5)]
    shown = project(camera, np.array([(*mark, 0.0) for mark in marks]))
    measured = np.array([image_point(camera, mark) for mark in marks])
    assert np.allclose(shown, measured, atol=0.6)


def test_the_image_top_is_east_and_the_store_lies_along_its_width() -> None:
    camera = default_store().cameras[0].spec()
    middle, east, south = (image_point(camera, p) for p in ((6, 9), (8, 9), (6, 7)))
    assert middle == pytest.approx((320, 216))
    assert east is not None
    assert east[1] < 216
    assert south is not None
    assert south[0] > 320
