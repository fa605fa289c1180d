from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.errors import ProtocolError
from edge.rfid import sales_io
from edge.rfid.sales import Sale, Sales
from edge.rfid.sales_io import SalesFile, SalesServer, Till

NOW = datetime(2026, 3, 7, 15, 0, tzinfo=UTC)
HEADER = "time,till,class,quantity\n"
ROW = {"time": "2026-03-07T15:00:00Z", "till": "1", "class": "4012345100013", "quantity": 1}


def line(quantity: int) -> str:
    return f"2026-03-07T15:00:00Z,1,4012345100013,{quantity}\n"


@pytest.fixture
def sold() -> list[Sale]:
    return []


class Clock:
    """The scene's, cranked by hand; its instant stays, so that lines stay in time."""

    now_ms = 1_000

    def __call__(self) -> tuple[int, datetime]:
        return self.now_ms, NOW


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def till(sold: list[Sale], clock: Clock) -> Till:
    return Till(Sales({"1": "till"}), sink=sold.extend, now=clock)


def wait_for(what: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60
    while not what() and time.monotonic() < end_s:
        time.sleep(0.02)
    assert what()


@pytest.fixture
def follow(till: Till) -> Iterator[Callable[[Path], SalesFile]]:
    begun: list[SalesFile] = []

    def begin(path: Path) -> SalesFile:
        begun.append(SalesFile(path, till=till))
        begun[-1].start()
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


def quantities(sold: list[Sale]) -> list[int]:
    return [sale.quantity for sale in sold]


def test_a_file_that_is_appended_to_rotated_and_cut(
    tmp_path: Path, follow: Callable[[Path], SalesFile], sold: list[Sale], till: Till
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(HEADER + line(1))
    followed = follow(path)
    wait_for(lambda: followed.state == "up")
    with path.open("a") as file:
        file.write(line(2) + line(3)[:20])
        file.flush()
        wait_for(lambda: quantities(sold) == [2])  # the old line is not this day's visits
        file.write(line(3)[20:])
    wait_for(lambda: quantities(sold) == [2, 3])
    with path.open("a") as file:
        file.write(line(4))
    path.rename(tmp_path / "sales.csv.1")
    path.write_text(HEADER + line(5) + line(5) + "not a line\n")
    wait_for(lambda: quantities(sold) == [2, 3, 4, 5])
    wait_for(lambda: till.rejected == 1)
    path.write_text(HEADER)
    time.sleep(3 * sales_io.POLL_S)
    with path.open("a") as file:
        file.write(line(6))
    wait_for(lambda: quantities(sold) == [2, 3, 4, 5, 6])


def test_a_file_that_comes_later_or_has_a_wrong_header(
    tmp_path: Path, follow: Callable[[Path], SalesFile], sold: list[Sale]
) -> None:
    path = tmp_path / "pos" / "sales.csv"
    followed = follow(path)
    wait_for(lambda: f"{path.parent} is not there" in followed.detail)
    path.parent.mkdir()
    wait_for(lambda: followed.state == "up")
    path.write_text("a;b\n")
    wait_for(lambda: "first line" in followed.detail)
    assert followed.state == "down"
    path.unlink()
    path.write_text(HEADER + line(7))
    wait_for(lambda: quantities(sold) == [7])
    wait_for(lambda: followed.state == "up")


def test_the_first_sale_of_a_day_changes_no_state(
    tmp_path: Path, follow: Callable[[Path], SalesFile], sold: list[Sale]
) -> None:
    path = tmp_path / "sales.csv"
    followed = follow(path)
    wait_for(lambda: followed.state == "up")
    before = followed.state, followed.detail
    path.write_text(HEADER + line(7))
    wait_for(lambda: quantities(sold) == [7])
    assert (followed.state, followed.detail) == before


def test_a_line_that_is_refused_is_explained_but_not_shown(
    tmp_path: Path, follow: Callable[[Path], SalesFile], till: Till, clock: Clock
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(HEADER)
    followed = follow(path)
    wait_for(lambda: followed.state == "up")
    with path.open("a") as file:
        file.write("2026-03-07T12:00:00Z,1,4012345100013,1\nno row\n")
    wait_for(lambda: till.rejected == 2)
    clock.now_ms = 899_999
    assert till.trouble == ""
    clock.now_ms = 900_000
    assert "NTP" in till.trouble
    assert "no row" in till.trouble
    assert "4012345100013" not in till.trouble
    assert followed.state == "up"


def test_refusals_are_told_once_each_and_not_as_they_come(till: Till, clock: Clock) -> None:
    told = []
    for minute in range(0, 60, 5):
        clock.now_ms = 60_000 * minute
        for wrong in ({"till": "9"}, {"quantity": "x"}) if minute != 10 else ():
            with pytest.raises(ProtocolError):
                till.take({name: str(value) for name, value in (ROW | wrong).items()})
        told.append(till.trouble)
    assert told[:3] == [""] * 3
    assert len(set(told[3:])) == 1
    assert "quantity" in told[3]
    assert "till is not" in told[3]
    assert till.rejected == 22


@pytest.fixture
def server(till: Till) -> Iterator[SalesServer]:
    server = SalesServer(0, till=till)
    server.start()
    wait_for(lambda: server.state == "up")
    yield server
    server.close()


def post(
    server: SalesServer, body: object, *, path: str = "/sales", **headers: str
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    sent = body if isinstance(body, str | bytes) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", path, sent, {"Content-Type": "application/json"} | named)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_http(server: SalesServer, sold: list[Sale]) -> None:
    assert post(server, ROW)[0] == 204
    assert post(server, [ROW, ROW | {"quantity": "2"}])[0] == 204  # the first is a duplicate
    assert sold == [Sale(1_000, "till", "04012345100013", count) for count in (1, 2)]
    status, says = post(server, [ROW | {"till": "9"}, ROW | {"quantity": 3}])
    assert status == 400
    assert "row 0: till" in says
    assert len(sold) == 3


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("{", {}, 400),
        ("[]", {}, 400),
        ({"time": "x"}, {}, 400),
        (ROW | {"quantity": None}, {}, 400),
        (ROW | {"quantity": "1" * 5000}, {}, 400),
        (ROW | {"class": "1" * 5000}, {}, 400),
        (ROW | {"quantity": 10**70}, {}, 400),
        ("[" * 30_000, {}, 400),
        ("\udc80".join(json.dumps(ROW)).encode(errors="surrogateescape"), {}, 400),
        (ROW, {"Content_Type": "text/plain"}, 415),
        (ROW, {"Origin": "http://shop.example"}, 403),
        (ROW, {"Host": "shop.example"}, 403),
        ("x" * 70_000, {}, 413),
    ],
)
def test_http_refuses(
    server: SalesServer, sold: list[Sale], body: object, headers: dict[str, str], status: int
) -> None:
    assert post(server, body, **headers)[0] == status
    assert sold == []


def test_http_elsewhere_is_nothing(server: SalesServer) -> None:
    assert post(server, ROW, path="/")[0] == 404


@pytest.mark.parametrize(
    ("length", "status"),
    [("9", 400), ("9" * 5000, 413), ("-1", 411), ("+1", 411), ("1e1", 411), ("0", 400)],
)
def test_a_length_that_does_not_fit_is_answered(
    server: SalesServer, sold: list[Sale], length: str, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(
            b"POST /sales HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: " + length.encode() + b"\r\n\r\n{}"
        )
        line.shutdown(socket.SHUT_WR)
        assert line.makefile("rb").readline().split()[1] == str(status).encode()
    assert sold == []


def test_a_body_that_never_comes_is_answered(server: SalesServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(
            b"POST /sales HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        assert line.makefile("rb").readline().split()[1] == b"400"


def test_a_port_that_is_taken_is_tried_again(server: SalesServer, till: Till) -> None:
    second = SalesServer(server.port, till=till)
    second.start()
    try:
        wait_for(lambda: second.state == "down")
        assert "stop the program that has it" in second.detail
        server.close()
        wait_for(lambda: second.state == "up")
        assert post(second, ROW)[0] == 204
    finally:
        second.close()
