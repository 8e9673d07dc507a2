"""Request of a job, in the words of `compare`."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import BadArray, BadOption, InputError
from xai_heatmap.core.layers.selection import Layers
from xai_heatmap.core.network import Network
from xai_heatmap.core.options import Option
from xai_heatmap.core.registry import METHODS, find_method
from xai_heatmap.core.targets.text import Texts
from xai_heatmap.core.targets.text import text as texts
from xai_heatmap.explaining.banded import banded, bands_taken
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.facts import FINE
from xai_heatmap.explaining.laying import laid_out, shown_kind
from xai_heatmap.explaining.preparing import Preparing
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.sources.array import KINDS, is_stored, stored
from xai_heatmap.sources.band_files import bands_in
from xai_heatmap.sources.image import Photograph, read
from xai_heatmap.sources.regions import regions_in

SMALL = 16 * 16
"""Places of a grid beyond which an outline is in the way in the small pictures of a sheet."""


def drawing(job: PictureJob) -> Callable[[Explanation], Image]:
    """Function that draws an explanation as the job wants."""

    def draw(one: Explanation) -> Image:
        return one.overlay(contour=job.contour, legend=job.legend, **_drawn(job, one))

    return draw


def drawing_small(job: PictureJob) -> Callable[[Explanation], Image]:
    """Function that draws an explanation for a sheet of many: without legends, and fine grids to
    their 99th percentile.
    """

    def draw(one: Explanation) -> Image:
        outlined = one.layer.places <= SMALL if job.contour is None else job.contour
        scale = "p99" if one.layer.places > FINE else "max"
        return one.overlay(contour=outlined, scale=scale, **_drawn(job, one))

    return draw


def _drawn(job: PictureJob, one: Explanation) -> dict[str, Any]:
    """Drawing options of the job, as far as they apply to what is explained."""
    said: dict[str, Any] = {"colormap": job.colormap, "mute": job.mute, "smooth": job.smooth}
    said |= {} if job.alpha is None else {"alpha": job.alpha}
    if one.axes == 3:
        which = job.slices[0] if job.slices and len(job.slices) == 1 else job.slices
        said |= {"axis": job.axis, "slices": which}
    return said


def options(job: PictureJob, methods: Sequence[str]) -> dict[str, dict[str, object]]:
    """The options of each method: those named for it, and those named for all that have them."""
    found: dict[str, dict[str, object]] = {name: {} for name in methods}
    for text in job.option:
        key, equals, value = text.partition("=")
        owner, dot, name = key.strip().rpartition(".")
        if not equals or not name:
            raise BadOption(
                f"An option is written name=value, such as relu=false; received {text!r}."
            )
        if dot and owner not in found:
            raise BadOption(
                f"The option {text!r} is for {owner!r}, which is not among the methods: "
                f"{', '.join(methods)}. Add --method {owner}, or leave the option out."
            )
        takers = [owner] if dot else [m for m in methods if name in find_method(m).options]
        for method in takers or methods[:1]:
            own = find_method(method)
            given = _of_file(own.taken.get(name), value.strip())
            found[method] |= own.checked({name: given})
    for name, text in job.method_options().items():
        for method in _takers(name, methods):
            own = find_method(method)
            found[method] |= own.checked({name: _of_file(own.taken.get(name), text.strip())})
    return found


def _takers(name: str, methods: Sequence[str]) -> list[str]:
    """Those of the methods that have an option.

    Raises
    ------
    BadOption
        If none has.
    """
    found = [method for method in methods if name in find_method(method).options]
    if not found:
        known = ", ".join(own for own, method in METHODS.items() if name in method.options)
        raise BadOption(
            f"--{name} is for methods that have it: {known}; asked for: {', '.join(methods)}. Add "
            f"--method with one of them, or leave --{name} out."
        )
    return found


def _of_file(option: Option | None, value: str) -> object:
    """The value of an option; what a file holds, where one is named and arrays are taken."""
    if option is not None and option.form == "regions":
        return regions_in(value)
    if option is None or option.form is None or not Path(value).suffix:
        return value
    return _array(value) if value.endswith(".npy") else value


def held(job: PictureJob) -> dict[str | int, object] | Texts:
    """Values held beside the picture: arrays from files, numbers, rows of numbers; or texts.

    Raises
    ------
    BadOption, BadArray, UnknownTarget
        For words that are none of these, and files that numpy can't read.
    """
    if job.text and job.hold:
        raise BadOption("Either texts or other inputs are held; leave --text or --hold out.")
    if job.text:
        return texts(job.text)
    found: dict[str | int, object] = {}
    for text in job.hold:
        name, equals, value = (word.strip() for word in text.partition("="))
        if not equals or not name or not value:
            raise BadOption(
                f"What is held is written NAME=FILE.npy or NAME=NUMBER; received {text!r}."
            )
        found[_place(name)] = _array(value) if value.endswith(".npy") else _numbers(text, value)
    return found


def picture(job: PictureJob) -> str | int | None:
    """Name or number of the input that is the picture; None where the job does not say."""
    return None if job.picture is None else _place(job.picture)


def _place(name: str) -> str | int:
    return int(name) if name.isdecimal() else name


def _array(path: str) -> np.ndarray:
    try:
        return stored(Path(path).expanduser())
    except InputError as error:
        raise BadArray(f"{path!r} can't be read as an array: {error}") from error


def _numbers(text: str, value: str) -> object:
    """A number; with a comma, a row of them."""
    try:
        numbers = [_number(word) for word in value.split(",") if word.strip()]
    except ValueError:
        raise BadOption(
            f"{text!r} holds no number and no .npy file. Write NAME=1.5, a row as NAME=1,2,3 (of "
            "one number NAME=1,), or NAME=FILE.npy."
        ) from None
    return np.array([numbers]) if "," in value else numbers[0]


def _number(word: str) -> int | float:
    return int(word) if word.strip().lstrip("+-").isdecimal() else float(word)


def looked_at(path: str, network: Network, job: PictureJob) -> np.ndarray | Photograph | Path:
    """The picture at that path, read; what it holds where the network takes other bands than a
    photograph has, the array of a ``.npy`` file; the path of a picture where the network takes
    none, for `compare` to refuse.
    """
    if is_stored(path):
        return stored(path)
    if network.declared.rank in KINDS:
        return Path(path)
    channels = bands_taken(network)
    if channels is not None:
        found = bands_in(Path(path), channels, limit=job.max_pixels)
        if found is not None or network.declared.input_shape is not None:
            return Path(path) if found is None else found
    return read(Path(path), limit=job.max_pixels, white=job.white)


def input_shape(job: PictureJob, network: Network) -> tuple[int, ...]:
    """(c, *image) that the network is looked at with before any work: of the first array, as the
    job says, as the network declares, else as pictures usually are.
    """
    declared = network.declared.input_shape
    for path in filter(is_stored, job.images):
        with suppress(InputError):  # said where its turn comes
            kind = shown_kind(stored(path), network)
            if kind is not None:
                return laid_out(stored(path), kind, network).shape
            bands = banded(stored(path), network)
            if bands is not None:
                return bands.shape
    usual = declared or (3, 224, 224)
    size = job.size if len(usual) == 3 else None
    return (usual[0], *(size or usual[1:]))


def layers(words: Sequence[str]) -> Layers:
    """Layers of the job; one word alone may be `auto`, which then says why."""
    return words[0] if len(words) == 1 else list(words)


def preprocessing(job: PictureJob) -> dict[str, object]:
    """Preprocessing that the job itself states, in the words of `Preprocess`."""
    said = {
        "mean": job.mean,
        "std": job.std,
        "input_size": job.size,
        "fit": job.fit,
        "ratio": job.crop,
        "resampling": job.resampling,
    }
    return {name: value for name, value in said.items() if value is not None}


def preparing(job: PictureJob) -> Preparing:
    """The job's word; None where it says nothing, and the model's own stands."""
    mode = {} if job.preprocess is None else {"mode": job.preprocess}
    return mode | preprocessing(job) or None
