"""Recordings of the camera: a page sends the maps that it saw, and gets them as one file."""

import struct
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from xai_heatmap.apps.web.addresses import body_of
from xai_heatmap.apps.web.answers import PRIVATE
from xai_heatmap.apps.web.guard import BODY
from xai_heatmap.apps.web.served import Served
from xai_heatmap.core.errors import BadOption
from xai_heatmap.runners.looking.packet import unpacked
from xai_heatmap.runners.looking.recorded import recorded

PARQUET = "application/vnd.apache.parquet"


async def record(served: Served, request: Request) -> Response:
    """Maps of a recording, sent as a packet, as a Parquet file."""
    data = await body_of(request, BODY)
    return Response(
        await served.decoding(partial(_written, data)), headers=PRIVATE, media_type=PARQUET
    )


def _written(data: bytes) -> bytes:
    try:
        header, payload = unpacked(data)
    except (struct.error, ValueError, RecursionError) as error:
        raise BadOption("A recording is a packet: facts as JSON, and the maps behind.") from error
    if not isinstance(header, dict):
        raise BadOption("A recording is a packet: facts as JSON, and the maps behind.")
    return recorded(header, payload)
