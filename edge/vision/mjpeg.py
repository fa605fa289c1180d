"""Bytes of a multipart stream to the JPEG images in it (what IP cameras call MJPEG over HTTP)."""

from __future__ import annotations

import re

from edge.errors import DeviceError

LONGEST_PART = 16_000_000
"""Bytes; a 12-megapixel JPEG has 6 million."""

_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")


def boundary_of(content_type: str) -> bytes | None:
    """Give the delimiter of a multipart content type; None for any other type.

    Cameras differ on whether the leading hyphens belong to the name; the delimiter has them once.

    >>> boundary_of("multipart/x-mixed-replace; boundary=--frame")
    b'--frame'
    """
    kind, *options = content_type.split(";")
    if not kind.strip().lower().startswith("multipart/"):
        return None
    for option in options:
        key, _, value = option.strip().partition("=")
        name = value.strip().strip('"').removeprefix("--")
        if key.strip().lower() == "boundary" and name:
            return b"--" + name.encode("latin-1")
    return None


class Parts:
    """Cuts a stream into its parts; a part without a length ends at the next delimiter.

    Args:
        delimiter: as ``boundary_of`` gives it.
    """

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; give the bodies of the parts they complete.

        Raises:
            DeviceError: this is not such a stream: no part ends within ``LONGEST_PART``.
        """
        self._buffer += data
        parts: list[bytes] = []
        while (part := self._part()) is not None:
            if part:
                parts.append(part)
        if len(self._buffer) > LONGEST_PART:
            raise DeviceError(
                f"no image ends within {LONGEST_PART // 1_000_000} MB of the stream: "
                "give the address of an MJPEG stream"
            )
        return parts

    def _part(self) -> bytes | None:
        """Cut the first part off the buffer; None while it is not whole."""
        start = self._buffer.find(self._delimiter)
        if start < 0:
            del self._buffer[: max(0, len(self._buffer) - len(self._delimiter))]
            return None
        del self._buffer[:start]
        head = _HEAD_END.search(self._buffer, len(self._delimiter))
        if head is None:
            return None
        length = _LENGTH.search(self._buffer, 0, head.end())
        if length is not None:
            end = head.end() + int(length[1])
            return None if end > len(self._buffer) else self._cut(head.end(), end)
        found = self._buffer.find(self._delimiter, max(head.end(), self._searched))
        if found < 0:
            self._searched = len(self._buffer) - len(self._delimiter)
            return None
        return self._cut(head.end(), found)

    def _cut(self, start: int, end: int) -> bytes:
        part = bytes(self._buffer[start:end])
        del self._buffer[:end]
        self._searched = 0
        return part
