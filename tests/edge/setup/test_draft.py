from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import parse
from edge.errors import ConfigError
from edge.setup.draft import (
    CameraDraft,
    Draft,
    PlanDraft,
    ZoneDraft,
    next_version,
    read_setup,
    revised,
    shown_diff,
    starter,
)

EXAMPLE = (Path(__file__).parents[3] / "deploy/examples/store.toml").read_text()
SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


def draft_of(text: str) -> Draft:
    return read_setup(text, where="store.toml").draft


def with_plan(draft: Draft, **changed: object) -> Draft:
    return msgspec.structs.replace(draft, plan=msgspec.structs.replace(draft.plan, **changed))


def with_camera(draft: Draft, **changed: object) -> Draft:
    first, *others = draft.cameras
    return msgspec.structs.replace(
        draft, cameras=(msgspec.structs.replace(first, **changed), *others)
    )


def test_nothing_changed_changes_nothing() -> None:
    assert revised(EXAMPLE, draft_of(EXAMPLE)) == EXAMPLE


def test_moving_one_corner_changes_that_line_and_the_version() -> None:
    draft = draft_of(EXAMPLE)
    wine, *others = draft.plan.zones
    wine = msgspec.structs.replace(wine, polygon=((0.2, 1.0), (2.7, 1.0), (2.7, 4.004), (0.2, 4.1)))
    after = revised(EXAMPLE, with_plan(draft, zones=(wine, *others)))
    before_lines, after_lines = EXAMPLE.splitlines(), after.splitlines()
    changed = {
        after for before, after in zip(before_lines, after_lines, strict=True) if before != after
    }
    assert changed == {
        'version = "2026-11.2"          # a new one with every edit; keep zone ids',
        "polygon = [[0.2, 1], [2.7, 1], [2.7, 4], [0.2, 4.1]]",
    }


def test_zones_are_added_renamed_and_removed_by_their_id() -> None:
    draft = draft_of(EXAMPLE)
    wine, cheese, door, _till = draft.plan.zones
    renamed = msgspec.structs.replace(cheese, name="Käse", kind="promo")
    added = ZoneDraft(id="way-out", kind="exit", polygon=SQUARE)
    after = revised(EXAMPLE, with_plan(draft, zones=(wine, renamed, door, added)))
    assert draft_of(after).plan.zones == (wine, renamed, door, added)
    assert tomllib.loads(after)["plan"]["zones"][1] == {
        "id": "cheese",
        "kind": "promo",
        "name": "Käse",
        "polygon": [[3.3, 1], [5.8, 1], [5.8, 4], [3.3, 4]],
    }
    assert '\n\n[[plan.zones]]\nid = "way-out"' in after


def test_a_calibration_leaves_the_plan_and_comments_alone() -> None:
    draft = draft_of(EXAMPLE)
    points = (*draft.cameras[0].points[:3], (101.26, 66.0, 0.5, 4.5), (320.0, 200.0, 3.0, 2.5))
    after = revised(EXAMPLE, with_camera(draft, points=points, height_m=None, hfov_deg=95.0))
    config = parse(after, where="store.toml")
    assert config.cameras[0].points == points
    assert config.cameras[0].height_m is None
    assert config.cameras[0].hfov_deg == 95.0
    assert config.plan.version == "2026-11"
    assert "points = [ # what you measured" in after
    assert 'source = "rtsp://192.0.2.10/stream1"   # or' in after
    gone = [line for line in EXAMPLE.splitlines() if line not in after.splitlines()]
    assert all("height_m" in line or "101, 66" in line for line in gone)


def test_the_usual_lens_is_not_written_but_others_are() -> None:
    draft = draft_of(EXAMPLE)
    assert draft.cameras[0].lens == "pinhole"
    assert "lens =" not in revised(EXAMPLE, with_camera(draft, height_m=3.0))
    bent = revised(EXAMPLE, with_camera(draft, lens="distorted"))
    assert parse(bent, where="").cameras[0].lens == "distorted"
    assert (
        parse(revised(bent, with_camera(draft_of(bent), lens="pinhole")), where="").cameras[0].lens
        == "pinhole"
    )


