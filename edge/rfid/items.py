"""Tag reads to item events: what happened to the goods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """Something happened to one item.

    Attributes:
        kind: ``picked`` is dated at the last read before the silence that proved it;
            ``put_back`` and ``till`` at the first read there.
        scene_ms: when it happened, not when it was proved.
        zone: the zone of the antenna.
        product_class: GTIN-14.
        tag: keyed hash, to tie this item's events together; memory only.
    """

    kind: Literal["picked", "put_back", "till"]
    scene_ms: int
    zone: str
    product_class: str
    tag: bytes
