"""The live camera: one frame in flight, the newest alone is kept, a failure costs its frame."""

import asyncio
import json
import math
import struct
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from xai_heatmap.apps.web.answers import LOG, failure, told
from xai_heatmap.apps.web.served import Served
from xai_heatmap.core.errors import BadOption, Busy, XaiHeatmapError
from xai_heatmap.core.plain import facts_of
from xai_heatmap.runners.looking.asked import FIELDS, Asked, only
from xai_heatmap.runners.looking.look import glance
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.watched import Watch
from xai_heatmap.sources.image import read

TIME = struct.Struct("<d")
"""Time of a frame by the page's clock, in front of it."""

PIXELS = 9_000_000
"""Pixels of a frame, at most."""

WORDS = 1 << 16
"""Letters of a question, at most."""

FAULTS = 50
"""Messages of a wrong kind, one after the other, after which the line is closed."""

PATIENCE = 10.0
"""Seconds after which the page is told that the network is still at work on a frame."""

POLICY = 1008
"""Code of a line that is closed for what came over it."""


class Left(BaseException):
    """Nobody waits for this frame any more."""


@dataclass(frozen=True)
class Frame:
    """A frame as it came: the page's time, when it came, the picture's bytes."""

    t: float
    came: float
    data: bytes


@dataclass(eq=False)
class Line:
    """One page's line: its question, the newest frame, and what was overwritten."""

    served: Served
    model: Model
    socket: WebSocket
    asked: Asked = field(default_factory=Asked)
    slot: Frame | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    left: bool = False
    dropped: int = 0
    faults: int = 0

    async def listen(self) -> None:
        """Take messages until the page leaves."""
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                self._take(message)
                self.faults = 0
            except XaiHeatmapError as error:
                told("live", error)
                self.faults += 1
                if self.faults >= FAULTS:
                    LOG.warning("live: %d wrong messages one after the other; closed", FAULTS)
                    await self.socket.close(POLICY, "wrong messages")
                    return
                await self.say(error, None)

    def _take(self, message: MutableMapping[str, Any]) -> None:
        """A question, or a frame in place of the one that waits.

        Raises
        ------
        XaiHeatmapError
            For what is neither.
        """
        text, data = message.get("text"), message.get("bytes")
        if text is not None:
            said = question(text)
            model, asked = self.served.model(said.get("model") or self.model.key), Asked.of(said)
            self.model, self.asked = model, asked  # both or neither, where one is refused
            return
        if data is None or len(data) <= TIME.size:
            raise BadOption("A frame is its time, eight bytes, and a picture behind it.")
        (t,) = TIME.unpack_from(data)
        if not math.isfinite(t):
            raise BadOption("A frame's time is a number of milliseconds.")
        self.dropped += self.slot is not None
        self.slot = Frame(t, time.perf_counter(), data[TIME.size :])
        self.changed.set()

    async def answer(self) -> None:
        """Answer the newest frame, again and again."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            frame, self.slot = self.slot, None
            if frame is None:
                continue
            dropped, self.dropped = self.dropped, 0
            try:
                made = await self._made(frame, dropped)
            except XaiHeatmapError as error:
                told("live", error)
                await self.say(error, frame.t)
            except Exception as error:  # noqa: BLE001 - a bug costs its frame, not the line
                told("live", error)
                await self.say(error, frame.t)
            else:
                await self.socket.send_bytes(made)

    async def _made(self, frame: Frame, dropped: int) -> bytes:
        """The packet of a frame; a network that hangs is told of, and waited for."""
        # The question may change while the frame waits: it goes to the network whose thread it is.
        model = self.model
        run = self.served.threads[model.key]
        work = partial(self._glanced, frame, self.asked, model, dropped)
        waiting = asyncio.ensure_future(run(work))
        try:
            return await asyncio.wait_for(asyncio.shield(waiting), PATIENCE)
        except TimeoutError:
            error = Busy(
                f"The network has been at work on one frame for {PATIENCE:g} seconds. It may hang; "
                "the camera goes on when it ends."
            )
            told("live", error)
            await self.say(error, frame.t)
            return await waiting
        finally:
            if not waiting.done():
                waiting.cancel()

    def _glanced(self, frame: Frame, asked: Asked, model: Model, dropped: int) -> bytes:
        """In a thread: the packet of a frame."""

        def tell(_: Watch) -> None:
            if self.left:
                raise Left

        if self.left:
            raise Left
        began = time.perf_counter()
        picture = read(frame.data, limit=PIXELS)
        said = {"t": frame.t, "dropped": dropped, "waited_ms": 1e3 * (began - frame.came)}
        clock = Since(frame.came)
        watch = Watch(tell=tell)
        return glance(model, picture.image, asked, said=said | {"age_ms": clock}, watch=watch)

    async def say(self, error: BaseException, t: float | None) -> None:
        """Tell the page of a failure; the line stays open."""
        said = failure(error) | {"t": t}
        await self.socket.send_text(json.dumps(facts_of(said), ensure_ascii=False))


class Since:
    """Milliseconds since a moment, when they are written down."""

    def __init__(self, came: float) -> None:
        self.came = came

    def tolist(self) -> float:
        """The number, as `core.plain` asks for it."""
        return 1e3 * (time.perf_counter() - self.came)


def question(text: str) -> dict[str, Any]:
    """The words of the question that a page's message holds.

    Raises
    ------
    BadOption
        For what is none.
    """
    said: object = None
    if len(text) <= WORDS:
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = None
    if not isinstance(said, dict):
        raise BadOption('A question is JSON, such as {"method": "gradcam", "layers": "auto"}.')
    only(said, (*FIELDS, "next"))
    return said


async def live(served: Served, socket: WebSocket) -> None:
    """One page's line, until the page leaves."""
    try:
        model = served.model(socket.query_params.get("model"))
    except XaiHeatmapError as error:
        told("live", error)
        await socket.close(POLICY, failure(error)["code"])
        return
    await socket.accept()
    line = Line(served, model, socket)

    async def until_it_ends(work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the page's line ends, and no other
            if not gone(error):
                told("live", error)
        finally:
            line.left = True
            both.cancel_scope.cancel()

    async with anyio.create_task_group() as both:
        both.start_soon(until_it_ends, line.listen)
        both.start_soon(until_it_ends, line.answer)


def gone(error: BaseException) -> bool:
    """Whether an exception means that the page left, whichever way the server says so."""
    return isinstance(error, WebSocketDisconnect | OSError) or (
        isinstance(error, RuntimeError) and "websocket" in str(error).casefold()
    )