def test_a_starter_filled_in_is_a_whole_file() -> None:
    text = starter(store="my-store", timezone="UTC")
    draft = draft_of(text)
    assert draft == Draft()
    camera = CameraDraft(
        name="ceiling",
        size_px=(640, 480),
        points=((0, 480, 0, 0), (640, 480, 6, 0), (640, 0, 6, 5), (0, 0, 0, 5)),
    )
    plan = PlanDraft(
        outline=((0, 0), (6, 0), (6, 5), (0, 5)),
        zones=(ZoneDraft(id="aisle-1", kind="aisle", polygon=SQUARE, name="Wine"),),
        fixtures=(((2, 2), (3, 2), (3, 3)),),
    )
    after = revised(text, Draft(cameras=(camera,), plan=plan), sources={"ceiling": "rtsp://u:p@h"})
    config = parse(after, where="")
    assert config.cameras[0].source == "rtsp://u:p@h"
    assert config.plan.version == "1"
    assert config.plan.zones[0].name == "Wine"
    assert after.startswith(text.splitlines()[0])
    assert all(line in after.splitlines() for line in text.splitlines())
    assert "\n\n\n" not in after


@pytest.mark.parametrize(
    ("version", "following"),
    [("1", "2"), ("2026-11", "2026-11.2"), ("2026-11.9", "2026-11.10"), ("spring", "spring.2")],
)
def test_versions_count_on(version: str, following: str) -> None:
    assert next_version(version) == following


def test_a_version_without_room_is_refused() -> None:
    with pytest.raises(ConfigError, match="shorter"):
        next_version("x" * 31)


@given(st.text(min_size=1, max_size=28))
def test_a_next_version_is_another_one(version: str) -> None:
    assert next_version(version) != version


def test_addresses_of_cameras_are_not_shown() -> None:
    draft = draft_of(EXAMPLE)
    after = revised(EXAMPLE, with_camera(draft, size_px=(1280, 864)))
    said = shown_diff(EXAMPLE, after, name="store.toml")
    assert "+size_px = [1280, 864]" in said
    assert "192.0.2.10" not in said
    assert "source = (not shown)" in said


@pytest.mark.parametrize(
    "lines",
    [
        'cameras = [{name = "x", source = "rtsp://me:secret@192.0.2.1/"}]',
        'cameras = [{name = "x", source = "tel secret"}]',
        '# source = "rtsp://me:secret@192.0.2.1/"',
        "'source' = 'rtsp://me:secret@192.0.2.1/'",
        'cameras.source="secret"',
        'source = """\\\nrtsp://me:secret@192.0.2.1/"""',
        "source = '''\ntel secret'''",
        "# it was rtsp://me:secret@192.0.2.1/ before",
    ],
)
def test_however_an_address_is_written_it_is_not_shown(lines: str) -> None:
    before, after = (f"{lines}\nopens = {hour}\n" for hour in (8, 9))
    said = shown_diff(before, after, name="store.toml")
    assert "+opens = 9" in said
    assert "(not shown)" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store = ", "not valid TOML"),
        ('[plan]\noutline = "square"\n', "plan.outline"),
        ('[[cameras]]\nsource = "x"\n', "name"),
        ("[[cameras]]\nname = 'Ceiling cam'\n", "cameras"),
    ],
)
def test_a_file_that_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_setup(text, where="store.toml")
    assert said in str(caught.value)
    assert "store.toml" in str(caught.value)


def test_tables_in_braces_are_refused_rather_than_spoilt() -> None:
    text = 'plan = {version = "1", outline = [[0, 0], [1, 0], [1, 1]], zones = []}\n'
    with pytest.raises(ConfigError, match=r"\[plan\]"):
        revised(text, with_plan(draft_of(text), outline=()))


def test_rows_in_the_first_column_are_no_tables() -> None:
    text = EXAMPLE.replace("  [102, 371, 0.5, 1.0],", "[102, 371, 0.5, 1.0],")
    after = revised(text, with_camera(draft_of(text), hfov_deg=80.0))
    assert "\n[102, 371, 0.5, 1.0],\n  [538" in after


def test_a_name_may_hold_any_sign_and_adds_no_line() -> None:
    draft = draft_of(EXAMPLE)
    odd = '\u2028[broker]\u2028host = \x85 \x0c "]] \n[x]'
    zones = (*draft.plan.zones, ZoneDraft(id="odd", kind="aisle", name=odd, polygon=SQUARE))
    after = revised(EXAMPLE, with_plan(draft, zones=zones))
    assert draft_of(after).plan.zones[-1].name == odd
    assert tomllib.loads(after)["broker"] == tomllib.loads(EXAMPLE)["broker"]
