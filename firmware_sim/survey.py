"""What store IT would have measured before setting up an agent; no truth about people in it."""

from __future__ import annotations

import math
from typing import Any

from firmware_sim.scene import CameraSpec
from firmware_sim.store import CameraTable, Store

MARGIN_PX = 12.0
"""Marks nearer to the image's border than this are not measured."""
MARKS = (4, 4)
"""Floor marks tried, north and east."""


def survey(store: Store) -> dict[str, Any]:
    """Give outline, zones, fixtures, cameras with floor points, readers, classes and hours."""
    cameras = [_camera(camera, store=store) for camera in store.cameras]
    width_m, depth_m = store.room.width_m, store.room.depth_m
    return {
        "store": store.name,
        "timezone": store.timezone,
        "opens": store.opens,
        "closes": store.closes,
        "outline": [[0.0, 0.0], [width_m, 0.0], [width_m, depth_m], [0.0, depth_m]],
        "zones": [
            {
                "id": zone.id,
                "kind": zone.kind,
                "name": zone.name,
                "polygon": [list(point) for point in zone.polygon],
                "has_reader": any(
                    one.zone == zone.id and one.place == "shelf"
                    for reader in store.readers
                    for one in reader.antennas()
                ),
            }
            for zone in store.zones
        ],
        "fixtures": [
            [
                [box.west_m, box.south_m],
                [box.east_m, box.south_m],
                [box.east_m, box.north_m],
                [box.west_m, box.north_m],
            ]
            for box in store.boxes
        ],
        "camera": cameras[0] if cameras else None,
        "cameras": cameras,
        "readers": [
            {
                "name": reader.name,
                "zone": reader.zone,
                "place": reader.place,
                "antenna": list(reader.antenna[:2]),
                "region": "EU",
                "baud": reader.speed_baud(),
                "antennas": [
                    {
                        "number": number,
                        "zone": one.zone,
                        "place": one.place,
                        "at": list(one.antenna[:2]),
                    }
                    for number, one in enumerate(reader.antennas(), start=1)
                ],
            }
            for reader in store.readers
        ],
        "classes": [
            {"gtin": known.gtin, "name": known.name, "price": known.price, "promo": known.promo}
            for known in store.classes
        ],
    }


def image_point(camera: CameraSpec, point: tuple[float, float]) -> tuple[float, float] | None:
    """Give the pixel of a floor point; None behind the lens.

    Pixel (x, y) counts from the image's upper left corner; the lens looks at its middle.
    """
    east, north = point[0] - camera.east_m, point[1] - camera.north_m
    towards = east * math.cos(camera.pan) + north * math.sin(camera.pan)
    right = east * math.sin(camera.pan) - north * math.cos(camera.pan)
    ahead = towards * math.sin(camera.tilt) + camera.height_m * math.cos(camera.tilt)
    up = towards * math.cos(camera.tilt) - camera.height_m * math.sin(camera.tilt)
    if ahead <= 0:
        return None
    focal_px = camera.width_px / 2 / math.tan(camera.hfov / 2)
    return (
        camera.width_px / 2 + focal_px * right / ahead,
        camera.height_px / 2 - focal_px * up / ahead,
    )


def _camera(camera: CameraTable, *, store: Store) -> dict[str, Any]:
    return {
        "name": camera.name,
        "height_m": camera.height_m,
        "hfov_deg": camera.hfov_deg,
        "fps": camera.fps,
        "width_px": camera.width_px,
        "height_px": camera.height_px,
        "points": _points(camera, store=store),
    }


def _points(camera: CameraTable, *, store: Store) -> list[dict[str, list[float]]]:
    """Measure marks on free floor that the camera sees."""
    pairs = []
    for row in range(MARKS[0]):
        for column in range(MARKS[1]):
            north = round(store.room.depth_m * (0.1 + 0.8 * row / (MARKS[0] - 1)), 1)
            east = round(store.room.width_m * (0.12 + 0.76 * column / (MARKS[1] - 1)), 1)
            if any(
                box.west_m <= east <= box.east_m and box.south_m <= north <= box.north_m
                for box in store.boxes
            ):
                continue
            pixel = image_point(camera.spec(), (east, north))
            if pixel is None or not _within(pixel, camera=camera):
                continue
            pairs.append({"px": [round(pixel[0], 1), round(pixel[1], 1)], "m": [east, north]})
    return pairs


def _within(pixel: tuple[float, float], *, camera: CameraTable) -> bool:
    return (
        MARGIN_PX <= pixel[0] <= camera.width_px - MARGIN_PX
        and MARGIN_PX <= pixel[1] <= camera.height_px - MARGIN_PX
    )
