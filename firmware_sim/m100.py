"""Firmware of an M100/QM100/YRM100/R200 UHF reader module: bytes in, bytes out, time given.

Source: M100 & QM100 firmware manual V2.3.x and R200 user guide V2.3.3, as noted in
rfid/m100_r200.md; both envelopes (BB..7E and AA..DD).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from firmware_sim.radio import Air, Settings

Envelope = Literal["BB7E", "AADD"]
COMMAND, RESPONSE, NOTICE = 0x00, 0x01, 0x02
ERROR = 0xFF
NO_TAG = 0x15
"""Error code: no tag answered, or its CRC was wrong. Normal in an empty field."""
BAD_COMMAND = 0x17
READ_FAILED, WRITE_FAILED, KILL_FAILED, LOCK_FAILED = 0x09, 0x10, 0x12, 0x13
"""Error codes: no tag answered such an access."""
WRONG_PASSWORD = 0x16
OVERRUN, WRITE_LOCKED, LOCK_LOCKED, NO_KILL_PASSWORD = 0xA3, 0xB4, 0xC4, 0xD0
"""Error codes of a tag: goods in a shop are locked for good, so the scene stays what it is."""
OK = b"\x00"
HEAD_BYTES = 5
"""Head, type, command and two bytes of length."""
TAIL_BYTES = 2
INFO = {0: b"M100 26dBm V1.0", 1: b"V2.3.5", 2: b"MagicRf"}
CHANNELS = {0x01: 20, 0x02: 52, 0x03: 15, 0x04: 20, 0x06: 32}
"""Number of channels by region: CN900, US, EU, CN800, KR."""
LOWEST_CDBM, HIGHEST_CDBM = 1500, 2600
"""Powers the tested modules accept."""
DEFAULT_QUERY = 0x1020
PC_96 = b"\x30\x00"
"""Protocol control word of a 96-bit EPC."""


@dataclass(frozen=True, slots=True)
class FirmwareParams:
    """Times of the module.

    Attributes:
        hop_ms: how long it stays on a channel when it hops by itself.
        gap_ms: pause between two rounds.
        latency_ms: between a command and its answer.
    """

    hop_ms: int = 400
    gap_ms: int = 8
    latency_ms: int = 3


class M100:
    """One module.

    Args:
        antenna: runs an inventory round at a scene instant with the module's settings.
        envelope: which edition's first and last byte it speaks.
        baud: of the serial port at power-up.
    """

    def __init__(
        self,
        antenna: Air,
        *,
        envelope: Envelope = "BB7E",
        baud: int = 115_200,
        params: FirmwareParams = FirmwareParams(),
    ) -> None:
        self._antenna = antenna
        self._head, self._end = bytes.fromhex(envelope)
        self._params = params
        self._start_baud = baud
        self._answers: dict[int, Callable[[bytes, int], bytes | None]] = {
            0x03: self._module_info,
            0x04: self._idle,
            0x07: self._set_region,
            0x08: lambda _p, _n: bytes([self._region]),
            0x0B: lambda _p, _n: self._select,
            0x0C: self._set_select,
            0x0D: lambda _p, _n: struct.pack(">H", self._query),
            0x0E: self._set_query,
            0x11: self._set_baud,
            0x12: self._set_select_mode,
            0x17: self._sleep,
            0x1A: self._pin,
            0x1D: self._set_auto_sleep,
            0x22: self._poll_once,
            0x27: self._poll_many,
            0x28: self._stop,
            0x39: self._read,
            0x49: self._write,
            0x65: self._kill,
            0x82: self._lock,
            0xA9: self._insert_channels,
            0xAA: lambda _p, _n: bytes([self._channel]),
            0xAB: self._set_channel,
            0xAD: self._set_hopping,
            0xB0: self._set_carrier,
            0xB6: self._set_power,
            0xB7: lambda _p, _n: struct.pack(">H", self._power_cdbm),
            0xF0: self._set_demodulator,
            0xF1: lambda _p, _n: self._demodulator,
            0xF2: self._scan,
            0xF3: self._scan,
        }
        self.power_cycle(0)

    def power_cycle(self, now_ms: int) -> None:
        """Lose power and get it back: every setting is as it left the factory."""
        self.baud = self._start_baud
        self._buffer = bytearray()
        self._queue: list[tuple[int, bytes]] = []
        self._rounds_left = 0
        self._next_round_ms = 0
        self._asleep = False
        self._auto_sleep_min = 0
        self._busy_ms = now_ms
        self._region = 0x01
        self._channel = 0
        self._hopping = True
        self._power_cdbm = 2000
        self._query = DEFAULT_QUERY
        self._select = b"\x01" + b"\x00\x00\x00\x20" + b"\x00" + b"\x00"
        self._select_mode = 1
        self._demodulator = bytes.fromhex("030601B0")
        self._pins = [0] * 4
        self._hops = b""

    def feed(self, data: bytes, *, now_ms: int) -> bytes:
        """Take bytes from the host; gives what the module has sent by now."""
        if data and self._auto_sleep_min and not self._rounds_left:
            self._asleep |= now_ms - self._busy_ms >= self._auto_sleep_min * 60_000
        if data:
            self._busy_ms = now_ms
            if self._asleep:
                self._asleep = False
                data = data[1:]
        self._buffer += data
        for code, params in self._frames():
            self._obey(code, params=params, now_ms=now_ms)
        return self.advance(now_ms)

    def advance(self, now_ms: int) -> bytes:
        """Give what the module has sent by now."""
        while self._rounds_left and self._next_round_ms <= now_ms:
            self._run_round()
        due = [frame for at_ms, frame in self._queue if at_ms <= now_ms]
        self._queue = [entry for entry in self._queue if entry[0] > now_ms]
        return b"".join(due)

    def due_ms(self) -> int | None:
        """Tell when the module will send next."""
        instants = [at_ms for at_ms, _ in self._queue]
        if self._rounds_left:
            instants.append(self._next_round_ms)
        return min(instants, default=None)

    # ---- frames ------------------------------------------------------------------------------

    def _frames(self) -> list[tuple[int, bytes]]:
        """Cut whole command frames off the buffer; noise is skipped byte by byte."""
        frames = []
        while (start := self._buffer.find(self._head)) >= 0:
            del self._buffer[:start]
            if len(self._buffer) < HEAD_BYTES:
                break
            kind, code, length = struct.unpack_from(">BBH", self._buffer, 1)
            size = HEAD_BYTES + length + TAIL_BYTES
            if kind != COMMAND or length > 512:  # noqa: PLR2004 - longest select mask is 32 bytes
                del self._buffer[:1]
                continue
            if len(self._buffer) < size:
                break
            checksum, end = self._buffer[size - 2 : size]
            if end != self._end or sum(self._buffer[1 : size - 2]) & 0xFF != checksum:
                del self._buffer[:1]
                continue
            frames.append((code, bytes(self._buffer[HEAD_BYTES : HEAD_BYTES + length])))
            del self._buffer[:size]
        else:
            self._buffer.clear()
        return frames

    def _frame(self, kind: int, code: int, params: bytes) -> bytes:
        body = struct.pack(">BBH", kind, code, len(params)) + params
        return bytes([self._head]) + body + bytes([sum(body) & 0xFF, self._end])

    def _obey(self, code: int, *, params: bytes, now_ms: int) -> None:
        answer = self._answers.get(code, _refuse)
        try:
            reply = answer(params, now_ms)
        except _RefusedError:
            self._send(RESPONSE, ERROR, bytes([BAD_COMMAND]), at_ms=now_ms)
            return
        if reply is not None:
            self._send(RESPONSE, code, reply, at_ms=now_ms)

    def _send(self, kind: int, code: int, params: bytes, *, at_ms: int) -> None:
        at_ms += self._params.latency_ms
        self._queue.append((at_ms, self._frame(kind, code, params)))
        self._queue.sort(key=lambda entry: entry[0])

    # ---- inventory ---------------------------------------------------------------------------

    def _run_round(self) -> None:
        started_ms = self._next_round_ms
        done = self._antenna(started_ms, self._settings(started_ms))
        replies = [one for one in done.replies if self._select_mode or self._fits(one.epc)]
        for reply in replies:
            body = PC_96 + reply.epc
            level = struct.pack(">b", max(-128, min(127, reply.rssi_dbm)))
            notice = level + body + struct.pack(">H", gen2_crc(body))
            self._send(NOTICE, 0x22, notice, at_ms=reply.at_ms)
        if not replies:
            self._send(RESPONSE, ERROR, bytes([NO_TAG]), at_ms=done.end_ms)
        self._rounds_left -= 1
        self._next_round_ms = done.end_ms + self._params.gap_ms
        self._busy_ms = done.end_ms

    def _settings(self, now_ms: int) -> Settings:
        channel = self._channel
        if self._hopping:
            hops = self._hops or range(CHANNELS[self._region])
            channel = hops[now_ms // self._params.hop_ms * 7 % len(hops)]
        return Settings(
            power_dbm=self._power_cdbm / 100.0,
            channel=channel,
            session=self._query >> 8 & 0x03,
            target=self._query >> 7 & 0x01,
            q=self._query >> 3 & 0x0F,
        )

    def _fits(self, epc: bytes) -> bool:
        """Apply the Select mask."""
        pointer, length = int.from_bytes(self._select[1:5]), self._select[5]
        mask = int.from_bytes(self._select[7:])
        memory = b"\x00\x00" + PC_96 + epc
        start = 8 * len(memory) - pointer - length
        if start < 0:
            return False
        wanted = mask >> (8 * len(self._select[7:]) - length)
        return int.from_bytes(memory) >> start & (1 << length) - 1 == wanted

    def _poll_once(self, params: bytes, now_ms: int) -> None:
        _need(not params)
        self._rounds_left, self._next_round_ms = 1, now_ms

    def _poll_many(self, params: bytes, now_ms: int) -> None:
        _need(len(params) == 3 and params[0] == 0x22)  # noqa: PLR2004 - the manual's layout
        count = int.from_bytes(params[1:])
        _need(count > 0)
        self._rounds_left, self._next_round_ms = count, now_ms

    def _stop(self, params: bytes, _now_ms: int) -> bytes:
        _need(not params)
        self._rounds_left = 0
        return OK

    # ---- one tag's memory ----------------------------------------------------------------------

    def _read(self, params: bytes, now_ms: int) -> None:
        _need(len(params) == 9)  # noqa: PLR2004 - password, bank, address, length
        password, bank, first, count = struct.unpack(">IBHH", params)
        _need(bank <= 3 and count > 0)  # noqa: PLR2004 - banks 00 to 11

        def told(epc: bytes) -> bytes | int:
            memory = _memory(epc, bank)[2 * first : 2 * (first + count)]
            return memory if len(memory) == 2 * count else OVERRUN

        self._reach(0x39, password, told, absent=READ_FAILED, now_ms=now_ms)

    def _write(self, params: bytes, now_ms: int) -> None:
        _need(len(params) > 9 and len(params) == 9 + 2 * int.from_bytes(params[7:9]))  # noqa: PLR2004
        password = int.from_bytes(params[:4])
        self._reach(0x49, password, lambda _: WRITE_LOCKED, absent=WRITE_FAILED, now_ms=now_ms)

    def _lock(self, params: bytes, now_ms: int) -> None:
        _need(len(params) == 7)  # noqa: PLR2004 - password, masks and actions
        password = int.from_bytes(params[:4])
        self._reach(0x82, password, lambda _: LOCK_LOCKED, absent=LOCK_FAILED, now_ms=now_ms)

    def _kill(self, params: bytes, now_ms: int) -> None:
        _need(len(params) == 4)  # noqa: PLR2004 - password
        self._reach(0x65, 0, lambda _: NO_KILL_PASSWORD, absent=KILL_FAILED, now_ms=now_ms)

    def _reach(
        self,
        code: int,
        password: int,
        told: Callable[[bytes], bytes | int],
        *,
        absent: int,
        now_ms: int,
    ) -> None:
        """Access the first tag that answers; what it tells is data, or an error's code."""
        done = self._antenna(now_ms, self._settings(now_ms))
        every = self._select_mode == 1
        reply = next((one for one in done.replies if every or self._fits(one.epc)), None)
        if reply is None:
            self._send(RESPONSE, ERROR, bytes([absent]), at_ms=done.end_ms)
            return
        found = WRONG_PASSWORD if password else told(reply.epc)
        who = bytes([len(PC_96 + reply.epc)]) + PC_96 + reply.epc
        if isinstance(found, int):
            self._send(RESPONSE, ERROR, bytes([found]) + who, at_ms=reply.at_ms)
        else:
            self._send(RESPONSE, code, who + found, at_ms=reply.at_ms)

    # ---- settings ----------------------------------------------------------------------------

    def _module_info(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) == 1 and params[0] in INFO)
        return params + INFO[params[0]]

    def _set_region(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) == 1 and params[0] in CHANNELS)
        self._region, self._channel, self._hops = params[0], 0, b""
        return OK

    def _set_channel(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) == 1 and params[0] < CHANNELS[self._region])
        self._channel = params[0]
        return OK

    def _set_hopping(self, params: bytes, _now_ms: int) -> bytes:
        _need(params in {b"\xff", b"\x00"})
        self._hopping = params == b"\xff"
        return OK

    def _set_carrier(self, params: bytes, _now_ms: int) -> bytes:
        _need(params in {b"\xff", b"\x00"})
        return OK

    def _pin(self, params: bytes, _now_ms: int) -> bytes:
        """Direct, set or read one of four pins; the answer's last byte is success, or the level."""
        _need(len(params) == 3 and params[0] <= 2 and 1 <= params[1] <= 4 and params[2] <= 1)  # noqa: PLR2004
        operation, pin, value = params
        if operation == 1:
            self._pins[pin - 1] = value
        return bytes([operation, pin, self._pins[pin - 1] if operation == 2 else 1])  # noqa: PLR2004 - read

    def _insert_channels(self, params: bytes, _now_ms: int) -> bytes:
        """Hop over these only; none gives all."""
        _need(len(params) > 0 and len(params) == 1 + params[0])
        _need(all(channel < CHANNELS[self._region] for channel in params[1:]))
        self._hops = params[1:]
        return OK

    def _set_power(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) == 2)  # noqa: PLR2004 - a u16
        power = int.from_bytes(params)
        _need(LOWEST_CDBM <= power <= HIGHEST_CDBM)
        self._power_cdbm = power
        return OK

    def _set_query(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) == 2)  # noqa: PLR2004 - a u16
        self._query = int.from_bytes(params)
        return OK

    def _set_select(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) >= 7 and len(params) - 7 == -(-params[5] // 8))  # noqa: PLR2004 - layout
        self._select, self._select_mode = params, 0
        return OK

    def _set_select_mode(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) == 1 and params[0] in {0, 1, 2})
        self._select_mode = params[0]
        return OK

    def _set_demodulator(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) == 4)  # noqa: PLR2004 - mixer, IF amplifier, threshold
        self._demodulator = params
        return OK

    def _scan(self, params: bytes, now_ms: int) -> bytes:
        """Answer a jammer or noise scan: a quiet hall, one busy channel."""
        _need(not params)
        count = CHANNELS[self._region]
        busy = now_ms // self._params.hop_ms % count
        levels = [-52 if channel == busy else -72 - channel % 4 for channel in range(count)]
        return struct.pack(f">BB{count}b", 0, count - 1, *levels)

    def _set_baud(self, params: bytes, _now_ms: int) -> None:
        _need(len(params) == 2 and int.from_bytes(params) > 0)  # noqa: PLR2004 - a u16
        self.baud = 100 * int.from_bytes(params)

    def _sleep(self, params: bytes, _now_ms: int) -> bytes:
        _need(not params)
        self._asleep, self._rounds_left = True, 0
        return OK

    def _set_auto_sleep(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) == 1 and params[0] <= 30)  # noqa: PLR2004 - minutes, by the manual
        self._auto_sleep_min = params[0]
        return params

    def _idle(self, params: bytes, _now_ms: int) -> bytes:
        _need(len(params) == 3)  # noqa: PLR2004 - enter, reserved, minutes
        return OK


def gen2_crc(data: bytes) -> int:
    """Compute the CRC-16 a tag sends after PC and EPC.

    >>> hex(gen2_crc(bytes.fromhex("340030751FEB705C5904E3D50D70")))
    '0x3a76'

    Source: EPC Gen2 V2.0.1, annex F (poly 0x1021, preset 0xFFFF, inverted).
    """
    register = 0xFFFF
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1 ^ 0x1021 if register & 0x8000 else register << 1) & 0xFFFF
    return register ^ 0xFFFF


def _memory(epc: bytes, bank: int) -> bytes:
    """Give what a tag has in a bank: passwords, CRC with PC and EPC, its chip's number, nothing."""
    coded = PC_96 + epc
    chip = bytes.fromhex("E2801160") + epc[-8:]
    return (bytes(8), struct.pack(">H", gen2_crc(coded)) + coded, chip, b"")[bank]


class _RefusedError(Exception):
    """The module answers with error 17."""


def _refuse(_params: bytes, _now_ms: int) -> bytes:
    raise _RefusedError


def _need(fits: bool) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not fits:
        raise _RefusedError
