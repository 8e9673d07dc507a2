"""A camera of this machine, a stream or a video on a page: each frame with its maps, as the page
asks for the next.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import anyio
from starlette.websockets import WebSocket

from xai_heatmap.apps.web.answers import failure, told
from xai_heatmap.apps.web.live import Since, gone, question
from xai_heatmap.apps.web.served import Served
from xai_heatmap.apps.web.threads import Threads
from xai_heatmap.core.errors import UsageError, XaiHeatmapError
from xai_heatmap.core.plain import facts_of
from xai_heatmap.runners.looking.asked import Asked
from xai_heatmap.runners.looking.feed import Shot, shots
from xai_heatmap.runners.looking.look import glance
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.pictures import encoded
from xai_heatmap.runners.looking.watched import Watch

OVER = {"code": "over", "message": "The video is over.", "hint": "Open it again to see it again."}

QUALITY = 80
"""Of the JPEG in which a frame is shown."""


@dataclass(eq=False)
class Watching:
    """One page that watches the device."""

    served: Served
    model: Model
    socket: WebSocket
    feed: Iterator[Shot]
    asked: Asked = field(default_factory=Asked)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    reading: Threads = field(default_factory=lambda: Threads("The camera"))

    async def listen(self) -> None:
        """Take questions, and the word that the next frame is wanted."""
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                said = question(message.get("text") or "")
                if not said.get("next"):
                    model = self.served.model(said.get("model") or self.model.key)
                    asked = Asked.of(said)
                    self.model, self.asked = model, asked  # both or neither
                self.wanted.set()
            except XaiHeatmapError as error:
                told("device", error)
                await self.say(failure(error))

    async def show(self) -> None:
        """Show frame after frame, each when it is wanted."""
        while True:
            await self.wanted.wait()
            self.wanted.clear()
            try:
                shot = await self.reading(partial(next, self.feed, None))
            except Exception as error:  # noqa: BLE001 - of the device: nothing more comes
                told("device", error)
                await self.say(failure(error) | {"t": None})
                await self.socket.close()
                return
            if shot is None:
                await self.say(OVER)
                await self.socket.close()
                return
            await self._shown(shot)

    async def _shown(self, shot: Shot) -> None:
        work = partial(self._glanced, shot, self.asked, self.model)
        try:
            made = await self.served.threads[self.model.key](work)
        except Exception as error:  # noqa: BLE001 - a bug costs its frame, not the line
            told("device", error)
            await self.say(failure(error) | {"t": shot.frame.time * 1e3})
        else:
            await self.socket.send_bytes(made)

    @staticmethod
    def _glanced(shot: Shot, asked: Asked, model: Model) -> bytes:
        image = shot.frame.image
        said = {
            "t": shot.frame.time * 1e3,
            "number": shot.frame.number,
            "dropped": shot.dropped,
            "waited_ms": 1e3 * (time.perf_counter() - shot.came),
            "age_ms": Since(shot.came),
            "width": image.shape[1],
            "height": image.shape[0],
        }
        shown = encoded(image, "image/jpeg", quality=QUALITY)
        return glance(model, image, asked, said=said, watch=Watch(), shown=shown)

    async def say(self, facts: Mapping[str, object]) -> None:
        """Tell the page something in words."""
        await self.socket.send_text(json.dumps(facts_of(facts), ensure_ascii=False))


async def device(served: Served, socket: WebSocket) -> None:
    """One page that watches, until it leaves or the video is over."""
    await socket.accept()
    try:
        if served.device is None:
            raise UsageError("The server was started without a device. Say --device to `live`.")
        model = served.model(socket.query_params.get("model"))
    except XaiHeatmapError as error:
        told("device", error)
        await socket.send_text(json.dumps(failure(error)))
        await socket.close(1008)
        return
    feed = shots(served.device)
    page = Watching(served, model, socket, feed)

    async def until_it_ends(work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the page's line ends, and no other
            if not gone(error):
                told("device", error)
        finally:
            both.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as both:
            both.start_soon(until_it_ends, page.listen)
            both.start_soon(until_it_ends, page.show)
    finally:
        page.reading.end(feed.close)
