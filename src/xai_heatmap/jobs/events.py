"""Events of a running job, in plain values: the command line, a page and another process are told
the same.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from xai_heatmap.core.errors import XaiHeatmapError

Facts = dict[str, Any]
"""Plain values by name, as `Explanation.to_dict` gives them."""


class Event(BaseModel):
    """One thing that happened.

    Parameters
    ----------
    kind
        What happened; by it an event is read back from JSON.
    key
        Which frame of the source it is about; a run goes on behind the keys of its results.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    key: str = ""


class Progress(Event):
    """A frame is begun.

    Parameters
    ----------
    image
        The picture as it was named.
    number, total
        Which of how many it is, from 1.
    """

    kind: Literal["progress"] = "progress"
    image: str
    number: int
    total: int


class Result(Event):
    """Result of one picture of a job; a document of ``--json``.

    Parameters
    ----------
    image, model
        As they were named.
    seconds
        How long it took, by stage.
    """

    image: str
    model: str | None = None
    seconds: dict[str, float] = {}

    def document(self) -> Facts:
        """The result as ``--json`` prints it: what is missing is there, and empty."""
        facts = self.model_dump(exclude={"kind", "key", "seconds"})
        head = {"image": facts.pop("image"), "model": facts.pop("model"), "error": None}
        return {**head, **facts, "seconds": dict(self.seconds)}


class MapsResult(Result):
    """Heatmaps of one picture.

    Parameters
    ----------
    explanations
        The facts of each, with the files that it was written to.
    sheet
        The picture of all of them, where there are several.
    answer, words
        Of a question: the answer, and of each of its tokens the text, the probability, by how much
        that changes with other pictures, and whether it was said without looking.
    """

    kind: Literal["maps"] = "maps"
    explanations: list[Facts] = []
    sheet: str | None = None
    answer: str | None = None
    words: list[Facts] = []

    def document(self) -> Facts:
        """The result as ``--json`` prints it; answer and words where a question was asked."""
        facts = super().document()
        asked = {} if self.answer is None else {key: facts[key] for key in ("answer", "words")}
        return {key: facts[key] for key in facts if key not in ("answer", "words")} | asked


class SheetResult(Result):
    """The sheets of one picture.

    Parameters
    ----------
    rows
        Target and layer of each, with the cells of all methods.
    methods
        The columns.
    left_out
        How many layers more were asked for.
    sheets
        The files.
    """

    kind: Literal["sheet"] = "sheet"
    rows: list[Facts] = []
    methods: list[str] = []
    left_out: int = 0
    sheets: list[str] = []


class FiguresResult(Result):
    """Figures of the maps of one picture.

    Parameters
    ----------
    figures
        One for each map and metric, beside those of maps that know nothing.
    """

    kind: Literal["figures"] = "figures"
    figures: list[Facts] = []


class Refusal(Event):
    """One picture that could not be explained, and why; the others go on.

    Parameters
    ----------
    image, model
        As they were named.
    job
        The kind of the job.
    code, message, exit_code
        Of the error.
    """

    EMPTY: ClassVar[Mapping[str, type[Result]]] = {
        "explain": MapsResult,
        "compare": SheetResult,
        "measure": FiguresResult,
    }

    kind: Literal["refusal"] = "refusal"
    image: str
    model: str | None = None
    job: str = "explain"
    code: str
    message: str
    exit_code: int = 1

    def document(self) -> Facts:
        """The refusal as ``--json`` prints it: a result of that job with nothing but an error."""
        empty = self.EMPTY[self.job].model_validate({"image": self.image, "model": self.model})
        return empty.document() | {"error": {"code": self.code, "message": self.message}}


class FileResult(Event):
    """A file was written.

    Parameters
    ----------
    path, bytes
        Which, and how large it is.
    """

    kind: Literal["file"] = "file"
    path: str
    bytes: int

    def document(self) -> Facts:
        """The file as ``--json`` prints it."""
        return {"path": self.path, "bytes": self.bytes}


class BatchProgress(Event):
    """A run over many pictures is this far.

    Parameters
    ----------
    run
        Its folder.
    done, total
        Rows that are finished or at work, of how many.
    of
        What a row is: a picture; of an audit a check, since it looks at networks with weights drawn
        again too.
    errors
        Pictures that can't be explained.
    rate, left
        Rows a second of this call, and the seconds that the rest takes at that rate; None
        where nothing is known yet.
    complete
        Whether every row is finished.
    """

    kind: Literal["batch_progress"] = "batch_progress"
    run: str
    done: int
    total: int
    of: str = "picture"
    errors: int = 0
    rate: float | None = None
    left: float | None = None
    complete: bool = False


AnyEvent = Annotated[
    Progress | MapsResult | SheetResult | FiguresResult | Refusal | FileResult | BatchProgress,
    Field(discriminator="kind"),
]
"""Event of any kind, told apart by the field ``kind``."""


@cache
def _any() -> Any:
    """Reader of any event, made when one is first read."""
    return TypeAdapter(AnyEvent)


def event_of(
    text: str,
) -> Progress | MapsResult | SheetResult | FiguresResult | Refusal | FileResult | BatchProgress:
    """The event that `model_dump_json` wrote."""
    return _any().validate_json(text)


def refusal(
    error: XaiHeatmapError, *, key: str, image: str, model: str | None, job: str
) -> Refusal:
    """An error about one picture as an event."""
    return Refusal(
        key=key, image=image, model=model, job=job, code=error.code, message=str(error),
        exit_code=error.exit_code,
    )  # fmt: skip
