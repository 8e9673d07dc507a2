"""A model with its heatmap as one ONNX file, which gives both wherever ONNX runs, or as a page."""

import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnx import ModelProto

from xai_heatmap import networks
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, ModelError
from xai_heatmap.core.layers.selection import select, several
from xai_heatmap.core.listed import class_names
from xai_heatmap.core.named import named
from xai_heatmap.core.network import INPUT, Layers, Network
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.targets.answer import ROW
from xai_heatmap.core.version import installed_version
from xai_heatmap.explaining.preparing import fit_said, settled
from xai_heatmap.exporting.check import (
    pictures,
)
from xai_heatmap.exporting.convert import converted
from xai_heatmap.exporting.explainer import Wanted, explainers
from xai_heatmap.exporting.page import is_page, write_page
from xai_heatmap.exporting.proving import proven
from xai_heatmap.exporting.saving import check_folder_of, save
from xai_heatmap.exporting.site import write_site
from xai_heatmap.networks.loading.load import load
from xai_heatmap.networks.loading.loaded import Loaded
from xai_heatmap.networks.onnx.formulas import FORMULAS, WITHOUT_GRADIENT
from xai_heatmap.networks.onnx.graph import source
from xai_heatmap.networks.onnx.metadata import (
    CLASSES,
    EXTENTS,
    IMAGES,
    LABELS,
    LAYERS,
    METHOD,
    PREPROCESS,
    REASON,
    VERSION,
    write,
)
from xai_heatmap.networks.onnx.runtime import open_onnx
from xai_heatmap.networks.onnx.twins import twins
from xai_heatmap.sources.files import check_apart
from xai_heatmap.sources.preprocess import Preprocess


def export(
    model: Any,
    path: str | os.PathLike[str],
    *,
    method: str = "gradcam",
    layers: Layers = "auto",
    labels: Sequence[str] | None = None,
    preprocess: str | Preprocess | Mapping[str, object] | None = None,
    image_shape: Sequence[int] | None = None,
    runtime: str | os.PathLike[str] | None = None,
    web: bool = False,
    progress: Callable[[str], object] | None = None,
) -> Path:
    """Write one ONNX file that answers what the model answers, and its maps beside that.

    The file has the model's own input and outputs; one more input ``class_index``, int64, one for
    all images or one each, -1 for the prediction; and for every layer an output ``cam_0``,
    ``cam_1``, …, float32 (n, *grid), raw. ``class_index`` lies in [-1, classes - 1], as the file's
    metadata ``xai_heatmap.class_index`` says; what is outside ends in an error of the runtime. The
    file is tried on one, two and three random pictures before it is kept: the model's own outputs
    have to be equal to the last bit, the maps to those of Python.

    It takes any number of pictures. Where the model takes a fixed number, so does the file: a
    warning says it, and the metadata ``xai_heatmap.images``.

    A path in ``.html`` gets a page with that file and ONNX Runtime for browsers inside. Opened from
    disk it explains pictures and what a camera sees, and asks nobody for anything. With `web` the
    path is a folder, and that page has its files beside it: for any web server, and for models that
    are too large for one page.

    Parameters
    ----------
    model
        An ONNX file or ``onnx.ModelProto``, a ``torch.nn.Module``, a ``keras.Model``, or text that
        names one as for `xai_heatmap.network`.
    path
        Where the file goes.
    method
        ``gradcam``, ``hirescam``, ``layercam`` or ``eigencam``, each with its default options.
    layers
        As for `compare`, in the model's own names.
    labels, preprocess
        Written into the file; what the model itself says where they are left out.
    image_shape
        (c, H, W), where the model leaves it open; the file takes pictures of this size alone.
    runtime
        Of a page: the folder of the npm package onnxruntime-web, unpacked. Left out, npm fetches it
        once into the user's cache.
    web
        Whether a folder for static hosting is written: ``index.html``, ``model.onnx`` and the two
        files of the runtime.
    progress
        Called with a few words whenever another step begins; the export of a large network with
        maps of all layers takes minutes.

    Raises
    ------
    BadOption
        For a method that a file can't hold, or if `path` is a file that the model is read from. Of
        a page: for a model of more than 40 MB, or one that nobody says how to prepare pictures for.
    ModelError
        If the model can't be exported, or the result is not what it should be.
    OutputError
        If the file can't be written, or a folder holds another ``index.html``. Nothing is left
        behind.
    """
    asked = _Asked(method, layers, labels, preprocess, image_shape, progress or _silent)
    if web or is_page(path):
        return (write_site if web else write_page)(
            lambda file: _written(model, file, asked, contrasts=True), path, model=model,
            as_is=not fit_said(preprocess), runtime=runtime, say=asked.say,
        )  # fmt: skip
    if runtime is not None:
        raise BadOption(
            "A runtime goes into a page, name.html, or beside one, web=True (export web); an ONNX "
            "file takes none. Leave it out."
        )
    return _written(model, path, asked)


@dataclass(frozen=True)
class _Asked:
    """What an exported file is asked to hold; as for `export`."""

    method: str
    layers: Layers
    labels: Sequence[str] | None
    preprocess: str | Preprocess | Mapping[str, object] | None
    image_shape: Sequence[int] | None
    say: Callable[[str], object]


