"""What the server holds: networks with their threads, pictures, and answers that are kept."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from xai_heatmap.apps.web.jobs import Jobs
from xai_heatmap.apps.web.threads import Threads
from xai_heatmap.core.errors import BadOption
from xai_heatmap.runners.looking.asked import Asked
from xai_heatmap.runners.looking.look import look
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.pictures import Pictures

PATIENCE = 120.0
"""Seconds until a request is told that the network is still at work."""

ENDING = 5.0
"""Seconds that the end of a server waits for a pass that is at work."""

CACHED = 128 << 20
"""Bytes of answers that are kept."""


@dataclass(eq=False)
class Served:
    """All that the server holds.

    Parameters
    ----------
    models
        By key; the first is the one that a page opens with.
    pictures
        That were sent, and samples.
    samples
        Names of the samples, by key.
    device
        Of this machine, that pages may watch; None for none.
    """

    models: Mapping[str, Model]
    pictures: Pictures
    samples: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None
    threads: dict[str, Threads] = field(default_factory=dict)
    decoding: Threads = field(default_factory=lambda: Threads("decoding", count=2, waiting=8))
    jobs: Jobs = field(default_factory=Jobs)
    answers: "OrderedDict[str, bytes]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.threads |= {key: Threads(f"The network {key!r}") for key in self.models}

    def model(self, key: str | None) -> Model:
        """The model of that key, the first where none is named."""
        if not key:
            return next(iter(self.models.values()))
        if key not in self.models:
            raise BadOption(f"There is no model {key!r}. Models: {', '.join(self.models)}.")
        return self.models[key]

    @staticmethod
    def name(model: Model, key: str, asked: object) -> str:
        """Name of the answer to a question about a picture."""
        return hashlib.sha256(f"{model.key}\0{key}\0{asked}".encode()).hexdigest()[:24]

    async def maps(self, model: Model, key: str, asked: Asked) -> tuple[str, bytes]:
        """The answer to a question and its name: out of what is kept, or made now."""
        name = self.name(model, key, asked)
        if name in self.answers:
            self.answers.move_to_end(name)
            return name, self.answers[name]
        picture = await self.decoding(partial(self.pictures.get, key))
        made = await self.threads[model.key](
            partial(look, model, picture, asked), patience=PATIENCE
        )
        self.keep(name, made)
        return name, made

    def end(self, patience: float = ENDING) -> None:
        """End jobs at their next pass, and wait for what computes, as an interpreter that ends
        around a thread inside of a C++ library aborts.
        """
        for job in self.jobs.jobs.values():
            job.cancelled = True
        until = time.monotonic() + patience
        every = [*self.threads.values(), self.decoding, self.jobs.threads]
        while any(own.busy for own in every) and time.monotonic() < until:
            time.sleep(0.01)

    def keep(self, name: str, made: bytes) -> None:
        """Keep an answer; the oldest go where there is no room."""
        self.answers[name] = made
        held = sum(map(len, self.answers.values()))
        while len(self.answers) > 1 and held > CACHED:
            held -= len(self.answers.popitem(last=False)[1])
