from firmware_sim.run import Simulation, closing
from firmware_sim.store import default_store

POLL = bytes.fromhex("BB0027000322FFFF4A7E")


def test_a_reader_tells_tags_of_the_classes_on_its_shelf() -> None:
    simulation = Simulation(default_store())
    sent = simulation.reader_bytes("toys", commands=POLL, scene_s=0.1)
    for tenth in range(2, 50):
        sent += simulation.reader_bytes("toys", commands=b"", scene_s=tenth / 10)
    assert sent.count(b"\xbb\x02\x22\x00\x11") > 300
    assert simulation.figures() == ()


def test_two_simulations_of_a_seed_are_alike() -> None:
    first, second = Simulation(default_store(), seed=3), Simulation(default_store(), seed=3)
    for simulation in (first, second):
        simulation.reader_bytes("toys", commands=POLL, scene_s=0.1)
    for tenth in range(2, 600):
        one = first.reader_bytes("toys", commands=b"", scene_s=tenth / 10)
        assert one == second.reader_bytes("toys", commands=b"", scene_s=tenth / 10)
    assert first.figures() == second.figures() != ()
    assert first.truth == second.truth
    assert first.inside == len(first.figures())


def test_without_draining_there_is_no_closing() -> None:
    assert closing(end_s=100.0, drain_s=0.0) is None
    last = closing(end_s=100.0, drain_s=40.0)
    assert last is not None
    assert last.last_arrival_s == 60.0 < last.last_call_s < 100.0
