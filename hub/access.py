"""Who may read the web's pages: the holder of a token that is good once."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class DoorParams:
    """How wrong tokens are slowed down, and how long one stays in.

    Attributes:
        wrong_most: wrong tokens within ``within_ms`` after which none is looked at: a person
            mistypes a few, and a token of 144 random bits outlasts any guessing.
        within_ms: for how long a wrong token is remembered.
        stay_ms: after which a browser has to come in anew: a working day.
    """

    wrong_most: int = 5
    within_ms: int = 60_000
    stay_ms: int = 12 * 3_600_000


class Door:
    """Exchanges each token once for a session.

    Args:
        new_secret: gives a text nobody can guess.
        params: how wrong tokens are slowed down.

    Attributes:
        token: lets the next one in; a new one follows each use.
    """

    def __init__(self, new_secret: Callable[[], str], *, params: DoorParams | None = None) -> None:
        self._new_secret = new_secret
        self._params = params or DoorParams()
        self._wrong_ms: deque[int] = deque()
        self._since_ms: dict[bytes, int] = {}
        self.token = new_secret()

    def wait_ms(self, now_ms: int) -> int:
        """Give how long no token is looked at; 0 when one is."""
        while self._wrong_ms and self._wrong_ms[0] <= now_ms - self._params.within_ms:
            self._wrong_ms.popleft()
        if len(self._wrong_ms) < self._params.wrong_most:
            return 0
        return self._wrong_ms[0] + self._params.within_ms - now_ms

    def enter(self, token: str, *, now_ms: int) -> str | None:
        """Exchange a token for a session's secret, or give None: wrong, or too many were."""
        if self.wait_ms(now_ms):
            return None
        if not hmac.compare_digest(_digest(token), _digest(self.token)):
            self._wrong_ms.append(now_ms)
            return None
        self.token = self._new_secret()
        session = self._new_secret()
        self._since_ms[_digest(session)] = now_ms
        return session

    def knows(self, session: str, *, now_ms: int) -> bool:
        """Tell whether a session's secret was given out here, and is not too old."""
        since_ms = self._since_ms.get(_digest(session))
        return since_ms is not None and now_ms - since_ms < self._params.stay_ms

    def leave(self, session: str) -> None:
        """Forget a session."""
        self._since_ms.pop(_digest(session), None)


def is_our_host(host: str, *, port: int, names: frozenset[str], any_address: bool) -> bool:
    """Tell whether a ``Host`` header names this machine.

    A page elsewhere can have its own name resolve to this machine (DNS rebinding), but the browser
    then sends that name: only names known to be ours and bare addresses are let in.

    Args:
        host: the header.
        port: we listen on.
        names: ours, lower case.
        any_address: whether any IP address may be ours, because we listen on all.
    """
    said = HOST.fullmatch(host)
    if said is None or int(said["port"] or 80) != port:
        return False
    name = said["name"].strip("[]").lower()
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return any_address


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
