from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.evaluation.folders import DataError, Heads, TurnedBoxes, read_folder, read_image


def _image(folder: Path, name: str) -> Path:
    path = folder / name
    assert cv2.imwrite(str(path), np.zeros((24, 32, 3), np.uint8))
    return path


def test_heads_are_found_by_frame_number(tmp_path: Path) -> None:
    second, tenth = _image(tmp_path, "seq_000002.png"), _image(tmp_path, "seq_000010.png")
    (tmp_path / "heads.csv").write_text("frame,x_px,y_px\n10,1,2\n10,3.5,4\n")
    data = read_folder(tmp_path)
    assert isinstance(data, Heads)
    assert data.truth[tenth].tolist() == [[1, 2], [3.5, 4]]
    assert data.truth[second].shape == (0, 2)


def test_sequences_with_the_same_numbers_are_told_apart_by_file(tmp_path: Path) -> None:
    one, other = _image(tmp_path, "a_1.png"), _image(tmp_path, "b_1.png")
    (tmp_path / "heads.csv").write_text("file,x_px,y_px\na_1.png,1,2\nb_1.png,3,4\n")
    data = read_folder(tmp_path)
    assert isinstance(data, Heads)
    assert (data.truth[one].tolist(), data.truth[other].tolist()) == ([[1, 2]], [[3, 4]])


def test_turned_boxes_are_read(tmp_path: Path) -> None:
    one = _image(tmp_path, "x.png")
    (tmp_path / "boxes.csv").write_text("file, cx, cy, w, h, degrees\nx.png, 5, 6, 7, 8, -9.5\n")
    data = read_folder(tmp_path)
    assert isinstance(data, TurnedBoxes)
    assert data.truth[one].tolist() == [[5, 6, 7, 8, -9.5]]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "needs one of heads.csv, boxes.csv, truth.csv; has none"),
        ({"heads.csv": "frame,x_px,y_px\n1,2,3\n", "boxes.csv": ""}, "has heads.csv and boxes.csv"),
        ({"heads.csv": ""}, "heads.csv: no rows"),
        ({"heads.csv": "frame,x_px\n1,2\n"}, "heads.csv: no column y_px"),
        ({"heads.csv": "x_px,y_px\n1,2\n"}, "needs a column frame or file"),
        ({"heads.csv": "frame,x_px,y_px\n1,2,many\n"}, "line 2: y_px is 'many', not a number"),
        ({"heads.csv": "frame,x_px,y_px\n1,2\n"}, "line 2: y_px is None, not a number"),
        ({"heads.csv": "frame,x_px,y_px\n1,2,nan\n"}, "line 2: y_px is 'nan', not a number"),
        ({"heads.csv": "frame,x_px,y_px\n1,2,3\n7,2,3\n"}, "line 3: frame 7 is no image"),
        ({"heads.csv": b"\xff\xfe\x00"}, "heads.csv: cannot be read"),
        ({"heads.csv": "frame,x_px,y_px\n1.5,2,3\n"}, "frame is '1.5', not a whole number"),
        (
            {"boxes.csv": "file,cx,cy,w,h,degrees\nim_1.png,1,1,-2,1,0\n"},
            "line 2: w is '-2', less than nothing",
        ),
        (
            {
                "truth.csv": "frame,person,x_px,y_px,w_px,h_px,east_m,north_m\n"
                "0,1,1,1,1,1,0,0\n0,1,1,1,1,1,0,0\n",
                "v.avi": "no video",
            },
            "line 3: person 1 is in frame 0 twice",
        ),
        (
            {"boxes.csv": "file,cx,cy,w,h,degrees\n../im_1.png,1,1,1,1,0\n"},
            "line 2: '../im_1.png' is no image in the folder",
        ),
        ({"boxes.csv": "file,cx,cy,w,h\nim_1.png,1,1,1,1\n"}, "no column degrees"),
        (
            {"truth.csv": "frame,person,x_px,y_px,w_px,h_px,east_m,north_m\n0,1,1,1,1,1,0,0\n"},
            "needs one video beside truth.csv, has 0",
        ),
        (
            {
                "truth.csv": "frame,person,x_px,y_px,w_px,h_px,east_m,north_m\n0,1,1,1,1,1,0,0\n",
                "v.avi": "no video",
            },
            "needs floor_points.csv",
        ),
        (
            {
                "truth.csv": "frame,person,x_px,y_px,w_px,h_px,east_m,north_m\n0,1,1,1,1,1,0,0\n",
                "floor_points.csv": "x_px,y_px,east_m,north_m\n1,1,1,1\n",
                "v.avi": "no video",
            },
            "v.avi: not a video that can be read",
        ),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(
    tmp_path: Path, files: dict[str, str | bytes], says: str
) -> None:
    _image(tmp_path, "im_1.png")
    for name, text in files.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as caught:
        read_folder(tmp_path)
    assert says in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_frames_of_two_sequences_of_one_number_are_not_guessed(tmp_path: Path) -> None:
    for name in ("a_1.png", "b_1.png"):
        _image(tmp_path, name)
    (tmp_path / "heads.csv").write_text("frame,x_px,y_px\n1,2,3\n")
    with pytest.raises(DataError, match=r"frame 1 is a_1\.png, b_1\.png; a column 'file'"):
        read_folder(tmp_path)


def test_no_folder_no_images_and_damaged_images_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_folder(tmp_path / "none")
    (tmp_path / "heads.csv").write_text("frame,x_px,y_px\n1,2,3\n")
    with pytest.raises(DataError, match=r"no images beside heads\.csv"):
        read_folder(tmp_path)
    (tmp_path / "im_1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"im_1\.png: not an image"):
        read_image(tmp_path / "im_1.png")
