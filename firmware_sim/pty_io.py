"""A reader's serial port: its firmware on a pseudo-terminal, bytes paced at the baud rate."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware_sim.firmware import Firmware

BITS_PER_BYTE = 10
"""8N1: a start bit, eight data bits, a stop bit."""
IDLE_S = 0.05
"""Longest wait for something to do, seconds."""
TICK_S = 0.002
"""Shortest, so that a fast scene does not spin."""
GARBLED = bytes((byte * 5 + 0xA7) & 0xFF for byte in range(256))
"""What bytes look like at another speed than they were sent: nothing like them."""
BACKLOG_S = 0.5
"""A module's send buffer, in seconds of line time; what does not fit is lost, as on the module."""


class _Line:
    """Bytes on their way to the host, no faster than the baud rate."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._credit = 0.0
        self._last_s = 0.0
        self.lost = 0

    def put(self, data: bytes, *, baud: int) -> None:
        room = int(BACKLOG_S * baud / BITS_PER_BYTE) - len(self._waiting)
        self.lost += max(0, len(data) - room)
        self._waiting += data[: max(0, room)]

    def take(self, *, baud: int, scene_s: float) -> bytes:
        """Give what the line can have carried since the last time."""
        rate = baud / BITS_PER_BYTE
        self._credit = min(
            self._credit + (scene_s - self._last_s) * rate, max(1.0, BACKLOG_S * rate)
        )
        self._last_s = scene_s
        if not self._waiting:
            # An idle line saves nothing up: the next byte still takes its time.
            self._credit = min(self._credit, 1.0)
        count = min(int(self._credit), len(self._waiting))
        self._credit -= count
        data = bytes(self._waiting[:count])
        del self._waiting[:count]
        return data

    def clear(self) -> None:
        self._waiting.clear()

    @property
    def busy(self) -> bool:
        return bool(self._waiting)


class SerialPort:
    """A module on a pty with a stable path.

    Args:
        link: path of the symbolic link a host opens; made now, removed by ``close``.
        firmware: the module; called from this port's thread only, under ``lock``.
        scene_s: the scene's clock.
        speed: scene seconds per second.
        lock: held while the firmware runs.

    Raises:
        OSError: the link's folder can't be written, or something else is there.
    """

    def __init__(
        self,
        link: Path,
        *,
        firmware: Firmware,
        scene_s: Callable[[], float],
        speed: float,
        lock: threading.Lock,
    ) -> None:
        if link.exists() and not link.is_symlink():
            raise FileExistsError(f"{link} is there and is not a link; name another path")
        self._link = link
        self._firmware = firmware
        self._scene_s = scene_s
        self._speed = speed
        self._lock = lock
        self._line = _Line()
        self._ends: tuple[int, int] | None = None
        self._powered = True
        self._plugged = threading.Lock()
        self._over = threading.Event()
        self.replug()
        self._thread = threading.Thread(target=self._run, name=f"pty {link.name}", daemon=True)
        self._thread.start()

    @property
    def lost_bytes(self) -> int:
        """Count of bytes that found the send buffer full."""
        return self._line.lost

    def unplug(self) -> None:
        """Pull the cable: an open port fails, and the path is gone."""
        with self._plugged:
            self._remove_link()
            if self._ends is not None:
                for end in self._ends:
                    os.close(end)
            self._ends = None
            self._line.clear()

    def replug(self) -> None:
        """Put the cable back: the same path, a new terminal."""
        with self._plugged:
            if self._ends is not None:
                return
            host, device = os.openpty()
            tty.setraw(device)
            os.set_blocking(host, False)
            self._ends = host, device
            self._link.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._link.with_name(f".{self._link.name}.new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(os.ttyname(device))
            fresh.replace(self._link)

    def power_off(self) -> None:
        """Take the module's power away; its adapter, and so the path, stay."""
        with self._plugged:
            self._powered = False
            self._line.clear()

    def power_on(self) -> None:
        """Give it back: the module starts anew."""
        with self._plugged:
            if not self._powered:
                self._powered = True
                with self._lock:
                    self._firmware.power_cycle(int(self._scene_s() * 1000))

    def close(self) -> None:
        """End the module and remove the path."""
        self._over.set()
        self._thread.join()
        self.unplug()

    def __enter__(self) -> Self:
        """Running since it was made."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _remove_link(self) -> None:
        if self._ends is not None and self._link.is_symlink():
            self._link.unlink()

    def _run(self) -> None:
        while not self._over.is_set():
            with self._plugged:
                wait_s = self._turn() if self._ends is not None else IDLE_S
            self._wait(wait_s)

    def _wait(self, seconds: float) -> None:
        """Sleep, but wake for a command."""
        ends = self._ends
        if ends is None:
            self._over.wait(seconds)
            return
        with contextlib.suppress(OSError, ValueError):  # unplugged meanwhile
            select.select([ends[0]], [], [], seconds)

    def _turn(self) -> float:
        """Move bytes once; gives how long there is nothing to do, seconds."""
        assert self._ends is not None
        host = self._ends[0]
        scene_s = self._scene_s()
        commands = b""
        with contextlib.suppress(BlockingIOError):
            commands = os.read(host, 4096)
        if not self._powered:
            return IDLE_S
        with self._lock:
            baud = self._firmware.baud
            at_speed = self._at_speed(baud)
            data = self._firmware.feed(
                commands if at_speed else commands.translate(GARBLED), now_ms=int(scene_s * 1000)
            )
            due_ms = self._firmware.due_ms()
        self._line.put(data, baud=baud)
        ready = self._line.take(baud=baud, scene_s=scene_s)
        if ready:
            with contextlib.suppress(BlockingIOError):  # no flow control: nobody reads, it is lost
                sent = os.write(host, ready if at_speed else ready.translate(GARBLED))
                self._line.lost += len(ready) - sent
        if self._line.busy:
            return TICK_S
        if due_ms is None:
            return IDLE_S
        return min(IDLE_S, max(TICK_S, (due_ms / 1000 - scene_s) / self._speed))

    def _at_speed(self, baud: int) -> bool:
        """Tell whether the host has set its end to the module's speed; odd speeds it can't."""
        assert self._ends is not None
        wanted = getattr(termios, f"B{baud}", None)
        return wanted is None or termios.tcgetattr(self._ends[1])[5] == wanted
