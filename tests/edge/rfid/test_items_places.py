from __future__ import annotations

from edge.rfid.items import ItemEvent, ItemParams, Items, Key, Place
from edge.rfid.reads import TagRead

PLACES: dict[str | Key, Place] = {
    ("row", 1): Place("aisle-1", "shelf"),
    ("row", 2): Place("aisle-2", "shelf"),
    ("cabin", 1): Place("cabin", "fitting-room"),
    ("till", 1): Place("till", "till"),
    ("door", 1): Place("exit", "exit"),
}
TAKEN_MS = 30_000
END_MS = 90_000


def read(at_ms: int, number: int, *, key: Key, rssi: int) -> TagRead:
    return TagRead(at_ms, *key, f"{number:014d}", number.to_bytes(16, "big"), rssi)


def stock(*, end: int = END_MS) -> list[TagRead]:
    """Ten items at each of two antennas, which hear each other's 12 dB lower; item 0 is taken."""
    found = []
    for at_ms in range(0, end, 400):
        for number in range(20):
            home, other = (1, 2) if number < 10 else (2, 1)
            if number or at_ms < TAKEN_MS:
                found.append(read(at_ms, number, key=("row", home), rssi=-40))
                found.append(read(at_ms, number, key=("row", other), rssi=-52))
    return found


def zero(key: Key, *, start: int, end: int, rssi: int = -45) -> list[TagRead]:
    return [read(at_ms, 0, key=key, rssi=rssi) for at_ms in range(start, end, 400)]


def play(*parts: list[TagRead], places: dict[str | Key, Place] = PLACES) -> list[ItemEvent]:
    items = Items(ItemParams(), places)
    reads = sorted((one for part in parts for one in part), key=lambda one: one.scene_ms)
    events = [event for one in reads for event in items.feed(one)]
    return [*events, *items.advance(END_MS + 60_000)]


def shown(events: list[ItemEvent]) -> list[tuple[str, str]]:
    return [(event.kind, event.zone) for event in events]


def test_a_tag_that_two_antennas_hear_is_picked_once_from_the_louder() -> None:
    (event,) = play(stock())
    assert (event.kind, event.zone, event.antenna) == ("picked", "aisle-1", ("row", 1))
    assert event.scene_ms == TAKEN_MS - 400


def test_put_back_at_another_shelf_is_misplaced() -> None:
    back = zero(("row", 2), start=45_000, end=END_MS, rssi=-40)
    back += zero(("row", 1), start=45_000, end=END_MS, rssi=-52)
    picked, returned = play(stock(), back)
    assert (picked.kind, returned.kind) == ("picked", "put_back")
    assert (returned.zone, returned.misplaced) == ("aisle-2", True)
    assert returned.scene_ms == 45_000


def test_put_back_where_it_was_is_not() -> None:
    back = zero(("row", 1), start=45_000, end=END_MS, rssi=-40)
    _, returned = play(stock(), back)
    assert (returned.kind, returned.zone, returned.misplaced) == ("put_back", "aisle-1", False)


def test_till_then_exit_is_sold() -> None:
    paid = zero(("till", 1), start=50_000, end=55_000)
    gone = zero(("door", 1), start=65_000, end=67_000)
    events = play(stock(), paid, gone)
    assert shown(events) == [("picked", "aisle-1"), ("till", "till"), ("sold", "exit")]
    assert events[2].scene_ms == 65_000


def test_exit_without_the_till_is_left_unpaid() -> None:
    gone = zero(("door", 1), start=65_000, end=67_000)
    events = play(stock(), gone)
    assert shown(events) == [("picked", "aisle-1"), ("left_unpaid", "exit")]
    assert events[1].confidence < 1.0


def test_without_an_exit_the_till_is_enough() -> None:
    paid = zero(("till", 1), start=50_000, end=55_000)
    places = {key: place for key, place in PLACES.items() if place.kind != "exit"}
    events = play(stock(), paid, places=places)
    assert shown(events) == [("picked", "aisle-1"), ("till", "till"), ("sold", "till")]


def test_fitting_room() -> None:
    tried = zero(("cabin", 1), start=45_000, end=60_000)
    events = play(stock(), tried)
    assert shown(events) == [("picked", "aisle-1"), ("fitting_room", "cabin")]


def test_goods_on_a_shelf_that_a_till_hears_are_not_sold() -> None:
    heard = [read(at_ms, 5, key=("till", 1), rssi=-60) for at_ms in range(200, END_MS, 900)]
    assert shown(play(stock(), heard)) == [("picked", "aisle-1")]


def test_classes_outside_the_catalogue_leave_no_trace() -> None:
    items = Items(ItemParams(), PLACES, known={f"{1:014d}"})
    events = [event for one in stock() for event in items.feed(one)]
    assert events == []
    assert set(items._stock.items) == {(1).to_bytes(16, "big")}
    assert items.unknown > 1000


def test_an_antenna_that_watches_nothing_is_not_listened_to() -> None:
    items = Items(ItemParams(), PLACES)
    assert items.feed(read(0, 0, key=("row", 7), rssi=-40)) == []
    assert items.unplaced == 1
