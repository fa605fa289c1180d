from datetime import UTC, datetime

import pytest

from firmware_sim.store import StoreError, default_store, default_text, parse_store


def test_default_store_is_the_one_of_the_demo() -> None:
    store = default_store()
    assert (store.room.width_m, store.room.depth_m) == (12.0, 18.0)
    assert {zone.id for zone in store.zones} >= {"aisle-1", "aisle-2", "promo", "till"}
    assert store.readers[0].antenna == (3.5, 10.0, 1.0)
    assert len(store.walls().boxes) == 7
    assert store.cameras[0].spec().tilt == 0.0


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("baud = 115200", "bauds = 115200", "readers[0]"),
        ("baud = 115200", "baud = 12", "readers[0].baud"),
        ("seed = ", "seeds = ", "seed"),
        ('timezone = "Europe/Berlin"', 'timezone = "Europe/Nowhere"', "timezone"),
        ('closes = "20:00"', 'closes = "07:00"', "closes"),
        ("04012345100013", "04012345100014", "classes[0].gtin"),
        ("west_m = 2.5", "west_m = 4.5", "boxes[0]"),
        ('zone = "aisle-1"', 'zone = "aisle-9"', "shelves[0].zone"),
        ('id = "aisle-2"', 'id = "aisle-1"', "zones"),
        ("entrance = [[0.9, 0.3]", "entrance = [[0.9, -0.3]", "room.entrance"),
        ("counters = [[8.5, 2.05]", "counters = [[8.5, 2.9]", "till.counters"),
        ("[room]", "[room", "not TOML"),
    ],
)
def test_a_wrong_file_names_the_key(old: str, new: str, key: str) -> None:
    assert old in default_text()
    with pytest.raises(StoreError) as caught:
        parse_store(default_text().replace(old, new, 1))
    assert key in str(caught.value)


def test_opening_hours_are_the_stores_own_time() -> None:
    store = default_store()
    assert store.is_open(datetime(2026, 3, 7, 7, 0, tzinfo=UTC))  # 08:00 in Berlin
    assert not store.is_open(datetime(2026, 3, 7, 6, 59, tzinfo=UTC))
    assert not store.is_open(datetime(2026, 7, 7, 18, 0, tzinfo=UTC))  # 20:00 in summer
