"""Addresses of the contract between the server and the page."""

import json
from functools import partial
from typing import Any
from urllib.parse import unquote, urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from xai_heatmap.apps.web.answers import PRIVATE, answer
from xai_heatmap.apps.web.guard import BODY
from xai_heatmap.apps.web.jobs import Job
from xai_heatmap.apps.web.served import PATIENCE, Served
from xai_heatmap.core.errors import BadOption, ImageNotFound, ImageTooLarge
from xai_heatmap.core.network import INPUT
from xai_heatmap.core.registry import Method, find_method
from xai_heatmap.core.version import installed_version
from xai_heatmap.runners.looking.arrays import curve, laid, slice_picture
from xai_heatmap.runners.looking.asked import AUTO, FIELDS, Asked, only
from xai_heatmap.runners.looking.channels import PAGE, channels
from xai_heatmap.runners.looking.comparing import Compared, comparison
from xai_heatmap.runners.looking.expected import expected
from xai_heatmap.runners.looking.look import layers_of, look
from xai_heatmap.runners.looking.model import Model

WORDS = 1 << 18
"""Bytes of a question."""

TOKEN, MODEL = "token", "model"

CHANNELS = (MODEL, "layer", "target", "against", "page", "size")
COMPARISON = (MODEL, "image", "methods", "layers", "targets", "options")
"""Words of the questions that are not about maps of one picture."""


async def model_facts(served: Served, request: Request) -> Response:
    """Facts of a network: layers, methods, classes, samples."""
    model = _model(served, request)
    facts: Any = await served.threads[model.key](model.facts, patience=PATIENCE)
    samples = [
        {"id": key, "name": name, "url": f"/api/image/{key}"}
        for key, name in (served.samples if facts["input"]["kind"] == "picture" else {}).items()
    ]
    models = [{"id": one.key, "name": one.name} for one in served.models.values()]
    own = {"samples": samples, "device": served.device}
    return answer({"version": installed_version(), "models": models, **facts, **own})


async def take_picture(served: Served, request: Request) -> Response:
    """Take a picture, a signal or a volume as its file's bytes."""
    data = await body_of(request, BODY)
    name = unquote(request.headers.get("x-name", ""))[:200] or "picture"
    picture = await served.decoding(partial(served.pictures.put, data, name))
    return answer(picture.facts())


async def body_of(request: Request, limit: int) -> bytes:
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


async def picture(served: Served, request: Request) -> Response:
    """The picture that the stage draws; of a volume one of its slices."""
    query = request.query_params
    only(query, (MODEL, "slice", "axis", TOKEN))
    shown = await served.decoding(partial(served.pictures.get, request.path_params["key"]))
    if shown.array is None:
        mime, data = await served.decoding(shown.encoded)
    else:
        model = served.model(query.get("model"))
        said: dict[str, Any] = dict(query)
        which = _whole(said, "slice", 0) if "slice" in said else None
        work = partial(slice_picture, shown, model.opened, which, _whole(said, "axis", 0))
        mime, data = "image/png", await served.decoding(work)
    return Response(data, headers=PRIVATE, media_type=mime)


async def facts_of(served: Served, request: Request) -> Response:
    """Facts of a picture that is kept; of an array with its shape as the network takes it."""
    model = _model(served, request)
    shown = await served.decoding(partial(served.pictures.get, request.path_params["key"]))
    facts = shown.facts()
    if shown.array is not None:
        array = await served.decoding(partial(laid, shown, model.opened))
        facts["laid"] = list(array.shape)
    return answer(facts)


async def maps(served: Served, request: Request) -> Response:
    """The packet that answers a question: all its layers at once."""
    only(request.query_params, (*FIELDS, TOKEN))
    said = _said(request)
    name, data = await served.maps(
        served.model(said.get("model")), request.path_params["key"], Asked.of(said)
    )
    tag = f'"{name}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag, **PRIVATE})
    made = _packet(data)
    made.headers["etag"] = tag
    return made


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


async def channels_of(served: Served, request: Request) -> Response:
    """A page of a layer's channels, by what they add to the score."""
    only(request.query_params, (*CHANNELS, TOKEN))
    said = _said(request, "layer")
    numbers = [_whole(said, name, usual) for name, usual in (("page", 0), ("size", PAGE))]
    model, asked = served.model(said.get("model")), Asked.of(said)
    shown = await served.decoding(partial(served.pictures.get, request.path_params["key"]))
    work = partial(channels, model, shown, asked, page=numbers[0], size=numbers[1])
    return _packet(await served.threads[model.key](work, patience=PATIENCE))


