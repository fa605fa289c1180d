from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.errors import ConfigError
from hub.segments.context import SourceConfig, Surroundings, parse_source, values_at
from hub.segments.context_io import read_surroundings

BERLIN = ZoneInfo("Europe/Berlin")
WEATHER = "date,hour,rain_mm\n2026-03-07,10,2.5\n2026-03-07,11,\n"
CAMPAIGNS = "from,to,name,store\n2026-03-05,2026-03-08,easter,berlin-1\n"


@pytest.fixture
def service() -> Iterator[str]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/weather"
            self.send_response(200 if found else 404)
            self.end_headers()
            if found:
                self.wfile.write(b'[{"date": "2026-03-07", "rain_mm": 3, "warm": true}]')

        def log_message(self, *_args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_an_hour_knows_calendar_store_weather_and_campaign() -> None:
    weather = parse_source(WEATHER, config=SourceConfig("weather", "readings", csv="x"))
    campaign = parse_source(CAMPAIGNS, config=SourceConfig("campaign", "periods", csv="x"))
    around = Surroundings({"berlin-1": {"format": "city"}}, (weather, campaign))
    at = datetime(2026, 3, 7, 10, tzinfo=BERLIN)
    known = values_at(at, store="berlin-1", daypart="morning", surroundings=around)
    assert known == {
        "context.weekday": "sat",
        "context.hour": 10,
        "context.daypart": "morning",
        "context.date": "2026-03-07",
        "context.month": 3,
        "store.name": "berlin-1",
        "store.format": "city",
        "weather.rain_mm": 2.5,
        "campaign.active": True,
        "campaign.name": "easter",
    }
    elsewhere = values_at(at, store="berlin-2", daypart=None, surroundings=around)
    assert elsewhere["campaign.active"] is False
    assert elsewhere["campaign.name"] == ""
    day = values_at(date(2026, 3, 7), store="berlin-1", daypart=None, surroundings=around)
    assert "context.hour" not in day
    assert "weather.rain_mm" not in day


def test_an_empty_reading_is_not_known() -> None:
    weather = parse_source(WEATHER, config=SourceConfig("weather", "readings", csv="x"))
    at = datetime(2026, 3, 7, 11, tzinfo=BERLIN)
    around = Surroundings({}, (weather,))
    assert "weather.rain_mm" not in values_at(at, store="a", daypart=None, surroundings=around)


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("day,rain\n1,2\n", "readings", "no column 'date'"),
        ("date,rain\n7.3.2026,2\n", "readings", "row 1"),
        ("from,to\n2026-03-08,2026-03-07\n", "periods", "ends"),
        ("[1, 2]", "readings", "no list of objects"),
    ],
)
def test_a_wrong_source_names_row_and_column(text: str, kind: str, says: str) -> None:
    config = SourceConfig("weather", kind, csv="x")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=says):
        parse_source(text, config=config)


def test_files_and_services_are_read(tmp_path: Path, service: str) -> None:
    (tmp_path / "campaigns.csv").write_text(CAMPAIGNS)
    path = tmp_path / "context.toml"
    path.write_text(
        '[stores.berlin-1]\nformat = "city"\n'
        f'[[source]]\nname = "weather"\nkind = "readings"\nurl = "{service}/weather"\n'
        '[[source]]\nname = "campaign"\nkind = "periods"\ncsv = "campaigns.csv"\n'
    )
    around = read_surroundings(path)
    known = values_at(date(2026, 3, 7), store="berlin-1", daypart=None, surroundings=around)
    assert known["weather.rain_mm"] == 3.0
    assert known["weather.warm"] is True
    assert known["campaign.name"] == "easter"


@pytest.mark.parametrize("origin", ['url = "{}/nothing"', 'csv = "nothing.csv"', 'csv = ""'])
def test_what_cannot_be_read_is_named(tmp_path: Path, service: str, origin: str) -> None:
    path = tmp_path / "context.toml"
    line = origin.format(service)
    path.write_text(f'[[source]]\nname = "weather"\nkind = "readings"\n{line}\n')
    with pytest.raises(ConfigError, match=r"nothing|csv or url"):
        read_surroundings(path)
