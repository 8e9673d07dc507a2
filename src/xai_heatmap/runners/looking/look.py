"""A look: one question about one picture, answered at many layers from one forward pass."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.network import INPUT, Layer, Survey
from xai_heatmap.core.registry import Method, find_method
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.forward_pass import MethodRequest
from xai_heatmap.explaining.grid import Refusal, Refusing, grid_rows
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.levels import candidates
from xai_heatmap.explaining.maps import recording_rule
from xai_heatmap.explaining.opening import opened_at
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.question import Question, questions
from xai_heatmap.explaining.request import usual_method, with_options
from xai_heatmap.runners.failing import running
from xai_heatmap.runners.grid import Grid
from xai_heatmap.runners.looking.asked import ALL, AUTO, Asked
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.pictures import Picture
from xai_heatmap.runners.looking.standing import Hear, standing
from xai_heatmap.runners.looking.telling import packed_answer
from xai_heatmap.runners.looking.watched import Watch, watching

HELD = 1 << 28
"""Bytes of activations of one picture that are kept for its next question."""

Cell = Explanation | Refusal
Cells = list[Cell]

Part = Callable[[str], None]
"""Is told the layer that is at work."""


@dataclass(frozen=True)
class Answered:
    """Explanations and refusals, with the question that they answer."""

    question: Question
    cells: Sequence[Cell]


def look(
    model: Model,
    picture: Picture,
    asked: Asked,
    *,
    watch: Watch | None = None,
    begin: Part | None = None,
    hear: Hear | None = None,
) -> bytes:
    """The packet that answers a question; others have their turn between the passes of a dear one.

    Parameters
    ----------
    begin
        Given for dear methods: layers are then worked at one by one, and each is told before.
    hear
        Is offered the map as it stands, by methods that can say so before they are done.

    Raises
    ------
    XaiHeatmapError
        For whatever concerns the picture, the question or the whole network; a layer that refuses
        alone stands in the packet with its reason.
    """
    started = time.perf_counter()
    with at_work(model, watch) as passes:
        grid = grid_of(model, picture, asked)
        with standing(grid, picture, hear):
            found = answered(model, grid, asked, begin)
    own = {"options": asked.taken, "model": model.key}
    return packed_answer(picture, found.question, found.cells, passes, started, own)


def glance(
    model: Model,
    image: Image,
    asked: Asked,
    *,
    said: Mapping[str, object],
    watch: Watch,
    shown: bytes = b"",
) -> bytes:
    """The packet of one frame of a camera: nothing of it is kept, and what is the same for every
    frame is settled once. `shown` is the frame's own file, to stand behind the maps.
    """
    started = time.perf_counter()
    picture = Picture("", "frame", image=image)
    with at_work(model, watch) as passes:
        found = _glimpsed(model, picture, asked)
    own = {"options": asked.taken, "model": model.key, **said}
    return packed_answer(picture, found.question, found.cells, passes, started, own, shown=shown)


def seen_in(model: Model, image: Image, asked: Asked) -> Explanation:
    """The explanation of one frame, at one layer.

    Raises
    ------
    XaiHeatmapError
        Where there is none.
    """
    with at_work(model, None):
        (cell, *_) = _glimpsed(model, Picture("", "frame", image=image), asked).cells
    if isinstance(cell, Refusal):
        raise cell.error
    return cell


def _glimpsed(model: Model, picture: Picture, asked: Asked) -> Answered:
    given = _frame(model, picture)
    plan = plan_of(model, asked, given)
    try:
        (question,) = plan.questions(model, given)
        return Answered(question, question.explanations(plan.asked, among=plan.among))
    except Refusing:
        return answered(model, new_grid(model, given, asked), asked)


@dataclass(frozen=True)
class Plan:
    """What is the same of a question for all frames of one shape."""

    key: tuple[Asked, tuple[int, ...]]
    asked: Sequence[MethodRequest]
    among: Sequence[str]
    at: Sequence[str]
    rule: BackwardRule
    choice: Choice

    def questions(self, model: Model, given: PreparedInput) -> list[Question]:
        """The question about one frame, from one forward pass."""
        return questions(
            model.network, given, [self.choice], at=self.at, labels=model.labels, rule=self.rule,
            asked=() if self.among else self.asked,
        )  # fmt: skip


def plan_of(model: Model, asked: Asked, given: PreparedInput) -> Plan:
    """The plan of a question, the last one's kept."""
    key = asked, given.x.shape
    if model.plan is not None and model.plan.key == key:
        return model.plan
    survey = model.network.survey(given.x.shape)
    ((name, options),) = options_of(model, asked, given).items()
    method, own = with_options(name, options, model.network)
    layers = layers_of(asked, method, survey)
    wanted = [MethodRequest(method, own, select(survey, layers, auto=method.auto))]
    among = candidates(survey, layers, wanted)
    names = [name for name in survey.layers if name in wanted[0].layers]
    at, rule = opened_at(wanted, survey, among), recording_rule(wanted, names)
    model.plan = Plan(key, wanted, among, at, rule, asked.choice(model.names))
    return model.plan


