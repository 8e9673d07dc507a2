"""Question of a run asked again: its model, its preprocessing, from what the run's folder says."""

from typing import Any

from pydantic import ValidationError

from xai_heatmap.core.errors import BadOption, UsageError
from xai_heatmap.core.network import Network
from xai_heatmap.explaining.preparing import Preparing
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.runners.batch.asking import Asking, Objects, asking
from xai_heatmap.runners.batch.beginning import answered, check_answers, words_of_object
from xai_heatmap.runners.batch.stored import StoredRun
from xai_heatmap.runners.local import opened


def reopened(
    run: StoredRun, network: Network | None, *, named: str | None, preprocess: Preparing = None
) -> Asking:
    """What a run asks of its pictures.

    Parameters
    ----------
    run
        Which.
    network
        Opened; None to open it by its name.
    named
        Name or path of the model, where it is not that of the run.
    preprocess
        Where that was an object.

    Raises
    ------
    BadOption
        If the run does not say which model it was, or the model is another one.
    """
    facts = run.folder.facts
    job, objects = _job(facts, str(run.folder.path), preprocess)
    if named is not None:
        job = job.model_copy(update={"model": named, "weights": None})
    if network is None and job.model is None:
        raise BadOption(
            f"The run {str(run.folder.path)!r} was begun with a model in memory, "
            f"{facts['network']}, which no file holds. Give it: xai_heatmap.findings(run, model), "
            "or --model on the command line."
        )
    network = opened(job) if network is None else network
    try:
        own = asking(job, network, objects)
    except UsageError:
        if facts["job"] is not None or not job.option:
            raise
        own = asking(job.model_copy(update={"option": ()}), network, objects)  # of objects
    check_answers(
        run.folder, own.network, answered(own.network, job), otherwise="Name it by --model"
    )
    return own


def _job(facts: Any, name: str, preprocess: Preparing) -> tuple[Batch, Objects]:
    labels = tuple(facts["classes"]) or None
    if facts["job"] is not None:
        job = Batch.model_validate(facts["job"])
        return job.model_copy(update={"labels": None}), Objects(labels=labels)
    settings = dict(facts["settings"])
    said = {key: settings[key] for key in settings if key in Batch.model_fields}
    for key in ("labels", "source", "target"):
        said.pop(key, None)  # of words that stand for objects
    then = said.get("preprocess")
    if preprocess is not None and not isinstance(preprocess, str):
        said.pop("preprocess", None)
        if then is not None and then != words_of_object(preprocess):
            raise BadOption(
                f"The run {name!r} was made with another preprocessing than this one: {then}."
            )
        return Batch.model_validate(said), Objects(labels=labels, preprocess=preprocess)
    try:
        job = Batch.model_validate(said | ({"preprocess": preprocess} if preprocess else {}))
    except ValidationError as error:
        raise BadOption(f"The settings of the run {name!r} can't be read: {error}") from error
    return job, Objects(labels=labels)
