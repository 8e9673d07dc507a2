"""A job as the events that it goes through: what pages and other processes listen to."""

from collections.abc import Collection, Iterator

from xai_heatmap.core.network import Network
from xai_heatmap.jobs.events import MapsResult, Progress, Refusal, SheetResult
from xai_heatmap.jobs.job import Compare, Explain
from xai_heatmap.runners.local import run
from xai_heatmap.runners.sheets import sheets
from xai_heatmap.sources.frames import pictures


def events(
    job: Explain | Compare, network: Network, *, done: Collection[str] = ()
) -> Iterator[Progress | MapsResult | SheetResult | Refusal]:
    """Progress before every picture, then its result or why there is none.

    Parameters
    ----------
    job, network
        What is asked, and of which network.
    done
        Keys of frames that are done already: those of the results and refusals of a run that was
        stopped.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture.
    """
    frames = list(pictures(job.images, done=done))
    results = _results(job, network, done)
    for number, frame in enumerate(frames, 1):
        yield Progress(key=frame.key, image=frame.path, number=number, total=len(frames))
        yield next(results)


def _results(
    job: Explain | Compare, network: Network, done: Collection[str]
) -> Iterator[MapsResult | SheetResult | Refusal]:
    if isinstance(job, Compare):
        for sheet in sheets(job, network, done=done):
            yield sheet.event(job)
    else:
        for row in run(job, network, done=done):
            yield row.event(job)
