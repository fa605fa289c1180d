from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.config import parse
from edge.errors import ConfigError, DeviceError
from edge.process_io import lock_folder
from edge.setup.desk_io import Desk, begin_file
from edge.setup.draft import Draft
from edge.vision.condition import Signature
from edge.vision.signature_io import load_signature, save_signature
from edge.vision.watching import Finder

Points = list[tuple[float, float, float, float]]


@pytest.fixture
def file(tmp_path: Path, store_text: str, plan_text: str) -> Path:
    path = tmp_path / "store.toml"
    path.write_text(store_text + plan_text)
    path.chmod(0o640)
    return path


@pytest.fixture
def desk(file: Path, empty_desk: Callable[[Path], Desk]) -> Desk:
    return empty_desk(file)


@pytest.fixture
def empty_desk(nobody: Finder) -> Iterator[Callable[[Path], Desk]]:
    made: list[Desk] = []

    def make(path: Path) -> Desk:
        made.append(Desk(path, finder=nobody))
        return made[-1]

    yield make
    for one in made:
        one.close()


def calibrated(desk: Desk, points: Points) -> Draft:
    draft = desk.setup().draft
    camera = msgspec.structs.replace(
        draft.cameras[0], size_px=(640, 480), points=tuple(points), height_m=3.2, lens="pinhole"
    )
    return msgspec.structs.replace(draft, cameras=(camera,))


def test_saving_writes_the_file_keeps_the_old_one_and_its_rights(
    desk: Desk, file: Path, points: Points
) -> None:
    before = file.read_text()
    draft = calibrated(desk, points)
    review = desk.review(draft)
    assert review.errors == []
    assert "+size_px = [640, 480]" in review.diff
    desk.save(draft, digest=review.digest)
    after = file.read_text()
    assert parse(after, where="").cameras[0].height_m == 3.2
    assert "# over the wine" in after
    assert file.with_name("store.toml.bak").read_text() == before
    assert file.stat().st_mode & 0o777 == 0o640
    assert {path.name for path in file.parent.iterdir()} == {"store.toml", "store.toml.bak"}


def test_a_draft_the_agent_would_refuse_is_not_written(
    desk: Desk, file: Path, points: Points
) -> None:
    before = file.read_text()
    draft = calibrated(desk, points[:3])
    review = desk.review(draft)
    assert len(review.errors) == 1
    assert "ceiling" in review.errors[0]
    assert "at least 4" in review.errors[0]
    with pytest.raises(ConfigError, match="ceiling"):
        desk.save(draft, digest=review.digest)
    assert file.read_text() == before
    assert not file.with_name("store.toml.bak").exists()


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ({"zones": ()}, "no zone yet: draw at least one in step 2"),
        ({"zones": (), "outline": ()}, "no walls yet: type their sizes in step 2"),
    ],
)
def test_what_is_still_to_do_is_said_in_the_page_s_words(
    desk: Desk, file: Path, points: Points, lacks: dict[str, Any], said: str
) -> None:
    before = file.read_text()
    whole = calibrated(desk, points)
    draft = msgspec.structs.replace(whole, plan=msgspec.structs.replace(whole.plan, **lacks))
    review = desk.review(draft)
    assert len(review.errors) == 1
    assert said in review.errors[0]
    with pytest.raises(ConfigError, match="in step 2"):
        desk.save(draft, digest=review.digest)
    [unmeasured] = desk.review(calibrated(desk, [])).errors
    assert "no points yet: click some in step 1" in unmeasured
    assert file.read_text() == before


def test_somebody_else_s_change_is_not_overwritten(desk: Desk, file: Path, points: Points) -> None:
    draft = calibrated(desk, points)
    digest = desk.review(draft).digest
    file.write_text(file.read_text() + "# another editor\n")
    with pytest.raises(ConfigError, match="somebody else"):
        desk.save(draft, digest=digest)
    desk.save(draft, digest=desk.review(draft).digest)
    assert "# another editor" in file.read_text()


def test_nothing_to_save_leaves_no_backup(desk: Desk, file: Path, points: Points) -> None:
    draft = calibrated(desk, points)
    desk.save(draft, digest=desk.review(draft).digest)
    file.with_name("store.toml.bak").unlink()
    draft = desk.setup().draft
    assert desk.review(draft).diff == ""
    desk.save(draft, digest=desk.review(draft).digest)
    assert not file.with_name("store.toml.bak").exists()


def test_who_is_calibrated_anew_is_remembered_anew(
    desk: Desk, file: Path, tmp_path: Path, points: Points
) -> None:
    folder = tmp_path / "data"
    draft = calibrated(desk, points)
    desk.save(draft, digest=desk.review(draft).digest)
    camera = parse(file.read_text(), where="").cameras[0]
    save_signature(folder, camera, Signature(np.ones((48, 64), np.uint8), 9.5, (416, 281)))
    zones = (msgspec.structs.replace(draft.plan.zones[0], name="Red wine"),)
    draft = msgspec.structs.replace(draft, plan=msgspec.structs.replace(draft.plan, zones=zones))
    desk.save(draft, digest=desk.review(draft).digest)
    assert load_signature(folder, camera) is not None
    draft = calibrated(desk, points[:-1])
    desk.save(draft, digest=desk.review(draft).digest)
    assert not list((folder / "cameras").iterdir())


