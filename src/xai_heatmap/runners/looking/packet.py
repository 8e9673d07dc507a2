"""Packets: facts as JSON with maps as bytes behind them, as a page reads them in one go."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.plain import facts_of
from xai_heatmap.sinks.store.levels import packed

HEAD = struct.Struct("<I")
"""Length of the JSON, in front of it."""

Facts = dict[str, Any]


@dataclass
class Payload:
    """Maps as bytes, one behind the other."""

    parts: list[bytes] = field(default_factory=list[bytes])
    length: int = 0

    def add(self, map_: Map) -> Facts:
        """Where a map lies, and which values the levels 0 and 255 stand for."""
        kept = packed(np.ascontiguousarray(map_, np.float32))
        facts: Facts = {"lo": kept.low, "hi": kept.high, "offset": self.length}
        facts["length"] = len(kept.data)
        self.parts.append(kept.data)
        self.length += len(kept.data)
        return facts

    def attach(self, data: bytes) -> Facts:
        """Where the bytes of a file lie."""
        facts: Facts = {"offset": self.length, "length": len(data)}
        self.parts.append(data)
        self.length += len(data)
        return facts


def packet(header: Mapping[str, object], payload: Payload) -> bytes:
    r"""``u32`` length of the header, lowest byte first; the header; the maps.

    >>> packet({"a": 1}, Payload())
    b'\x07\x00\x00\x00{"a":1}'
    """
    text = _json(header)
    return b"".join([HEAD.pack(len(text)), text, *payload.parts])


def _json(header: Mapping[str, object]) -> bytes:
    """JSON of a header: quickly, or where that can't be said, as every reader takes it."""
    try:
        return _dumped(header)
    except (AttributeError, TypeError, ValueError):  # NaN, half characters, mappings of other kinds
        return _dumped(facts_of(header))


def _dumped(header: object) -> bytes:
    own = json.dumps(
        header, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_number
    )
    return own.encode()


def _number(value: Any) -> object:
    """Numbers of numpy, and those that are known when they are written down."""
    return value.tolist()


def unpacked(data: bytes) -> tuple[Any, bytes]:
    """The header, facts in a packet of one's own, and the bytes behind it."""
    (length,) = HEAD.unpack_from(data)
    start = HEAD.size
    return json.loads(data[start : start + length]), data[start + length :]
