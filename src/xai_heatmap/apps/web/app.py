"""The application: addresses of the contract between the server and the page."""

from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from xai_heatmap.apps.web import addresses
from xai_heatmap.apps.web.answers import LOG, on_error
from xai_heatmap.apps.web.device import device
from xai_heatmap.apps.web.guard import Guard, script_hashes
from xai_heatmap.apps.web.live import live
from xai_heatmap.apps.web.recording import record
from xai_heatmap.apps.web.served import Served
from xai_heatmap.core.errors import XaiHeatmapError


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
        Route("/api/model", partial(addresses.model_facts, served)),
        Route("/api/image", partial(addresses.take_picture, served), methods=["POST"]),
        Route("/api/image/{key}", partial(addresses.picture, served)),
        Route("/api/image/{key}/facts", partial(addresses.facts_of, served)),
        Route("/api/image/{key}/curve", partial(addresses.curve_of, served)),
        Route("/api/maps/{key}", partial(addresses.maps, served)),
        Route("/api/channels/{key}", partial(addresses.channels_of, served)),
        Route("/api/jobs", partial(addresses.start_job, served), methods=["POST"]),
        Route("/api/jobs/{key}", partial(addresses.end_job, served), methods=["DELETE"]),
        Route("/api/jobs/{key}/events", partial(addresses.events, served)),
        Route("/api/compare", partial(addresses.start_comparison, served), methods=["POST"]),
        Route("/api/compare/{key}", partial(addresses.compared, served)),
        Route("/api/recording", partial(record, served), methods=["POST"]),
        WebSocketRoute("/ws/live", partial(live, served)),
        WebSocketRoute("/ws/device", partial(device, served)),
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
