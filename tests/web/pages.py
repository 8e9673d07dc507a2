"""The server's application as tests hold it, pictures to send, and what comes back."""

import io
import struct

import numpy as np
import PIL.Image
from starlette.testclient import TestClient

import xai_heatmap as xh
from xai_heatmap.apps.web.app import Served, application
from xai_heatmap.apps.web.samples import with_samples
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.pictures import Pictures

TOKEN = "word"  # noqa: S105 - of a test


def png(picture=None):
    """A picture's file; of noise where none is given."""
    if picture is None:
        picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    written = io.BytesIO()
    PIL.Image.fromarray(picture).save(written, "PNG")
    return written.getvalue()


def served(models=None, **how):
    """The demo network, or others, with the samples."""
    if models is None:
        models = {"demo": Model("demo", "demo", xh.network("demo"))}
    pictures = Pictures(**how)
    return Served(models, pictures, with_samples(pictures))


def client(held, *, token=TOKEN, **guarded):
    asking = {"authorization": f"Bearer {token}"} if token else {}
    app = application(held, TOKEN, **guarded)
    return TestClient(
        app, base_url="http://127.0.0.1", headers=asking, raise_server_exceptions=False
    )


def values(entry, payload):
    """A map of a packet as numbers."""
    own = payload[entry["offset"] : entry["offset"] + entry["length"]]
    levels = np.frombuffer(own, np.uint8).reshape(entry["shape"]).astype(float)
    return entry["lo"] + levels / 255 * (entry["hi"] - entry["lo"])


def frame(t, picture):
    """A frame as a page sends it: the time, and the picture's file."""
    data = picture if isinstance(picture, bytes) else png(picture)
    return struct.pack("<d", t) + data
