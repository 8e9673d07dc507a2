"""One question about each picture, answered in words, with a map for each token of the answer."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from xai_heatmap.core.errors import BadOption, InputError, ModelFailed, NonFiniteScores
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.targets.wording import parsed
from xai_heatmap.explaining.answer import METHOD, Answered, answer
from xai_heatmap.explaining.comparison import Comparison
from xai_heatmap.explaining.explain import compare
from xai_heatmap.jobs import request
from xai_heatmap.jobs.job import Explain
from xai_heatmap.networks.loading.folder import same_folder
from xai_heatmap.networks.loading.load import load
from xai_heatmap.runners.failing import running
from xai_heatmap.runners.local import Row, written
from xai_heatmap.sources.frames import Frame, pictures
from xai_heatmap.sources.image import read

OWN = (
    *("layer", "preprocess", "mean", "std", "size", "fit", "crop", "resampling", "white", "hold"),
    *("picture", "text", "axes", "labels", "answers", "test", "guard"),
)
"""Fields of a job that a question leaves no room for: the processor prepares the picture, and the
layer is where the picture's tokens enter the language model."""


@dataclass(frozen=True)
class Speaker:
    """Model that answers in words, with the processor that it came with."""

    model: Any
    processor: Any

    def prompt(self, question: str) -> str:
        """The question as the processor wants it: with the picture's token where that is left out,
        by the model's own template of a conversation, where there is one.
        """
        token = getattr(self.processor, "image_token", "<image>")
        template = getattr(self.processor, "chat_template", None)
        if str(token) in question or not template:
            return question
        content = [{"type": "image"}, {"type": "text", "text": question}]
        said = [{"role": "user", "content": content}]
        return self.processor.apply_chat_template(said, add_generation_prompt=True)


def check_question(job: Explain) -> None:
    """Refuse flags that a question leaves no room for.

    Raises
    ------
    BadOption
        For the first of them, an empty question, and more than one method.
    """
    if not (job.ask or "").strip():
        raise BadOption('A question in words is needed, such as --ask "What is on the table?".')
    fields = type(job).model_fields
    said = [name for name in OWN if getattr(job, name) != fields[name].default]
    if said:
        raise BadOption(
            f"--ask and --{said[0]} do not go together: the model's own processor prepares the "
            "picture, and maps lie where its tokens enter the language model. Leave "
            f"--{said[0]} out."
        )
    if len(job.method) > 1:
        raise BadOption(
            f"One method explains an answer; received {', '.join(job.method)}. Run the command "
            "once for each."
        )


def speaker(job: Explain) -> Speaker:
    """The job's model, with its processor.

    Raises
    ------
    BadOption
        If no processor came with the model.
    """
    with same_folder():
        loaded = load(job.model or "", weights=job.weights, words=True)
    processor = loaded.processor or getattr(loaded.model, "processor", None)
    if processor is None:
        raise BadOption(
            f"--ask needs the processor that {job.model} came with. Name a model of transformers, "
            "hf:ORG/NAME, or let the function of your own put it on the model: "
            "model.processor = AutoProcessor.from_pretrained(...)."
        )
    return Speaker(loaded.model, processor)


def run_question(job: Explain, asked: Speaker) -> Iterator[Row]:
    """Ask one picture after the other; one that can't be read is a row with an error."""
    method = find_method(job.method[0] if job.method else METHOD).name
    options = request.options(job, (method,))[method]
    for frame in pictures(job.images):
        try:
            yield _answered(job, asked, frame, method=method, options=options)
        except (InputError, NonFiniteScores, ModelFailed) as error:
            yield Row(frame.path, error=error, key=frame.key)


def _answered(
    job: Explain, asked: Speaker, frame: Frame, *, method: str, options: dict[str, object]
) -> Row:
    start = time.perf_counter()
    photograph = read(frame.path, limit=job.max_pixels)
    decoded = time.perf_counter()
    with running(type(asked.model).__name__):
        found = answer(
            asked.model,
            asked.processor,
            photograph.image,
            asked.prompt(job.ask or ""),
            method=method,
            options=options,
            tokens=job.tokens,
        )
        explanations = _of_targets(job, found, method, options)
    named = tuple(replace(one, name=frame.name) for one in explanations)
    seconds = {"read": decoded - start, "explain": time.perf_counter() - decoded}
    return written(job, frame, Comparison(named), seconds=seconds, answered=found)


def _of_targets(
    job: Explain, found: Answered, method: str, options: dict[str, object]
) -> list[Any]:
    """Explanations of the job's targets; of every token of the answer where it names none."""
    if job.target == type(job).model_fields["target"].default:
        return [word.explanation for word in found]
    names = found.network.declared.labels or ()
    targets = [choice for word in job.target for choice in parsed(word, names)]
    return list(
        compare(
            found.network, found.image, targets=targets, methods=[method], options={method: options}
        )
    )
