"""The application: addresses of the contract between the server and the page."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from xai_heatmap.apps.web.answers import LOG, PRIVATE, answer, on_error
from xai_heatmap.apps.web.guard import BODY, Guard, script_hashes
from xai_heatmap.apps.web.threads import Threads
from xai_heatmap.core.errors import BadOption, ImageTooLarge, XaiHeatmapError
from xai_heatmap.core.version import installed_version
from xai_heatmap.runners.looking.asked import Asked
from xai_heatmap.runners.looking.look import look
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.pictures import Pictures

PATIENCE = 120.0
"""Seconds until a request is told that the network is still at work."""

CACHED = 128 << 20
"""Bytes of answers that are kept."""


@dataclass(eq=False)
class Served:
    """All that the server holds.

    Parameters
    ----------
    models
        By key; the first is the one that a page opens with.
    pictures
        That were sent, and samples.
    samples
        Names of the samples, by key.
    """

    models: Mapping[str, Model]
    pictures: Pictures
    samples: Mapping[str, str] = field(default_factory=dict)
    threads: dict[str, Threads] = field(default_factory=dict)
    decoding: Threads = field(default_factory=lambda: Threads("decoding", count=2, waiting=8))
    answers: "OrderedDict[str, bytes]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.threads |= {key: Threads(f"The network {key!r}") for key in self.models}

    def model(self, key: str | None) -> Model:
        """The model of that key, the first where none is named."""
        if not key:
            return next(iter(self.models.values()))
        if key not in self.models:
            raise BadOption(f"There is no model {key!r}. Models: {', '.join(self.models)}.")
        return self.models[key]

    async def maps(self, model: Model, key: str, asked: Asked) -> tuple[str, bytes]:
        """The answer to a question and its name: out of what is kept, or made now."""
        name = hashlib.sha256(f"{model.key}\0{key}\0{asked}".encode()).hexdigest()[:24]
        if name in self.answers:
            self.answers.move_to_end(name)
            return name, self.answers[name]
        picture = await self.decoding(partial(self.pictures.get, key))
        made = await self.threads[model.key](
            partial(look, model, picture, asked), patience=PATIENCE
        )
        self.keep(name, made)
        return name, made

    def keep(self, name: str, made: bytes) -> None:
        """Keep an answer; the oldest go where there is no room."""
        self.answers[name] = made
        held = sum(map(len, self.answers.values()))
        while len(self.answers) > 1 and held > CACHED:
            held -= len(self.answers.popitem(last=False)[1])


def application(served: Served, token: str, **guarded: Any) -> Guard:
    """The server's application, guarded; any ASGI server runs it, any other application mounts it.

    Parameters
    ----------
    served
        Models and pictures.
    token
        Word that requests need.
    **guarded
        As of `Guard`.
    """
    dist = Path(str(files("xai_heatmap.apps.web").joinpath("dist")))
    page = _page(dist)
    routes = [
        Route("/", partial(_index, page)),
        Route("/api/model", partial(_model, served)),
        Route("/api/image", partial(_post_image, served), methods=["POST"]),
        Route("/api/image/{key}", partial(_image, served)),
        Route("/api/maps/{key}", partial(_maps, served)),
    ]
    if (dist / "assets").is_dir():
        routes.append(Mount("/assets", _Assets(directory=dist / "assets")))  # type: ignore[arg-type]
    handlers: Any = {XaiHeatmapError: on_error, Exception: on_error}
    inner = Starlette(routes=routes, exception_handlers=handlers)
    return Guard(inner, token, hashes=script_hashes(page), refused=LOG.warning, **guarded)


class _Assets(StaticFiles):
    """Files of the viewer, whose names change with what they hold."""

    def file_response(self, *args: Any, **how: Any) -> Response:
        made = super().file_response(*args, **how)
        made.headers["cache-control"] = "public, max-age=31536000, immutable"
        return made


def _page(dist: Path) -> str:
    path = dist / "index.html"
    if path.is_file():
        return path.read_text("utf-8")
    return (
        "<!doctype html><title>XAI Heatmap</title><p>The viewer was not built. In a clone of the "
        "repository: <code>npm ci &amp;&amp; npm run build</code> in src/xai_heatmap/apps/web/ui."
    )


async def _index(page: str, request: Request) -> Response:
    del request
    return HTMLResponse(page, headers={"cache-control": "no-store"})


async def _model(served: Served, request: Request) -> Response:
    model = served.model(request.query_params.get("model"))
    facts: Any = await served.threads[model.key](model.facts, patience=PATIENCE)
    samples = [
        {"id": key, "name": name, "url": f"/api/image/{key}"}
        for key, name in (served.samples if facts["input"]["kind"] == "picture" else {}).items()
    ]
    models = [{"id": one.key, "name": one.name} for one in served.models.values()]
    return answer({"version": installed_version(), "models": models, **facts, "samples": samples})


async def _post_image(served: Served, request: Request) -> Response:
    data = await _body(request, BODY)
    name = unquote(request.headers.get("x-name", ""))[:200] or "picture"
    picture = await served.decoding(partial(served.pictures.put, data, name))
    return answer(picture.facts())


async def _body(request: Request, limit: int) -> bytes:
    """The body, up to so many bytes.

    Raises
    ------
    ImageTooLarge
        As soon as there are more.
    """
    parts, length = list[bytes](), 0
    async for part in request.stream():
        length += len(part)
        if length > limit:
            raise ImageTooLarge(f"At most {limit >> 20} MB are taken at once. Send a smaller file.")
        parts.append(part)
    return b"".join(parts)


async def _image(served: Served, request: Request) -> Response:
    picture = await served.decoding(partial(served.pictures.get, request.path_params["key"]))
    mime, data = await served.decoding(picture.encoded)
    return Response(data, headers=PRIVATE, media_type=mime)


async def _maps(served: Served, request: Request) -> Response:
    said: dict[str, Any] = dict(request.query_params)
    layers = request.query_params.getlist("layers")
    said["layers"] = _names(layers)
    name, data = await served.maps(
        served.model(said.get("model")), request.path_params["key"], Asked.of(said)
    )
    tag = f'"{name}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag, **PRIVATE})
    return Response(data, headers={"etag": tag, **PRIVATE}, media_type="application/octet-stream")


def _names(layers: list[str]) -> list[str] | str:
    """Layers of an address: a word, several, or a JSON list of names."""
    if len(layers) == 1 and layers[0].startswith("["):
        try:
            found = json.loads(layers[0])
        except ValueError:
            found = None
        if isinstance(found, list):
            return found
    return layers or "auto"
