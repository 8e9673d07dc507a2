"""The end of a server: whoever still waits for an answer is told."""

import asyncio
from typing import Any

ENDING = '{"code": "ended", "message": "The server was stopped.", "hint": ""}'
"""Answer to what was asked of a server that ends."""


def until_ended(app: Any) -> Any:
    """The application; what it is still at when its server ends is answered that it ends.

    The server cancels what is not done in time, and would print where each of these was.
    """

    async def own(scope: Any, receive: Any, send: Any) -> None:
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, sending)
        except asyncio.CancelledError:
            if begun or scope["type"] != "http":
                return
            head = [(b"content-type", b"application/json"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 503, "headers": head})
            await send({"type": "http.response.body", "body": ENDING.encode()})

    return own
