"""Guard of the server: who may ask, how much may be sent, and what a page may do."""

import base64
import hashlib
import ipaddress
import json
import re
import secrets
import socket
from collections.abc import Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
ASGI = Callable[..., Any]

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})

OPEN = "/assets/"
"""Beginning of the addresses that need no token: the viewer's own files, the same for everybody."""

BODY = 64 << 20
"""Bytes of a file that is taken; what is longer is refused before it is read."""

SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)


def script_hashes(page: str) -> list[str]:
    """Digests of a page's own scripts, by which they may run."""
    found = (SCRIPT.findall(page)) if page else []
    return [
        f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'"
        for one in found
        if one.strip()
    ]


def headers(host: str, hashes: Collection[str] = ()) -> list[tuple[bytes, bytes]]:
    """Headers of every answer: nothing from elsewhere, no frame of another site around it."""
    sources = f"'self' ws://{host} wss://{host}" if host else "'self'"
    policy = "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' 'wasm-unsafe-eval' {' '.join(hashes)}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            f"connect-src {sources}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        ]
    )
    said = {
        "content-security-policy": policy,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    }
    return [(name.encode(), value.encode()) for name, value in said.items()]


class Guard:
    """The application behind checks of host, origin, token and length.

    Parameters
    ----------
    inner
        The application.
    token
        Word that every request but those for `OPEN` needs.
    hosts
        Names beside those of this machine by which the server may be asked for.
    anywhere
        Whether it is open to the network: then also by any address of it.
    hashes
        Of the page's own scripts.
    refused
        Is told what was refused, and why.
    """

    def __init__(
        self,
        inner: ASGI,
        token: str,
        *,
        hosts: Collection[str] = (),
        anywhere: bool = False,
        hashes: Collection[str] = (),
        refused: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.inner, self.token, self.hashes, self.refused = inner, token, tuple(hashes), refused
        own = {socket.gethostname().casefold()} if anywhere else set[str]()
        self.hosts = LOCAL | {name.casefold() for name in hosts} | own
        self.anywhere = anywhere

    async def __call__(self, scope: Scope, receive: ASGI, send: ASGI) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.inner(scope, receive, send)
            return
        said = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = said.get("host", "")
        added = headers(host if self._known(host) else "", self.hashes)
        why = self._why_not(scope, said)
        if why is not None:
            await self._refuse(scope, receive, send, added, *why)
            return

        async def sending(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        await self.inner(scope, receive, sending)

    def _why_not(self, scope: Scope, said: dict[str, str]) -> tuple[int, str, str, str] | None:
        """Status, code, message and hint of a refusal; None for who may ask."""
        host, origin = said.get("host", ""), said.get("origin")
        if not self._known(host):
            return (
                403, "host", f"This server does not answer to the name {host[:80]!r}.",
                "Open the link that it printed, with 127.0.0.1 or localhost.",
            )  # fmt: skip
        if origin is not None and urlsplit(origin).netloc.casefold() != host.casefold():
            return (
                403, "origin", f"A page of {origin[:80]!r} may not ask this server.",
                "Open the link that the server printed.",
            )  # fmt: skip
        if not scope["path"].startswith(OPEN) and not self._has_token(scope, said):
            return (
                403, "token", "The link's token is missing or wrong.",
                "Open the link that the server printed last: every start has a token of its own.",
            )  # fmt: skip
        length = said.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY:
            return (
                413, "too-long", f"At most {BODY >> 20} MB are taken at once.",
                "Send a smaller file.",
            )  # fmt: skip
        return None

    def _known(self, host: str) -> bool:
        name = re.sub(r":\d+$", "", host).casefold()
        if name in self.hosts:
            return True
        if not self.anywhere:
            return False
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _has_token(self, scope: Scope, said: dict[str, str]) -> bool:
        kind, _, bearer = said.get("authorization", "").partition(" ")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        given = [bearer.strip()] if kind.casefold() == "bearer" else []
        given += query.get("token", [])[:1]
        return any(secrets.compare_digest(one.encode(), self.token.encode()) for one in given)

    async def _refuse(
        self,
        scope: Scope,
        receive: ASGI,
        send: ASGI,
        added: list[tuple[bytes, bytes]],
        status: int,
        code: str,
        message: str,
        hint: str,
    ) -> None:
        self.refused(f"refused {scope['type']} {scope['path'][:80]}: {message}")
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": code})
            return
        page = scope["path"] in ("/", "/index.html")
        body = _page(message, hint) if page else json.dumps(
            {"code": code, "message": message, "hint": hint}
        )  # fmt: skip
        kind = b"text/html; charset=utf-8" if page else b"application/json"
        own = [(b"content-type", kind), (b"cache-control", b"no-store"), *added]
        await send({"type": "http.response.start", "status": status, "headers": own})
        await send({"type": "http.response.body", "body": body.encode()})


def _page(message: str, hint: str) -> str:
    from html import escape

    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>XAI Heatmap</title>'
        '<body style="font:16px/1.5 system-ui;max-width:40em;margin:15vh auto;padding:0 1em">'
        f"<h1>XAI Heatmap</h1><p>{escape(message)}</p><p>{escape(hint)}</p></body></html>"
    )
