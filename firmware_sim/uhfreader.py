"""Firmware of UHFReader18, 288 and Ex10 readers: bytes in, bytes out, time given.

Source: UHFReader288MP manual v1.14 and UHFReader18 manual V2.0, as noted in
rfid/uhfreader288.md. The 15 ms between bytes are wall time on a real line: run it at speed 1.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from firmware_sim.radio import Air, Reply, Settings

Model = Literal["18", "288", "ex10"]
TYPES: dict[Model, int] = {"18": 0x09, "288": 0x20, "ex10": 0x3D}
VERSION = b"\x03\x01"
PROTOCOLS = 0x02
"""Tr_Type: bit 1 is 18000-6C."""
BROADCAST = 0xFF
BAUDS = {0: 9600, 1: 19200, 2: 38400, 5: 57600, 6: 115_200}
CHANNELS = {0: 63, 1: 20, 2: 50, 3: 32, 4: 15, 8: 20}
"""Number of channels by band: the user's own, CN2, US, KR, EU, CN1."""
HIGHEST_DBM = 30
SMALLEST_LEN = 4
FIRST_PORT, PORTS = 0x80, 8
OK, DONE, TIME_OVER, MORE, FULL, STATISTICS, HEARTBEAT = 0x00, 0x01, 0x02, 0x03, 0x04, 0x26, 0x28
ANTENNA_ERROR, NO_TAG, WRONG_LENGTH, ILLEGAL, WRONG_PARAMETER = 0xF8, 0xFB, 0xFD, 0xFE, 0xFF
INVENTORY, STREAM = 0x01, 0xEE
EPC_BANK, EPC_FROM_BIT = 1, 32
LOUDEST_RAW = 0x6D
"""Real frames have 0x40 to 0x6D; here that is -65 to -20 dBm."""
RAW_AT_0_DBM = 0x81


@dataclass(frozen=True, slots=True)
class FirmwareParams:
    """Times and sizes of the reader.

    Attributes:
        gap_ms: longest pause between bytes of a command; after it, they are dropped.
        latency_ms: between a command and its answer.
        over_ms: how far a scan may run over its time (the manual: 0 to 75 ms).
        memory: tags it can hold in one inventory.
        in_frame: tags in one frame.
        hop_ms: how long it stays on a channel.
        stream_ms: pause between rounds of real-time and fast inventory.
    """

    gap_ms: int = 15
    latency_ms: int = 5
    over_ms: int = 40
    memory: int = 1000
    in_frame: int = 6
    hop_ms: int = 400
    stream_ms: int = 5


@dataclass(slots=True)
class _Flash:
    """What outlives a loss of power."""

    baud: int
    address: int = 0
    band: int = 4
    highest: int = 14
    lowest: int = 0
    power_dbm: int = 30
    scan_100ms: int = 20
    mode: int = 0
    mode_18: bytes = bytes(6)
    antennas: int = 0x01
    checks_antennas: bool = True
    heartbeat_30s: int = 0


@dataclass(frozen=True, slots=True)
class _Inventory:
    """What an inventory command asks for."""

    port: int
    settings: Settings
    scan_ms: int
    mask: tuple[int, int, bytes] = (0, 0, b"")
    statistics: bool = False


