"""One process, one model, one picture after the other."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import (
    InputError,
    ModelError,
    ModelFailed,
    NonFiniteScores,
    XaiHeatmapError,
)
from xai_heatmap.core.network import Network, Survey
from xai_heatmap.core.plain import plain
from xai_heatmap.core.targets.wording import parsed
from xai_heatmap.explaining.answer import Answered
from xai_heatmap.explaining.comparison import Comparison
from xai_heatmap.explaining.explain import compare
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.request import usual_method
from xai_heatmap.jobs import request
from xai_heatmap.jobs.events import MapsResult, Refusal, refusal
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.networks.loading.folder import same_folder
from xai_heatmap.runners.failing import running
from xai_heatmap.runners.opening import check as check
from xai_heatmap.runners.opening import opened as opened
from xai_heatmap.sources.frames import Frame, pictures
from xai_heatmap.sources.labels import labels as labels_in


@dataclass(frozen=True)
class Row:
    """Result of one image of a job.

    Parameters
    ----------
    image
        As it was named.
    comparison
        Its explanations, None where there is an error.
    error
        Why there are none.
    key
        Of its frame.
    pictures, sheet
        What was written: one picture an explanation, and one of all where there are several.
    seconds
        How long it took, by stage.
    drawn
        The first explanation on its picture, without a caption; None of what was not drawn.
    answered
        The answer to the job's question, if it asks one.
    """

    image: str
    comparison: Comparison | None = None
    error: XaiHeatmapError | None = None
    key: str = ""
    pictures: Sequence[Path] = ()
    sheet: Path | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    drawn: Image | None = field(default=None, repr=False, compare=False)
    answered: Answered | None = field(default=None, repr=False, compare=False)

    def event(self, job: PictureJob) -> MapsResult | Refusal:
        """The row in plain values, for pages, other processes and ``--json``."""
        if self.error is not None:
            return refusal(
                self.error, key=self.key, image=self.image, model=job.model, job="explain"
            )
        files = zip(self.comparison or (), self.pictures, strict=True)
        return MapsResult(
            key=self.key,
            image=self.image,
            model=job.model,
            explanations=[
                plain(one.to_dict())
                | {"picture": str(path), "arrays": str(path.with_suffix(".npz"))}
                for one, path in files
            ],
            sheet=str(self.sheet) if self.sheet else None,
            answer=self.answered.text if self.answered else None,
            words=[one.to_dict() for one in self.answered or ()],
            seconds=dict(self.seconds),
        )


def surveyed(network: Network, job: PictureJob) -> Survey:
    """The network at the job's input size: the model's own code runs here for the first time.

    Raises
    ------
    ModelError
        For whatever that code raises.
    """
    shape = request.input_shape(job, network)
    try:
        with same_folder():
            return network.survey(shape)
    except XaiHeatmapError:
        raise
    except (Exception, SystemExit) as error:  # a model may call sys.exit(), too
        size = "x".join(map(str, shape))
        raise ModelError(
            f"The model failed on an input of {size}: {type(error).__name__}: "
            f"{str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}. "
            "Say the input that it takes with --size ROWSxCOLUMNS; --debug shows where it failed."
        ) from error


def run(job: PictureJob, network: Network, *, done: Collection[str] = ()) -> Iterator[Row]:
    """Explain one picture after the other; one that can't be read is a row with an error.

    Parameters
    ----------
    job, network
        What is asked, and of which network.
    done
        Keys of frames that a run before this one has done.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture.
    """
    names = labels_in(job.labels) if job.labels else network.declared.labels or ()
    targets = [choice for word in job.target for choice in parsed(word, names)]
    survey = surveyed(network, job)
    methods = job.method or (usual_method(network, survey),)
    ask = partial(
        compare,
        network,
        methods=methods,
        layers=request.layers(job.layer),
        targets=targets,
        preprocess=request.preparing(job),
        white=job.white,
        labels=names if job.labels else None,
        options=request.options(job, methods),
        test=job.test,
        passes=job.passes,
        guard=job.guard,
    )
    for frame in pictures(job.images, done=done):
        try:
            yield _explained(job, ask, frame, network=network)
        except (InputError, NonFiniteScores, ModelFailed) as error:
            yield Row(frame.path, error=error, key=frame.key)


def _explained(
    job: PictureJob, ask: Callable[..., Comparison], frame: Frame, *, network: Network
) -> Row:
    start = time.perf_counter()
    given = request.looked_at(frame.path, network, job)
    decoded = time.perf_counter()
    with running(network.name):
        comparison = Comparison(tuple(replace(one, name=frame.name) for one in ask(given)))
    explained = time.perf_counter()
    seconds = {"read": decoded - start, "explain": explained - decoded}
    return written(job, frame, comparison, seconds=seconds)


def written(
    job: PictureJob,
    frame: Frame,
    comparison: Comparison,
    *,
    seconds: Mapping[str, float],
    answered: Answered | None = None,
) -> Row:
    """Row of a picture whose explanations are drawn and saved here."""
    begun = time.perf_counter()
    draw, drawn = request.drawing(job), list[Image]()

    def kept(one: Explanation) -> Image:
        picture = draw(one)
        if not drawn:  # the first one, which a sheet shows again
            drawn.append(picture)
        return picture

    saved = comparison.save(job.out, draw=kept, caption=job.caption)
    return Row(
        frame.path,
        comparison,
        key=frame.key,
        pictures=saved[: len(comparison)],
        sheet=saved[-1] if len(saved) > len(comparison) else None,
        seconds={**seconds, "draw and write": time.perf_counter() - begun},
        drawn=drawn[0] if drawn else None,
        answered=answered,
    )
