import statistics
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import shapely

from firmware_sim.run import closing
from firmware_sim.shoppers import Shoppers
from firmware_sim.store import default_store
from firmware_sim.truth import Handled, Seen, TruthEvent, Visited, kept

END_S = 1500.0


@dataclass(frozen=True, slots=True)
class Day:
    events: list[TruthEvent]
    unfinished: list[Visited]

    @property
    def visits(self) -> list[Visited]:
        return [event for event in self.events if isinstance(event, Visited)]

    @property
    def leaders(self) -> list[Visited]:
        return [visit for visit in self.visits if visit.role == "leader"]

    def paths(self) -> dict[int, list[tuple[float, float, float]]]:
        found: dict[int, list[tuple[float, float, float]]] = {}
        for event in self.events:
            if isinstance(event, Seen):
                for number, east, north in event.people:
                    found.setdefault(number, []).append((event.at_s, east, north))
        return found


@pytest.fixture(scope="module")
def day() -> Day:
    shoppers = Shoppers(
        default_store(), seed=5, closing=closing(end_s=END_S, drain_s=150.0), positions_s=1.0
    )
    events = shoppers.advance(END_S)
    unfinished = [event for event in shoppers.end() if isinstance(event, Visited)]
    return Day(events, unfinished)


def test_visits_are_as_long_as_published_ones(day: Day) -> None:
    assert len(day.visits) >= 75
    assert 100 <= statistics.median(visit.exit_s - visit.enter_s for visit in day.visits) <= 220


def test_about_half_buy(day: Day) -> None:
    share = statistics.mean(visit.bought > 0 for visit in day.leaders)
    assert 0.35 <= share <= 0.6


def test_some_picks_are_put_back_and_what_is_kept_is_sold(day: Day) -> None:
    for visit in day.leaders:
        assert len(kept(visit)) == sum(event.kind == "sold" for event in visit.handled)
    kinds = [event.kind for event in day.events if isinstance(event, Handled)]
    assert 0.05 <= kinds.count("put_back") / kinds.count("pick") <= 0.35


def test_only_the_shelf_with_a_reader_has_tagged_goods(day: Day) -> None:
    handled = [event for event in day.events if isinstance(event, Handled)]
    assert any(event.gtin for event in handled)
    assert all((event.gtin is not None) == (event.category == "toys") for event in handled)


def test_who_buys_stands_at_the_till(day: Day) -> None:
    assert all(visit.dwell_s.get("till", 0.0) > 8 for visit in day.leaders if visit.bought)


def test_everybody_comes_and_leaves_by_the_doors(day: Day) -> None:
    assert all(visit.entered[0] == "entrance" for visit in day.visits)
    assert all("exit" in visit.entered for visit in day.visits)


def test_stops_are_in_order_and_within_the_visit(day: Day) -> None:
    for visit in day.visits:
        times = [visit.enter_s, *(t for s in visit.stops for t in (s.start_s, s.end_s))]
        assert times == sorted(times)
        assert times[-1] <= visit.exit_s


def test_tendencies_show_in_behaviour(day: Day) -> None:
    buyers = [visit.latents[0] for visit in day.leaders if visit.bought]
    others = [visit.latents[0] for visit in day.leaders if not visit.bought]
    assert statistics.mean(buyers) > statistics.mean(others)


def test_nobody_is_inside_furniture(day: Day) -> None:
    store = default_store()
    furniture = shapely.union_all(
        [shapely.box(b.west_m, b.south_m, b.east_m, b.north_m) for b in store.boxes]
    )
    points = [point for path in day.paths().values() for point in path]
    assert not shapely.contains_xy(furniture, [p[1] for p in points], [p[2] for p in points]).any()


def test_nobody_is_stuck_between_targets(day: Day) -> None:
    """Away from shelves, tills and queues nobody stays within half a metre for 20 s."""
    shelves = shapely.union_all([shapely.LineString(s.line) for s in default_store().shelves])
    desk = shapely.box(7.6, 0.8, 12.0, 5.2)
    for path in day.paths().values():
        for (_, east, north), (_, later_east, later_north) in zip(path, path[20:], strict=False):
            moved = abs(east - later_east) + abs(north - later_north)
            point = shapely.Point(east, north)
            if moved < 0.5:
                assert shelves.distance(point) < 1.6 or desk.contains(point)


def test_the_store_drains(day: Day) -> None:
    assert day.unfinished == []
    assert max(visit.enter_s for visit in day.visits) < END_S - 140


def test_the_demo_has_its_visits() -> None:
    store = default_store()
    shoppers = Shoppers(store, seed=store.seed, closing=closing(end_s=840.0, drain_s=150.0))
    visits = [event for event in shoppers.advance(840.0) if isinstance(event, Visited)]
    assert len(visits) >= 44
    assert shoppers.end() == []
    tagged = [h.kind for v in visits for h in v.handled if h.gtin is not None]
    assert tagged.count("pick") >= 5


def test_the_same_seed_gives_the_same_run_however_it_is_cut() -> None:
    whole = Shoppers(default_store(), seed=3)
    cut = Shoppers(default_store(), seed=3)
    other = Shoppers(default_store(), seed=4)
    told: list[TruthEvent] = []
    for tenth in range(1, 1801):
        told += cut.advance(tenth / 10)
    assert whole.advance(180.0) == told
    assert whole.figures() == cut.figures() != ()
    other.advance(180.0)
    assert other.figures() != whole.figures()


def test_nobody_comes_while_the_store_is_closed() -> None:
    midnight = datetime(2026, 3, 7, 23, 0, tzinfo=UTC)
    shoppers = Shoppers(default_store(), seed=1, begins_at=midnight)
    shoppers.advance(300.0)
    assert shoppers.figures() == ()


def test_figures_keep_their_look_and_face_the_shelf() -> None:
    shoppers = Shoppers(default_store(), seed=9)
    shoppers.advance(120.0)
    figures = shoppers.figures()
    assert figures
    assert all(figure.look % 2 == default_store().room.floor % 2 for figure in figures)
    shoppers.advance(120.1)
    assert {f.look for f in figures} & {f.look for f in shoppers.figures()}
