"""Firmware of a Metratec reader that speaks AT (PulsarLR and kin): bytes in, bytes out, time given.

Source: strings and parsers of the metratec_rfid SDK 1.4.1 and 1.4.5, as noted in
rfid/metratec_at.md. Lines have the classic form: the lines of one answer or event are joined by
CR and closed by CRLF, which both editions of the SDK take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firmware_sim.radio import Air, Settings

REGIONS = {"ETSI": 4, "ETSI_HIGH": 4, "FCC": 50}
"""Number of channels."""
HIGHEST_DBM = 30
LONGEST_LINE = 256
DUAL = ("A", "B", "DUAL")
BANKS = ("RES", "EPC", "TID", "USR")


@dataclass(frozen=True, slots=True)
class FirmwareParams:
    """Names and times of the reader.

    Attributes:
        model: name of hardware and firmware.
        version: of both, two digits major, two minor.
        serial: number of the device.
        latency_ms: between a command and its answer.
        gap_ms: pause between two rounds.
        hop_ms: how long it stays on a channel.
        absent_ms: an inventory at a port without antenna fails after this long.
    """

    model: str = "PULSAR_LR"
    version: str = "0106"
    serial: str = "2020090817420000"
    latency_ms: int = 2
    gap_ms: int = 5
    hop_ms: int = 400
    absent_ms: int = 20


@dataclass(slots=True)
class _Continuous:
    """An inventory that goes on until it is broken off.

    Attributes:
        name: of its events: CINV, CMINV or CINVR.
        ports: in turn.
        window_ms: of a report; 0 for none.
    """

    name: str
    ports: tuple[int, ...]
    window_ms: int
    round_ms: int
    turn: int = 0


class Metratec:
    """One reader.

    Args:
        antennas: the field of each port, from 1; None where nothing is plugged in.
        baud: of the serial line.
    """

    def __init__(
        self,
        antennas: Sequence[Air | None],
        *,
        baud: int = 115_200,
        params: FirmwareParams = FirmwareParams(),
    ) -> None:
        self._antennas = tuple(antennas)
        self._params = params
        self._start_baud = baud
        self._commands: dict[str, Callable[[str | None, int], list[str]]] = {
            "RST": self._reset,
            "REG": self._region,
            "PWR": self._power,
            "ANT": self._antenna,
            "MUX": self._multiplex,
            "EMX": self._external,
            "Q": self._q_value,
            "SES": self._session_value,
            "RFM": self._mode,
            "ICS": self._impinj,
            "INVS": self._report_form,
            "MSK": self._mask,
            "BMSK": self._mask,
            "HBT": self._heartbeat,
            "IEV": self._input_events,
            "IN": self._inputs,
            "OUT": self._outputs,
            "READ": self._read,
            "WRT": lambda value, now: self._locked("WRT", value, now),
            "KILL": lambda value, now: self._locked("KILL", value, now),
            "LCK": lambda value, now: self._locked("LCK", value, now),
            "ULCK": lambda value, now: self._locked("ULCK", value, now),
            "PLCK": lambda value, now: self._locked("PLCK", value, now),
            "TEMP": lambda _value, _now: ["+TEMP: 30,41,38"],
            "INV": lambda value, now: self._once("INV", value, now),
            "MINV": lambda value, now: self._once("MINV", value, now),
            "INVR": lambda value, now: self._once("INVR", value, now),
            "CINV": lambda value, now: self._start("CINV", value, now),
            "CMINV": lambda value, now: self._start("CMINV", value, now),
            "CINVR": lambda value, now: self._start("CINVR", value, now),
            "BINV": lambda value, now: self._break("BINV", value, now),
            "BMINV": lambda value, now: self._break("BMINV", value, now),
            "BINVR": lambda value, now: self._break("BINVR", value, now),
        }
        self.power_cycle(0)

    def power_cycle(self, now_ms: int) -> None:
        """Lose power and get it back: every setting is as it left the factory."""
        self.baud = self._start_baud
        self._buffer = bytearray()
        self._queue: list[tuple[int, bytes]] = []
        self._free_ms = now_ms
        self._echo = False
        self._running: _Continuous | None = None
        self._reg = "ETSI"
        self._powers = [20] * max(1, len(self._antennas))
        self._port = 1
        self._ports: tuple[int, ...] = tuple(range(1, len(self._powers) + 1))
        self._multiplexers = [0] * len(self._powers)
        self._q = [4, 2, 15]
        self._session = "AUTO"
        self._rf_mode = 223
        self._custom = [0, 0]
        self._form = ["0", "1", "0", "0", "0", "ALL", "DUAL", "-100"]
        self._masked: tuple[str, int, str, int] | None = None
        self._beat_s = 0
        self._beat_ms = now_ms
        self._events = False
        self._pins = ["LOW"] * 4
        self._flip = 0
        self._seen: set[bytes] = set()

    def feed(self, data: bytes, *, now_ms: int) -> bytes:
        """Take bytes from the host; gives what the reader has sent by now."""
        self._buffer += data
        while (end := self._buffer.find(b"\r")) >= 0:
            line = bytes(self._buffer[:end]).strip(b"\n")
            del self._buffer[: end + 1]
            if line:
                self._obey(line.decode("ascii", "replace"), now_ms=max(now_ms, self._free_ms))
        if len(self._buffer) > LONGEST_LINE:
            self._buffer.clear()
        return self.advance(now_ms)

    def advance(self, now_ms: int) -> bytes:
        """Give what the reader has sent by now."""
        while self._running is not None and self._running.round_ms <= now_ms:
            self._go_on(self._running)
        if self._beat_s and now_ms - self._beat_ms >= 1000 * self._beat_s:
            self._beat_ms = now_ms
            self._queue.append((now_ms, b"+HBT\r\n"))
        due = [text for at_ms, text in self._queue if at_ms <= now_ms]
        self._queue = [entry for entry in self._queue if entry[0] > now_ms]
        return b"".join(due)

    def due_ms(self) -> int | None:
        """Tell when the reader will send next."""
        instants = [at_ms for at_ms, _ in self._queue]
        if self._running is not None:
            instants.append(self._running.round_ms)
        if self._beat_s:
            instants.append(self._beat_ms + 1000 * self._beat_s)
        return min(instants, default=None)

    # ---- lines -------------------------------------------------------------------------------

    def _obey(self, line: str, *, now_ms: int) -> None:
        self._free_ms = now_ms
        name, value = _parts(line)
        try:
            told = self._answer(line, name, value, now_ms=now_ms)
        except _RefusedError as error:
            self._send(f"+{name or 'ERR'}: <{error}>\r\nERROR", at_ms=now_ms)
            return
        at_ms = max(self._free_ms, now_ms)
        if self._echo:
            self._send(line, at_ms=now_ms)
        if told:
            self._send("\r".join(told), at_ms=at_ms)
        self._send("OK", at_ms=at_ms)
        self._free_ms = at_ms

    def _answer(self, line: str, name: str, value: str | None, *, now_ms: int) -> list[str]:
        if line in {"ATE0", "ATE1"}:
            self._echo = line == "ATE1"
            return []
        if line == "AT":
            return []
        if line == "ATI":
            params = self._params
            return [
                f"+SW: {params.model} {params.version}",
                f"+HW: {params.model} {params.version}",
                f"+SERIAL: {params.serial}",
            ]
        _need(name in self._commands, "Unknown command")
        busy = self._running is not None and name not in {"BINV", "BMINV", "BINVR", "RST"}
        _need(not busy or value == "?", "Inventory is running")
        return self._commands[name](value, now_ms)

    def _send(self, text: str, *, at_ms: int) -> None:
        self._queue.append((at_ms + self._params.latency_ms, text.encode() + b"\r\n"))

    # ---- inventory ---------------------------------------------------------------------------

    def _once(self, name: str, value: str | None, now_ms: int) -> list[str]:
        ports = (self._port,) if name == "INV" else self._ports
        window_ms = _number(value, 1, 60_000) if name == "INVR" and value else 0
        told: list[str] = []
        at_ms = now_ms
        for port in ports:
            lines, at_ms = self._round(name, port, at_ms, window_ms=window_ms)
            if name == "INV":
                lines = lines[:-1]
            told += lines
        self._free_ms = at_ms
        return told

    def _start(self, name: str, value: str | None, now_ms: int) -> list[str]:
        _need(self._running is None, "Inventory is running")
        window_ms = _number(value, 1, 60_000) if name == "CINVR" else 0
        ports = (self._port,) if name == "CINV" else self._ports
        begin_ms = now_ms + 2 * self._params.latency_ms + 1
        self._running = _Continuous(name, ports, window_ms, begin_ms)
        self._seen.clear()
        return []

    def _break(self, name: str, value: str | None, _now_ms: int) -> list[str]:
        _need(value is None, "Wrong parameter")
        running = {"BINV": "CINV", "BMINV": "CMINV", "BINVR": "CINVR"}[name]
        runs = self._running is not None and self._running.name == running
        _need(runs, "Inventory is not running")
        self._running = None
        return []

    def _go_on(self, running: _Continuous) -> None:
        port = running.ports[running.turn % len(running.ports)]
        running.turn += 1
        lines, end_ms = self._round(
            running.name, port, running.round_ms, window_ms=running.window_ms
        )
        self._send("\r".join(lines), at_ms=end_ms)
        running.round_ms = end_ms + self._params.gap_ms

    def _round(self, name: str, port: int, now_ms: int, *, window_ms: int) -> tuple[list[str], int]:
        """Run a round, or as many as fill a report's window, at a port; gives lines and the end."""
        ended = f"+{name}: <ROUND FINISHED, ANT={port}>"
        antenna = self._antennas[port - 1] if port <= len(self._antennas) else None
        if antenna is None:
            return [f"+{name}: <Antenna Error>", ended], now_ms + self._params.absent_ms
        counts: dict[bytes, tuple[int, int]] = {}
        at_ms = now_ms
        while True:
            done = antenna(at_ms, self._settings(port, at_ms))
            for reply in done.replies:
                count, _ = counts.get(reply.epc, (0, 0))
                counts[reply.epc] = (count + 1, reply.rssi_dbm)
            at_ms = done.end_ms
            if at_ms - now_ms >= window_ms:
                break
        told = [
            self._tag(name, epc, rssi=rssi, count=count)
            for epc, (count, rssi) in counts.items()
            if self._wanted(epc, rssi=rssi)
        ]
        return [*(told or [f"+{name}: <NO TAGS FOUND>"]), ended], at_ms

    def _settings(self, port: int, now_ms: int) -> Settings:
        target = DUAL.index(self._form[6])
        if target == DUAL.index("DUAL"):
            self._flip += 1
            target = self._flip // max(1, len(self._ports)) % 2
        session = 0 if self._session == "AUTO" else int(self._session)
        return Settings(
            power_dbm=self._powers[port - 1],
            channel=now_ms // self._params.hop_ms * 7 % REGIONS[self._reg],
            session=session,
            target=target if session else 0,
            q=self._q[0],
        )

    def _read(self, value: str | None, now_ms: int) -> list[str]:
        """Read bytes of a bank of every tag, or of those whose EPC begins with a mask."""
        given = (value or "").split(",")
        _need(len(given) in {3, 4} and given[0] in BANKS, "Wrong parameter")
        first, count = _number(given[1], 0, 512), _number(given[2], 1, 512)

        def told(epc: bytes) -> str:
            memory = _memory(epc, given[0])[first : first + count]
            return f"OK,{memory.hex().upper()}" if len(memory) == count else "MEMORY OVERRUN"

        return self._reach("READ", told, mask="".join(given[3:]), now_ms=now_ms)

    def _locked(self, name: str, value: str | None, now_ms: int) -> list[str]:
        """Refuse in the name of every tag: goods in a shop are locked for good."""
        _need(value is not None and value != "?", "Wrong parameter")
        return self._reach(name, lambda _: "ACCESS ERROR", mask="", now_ms=now_ms)

    def _reach(
        self, name: str, told: Callable[[bytes], str], *, mask: str, now_ms: int
    ) -> list[str]:
        antenna = self._antennas[self._port - 1]
        if antenna is None:
            self._free_ms = now_ms + self._params.absent_ms
            return [f"+{name}: <Antenna Error>"]
        done = antenna(now_ms, self._settings(self._port, now_ms))
        self._free_ms = done.end_ms
        found = [
            f"+{name}: {one.epc.hex().upper()},{told(one.epc)}"
            for one in done.replies
            if self._wanted(one.epc, rssi=one.rssi_dbm) and one.epc.hex().startswith(mask.lower())
        ]
        return found or [f"+{name}: <NO TAGS FOUND>"]

    def _wanted(self, epc: bytes, *, rssi: int) -> bool:
        if rssi < int(self._form[7]):
            return False
        if self._form[0] == "1":
            if epc in self._seen:
                return False
            self._seen.add(epc)
        if self._masked is None:
            return True
        bank, start, mask, length = self._masked
        shift = 8 * len(epc) - start - length
        if bank != "EPC" or shift < 0:
            return False
        wanted = int(mask, 16) >> (4 * len(mask) - length)
        return int.from_bytes(epc) >> shift & (1 << length) - 1 == wanted

    def _tag(self, name: str, epc: bytes, *, rssi: int, count: int) -> str:
        fields = [epc.hex().upper()]
        if self._form[2] != "0":
            size = 12 if self._form[2] == "1" else int(self._form[2])
            fields.append((b"\xe2\x80\x11\x60" + epc[-8:]).hex().upper()[: 2 * size])
        if self._form[1] == "1":
            fields.append(str(rssi))
        if self._form[4] == "1":
            fields += [str(epc[-1] * 11 % 128), str(epc[-2] * 7 % 128)]
        if name.endswith("R"):
            fields.append(str(count))
        return f"+{name}: " + ",".join(fields)

    # ---- settings ----------------------------------------------------------------------------

    def _reset(self, value: str | None, now_ms: int) -> list[str]:
        _need(value is None, "Wrong parameter")
        echo = self._echo
        self.power_cycle(now_ms)
        self._queue.append((now_ms, b"AT+RST\r\n" if echo else b""))
        return []

    def _region(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return [f"+REG: {self._reg}"]
        _need(value in REGIONS, "Wrong parameter")
        assert value is not None
        self._reg = value
        return []

    def _power(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return ["+PWR: " + ",".join(map(str, self._powers))]
        powers = [_number(one, 0, HIGHEST_DBM) for one in (value or "").split(",")]
        _need(len(powers) in {1, len(self._powers)}, "Wrong parameter")
        self._powers = powers * len(self._powers) if len(powers) == 1 else powers
        return []

    def _antenna(self, value: str | None, _now_ms: int) -> list[str]:
        _need(len(self._powers) > 1, "Unknown command")
        if value == "?":
            return [f"+ANT: {self._port}"]
        self._port = _number(value, 1, len(self._powers))
        return []

    def _multiplex(self, value: str | None, _now_ms: int) -> list[str]:
        _need(len(self._powers) > 1, "Unknown command")
        if value == "?":
            return ["+MUX: " + ",".join(map(str, self._ports))]
        ports = tuple(_number(one, 1, len(self._powers)) for one in (value or "").split(","))
        self._ports = tuple(range(1, ports[0] + 1)) if len(ports) == 1 else ports
        return []

    def _external(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return ["+EMX: " + ",".join(map(str, self._multiplexers))]
        sizes = [_number(one, 0, 16) for one in (value or "").split(",")]
        _need(len(sizes) == len(self._multiplexers), "Wrong parameter")
        self._multiplexers = sizes
        return []

    def _q_value(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return ["+Q: " + ",".join(map(str, self._q))]
        given = [_number(one, 0, 15) for one in (value or "").split(",")]
        _need(len(given) in {1, 3}, "Wrong parameter")
        self._q = given if len(given) == 3 else [given[0], *self._q[1:]]  # noqa: PLR2004 - start, least, most
        return []

    def _session_value(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return [f"+SES: {self._session}"]
        _need(value in {"0", "1", "2", "3", "AUTO"}, "Wrong parameter")
        assert value is not None
        self._session = value
        return []

    def _mode(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return [f"+RFM: {self._rf_mode}"]
        self._rf_mode = _number(value, 0, 999)
        return []

    def _impinj(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return ["+ICS: " + ",".join(map(str, self._custom))]
        given = [_number(one, 0, 1) for one in (value or "").split(",")]
        _need(len(given) == len(self._custom), "Wrong parameter")
        self._custom = given
        return []

    def _report_form(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return ["+INVS: " + ",".join(self._form)]
        given = (value or "").split(",")
        _need(3 <= len(given) <= len(self._form), "Wrong parameter")  # noqa: PLR2004 - the oldest
        wanted = given + self._form[len(given) :]
        flags = all(wanted[n] in {"0", "1"} for n in (0, 1, 3, 4)) and wanted[2].isdigit()
        words = wanted[5] in {"ALL", "SL", "NSL"} and wanted[6] in DUAL
        _need(flags and words, "Wrong parameter")
        _number(wanted[7], -128, 0)
        self._form = wanted
        return []

    def _mask(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            if self._masked is None:
                return ["+BMSK: OFF"]
            return ["+BMSK: " + ",".join(map(str, self._masked))]
        if value == "OFF":
            self._masked = None
            return []
        given = (value or "").split(",")
        _need(len(given) in {3, 4} and given[0] in {"PC", "EPC", "USR", "TID"}, "Wrong parameter")
        start = _number(given[1], 0, 496)
        _need(all(one in "0123456789ABCDEFabcdef" for one in given[2]), "Wrong parameter")
        bits = len(given) == 4  # noqa: PLR2004 - BMSK counts in bits, MSK in bytes
        length = _number(given[3], 1, 496) if bits else 4 * len(given[2])
        self._masked = (given[0], start if bits else 8 * start, given[2], length)
        return []

    def _heartbeat(self, value: str | None, now_ms: int) -> list[str]:
        if value == "?":
            return [f"+HBT: {self._beat_s}"]
        self._beat_s, self._beat_ms = _number(value, 0, 60), now_ms
        return []

    def _input_events(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return [f"+IEV: {int(self._events)}"]
        self._events = bool(_number(value, 0, 1))
        return []

    def _inputs(self, value: str | None, _now_ms: int) -> list[str]:
        _need(value == "?", "Wrong parameter")
        return ["+IN: 1,LOW", "+IN: 2,LOW"]

    def _outputs(self, value: str | None, _now_ms: int) -> list[str]:
        if value == "?":
            return [f"+OUT: {n},{level}" for n, level in enumerate(self._pins, start=1)]
        given = (value or "").split(",")
        _need(
            len(given) == len(self._pins) and set(given) <= {"", "HIGH", "LOW"}, "Wrong parameter"
        )
        self._pins = [new or old for new, old in zip(given, self._pins, strict=True)]
        return []


def _memory(epc: bytes, bank: str) -> bytes:
    """Give what a tag has in a bank: passwords, EPC, its chip's number, nothing."""
    chip = b"\xe2\x80\x11\x60" + epc[-8:]
    return {"RES": bytes(8), "EPC": epc, "TID": chip, "USR": b""}[bank]


def _parts(line: str) -> tuple[str, str | None]:
    """Cut a command into its name and its value: ``?`` for a query, None for neither."""
    if not line.startswith("AT+"):
        return "", None
    name, equals, value = line[3:].partition("=")
    if equals:
        return name, value
    return (name[:-1], "?") if name.endswith("?") else (name, None)


def _number(text: str | None, lowest: int, highest: int) -> int:
    digits = (text or "").removeprefix("-")
    _need(digits.isdigit(), "Wrong parameter")
    assert text is not None
    _need(lowest <= int(text) <= highest, "Wrong parameter")
    return int(text)


class _RefusedError(Exception):
    """The reader answers with its text and ERROR."""


def _need(fits: bool, text: str) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not fits:
        raise _RefusedError(text)
