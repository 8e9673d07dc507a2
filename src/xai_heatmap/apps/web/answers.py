"""Answers of the server: JSON, packets, and errors in one form."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from xai_heatmap.core.errors import (
    Busy,
    ImageNotFound,
    ImageTooLarge,
    InputError,
    ModelError,
    UsageError,
    XaiHeatmapError,
)
from xai_heatmap.core.plain import facts_of

LOG = logging.getLogger("xai_heatmap.web")

STATUS: Mapping[type[XaiHeatmapError], int] = {
    ImageNotFound: 404,
    ImageTooLarge: 413,
    InputError: 422,
    UsageError: 400,
    ModelError: 500,
}

PRIVATE = {"cache-control": "private, no-cache"}


def answer(facts: object, *, status: int = 200, **headers: str) -> Response:
    """Facts as JSON."""
    text = json.dumps(facts_of(facts), ensure_ascii=False, allow_nan=False)
    said = {"cache-control": "no-store"} | {n.replace("_", "-"): v for n, v in headers.items()}
    return Response(text, status, said, "application/json")


def failure(error: BaseException) -> dict[str, str]:
    """Code, message and hint of an error; of a bug what kind it is, and no more."""
    if isinstance(error, XaiHeatmapError):
        said = str(error)
        message, dot, hint = said.partition(". ")
        return {"code": error.code, "message": f"{message}." if dot else said, "hint": hint}
    return {
        "code": "XH000",
        "message": f"The server failed: {type(error).__name__}.",
        "hint": "This is a bug in xai-heatmap; its log shows where.",
    }


def refusal(error: BaseException) -> Response:
    """An error as an answer."""
    status = 503 if isinstance(error, Busy) else next(
        (number for kind, number in STATUS.items() if isinstance(error, kind)), 500
    )  # fmt: skip
    return answer(failure(error), status=status)


async def on_error(request: Request, error: Exception) -> Response:
    """The answer to a request that failed, with a line in the log."""
    told(f"{request.method} {request.url.path}", error)
    return refusal(error)


def told(what: str, error: BaseException) -> None:
    """A line in the log; of a bug where it happened."""
    bug = not isinstance(error, XaiHeatmapError)
    LOG.log(
        logging.ERROR if bug else logging.WARNING,
        "%s: %s %s",
        what,
        failure(error)["code"],
        error,
        exc_info=error if bug else None,
    )


Facts = dict[str, Any]