def _written(
    model: Any, path: str | os.PathLike[str], asked: _Asked, *, contrasts: bool = False
) -> Path:
    """The ONNX file, written and tried; with an input for a second class where that can be."""
    method, image_shape, say = asked.method, asked.image_shape, asked.say
    target = _checked(path, method)
    say("reading the model")
    given = load(model) if isinstance(model, str | os.PathLike) else model
    check_apart(target, given.files if isinstance(given, Loaded) else (), "The model is")
    network = networks.network(given, image_shape=image_shape)
    shape = tuple(image_shape or network.declared.input_shape or network.layers[INPUT].shape)
    labels, layers = class_names(asked.labels), named(network, asked.layers)
    names = select(network.survey(shape), layers)
    say("making an ONNX graph of it")
    graph = converted(given.model if isinstance(given, Loaded) else given, shape)
    twin = open_onnx(graph, image_shape=shape)
    x = pictures(graph, shape)
    say("finding its layers in the graph")
    opened = twins(network, twin, names, x, method=method, all_of_them=not several(layers))
    recorded = twin.record(x)
    if recorded.form != ROW:
        raise BadOption(
            f"A file with maps built in explains one score a class; {network.name} answers "
            f"{'x'.join(map(str, recorded.form.grid))} of them. Export it without maps, and "
            "explain the file with xai_heatmap.explain."
        )
    outputs = recorded.scores.shape[1]
    facts = _facts(network, outputs, method, opened, labels, asked.preprocess, shape)
    facts[IMAGES] = _number(source(graph, image_shape=shape).picture.images, network.name)
    extents = [twin.survey(shape).layers[name].extent for name in opened]
    if any(extents):
        facts[EXTENTS] = json.dumps(extents)
    layouts = {n: own for n in opened if (own := twin.layers[n].layout) is not None}
    contrasts = contrasts and outputs > 1 and method not in WITHOUT_GRADIENT
    wanted = Wanted(method, layouts, shape, outputs, contrasts)
    for finished, reason in _tried(explainers(graph, wanted), say, maps_=len(layouts)):
        if proven(graph, finished, twin, wanted, x):
            say("writing the file")
            write(finished, facts | {REASON: reason})
            save(finished, target)
            return Path(path)
    raise ModelError(
        f"The model's own outputs would change in their last bits if maps of {opened} were built "
        f"in: onnxruntime then joins other operators. Nothing was written; choose another layer."
    )


def _silent(_: str) -> None:
    pass


def _tried(
    ways: Iterator[tuple[ModelProto, str]], say: Callable[[str], object], *, maps_: int
) -> Iterator[tuple[ModelProto, str]]:
    """Ways to build the maps in, one after the other; each step is announced by `say`."""
    several = f"{maps_} maps" if maps_ > 1 else "the map"
    say(f"building {several} in")
    for way in ways:
        say(f"comparing {several} with those of Python")
        yield way
        say(f"building {several} in another way, since the model's own outputs changed")


def _number(images: int | None, name: str) -> str:
    """Number of pictures that the file takes at a time, in the words of its metadata."""
    if images is None:
        return "any"
    pictures_ = "one picture" if images == 1 else f"{images} pictures"
    warnings.warn(
        f"The exported file takes exactly {pictures_} at a time: the ONNX graph of {name} has that "
        f"number written into it. Give it pictures {pictures_} at a time.",
        stacklevel=3,
    )
    return str(images)


def _checked(path: str | os.PathLike[str], method: str) -> Path:
    find_method(method)
    if method not in FORMULAS:
        raise BadOption(
            f"A file can hold {', '.join(FORMULAS)}; {method!r} has no form as a graph yet. "
            f"Export one of these, or use explain(), which takes every method."
        )
    target = Path(path).absolute()
    if target.suffix.lower() != ".onnx":
        raise BadOption(f"The file is an ONNX file, name.onnx; received {str(path)!r}.")
    check_folder_of(target, "file")
    return target


def _facts(
    network: Network,
    outputs: int,
    method: str,
    opened: Sequence[str],
    labels: Sequence[str] | None,
    preprocess: str | Preprocess | Mapping[str, object] | None,
    shape: Sequence[int],
) -> dict[str, str]:
    """Metadata of the exported file."""
    names = list(labels or network.declared.labels or ())
    if labels and len(names) != max(outputs, 2 if outputs == 1 else 1):
        raise BadOption(
            f"{counted(len(names), 'label was given', 'labels were given')} for "
            f"{counted(outputs, 'class')}. Give one for each, in output "
            f"order."
        )
    facts = {VERSION: installed_version(), METHOD: method, LAYERS: json.dumps(list(opened))}
    facts[CLASSES] = f"-1..{max(outputs, 2) - 1}"
    if names:
        facts[LABELS] = json.dumps(names, ensure_ascii=False)
    if isinstance(preprocess or network.declared.preprocess, str | Mapping | Preprocess):
        prepared = settled(preprocess, network, input_shape=shape)
        facts[PREPROCESS] = json.dumps(prepared.to_dict())
    return facts