async def curve_of(served: Served, request: Request) -> Response:
    """A signal's numbers, channel by channel."""
    model = _model(served, request)
    shown = await served.decoding(partial(served.pictures.get, request.path_params["key"]))
    return answer(await served.decoding(partial(curve, shown, model.opened)))


async def start_job(served: Served, request: Request) -> Response:
    """Begin a dear question; its events say how far it is."""
    said = await _words(request)
    only(said, (*FIELDS, "image"))
    model, key, asked = served.model(_text(said, "model")), _text(said, "image"), Asked.of(said)
    asked.choice(model.names)
    method = find_method(asked.method or model.method or "gradcam")
    method.checked(asked.taken)
    shown = await served.decoding(partial(served.pictures.get, key))

    def work(job: Job) -> str:
        def begin(layer: str) -> None:
            job.begin(f"{method.name} at {layer}")

        made = look(model, shown, asked, watch=job.watch, begin=begin, hear=job.hear)
        job.loop.call_soon_threadsafe(served.keep, served.name(model, key, asked), made)
        return f"/api/maps/{key}?{urlencode(_address(model.key, asked), doseq=True)}"

    return answer({"job": served.jobs.start(work, expected_of(model, method, asked)).key})


def expected_of(model: Model, method: Method, asked: Asked) -> int | None:
    """Pictures that are expected to go through the network."""
    survey = model.survey
    layers = layers_of(asked, method, survey)
    usual = survey.auto if method.auto == "auto" else INPUT
    names = [usual or INPUT if one == AUTO else one for one in layers]
    return expected(method, asked.taken, names, survey)


async def start_comparison(served: Served, request: Request) -> Response:
    """Begin a comparison; its result is a packet of its own."""
    said = await _words(request)
    only(said, COMPARISON)
    model, key, asked = served.model(_text(said, "model")), _text(said, "image"), Compared.of(said)
    shown = await served.decoding(partial(served.pictures.get, key))

    def work(job: Job) -> str:
        made = comparison(model, shown, asked, watch=job.watch, begin=job.begin)
        name = served.name(model, key, asked)
        job.loop.call_soon_threadsafe(served.keep, name, made)
        return f"/api/compare/{name}"

    return answer({"job": served.jobs.start(work).key})


async def compared(served: Served, request: Request) -> Response:
    """The packet of a comparison, as long as it is kept."""
    name = request.path_params["key"]
    if name not in served.answers:
        raise ImageNotFound("This comparison is not kept any more. Ask for it again.")
    return _packet(served.answers[name])


async def events(served: Served, request: Request) -> Response:
    """What a job says as it goes on."""
    job = served.jobs.get(request.path_params["key"])
    said = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(job.stream(), headers=said, media_type="text/event-stream")


async def end_job(served: Served, request: Request) -> Response:
    """Cancel a job: it ends at its next pass."""
    served.jobs.get(request.path_params["key"]).cancel()
    return Response(status_code=204)


def _packet(data: bytes) -> Response:
    return Response(data, headers=PRIVATE, media_type="application/octet-stream")


def _model(served: Served, request: Request) -> Model:
    """The network that an address names, which says nothing else."""
    only(request.query_params, (MODEL, TOKEN))
    return served.model(request.query_params.get(MODEL))


def _said(request: Request, layers: str = "layers") -> dict[str, Any]:
    """The words of an address, with its layers as a list."""
    said: dict[str, Any] = dict(request.query_params)
    return said | {"layers": _names(request.query_params.getlist(layers))}


def _whole(said: dict[str, Any], name: str, usual: int) -> int:
    word = str(said.get(name, usual))
    if not word.isdecimal() or len(word) > 9:
        raise BadOption(f"{name} is a whole number; received {word[:20]!r}.")
    return int(word)


async def _words(request: Request) -> dict[str, Any]:
    """The JSON object of a body.

    Raises
    ------
    BadOption
        For what is none.
    """
    data = await body_of(request, WORDS)
    said: object = None
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise BadOption("A question is a JSON object.")
    return said


def _text(said: dict[str, Any], name: str) -> str:
    own = said.get(name) or ""
    if not isinstance(own, str):
        raise BadOption(f"{name} is text.")
    return own


def _address(model: str, asked: Asked) -> dict[str, Any]:
    """A question as the words of an address, which mean the same question."""
    said: dict[str, Any] = {"model": model, "layers": list(asked.layers)}
    said |= {"method": asked.method, "target": asked.target, "against": asked.against}
    return {name: own for name, own in said.items() if own} | {"options": asked.options}
