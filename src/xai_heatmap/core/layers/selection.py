"""From what a user says of layers to their full names."""

import fnmatch
import re
from collections.abc import Collection, Mapping, Sequence

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import NestedLayer, NoGrid, UnknownLayer, did_you_mean
from xai_heatmap.core.layers.scopes import in_scope
from xai_heatmap.core.network import INPUT, Layer, Layers, Survey


def select(
    survey: Survey, wanted: Layers, *, auto: str = "auto", gridless: bool = False
) -> list[str]:
    """Full names of the layers meant, in order of execution, each with a grid; `auto` is what that
    word stands for. With `gridless`, a layer that is named needs no grid.

    Raises
    ------
    UnknownLayer
        For a name, glob or index that fits nothing.
    NoGrid
        For a layer without a grid, naming the nearest one that has one.
    """
    several = _each(wanted)
    if not several:
        raise UnknownLayer("The list of layers is empty. Name at least one, or say layer='auto'.")
    meant = [auto if one == "auto" else one for one in several]
    chosen = {name for one in meant for name in _names(survey, one, gridless=gridless)}
    return [name for name in survey.layers if name in chosen]


def several(wanted: Layers) -> bool:
    """Whether the wording asks for a set of layers rather than for one."""
    return _in_a_list(wanted) or (isinstance(wanted, str) and (wanted == "all" or _is_glob(wanted)))


def by_pattern(wanted: Layers) -> bool:
    """Whether the wording means layers that nobody named: ``all``, a glob, or a list with one."""
    return any(isinstance(one, str) and (one == "all" or _is_glob(one)) for one in _each(wanted))


def pyramid(survey: Survey, layer: str) -> list[str]:
    """A layer, and the last layer of every coarser grid behind it that all paths cross."""
    order = list(survey.layers)
    own = survey.layers[layer]
    behind = order[order.index(layer) + 1 :]
    coarser = [n for n in survey.levels if n in behind and survey.layers[n].places < own.places]
    return [layer, *(n for n in coarser if _axes(survey.layers[n]) == _axes(own))]


def stages(survey: Survey, layer: str) -> list[str]:
    """A layer, and the last one before it that is at least as fine and that all paths cross."""
    order, own = list(survey.layers), survey.layers[layer]
    before = order[: order.index(layer)]
    as_fine = [n for n in survey.levels if n in before and survey.layers[n].places >= own.places]
    return [layer, *[n for n in as_fine if _axes(survey.layers[n]) == _axes(own)][-1:]]


JOINING = frozenset({"pyramid", "stages"})
"""Needs of methods by which other layers go with a layer."""


def joined(survey: Survey, layer: str, needs: Collection[str]) -> list[str]:
    """A layer, and those that go with it where a method needs that."""
    coarser = pyramid(survey, layer) if "pyramid" in needs else []
    before = stages(survey, layer) if "stages" in needs else []
    return list(dict.fromkeys([layer, *coarser, *before]))


def _axes(layer: Layer) -> int:
    return len(layer.grid or ())


def grids(survey: Survey) -> list[str]:
    """Names of the layers that a map can be drawn of, the picture itself left out."""
    return [x.name for x in survey.layers.values() if x.places > 1 and x.name != INPUT]


def _in_a_list(wanted: object) -> bool:
    return isinstance(wanted, Collection) and not isinstance(wanted, str)


def _each(wanted: Layers) -> list[str | int]:
    """Wording as a list of layers, one by one; anything that is no list counts as one name."""
    if isinstance(wanted, str | int) or not _in_a_list(wanted):
        return [wanted]  # type: ignore[list-item] - said by users, refused with the names
    return list(wanted)


def _names(survey: Survey, wanted: object, *, gridless: bool) -> list[str]:
    if type(wanted) is str and wanted in survey.layers and wanted not in ("auto", "all"):
        return [wanted if gridless else _with_grid(survey, wanted)]  # most by far, in long lists
    if isinstance(wanted, bool) or not isinstance(wanted, str | int):
        raise UnknownLayer(
            f"A layer is given by name, glob or index; received {type(wanted).__name__} {wanted!r}."
        )
    if isinstance(wanted, int):
        return [_by_index(survey, wanted)]
    if wanted.lstrip("-").isdigit() and wanted not in survey.layers:
        return [_by_index(survey, int(wanted))]
    if wanted == "auto":
        return [_auto(survey)]
    if wanted == "finest" and wanted not in survey.layers:
        return [next(iter(survey.levels), _auto(survey))]
    if wanted == "all":
        return grids(survey) or [_auto(survey)]
    if _is_glob(wanted) and wanted not in survey.layers:
        return _by_glob(survey, wanted)
    name = _by_name(survey, wanted)
    return [name if gridless else _with_grid(survey, name)]


def _auto(survey: Survey) -> str:
    if survey.auto is None:
        if left_out := _left_out(survey):
            raise NoGrid(left_out)
        raise NoGrid(
            "No layer of this network has a grid larger than one place, so there is nothing to "
            f"draw a map on. {_larger(survey)}"
            "Layer 'input' explains the pixels themselves."
        )
    return survey.auto


