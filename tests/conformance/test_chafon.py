"""``wabson.chafon-rfid``, which knows nothing of us, against the simulated UHFReader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from chafon_rfid.base import (
    CommandRunner,
    ReaderCommand,
    ReaderFrequencyBand,
    ReaderInfoFrame,
    ReaderResponseFrame,
    ReaderType,
)
from chafon_rfid.command import (
    CF_GET_READER_INFO,
    CF_SET_RF_POWER,
    CF_SET_WORK_MODE_18,
    CF_SET_WORK_MODE_288M,
    CF_SET_WORKING_FREQUENCY,
    G2_TAG_INVENTORY,
)
from chafon_rfid.response import (
    G2_TAG_INVENTORY_STATUS_ANTENNA_ERROR,
    G2_TAG_INVENTORY_STATUS_COMPLETE,
    G2_TAG_INVENTORY_STATUS_MORE_FRAMES,
)
from chafon_rfid.transport_serial import SerialTransport
from chafon_rfid.uhfreader18 import G2InventoryResponseFrame as Frame18
from chafon_rfid.uhfreader288m import G2InventoryCommand, G2InventoryResponseFrame

from firmware_sim.firmware import Firmware
from firmware_sim.goods import TagAt
from firmware_sim.radio import Air
from firmware_sim.uhfreader import UhfReader

Plug = Callable[[Firmware], AbstractContextManager[str]]


@contextmanager
def line(port: str) -> Iterator[SerialTransport]:
    transport = SerialTransport(port, 57_600)
    yield transport
    transport.destroy()


def obeyed(transport: SerialTransport, code: int, data: list[int]) -> bool:
    answer = ReaderResponseFrame(CommandRunner(transport).run(ReaderCommand(code, data=data)))
    return bool(answer.result_status == 0)


def inventory(
    transport: SerialTransport, command: ReaderCommand, frame: Callable[[bytes], Any]
) -> tuple[list[Any], int]:
    """Run one inventory; gives the tags and how it ended."""
    tags: list[Any] = []
    transport.write(command.serialize())
    while True:
        told = frame(transport.read_frame())
        tags += told.get_tag()
        if told.result_status != G2_TAG_INVENTORY_STATUS_MORE_FRAMES:
            return tags, told.result_status


def test_a_288_is_identified_set_up_and_read_at_four_antennas(
    plug: Plug, airs: tuple[Air, ...], shelves: tuple[tuple[TagAt, ...], ...]
) -> None:
    with plug(UhfReader(airs)) as port, line(port) as transport:
        info = ReaderInfoFrame(CommandRunner(transport).run(ReaderCommand(CF_GET_READER_INFO)))
        assert info.type is ReaderType.UHFReader288MP
        assert info.supports_6c
        assert info.frequency_band is ReaderFrequencyBand.EU
        assert obeyed(transport, CF_SET_WORK_MODE_288M, [0])
        assert obeyed(transport, CF_SET_RF_POWER, [20])
        assert obeyed(transport, CF_SET_WORKING_FREQUENCY, [0x4C, 0x03])
        info = ReaderInfoFrame(CommandRunner(transport).run(ReaderCommand(CF_GET_READER_INFO)))
        assert info.power == 20
        assert (info.get_min_frequency(), info.get_max_frequency()) == pytest.approx((865.7, 867.5))
        heard: set[tuple[int, bytes]] = set()
        for turn in range(48):
            tags, ended = inventory(
                transport,
                G2InventoryCommand(q_value=4, antenna=0x80 + turn % 4),
                G2InventoryResponseFrame,
            )
            assert ended in {G2_TAG_INVENTORY_STATUS_COMPLETE, 0xFB}
            heard |= {(tag.antenna_num, bytes(tag.epc)) for tag in tags}
            assert all(0x40 <= tag.rssi <= 0x6D for tag in tags)
    assert heard == {(n + 1, tag.epc) for n, shelf in enumerate(shelves) for tag in shelf}


def test_a_missing_antenna_is_said(plug: Plug, airs: tuple[Air, ...]) -> None:
    with plug(UhfReader((airs[0], None))) as port, line(port) as transport:
        _, ended = inventory(transport, G2InventoryCommand(antenna=0x81), G2InventoryResponseFrame)
        assert ended == G2_TAG_INVENTORY_STATUS_ANTENNA_ERROR


def test_a_reader18_is_identified_set_up_and_read(
    plug: Plug, airs: tuple[Air, ...], shelves: tuple[tuple[TagAt, ...], ...]
) -> None:
    with plug(UhfReader(airs[:1], model="18")) as port, line(port) as transport:
        info = ReaderInfoFrame(CommandRunner(transport).run(ReaderCommand(CF_GET_READER_INFO)))
        assert info.type is ReaderType.UHFReader18
        assert obeyed(transport, CF_SET_WORK_MODE_18, [0] * 6)
        assert obeyed(transport, CF_SET_RF_POWER, [20])
        heard: set[bytes] = set()
        for _ in range(12):
            tags, _ended = inventory(transport, ReaderCommand(G2_TAG_INVENTORY), Frame18)
            heard |= {bytes(tag.epc) for tag in tags}
    assert heard == {tag.epc for tag in shelves[0]}
