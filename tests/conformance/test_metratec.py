"""The vendor's ``metratec-rfid``, which knows nothing of us, against the simulated PulsarLR."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

import pytest
from metratec_rfid import PulsarLR
from metratec_rfid.reader_exception import RfidReaderException

from firmware_sim.firmware import Firmware
from firmware_sim.goods import TagAt
from firmware_sim.metratec import Metratec
from firmware_sim.radio import Air

Plug = Callable[[Firmware], AbstractContextManager[str]]


@asynccontextmanager
async def connected(port: str) -> AsyncIterator[PulsarLR]:
    reader = PulsarLR("stranger", port)
    await reader.connect()
    try:
        yield reader
    finally:
        await reader.disconnect()
        await asyncio.sleep(0.05)  # its own tasks take leave


def test_it_is_identified_and_set_up(plug: Plug, airs: tuple[Air, ...]) -> None:
    async def talk(port: str) -> None:
        async with connected(port) as reader:
            info = await reader.get_reader_info()
            assert (info["hardware"], info["firmware_version"]) == ("PULSAR_LR", "0106")
            await reader.set_region("FCC")
            assert await reader.get_region() == "FCC"
            await reader.set_antenna_powers([20, 21, 22, 23])
            assert await reader.get_antenna_powers() == [20, 21, 22, 23]
            await reader.set_q_value(5, 2, 8)
            assert await reader.get_q_value() == {"q_start": 5, "q_min": 2, "q_max": 8}
            await reader.set_selected_session("1")
            assert await reader.get_selected_session() == "1"
            await reader.set_antenna_multiplex([3, 1])
            assert await reader.get_antenna_multiplex() == [3, 1]
            await reader.set_inventory_settings(with_tid=True, target="A")
            settings = await reader.get_inventory_settings()
            assert (settings["with_tid"], settings["target"]) == (True, "A")
            assert set(await reader.get_temperature()) == {"CPU", "RF", "PA"}
            with pytest.raises(RfidReaderException, match="Wrong parameter"):
                await reader.set_power(99)
            assert await reader.get_region() == "FCC"

    with plug(Metratec(airs)) as port:
        asyncio.run(talk(port))


def test_four_antennas_find_the_tags_before_them(
    plug: Plug, airs: tuple[Air, ...], shelves: tuple[tuple[TagAt, ...], ...]
) -> None:
    heard: set[tuple[int, str]] = set()

    async def talk(port: str) -> None:
        async with connected(port) as reader:
            await reader.set_power(20)
            await reader.set_antenna_multiplex(4)
            for _ in range(12):
                tags = await reader.get_inventory_multi()
                heard.update((tag.get_antenna(), tag.get_epc()) for tag in tags)
                assert all(-70 < tag.get_rssi() < -20 for tag in tags)

    with plug(Metratec(airs)) as port:
        asyncio.run(talk(port))
    assert heard == {
        (n + 1, tag.epc.hex().upper()) for n, shelf in enumerate(shelves) for tag in shelf
    }


def test_a_continuous_inventory_starts_reports_and_stops(
    plug: Plug, airs: tuple[Air, ...], shelves: tuple[tuple[TagAt, ...], ...]
) -> None:
    heard: set[str] = set()

    async def talk(port: str) -> None:
        async with connected(port) as reader:
            await reader.set_power(20)
            await reader.set_antenna_multiplex(4)
            await reader.start_inventory_multi()
            for _ in range(400):  # misses come in bursts: one tag may stay unheard for a while
                heard.update(tag.get_epc() for tag in await reader.fetch_inventory(True))
                if len(heard) == 32:
                    break
            await reader.stop_inventory_multi()
            await reader.stop_inventory_multi()  # an idle reader's refusal is no error
            assert await reader.get_antenna_multiplex() == [1, 2, 3, 4]

    with plug(Metratec(airs)) as port:
        asyncio.run(talk(port))
    assert heard == {tag.epc.hex().upper() for shelf in shelves for tag in shelf}


def test_a_missing_antenna_is_said(plug: Plug, airs: tuple[Air, ...]) -> None:
    async def talk(port: str) -> None:
        async with connected(port) as reader:
            await reader.set_antenna_multiplex(2)
            with pytest.raises(RfidReaderException, match="Antenna Error - Antenna 2"):
                await reader.get_inventory_multi()
            assert await reader.get_inventory_multi(ignore_error=True)

    with plug(Metratec((airs[0], None))) as port:
        asyncio.run(talk(port))