def _left_out(survey: Survey) -> str:
    """Sentence that says why layers with places are left out; empty where there are none."""
    without = [
        own
        for own in survey.layers.values()
        if own.layout is None and sum(length > 1 for length in own.shape) > 1
    ]
    if not without:
        return ""
    last, taken = without[-1], survey.layers[INPUT].shape
    told = [own for own in without if own.without]
    if told:
        return (
            f"No layer of this network has a grid that lies over its input, {_by(taken)}. Layer "
            f"{told[0].name!r} answers {_by(told[0].shape)}, and is left out: {told[0].without}."
        )
    return (
        f"No layer of this network has places on the axes of its input, {_by(taken)}. Layer "
        f"{last.name!r} answers {_by(last.shape)}, and is left out: its first axis is no batch of "
        "such inputs, or it has another number of axes. A part that gets one picture or frame at a "
        "time, as by TimeDistributed, has no array of all of them: give it all frames at once, "
        "x.flatten(0, 1), or one with the axis that counts them, x[i:i+1] in place of x[i]. If the "
        "axes of the input were misread, say them: xai_heatmap.network(model, axes='tchw'). Layer "
        "'input' explains the input itself."
    )


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _larger(survey: Survey) -> str:
    """Advice to take a larger picture where grids have one place only; empty elsewhere."""
    if not any(layer.places == 1 and layer.name != INPUT for layer in survey.layers.values()):
        return ""
    size = "x".join(map(str, survey.layers[INPUT].shape[1:]))
    return f"On a picture of {size} every grid has one place: a larger one may give more. "


def _by_index(survey: Survey, index: int) -> str:
    names = grids(survey)
    if not -len(names) <= index < len(names):
        raise UnknownLayer(
            f"There is no layer {index}: the network has {counted(len(names), 'layer')} "
            "with a grid, "
            f"{-len(names)} to {len(names) - 1}. `xai-heatmap layers MODEL` lists them."
        )
    return names[index]


def _by_glob(survey: Survey, pattern: str) -> list[str]:
    found = [name for name in grids(survey) if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        without = [name for name in survey.layers if fnmatch.fnmatchcase(name, pattern)]
        hint = (
            f" {without[0]!r} does, and has none."
            if without
            else did_you_mean(pattern.strip("*?"), grids(survey))
        )
        raise UnknownLayer(
            f"No layer with a grid matches {pattern!r}.{hint} `xai-heatmap layers MODEL` lists "
            "them."
        )
    return found


def _by_name(survey: Survey, name: str) -> str:
    if name in survey.layers:
        return name
    calls = [n for n in survey.layers if name and n.rpartition("#")[0] == name]
    if calls:
        return calls[-1]
    nested = [n for n in survey.layers if n.endswith(f"/{name}")]
    if nested:
        outer = nested[0].removesuffix(f"/{name}")
        raise NestedLayer(
            f"Layer {name!r} is inside the nested model {outer!r}. Use {nested[0]!r}; "
            "`xai-heatmap layers MODEL` shows full paths."
        )
    if name in survey.beside:
        raise UnknownLayer(
            f"Layer {name!r} runs on what is held beside the picture, and nothing of the picture "
            "reaches it: it has no places to draw a map of. Choose a layer behind which both meet; "
            "`xai-heatmap layers MODEL` lists those that see the picture."
        )
    meant = in_scope(name, list(survey.layers))
    hint = did_you_mean(name, [*survey.layers, "auto", "all"])
    hint = f" The last layer in it is {meant!r}: use that." if meant else hint
    raise UnknownLayer(
        f"There is no layer {name!r}.{hint} "
        f"`xai-heatmap layers MODEL` lists all {len(survey.layers)}."
    )


def _with_grid(survey: Survey, name: str) -> str:
    layer = survey.layers[name]
    if layer.places > 1:
        return name
    shape = "x".join(map(str, layer.shape))
    near = _nearest_grid(survey.layers, name)
    hint = (
        f"The nearest layer that has one: {near.name!r} ({'x'.join(map(str, near.shape))}). "
        f"Try layer={near.name!r}, or `xai-heatmap layers MODEL`."
        if near
        else f"No layer of this network has one. {_larger(survey)}".strip()
    )
    why = f": {layer.without}" if layer.without else ""
    raise NoGrid(f"Layer {name!r} gives {shape}, which has no grid to draw a map on{why}. {hint}")


def _nearest_grid(layers: Mapping[str, Layer], name: str) -> Layer | None:
    order = list(layers)
    here = order.index(name)
    grids = [x for x in layers.values() if x.places > 1 and x.name != INPUT]
    return min(grids, key=lambda x: abs(order.index(x.name) - here), default=None)


def _is_glob(text: str) -> bool:
    return any(c in text for c in "*?[")


def spread(names: Sequence[str], *, most: int, kept: str | None = None) -> list[str]:
    """At most so many of the names, in their order: `kept`, then outer parts before inner ones.

    Of the first level of nesting that has no room for all, those are taken that lie evenly through
    the network.

    >>> spread(["stem", "a", "a.1", "a.2", "b", "b.1", "b.2"], most=5)
    ['stem', 'a', 'a.1', 'b', 'b.1']
    """
    chosen = [name for name in names if name == kept]
    for level in sorted({_depth(name) for name in names}):
        here = [name for name in names if _depth(name) == level and name not in chosen]
        room = min(most - len(chosen), len(here))
        step = len(here) / max(room, 1)
        chosen += [here[int((i + 0.5) * step - 0.5)] for i in range(room)]
    return [name for name in names if name in chosen]


def _depth(name: str) -> int:
    return len(re.split(r"[./]", name.strip("/")))