class UhfReader:
    """One reader.

    Args:
        antennas: the field of each port, from 1; None where nothing is plugged in.
        model: which firmware it runs.
        baud: of the serial line, as saved in its flash.
        streams: whether it was left in real-time mode.
    """

    def __init__(
        self,
        antennas: Sequence[Air | None],
        *,
        model: Model = "288",
        baud: int = 57_600,
        streams: bool = False,
        params: FirmwareParams = FirmwareParams(),
    ) -> None:
        self._antennas = tuple(antennas)
        self._model: Model = model
        self._params = params
        self._flash = _Flash(baud=baud, mode=int(streams))
        self._flash.antennas = (1 << len(self._antennas)) - 1
        self._answers: dict[int, Callable[[bytes, int], bytes | None]] = {
            0x01: self._inventory,
            0x0F: self._single,
            0x21: lambda data, _now: self._info(data),
            0x22: lambda data, _now: self._set_region(data),
            0x24: lambda data, _now: self._set_address(data),
            0x25: lambda data, _now: self._set_scan(data),
            0x28: self._set_baud,
            0x2F: lambda data, _now: self._set_power(data),
            0x33: lambda data, _now: _taken(data, size=3),  # lamp and buzzer: on, off, how often
            0x93: lambda data, _now: self._stop(data),
        }
        if model == "18":
            self._answers |= {
                0x35: lambda data, _now: self._set_mode_18(data),
                0x36: lambda data, _now: self._mode_18(data),
            }
        else:
            self._answers |= {
                0x3F: lambda data, _now: self._set_mux(data),
                0x40: lambda data, _now: _taken(data, size=1),  # buzzer
                0x66: lambda data, _now: self._set_check(data),
                0x76: self._set_mode,
                0x78: lambda data, _now: self._set_heartbeat(data),
            }
        if model == "ex10":
            self._answers |= {0x50: self._start_fast, 0x51: lambda data, _now: self._stop(data)}
        self.power_cycle(0)

    def power_cycle(self, now_ms: int) -> None:
        """Lose power and get it back: all but the flash is gone."""
        self.baud = self._flash.baud
        self._power_dbm = self._flash.power_dbm
        self._buffer = bytearray()
        self._byte_ms = now_ms
        self._queue: list[tuple[int, bytes]] = []
        self._busy_ms = now_ms
        self._baud_from: tuple[int, int] | None = None
        self._fast: int | None = None
        self._turn = 0
        self._packets = 0
        self._round_ms = now_ms
        self._heard_ms = now_ms

    def feed(self, data: bytes, *, now_ms: int) -> bytes:
        """Take bytes from the host; gives what the reader has sent by now."""
        if data:
            if now_ms - self._byte_ms > self._params.gap_ms:
                self._buffer.clear()
            self._byte_ms = now_ms
            self._buffer += data
            self._cut(now_ms)
        return self.advance(now_ms)

    def advance(self, now_ms: int) -> bytes:
        """Give what the reader has sent by now."""
        while self._streams and self._round_ms <= now_ms:
            self._run_round()
        due = [frame for at_ms, frame in self._queue if at_ms <= now_ms]
        self._queue = [entry for entry in self._queue if entry[0] > now_ms]
        if self._baud_from is not None and self._baud_from[0] < now_ms:
            self.baud, self._baud_from = self._baud_from[1], None
        return b"".join(due)

    def due_ms(self) -> int | None:
        """Tell when the reader will send next."""
        instants = [at_ms for at_ms, _ in self._queue]
        if self._streams:
            instants.append(self._round_ms)
        return min(instants, default=None)

    # ---- frames ------------------------------------------------------------------------------

    def _cut(self, now_ms: int) -> None:
        """Obey the whole commands in the buffer; a length that can be none spoils it all."""
        while self._buffer:
            size = self._buffer[0] + 1
            if size <= SMALLEST_LEN:
                self._buffer.clear()
            if len(self._buffer) < size:
                return
            frame = bytes(self._buffer[:size])
            del self._buffer[:size]
            if frame[1] in (BROADCAST, self._flash.address):
                self._obey(frame, now_ms=now_ms)

    def _obey(self, frame: bytes, *, now_ms: int) -> None:
        code, data = frame[2], frame[3:-2]
        if now_ms < self._busy_ms and code not in (0x93, 0x51):
            return  # a busy reader does not listen
        if crc(frame[:-2]) != frame[-2] | frame[-1] << 8 or code not in self._answers:
            self._send(0x00, ILLEGAL, b"", at_ms=now_ms + self._params.latency_ms)
            return
        try:
            answer = self._answers[code](data, now_ms)
        except _RefusedError as error:
            self._send(code, error.status, b"", at_ms=now_ms + self._params.latency_ms)
            return
        if answer is not None:
            self._send(code, OK, answer, at_ms=now_ms + self._params.latency_ms)

    def _send(self, code: int, status: int, data: bytes, *, at_ms: int) -> None:
        body = bytes([5 + len(data), self._flash.address, code, status]) + data
        self._queue.append((at_ms, body + struct.pack("<H", crc(body))))
        self._queue.sort(key=lambda entry: entry[0])

    # ---- inventory ---------------------------------------------------------------------------

    def _inventory(self, data: bytes, now_ms: int) -> None:
        asked = self._parse(data)
        antenna = self._antennas[asked.port - 1] if asked.port <= len(self._antennas) else None
        started_ms = now_ms + self._params.latency_ms
        if antenna is None:
            status = ANTENNA_ERROR if self._flash.checks_antennas else NO_TAG
            self._send(INVENTORY, status, b"", at_ms=started_ms)
            return
        done = antenna(started_ms, asked.settings)
        over_ms = started_ms + asked.scan_ms
        replies = [one for one in done.replies if _fits(one.epc, asked.mask)]
        heard = [one for one in replies if one.at_ms <= over_ms][: self._params.memory]
        status = DONE if len(heard) == len(replies) else TIME_OVER
        if len(heard) == self._params.memory < len(replies):
            status = FULL
        end_ms = min(done.end_ms, over_ms + self._params.over_ms)
        self._tell(heard, asked=asked, status=status, end_ms=end_ms)
        self._busy_ms = end_ms

    def _tell(self, heard: Sequence[Reply], *, asked: _Inventory, status: int, end_ms: int) -> None:
        mask = bytes([1 << asked.port - 1])
        is_18 = self._model == "18"
        size = self._params.in_frame
        for first in range(0, len(heard), size):
            some = heard[first : first + size]
            tags = b"".join(_tag(one, rssi=not is_18) for one in some)
            head = bytes([len(some)]) if is_18 else mask + bytes([len(some)])
            self._send(INVENTORY, MORE, head + tags, at_ms=some[-1].at_ms)
        if not heard and status == DONE:
            self._send(INVENTORY, NO_TAG, b"", at_ms=end_ms)
        else:
            self._send(INVENTORY, status, b"\x00" if is_18 else mask + b"\x00", at_ms=end_ms)
        if asked.statistics:
            rate = min(0xFFFF, 1000 * len(heard) // max(1, asked.scan_ms))
            numbers = mask + struct.pack(">HI", rate, len(heard))
            self._send(INVENTORY, STATISTICS, numbers, at_ms=end_ms + 1)

    def _parse(self, data: bytes) -> _Inventory:
        """Read an inventory's parameters; of them, only Q and Session must be there."""
        scan_ms = 100 * self._flash.scan_100ms
        if self._model == "18":
            _need(not data, WRONG_LENGTH)
            return _Inventory(1, self._settings(4, 0, 0), scan_ms)
        _need(len(data) >= 2, WRONG_LENGTH)  # noqa: PLR2004 - Q and Session
        q, session, rest = data[0], data[1], data[2:]
        _need(session <= 3 or session in (0xFE, 0xFF), WRONG_PARAMETER)  # noqa: PLR2004 - S0 to S3
        target, port = 0, 1
        if len(rest) >= 3 and rest[-2] & FIRST_PORT:  # noqa: PLR2004 - Target, Ant, ScanTime
            target, port = rest[-3], rest[-2] - FIRST_PORT + 1
            scan_ms, rest = 100 * rest[-1], rest[:-3]
            _need(target in (0, 1) and port <= PORTS, WRONG_PARAMETER)
        mask = (0, 0, b"")
        if rest:
            _need(len(rest) >= 4, WRONG_LENGTH)  # noqa: PLR2004 - MaskMem, MaskAdr, MaskLen
            bank, start, length = struct.unpack_from(">BHB", rest)
            _need(len(rest) == 4 + -(-length // 8), WRONG_LENGTH)
            _need(length == 0 or bank == EPC_BANK, WRONG_PARAMETER)
            mask = (start, length, rest[4:])
        settings = self._settings(q & 0x0F, session & 0x03 if session <= 3 else 1, target)  # noqa: PLR2004
        return _Inventory(port, settings, scan_ms, mask, bool(q & 0x80))

    def _settings(self, q: int, session: int, target: int) -> Settings:
        flash = self._flash
        span = flash.highest - flash.lowest + 1
        channel = flash.lowest + self._round_ms // self._params.hop_ms * 7 % span
        return Settings(
            power_dbm=self._power_dbm, channel=channel, session=session, target=target, q=q
        )

    def _single(self, data: bytes, now_ms: int) -> None:
        _need(not data, WRONG_LENGTH)
        antenna = self._antennas[0]
        done = antenna(now_ms, self._settings(0, 0, 0)) if antenna else None
        if done is None or not done.replies:
            self._send(0x0F, NO_TAG, b"", at_ms=now_ms + self._params.latency_ms)
            return
        head = b"\x01" if self._model == "18" else b"\x01\x01"
        tag = _tag(done.replies[0], rssi=self._model != "18")
        self._send(0x0F, DONE, head + tag, at_ms=done.replies[0].at_ms)

    # ---- what it sends by itself ---------------------------------------------------------------

    @property
    def _streams(self) -> bool:
        return self._fast is not None or (self._flash.mode == 1 and self._model != "18")

    def _run_round(self) -> None:
        """Report one round at the next antenna, each tag in a frame of its own."""
        ports = [n + 1 for n in range(len(self._antennas)) if self._flash.antennas >> n & 1] or [1]
        port = ports[self._turn % len(ports)]
        self._turn += 1
        antenna = self._antennas[port - 1]
        started_ms, end_ms = self._round_ms, self._round_ms + 50
        if antenna is not None:
            done = antenna(started_ms, self._settings(4, 0, self._fast or 0))
            end_ms = done.end_ms
            for one in done.replies:
                data = bytes([1 << port - 1]) + _tag(one, rssi=True)
                self._send(STREAM, OK, data, at_ms=one.at_ms)
                self._packets += 1
                self._heard_ms = one.at_ms
        period_ms = 30_000 * self._flash.heartbeat_30s
        if period_ms and end_ms - self._heard_ms >= period_ms:
            self._heard_ms = end_ms
            beat = struct.pack(">I8xI", self._packets, self._packets)
            self._send(STREAM, HEARTBEAT, beat, at_ms=end_ms)
        self._round_ms = end_ms + self._params.stream_ms

    def _start_fast(self, data: bytes, now_ms: int) -> bytes:
        _need(len(data) == 1, WRONG_LENGTH)
        _need(data[0] in (0, 1), WRONG_PARAMETER)
        self._fast, self._round_ms = data[0], now_ms + self._params.latency_ms + 1
        return b""

    def _stop(self, data: bytes) -> bytes:
        _need(not data, WRONG_LENGTH)
        self._fast = None
        self._queue.clear()
        self._busy_ms = 0
        return b""

    # ---- settings ----------------------------------------------------------------------------

    def _info(self, data: bytes) -> bytes:
        _need(not data, WRONG_LENGTH)
        flash = self._flash
        band = (flash.band >> 2 << 6 | flash.highest, (flash.band & 3) << 6 | flash.lowest)
        told = VERSION + bytes([TYPES[self._model], PROTOCOLS, *band])
        told += bytes([self._power_dbm, flash.scan_100ms])
        if self._model == "18":
            return told
        return told + bytes([flash.antennas, 0, 0, int(flash.checks_antennas)])

    def _set_region(self, data: bytes) -> bytes:
        _need(len(data) == 2, WRONG_LENGTH)  # noqa: PLR2004 - DMaxFre, DMinFre
        band = data[0] >> 6 << 2 | data[1] >> 6
        highest, lowest = data[0] & 0x3F, data[1] & 0x3F
        _need(lowest <= highest < CHANNELS.get(band, 0), WRONG_PARAMETER)
        self._flash.band, self._flash.highest, self._flash.lowest = band, highest, lowest
        return b""

    def _set_address(self, data: bytes) -> bytes:
        _need(len(data) == 1, WRONG_LENGTH)
        _need(data[0] != BROADCAST, WRONG_PARAMETER)
        self._flash.address = data[0]
        return b""

    def _set_scan(self, data: bytes) -> bytes:
        _need(len(data) == 1, WRONG_LENGTH)
        _need(data[0] >= 3, WRONG_PARAMETER)  # noqa: PLR2004 - the manual: 3 to 255
        self._flash.scan_100ms = data[0]
        return b""

    def _set_baud(self, data: bytes, now_ms: int) -> bytes:
        """Answer at the old speed, then change it."""
        _need(len(data) == 1, WRONG_LENGTH)
        _need(data[0] in BAUDS, WRONG_PARAMETER)
        self._flash.baud = BAUDS[data[0]]
        self._baud_from = (now_ms + 10 * self._params.latency_ms, self._flash.baud)
        return b""

    def _set_power(self, data: bytes) -> bytes:
        _need(len(data) == 1, WRONG_LENGTH)
        save = not (self._model == "ex10" and data[0] & 0x80)
        power = data[0] if save else data[0] & 0x7F
        _need(power <= HIGHEST_DBM, WRONG_PARAMETER)
        self._power_dbm = power
        if save:
            self._flash.power_dbm = power
        return b""

    def _set_mux(self, data: bytes) -> bytes:
        _need(len(data) == 1, WRONG_LENGTH)
        _need(data[0] != 0, WRONG_PARAMETER)
        self._flash.antennas = data[0]
        return b""

    def _set_check(self, data: bytes) -> bytes:
        _need(len(data) == 1, WRONG_LENGTH)
        self._flash.checks_antennas = bool(data[0])
        return b""

    def _set_mode(self, data: bytes, now_ms: int) -> bytes:
        _need(len(data) == 1, WRONG_LENGTH)
        _need(data[0] <= 2, WRONG_PARAMETER)  # noqa: PLR2004 - answer, real-time, triggered
        self._flash.mode = data[0]
        self._round_ms = now_ms + self._params.latency_ms + 1
        return b""

    def _set_mode_18(self, data: bytes) -> bytes:
        _taken(data, size=6)
        self._flash.mode_18 = data
        return b""

    def _mode_18(self, data: bytes) -> bytes:
        """Tell Wiegand's four bytes, the six that were set, and two times."""
        _need(not data, WRONG_LENGTH)
        return b"\x00\x1e\x0a\x0f" + self._flash.mode_18 + b"\x08\x00"

    def _set_heartbeat(self, data: bytes) -> bytes:
        _need(len(data) == 1, WRONG_LENGTH)
        if data[0] & 0x80:
            self._flash.heartbeat_30s = data[0] & 0x7F
        return bytes([0x80 | self._flash.heartbeat_30s])


def _tag(reply: Reply, *, rssi: bool) -> bytes:
    raw = max(0, min(LOUDEST_RAW, RAW_AT_0_DBM + reply.rssi_dbm))
    return bytes([len(reply.epc)]) + reply.epc + (bytes([raw]) if rssi else b"")


def _fits(epc: bytes, mask: tuple[int, int, bytes]) -> bool:
    """Compare an EPC with a mask; bits count from the start of the EPC bank (CRC and PC first)."""
    start, length, bits = mask
    if not length:
        return True
    shift = 8 * len(epc) - (start - EPC_FROM_BIT) - length
    if start < EPC_FROM_BIT or shift < 0:
        return False
    wanted = int.from_bytes(bits) >> (8 * len(bits) - length)
    return int.from_bytes(epc) >> shift & (1 << length) - 1 == wanted


def crc(data: bytes) -> int:
    """Compute the frame's CRC: polynomial 0x8408, reflected, preset 0xFFFF.

    >>> hex(crc(bytes.fromhex("04FF01")))
    '0xb41b'
    """
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0x8408 if register & 1 else register >> 1
    return register


class _RefusedError(Exception):
    """The reader answers with a status that is not OK."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _taken(data: bytes, *, size: int) -> bytes:
    """Take a setting that changes nothing in a simulation."""
    _need(len(data) == size, WRONG_LENGTH)
    return b""


def _need(fits: bool, status: int) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not fits:
        raise _RefusedError(status)
