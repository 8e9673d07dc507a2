"""What a run asks of every picture, ready to be asked: from a job and a network to rows."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import BadOption, InputError
from xai_heatmap.core.layers.selection import select, several
from xai_heatmap.core.network import Network
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.core.targets.wording import parsed
from xai_heatmap.explaining.banded import bands_taken
from xai_heatmap.explaining.batched import Ask
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.preparing import prepared_by
from xai_heatmap.explaining.request import choice, usual_method, with_options
from xai_heatmap.jobs import request
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.runners.local import surveyed
from xai_heatmap.sources.band_files import bands_in
from xai_heatmap.sources.image import Photograph, read
from xai_heatmap.sources.labels import labels as labels_in
from xai_heatmap.sources.preprocess import Preprocess


@dataclass(frozen=True)
class Objects:
    """What a call from Python says in objects, which no job file can hold.

    Parameters
    ----------
    preprocess, target, labels, options
        As of `explain`; None where the job says it.
    """

    preprocess: Any = None
    target: Choice | None = None
    labels: Sequence[str] | None = None
    options: Mapping[str, object] | None = None

    @property
    def none(self) -> bool:
        """Whether the job says everything."""
        return all(own is None for own in vars(self).values())


@dataclass(frozen=True)
class Asking:
    """Question of a run, for the pictures of one process.

    Parameters
    ----------
    job
        What is asked, in words.
    ask
        The same as a function of prepared pictures.
    prepared
        Function that makes one picture the network's input; threads may call it side by side.
    draw
        How a picture is drawn with its heat.
    """

    job: Batch
    ask: Ask
    prepared: Callable[[Any], PreparedInput]
    draw: Callable[[Explanation], Image]

    @property
    def network(self) -> Network:
        """What is explained."""
        return self.ask.network


def asking(job: Batch, network: Network, objects: Objects | None = None) -> Asking:
    """The question of a job; all that can be found wrong before the first picture is found here.

    Raises
    ------
    XaiHeatmapError
        As `explain` does.
    """
    said = objects or Objects()
    labels = said.labels or (labels_in(job.labels) if job.labels else None)
    name = _one(job.method, "method") or usual_method(network, surveyed(network, job))
    options = said.options if said.options is not None else request.options(job, [name])[name]
    method, own = with_options(name, options, network)
    layer = _one(job.layer, "layer")
    if several(layer):
        raise BadOption(f"A run has one layer; {layer!r} means several. Name one of them.")
    word = _one(job.target, "target")
    choices = (said.target,) if said.target else parsed(
        word, labels or network.declared.labels or ()
    )  # fmt: skip
    if len(choices) != 1:
        raise BadOption(
            f"A run has one target; {word!r} means {len(choices)}. Say top1, or a class."
        )
    survey = surveyed(network, job)
    select(survey, layer, auto=method.auto)
    network.check_held(1)
    ask = Ask(network, method, dict(own), layer, choice(choices[0]), labels)
    how = said.preprocess if said.preprocess is not None else request.preparing(job)
    return Asking(job, ask, preparing(how, network, job), request.drawing(job))


def preparing(how: Any, network: Network, job: PictureJob) -> Callable[[Any], PreparedInput]:
    """Function from a path, bytes or an array to the network's input."""
    plain = how is None or isinstance(how, str | Mapping | Preprocess)
    kept = prepared_by(how, network)
    turns = nullcontext() if plain and _settled(network) else threading.Lock()

    def prepared(given: Any) -> PreparedInput:
        found = _looked_at(given, network, job)
        with turns:  # another library's object measures itself, and draws from random states
            return prepare(found, kept, network, white=_white(job, found))

    return prepared


def _settled(network: Network) -> bool:
    """Whether the network's own word on preprocessing is plain."""
    return isinstance(network.declared.preprocess, str | Mapping | None)


def _white(job: PictureJob, found: Any) -> float | None:
    return None if isinstance(found, Photograph) else job.white


def _looked_at(given: Any, network: Network, job: PictureJob) -> Any:
    """A picture that was read, whatever it came as."""
    if isinstance(given, Path):
        return request.looked_at(str(given), network, job)
    if isinstance(given, bytes):
        channels = bands_taken(network)
        bands = None if channels is None else bands_in(given, channels, limit=job.max_pixels)
        return read(given, limit=job.max_pixels, white=job.white) if bands is None else bands
    if isinstance(given, Exception):
        raise given
    if given is None:
        raise InputError("There is no picture: the row holds None.")
    return given


def _one(words: Sequence[str], name: str) -> str:
    """The one word; empty where there is none."""
    if len(words) > 1:
        raise BadOption(f"A run has one {name}; received {', '.join(words)}. Make a run for each.")
    return words[0] if words else ""