@contextmanager
def at_work(model: Model, watch: Watch | None) -> Iterator[Watch]:
    """A block in the model's turn, in which passes are told and failures are the model's."""
    own = Watch() if watch is None else watch
    with watching(own), model.turns, running(model.opened.name):
        own.between = model.turns.give_way
        yield own


def answered(model: Model, grid: Grid, asked: Asked, begin: Part | None = None) -> Answered:
    """Maps of one picture, at all layers that are asked for; in the model's turn."""
    (name,) = grid.options
    survey = model.network.survey(grid.given.x.shape)
    layers = layers_of(asked, find_method(name), survey)
    if begin is None:
        cells = cells_of(grid, [name], layers)
    else:
        cells = list[Cell]()
        for layer in layers:
            begin(layer)
            cells += cells_of(grid, [name], [layer])
    return Answered(grid.opened([name], layers)[0], cells)


def layers_of(asked: Asked, method: Method, survey: Survey) -> list[str]:
    """Names of the layers that are asked for; ``auto`` stays, which a box decides."""
    if asked.layers == (AUTO,):
        return [AUTO]
    if asked.layers == (ALL,) and method.auto == "input":
        return [INPUT]
    return select(survey, list(asked.layers), auto=method.auto)


def cells_of(grid: Grid, methods: Sequence[str], layers: Sequence[str]) -> Cells:
    """Each layer's explanations, for every target by every method; those that can't be had as
    refusals.
    """
    targets = range(len(grid.opened(methods, layers)))
    try:
        return list(grid(targets, methods, layers).values())
    except Refusing:
        every = grid_rows(grid, methods, layers, targets=len(targets))
    survey = grid.network.survey(grid.given.x.shape)
    cells = list[Cell]()
    for rows in every:
        own = {at: row.cells for row in rows for at in (row.layer, *row.same)}
        cells += [
            _named(own[at][place], at, survey.layers)
            for place in range(len(methods))
            for at in layers
        ]
    return cells


def _named(cell: Cell, at: str, layers: Mapping[str, Layer]) -> Cell:
    """A cell of a layer that gave the same values as another, under its own name."""
    if at not in layers:
        return cell
    return replace(cell, layer=at if isinstance(cell, Refusal) else layers[at])


def grid_of(model: Model, picture: Picture, asked: Asked) -> Grid:
    """The picture with all passes that were made of it, asked about this target; the last picture's
    are kept.
    """
    kept: Grid | None = model.kept.get(picture.key)
    if kept is None:
        made = new_grid(model, prepared(model, picture), asked)
        model.kept.clear()
        model.kept[picture.key] = made
        return made
    own = options_of(model, asked, kept.given)
    if kept.held > HELD:
        model.kept.clear()
        return replace(new_grid(model, kept.given, asked), options=own)
    model.kept[picture.key] = replace(kept.about([asked.choice(model.names)]), options=own)
    return model.kept[picture.key]


def new_grid(model: Model, given: PreparedInput, asked: Asked) -> Grid:
    """A picture of which no pass was made yet."""
    choice = asked.choice(model.names)
    own = options_of(model, asked, given)
    return Grid(model.network, given, [choice], own, model.labels)


def options_of(model: Model, asked: Asked, given: PreparedInput) -> dict[str, Mapping[str, object]]:
    """Options by the name of the method that is asked for, or the usual one."""
    name = asked.method or model.method
    if not name:
        name = usual_method(model.opened, model.network.survey(given.x.shape))
    return {find_method(name).name: asked.taken}


def _frame(model: Model, picture: Picture) -> PreparedInput:
    """A frame as the network takes it; how is found out once."""
    if model.how is None or picture.image is None:
        return prepared(model, picture)
    x, geometry, facts = model.how(picture.image)
    return PreparedInput(picture.image, picture.name, x, geometry, facts)


def prepared(model: Model, picture: Picture) -> PreparedInput:
    """The picture as the network takes it."""
    white = None if picture.array is None else model.white  # a picture was read by it
    found = prepare(picture.wanted, model.preprocess, model.opened, white=white)
    return replace(found, name=picture.name)
