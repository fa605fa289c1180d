from __future__ import annotations

import pytest

from edge.config import StoreConfig, config_hash, parse
from edge.errors import ConfigError
from edge.rfid.driver import Antenna, Settings

GOOD = """
store = "berlin-1"
agent = "north"
timezone = "Europe/Berlin"
opens = "09:00"
closes = "20:00"

[plan]
version = "1"
outline = [[0, 0], [12, 0], [12, 18], [0, 18]]
fixtures = [[[2.5, 6], [3.5, 6], [3.5, 14], [2.5, 14]]]

[[plan.zones]]
id = "aisle-1"
kind = "aisle"
polygon = [[0.4, 6], [2.5, 6], [2.5, 14], [0.4, 14]]

[[cameras]]
name = "ceiling"
source = "http://127.0.0.1:8080/"
size_px = [640, 432]
height_m = 7.0
points = [[0, 0, 0.0, 0.0], [640, 0, 12.0, 0.0], [640, 432, 12.0, 18.0], [0, 432, 0.0, 18.0]]

[[readers]]
name = "wine"
port = "/dev/ttyUSB0"
zone = "aisle-1"
region = "EU"
"""

CLOCK = """
[simulated_clock]
speed = 5
begins_at = 2026-03-07T16:00:00Z
anchored_at = 2026-03-07T16:00:00Z

"""


def read(text: str) -> StoreConfig:
    return parse(text, where="store.toml")


def test_a_whole_file_reads() -> None:
    config = read(GOOD)
    assert config.cameras[0].points[1] == (640.0, 0.0, 12.0, 0.0)
    assert config.floor_plan().zones[0].name == "aisle-1"
    assert config.privacy.rho == 0.10


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('store = "berlin-1"', 'store = "berlin-1', "store.toml is not valid TOML"),
        ('agent = "north"', 'agent = "north"\ncolour = 1', "unknown key 'colour' in the top"),
        ("height_m = 7.0", "heigth_m = 7.0", r"unknown key 'heigth_m' in cameras\[0\]"),
        ('store = "berlin-1"', "", "the top of the file lacks the key 'store'"),
        ('store = "berlin-1"', 'store = "Berlin 1"', "store: use lower-case letters"),
        ("Europe/Berlin", "Europe/Bärlin", "timezone 'Europe/Bärlin' is not known"),
        ('closes = "20:00"', 'closes = "08:00"', "closes 08:00 is not after opens 09:00"),
        ('zone = "aisle-1"', 'zone = "aisle-9"', "'aisle-9', which the plan lacks"),
        ('name = "wine"', 'name = "ceiling"', "two devices are called 'ceiling'"),
        ("height_m = 7.0", "height_m = -7.0", r"cameras\[0\].height_m"),
        ('region = "EU"', "", r"readers\[0\] lacks the key 'region'"),
        ('region = "EU"', 'region = "XX"', r"readers\[0\].region"),
        ("[plan]", '[[dayparts]]\nname = "late"\nstarts = "12:00"\n\n[plan]', "start at 00:00"),
        ("[plan]", "[privacy]\nrho = 0\n\n[plan]", "privacy.rho"),
        ("[plan]", "[privacy]\nrho = 1.5\n\n[plan]", "only a simulated store may be so weak"),
        ("[plan]", CLOCK + "[plan]", "simulated_clock is for simulated stores"),
        (
            "[plan]",
            "simulated = true\n" + CLOCK.replace("00Z", "00", 1) + "[plan]",
            "instants with an offset",
        ),
        (
            "[[readers]]",
            '[[readers]]\nname = "b"\nport = "b"\nzone = "aisle-1"\nregion = "EU"\n\n[[readers]]',
            "two readers serve the shelf in zone 'aisle-1'",
        ),
    ],
)
def test_mistakes_are_named_with_their_mend(old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(GOOD.replace(old, new, 1))


SEVERAL = """
[[readers]]
name = "gate"
port = "/dev/ttyUSB1"
region = "US"
family = "uhfreader"
power_dbm = 27

[[readers.antennas]]
number = 1
zone = "aisle-1"
place = "fitting-room"
at = [2.0, 3.0]

[[readers.antennas]]
number = 4
zone = "aisle-1"
place = "exit"
power_dbm = 12
"""


def test_a_reader_of_one_antenna_needs_no_more_than_its_zone_and_law() -> None:
    (reader,) = read(GOOD).readers
    assert (reader.family, reader.baud) == ("auto", None)
    (antenna,) = reader.served()
    assert (antenna.number, antenna.zone, antenna.place) == (1, "aisle-1", "shelf")
    assert reader.settings() == Settings("EU", 20.0, (Antenna(1, session=0),))


def test_antennas_have_zones_and_the_session_of_their_place() -> None:
    reader = read(GOOD + SEVERAL).readers[1]
    assert [antenna.at for antenna in reader.served()] == [(2.0, 3.0), None]
    expected = (Antenna(1, session=0), Antenna(4, session=1, power_dbm=12.0))
    assert reader.settings() == Settings("US", 27.0, expected)
    assert [reader.settings().power_at(port) for port in (1, 4)] == [27.0, 12.0]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("number = 4", "number = 1", "two antennas of one number"),
        ("number = 4", "number = 9", "has no antenna 9: uhfreader readers have 8"),
        ('"uhfreader"', '"m100"', "has no antenna 4: m100 readers have 1"),
        ('region = "US"', 'region = "US"\nzone = "aisle-1"', "not both"),
        ('"exit"', '"roof"', "place"),
        ('zone = "aisle-1"\nplace = "exit"', 'zone = "moon"', "serves zone 'moon'"),
    ],
)
def test_mistakes_with_antennas_are_named(old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(GOOD + SEVERAL.replace(old, new, 1))


def test_the_hash_names_a_version_and_tells_nothing_of_passwords() -> None:
    one, other = read(GOOD), read(GOOD.replace("//127", "//admin:secret@127"))
    assert one.cameras != other.cameras
    assert config_hash(one) == config_hash(other)
    assert config_hash(one) != config_hash(read(GOOD.replace("20:00", "21:00")))