def test_a_link_to_the_file_stays_a_link(
    file: Path, tmp_path: Path, empty_desk: Callable[[Path], Desk], points: Points
) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    desk = empty_desk(link)
    draft = calibrated(desk, points)
    desk.save(draft, digest=desk.review(draft).digest)
    assert link.is_symlink()
    assert parse(file.read_text(), where="").cameras[0].height_m == 3.2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said(desk: Desk, file: Path, points: Points) -> None:
    draft = calibrated(desk, points)
    file.parent.chmod(0o500)
    try:
        with pytest.raises(DeviceError, match="cannot be written"):
            desk.save(draft, digest=desk.review(draft).digest)
    finally:
        file.parent.chmod(0o700)


def test_problems_of_a_plan_are_the_agent_s_own(desk: Desk) -> None:
    plan = desk.setup().draft.plan
    assert desk.problems(plan) == []
    wine = plan.zones[0]
    twice = msgspec.structs.replace(plan, zones=(wine, msgspec.structs.replace(wine, id="wine-2")))
    [problem] = desk.problems(twice)
    assert "'wine'" in problem
    assert "'wine-2'" in problem
    assert "overlap" in problem


def test_a_camera_that_is_added_is_saved_with_its_address(
    desk: Desk, file: Path, points: Points
) -> None:
    desk.address_camera("door", source=0, new=True)
    draft = calibrated(desk, points)
    door = desk.setup().draft.cameras[1]
    assert door.name == "door"
    door = msgspec.structs.replace(door, size_px=(640, 480), points=tuple(points), height_m=3.2)
    draft = msgspec.structs.replace(draft, cameras=(*draft.cameras, door))
    desk.save(draft, digest=desk.review(draft).digest)
    assert parse(file.read_text(), where="").cameras[1].source == 0


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [("ceiling", 0, "already"), ("Door cam", 0, "lower-case"), ("door", "", "address")],
)
def test_a_camera_that_cannot_be_is_refused(
    desk: Desk, name: str, source: str | int, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        desk.address_camera(name, source=source, new=True)


def test_another_address_is_looked_at_at_once_and_saved(
    desk: Desk, file: Path, points: Points
) -> None:
    assert desk.camera("ceiling").detail == ""
    desk.address_camera("ceiling", source="/no/such/video.mp4", new=False)
    while not (state := desk.camera("ceiling")).detail:
        time.sleep(0.01)
    assert "begins with rtsp://" in state.detail
    draft = calibrated(desk, points)
    review = desk.review(draft)
    assert review.readdressed == desk.addressed == ["ceiling"]
    assert "video.mp4" not in review.diff
    desk.save(draft, digest=review.digest)
    assert parse(file.read_text(), where="").cameras[0].source == "/no/such/video.mp4"
    assert desk.addressed == []
    assert desk.review(draft).readdressed == []


def test_a_camera_is_dropped_only_before_it_is_saved(desk: Desk) -> None:
    for source in (0, "/dev/video9"):  # mistyped at first
        desk.address_camera("door", source=source, new=True)
    assert [one.name for one in desk.setup().draft.cameras] == ["ceiling", "door"]
    desk.drop_camera("door")
    assert [one.name for one in desk.setup().draft.cameras] == ["ceiling"]
    with pytest.raises(ConfigError, match=r"delete its \[\[cameras\]\] table"):
        desk.drop_camera("ceiling")


def test_a_camera_nobody_configured_is_not_opened(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="'other'"):
        desk.camera("other")


def test_while_an_agent_runs_no_walk_begins(desk: Desk, tmp_path: Path, points: Points) -> None:
    draft = calibrated(desk, points)
    with lock_folder(tmp_path / "data"), pytest.raises(DeviceError, match="systemctl stop"):
        desk.begin_walk(draft)
    assert desk.walk().left_s == 0


def test_while_somebody_walks_no_agent_starts(desk: Desk, tmp_path: Path, points: Points) -> None:
    desk.begin_walk(calibrated(desk, points))
    assert 1_790 <= desk.walk().left_s <= 1_800
    with pytest.raises(DeviceError, match="another agent"):
        lock_folder(tmp_path / "data")
    desk.begin_walk(calibrated(desk, points))  # with other points: the walk goes on with them
    desk.end_walk()
    lock_folder(tmp_path / "data").close()
    assert desk.walk().left_s == 0
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"lock"}


def test_a_walk_needs_a_sound_draft(desk: Desk, points: Points) -> None:
    with pytest.raises(ConfigError, match="ceiling"):
        desk.begin_walk(calibrated(desk, points[:3]))
    assert desk.walk().left_s == 0


def test_a_new_file_is_begun_but_none_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    begin_file(path)
    assert 'store = "my-store"' in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640  # although nobody else's files may be read
    assert path.stat().st_gid == tmp_path.stat().st_gid
    with pytest.raises(ConfigError, match="there already"):
        begin_file(path)
    with pytest.raises(DeviceError, match="cannot be written"):
        begin_file(tmp_path / "no" / "folder.toml")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--new"):
        Desk(tmp_path / "no.toml")
