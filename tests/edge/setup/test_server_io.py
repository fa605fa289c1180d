from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import httpx
import numpy as np


def decoded(data: bytes) -> Any:  # noqa: ANN401 - OpenCV
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_a_token_opens_the_page_once(new_page: Callable[..., Any], store_text: str) -> None:
    page = new_page(store_text)
    token = page.token
    assert page.client.get("/api/state").status_code == 401
    entered = page.client.post("/api/enter", json={"token": token})
    assert entered.status_code == 200
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert page.client.get("/api/state").json()["store"] == "berlin-1"
    again = httpx.post(
        f"{page.server.url}api/enter",
        json={"token": token},
        headers={"origin": page.server.url.rstrip("/")},
    )
    assert again.status_code == 403
    assert page.token != token
