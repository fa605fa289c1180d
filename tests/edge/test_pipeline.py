from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from edge.config import StoreConfig, parse
from edge.parts_io import Parts, badges_of, fusion_of, items_of, meta_of, visits_of
from edge.pipeline import Pipeline
from edge.release.privacy import Budget
from edge.rfid.reads import TagRead
from edge.vision.tracking import TrackEnd, TrackPoint
from wire.codebook import default_codebook

BADGE, TRAIN = "04012345100044", "04012345100013"
STORE = """
store = "s"
agent = "a"
timezone = "UTC"
opens = "09:00"
closes = "20:00"
catalogue = "{catalogue}"

[plan]
version = "1"
outline = [[0, 0], [12, 0], [12, 10], [0, 10]]
fixtures = [[[5, 4], [6, 4], [6, 8], [5, 8]]]

[[plan.zones]]
id = "toys"
kind = "aisle"
polygon = [[2, 3], [5, 3], [5, 9], [2, 9]]

[[plan.zones]]
id = "stock-room"
kind = "staff"
polygon = [[9, 8], [12, 8], [12, 10], [9, 10]]

[[readers]]
name = "toys"
port = "none"
region = "EU"
zone = "toys"
antenna = [5, 6]
"""


@pytest.fixture
def config(tmp_path: Path) -> StoreConfig:
    catalogue = tmp_path / "goods.csv"
    catalogue.write_text(
        f"class,category,price,size,promo,tags\n{TRAIN},toys,24.90,,yes,children\n"
        f"{BADGE},badges,,,no,staff\n"
    )
    return parse(STORE.format(catalogue=catalogue), where="store.toml", needs_cameras=False)


@pytest.mark.parametrize(("product_class", "staff"), [(BADGE, 1), (TRAIN, 0)])
def test_a_badge_is_heard_as_one_and_is_no_goods(
    config: StoreConfig, product_class: str, staff: int
) -> None:
    parts = Parts.build(config)
    visits = visits_of(config, parts=parts)
    pipeline = Pipeline(
        fusion=fusion_of(config, parts=parts),
        items=items_of(config),
        visits=visits,
        badges=badges_of(config),
    )
    found = []
    for step in range(240):
        north = 1 + 5 * math.sin(math.pi * step / 240)
        found += visits.feed(TrackPoint(1, 250 * step, 4.2, north))
        if 100 <= step < 140:
            read = TagRead(250 * step, "toys", 1, product_class, b"badge", -50)
            found += pipeline.feed(read)
    found += visits.feed(TrackEnd(1, 60_000)) + pipeline.flush()
    assert visits.staff_walks == staff
    assert len(found) == 1 - staff
    if staff:
        assert visits.lost_items == 0  # a badge that leaves is no pick


def test_the_catalogue_says_who_wears_badges(config: StoreConfig) -> None:
    assert badges_of(config) == {BADGE}
    assert badges_of(msgspec.structs.replace(config, catalogue=None)) == set()


def test_the_hub_is_not_told_of_zones_nothing_is_counted_in(config: StoreConfig) -> None:
    meta = meta_of(config, config_hash="0" * 16, codebook=default_codebook(), budget=Budget())
    assert [zone.id for zone in meta.zones] == ["toys"]
