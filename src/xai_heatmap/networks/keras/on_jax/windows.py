"""Windows of a trace's steps: which places of its input an operation reads, and where."""

from typing import Any

from xai_heatmap.core.layers.placing import Along, Window, changed, padded, resized, sliced, window

MOVES = ("transpose", "reshape", "broadcast_in_dim", "squeeze", "dot_general")
"""Primitives that change the order of axes, or their number, and no place."""

Shape = tuple[int, ...]
Axes = dict[int, Along | None]


def windows_of(equation: Any) -> list[Window]:
    """Windows of one step and of steps inside of it, in order; none where no place moves."""
    if not equation.invars or not hasattr(equation.invars[0].aval, "shape"):
        return []
    before, after = (tuple(own[0].aval.shape) for own in (equation.invars, equation.outvars))
    name, said = equation.primitive.name, equation.params
    if len(before) < 3:
        return []
    if name == "conv_general_dilated":
        return [Window(before, after, _convolved(equation.invars[1].aval.shape, said))]
    if name.startswith("reduce_window"):
        return [Window(before, after, _pooled(said))]
    if name == "pad":
        return [Window(before, after, _padded(said["padding_config"]))]
    if name == "slice":
        return [Window(before, after, _sliced(before, after, said))]
    return [] if before == after or name in MOVES else _called(equation, before, after)


def _called(equation: Any, before: Shape, after: Shape) -> list[Window]:
    """Windows of a function that was compiled by itself, or of what only shapes are known of."""
    said = equation.params
    if said.get("name") == "_resize" and len(before) == len(after):
        places = (axis for axis in range(1, len(before)) if before[axis] != after[axis])
        return [Window(before, after, {n: resized(before[n], after[n]) for n in places})]
    inner = getattr(said.get("jaxpr"), "jaxpr", None)
    if inner is not None and equation.primitive.name in {"jit", "pjit"}:
        found = [own for step in inner.eqns for own in windows_of(step)]
        if found and all(own.along for own in found):
            return found
    return changed(before, after)


def _convolved(kernel: Shape, said: Any) -> Axes:
    numbers = said["dimension_numbers"]
    own: Axes = {}
    for n, (axis, of) in enumerate(zip(numbers.lhs_spec[2:], numbers.rhs_spec[2:], strict=True)):
        own[axis] = window(
            kernel[of],
            said["window_strides"][n],
            said["padding"][n][0],
            dilation=said["rhs_dilation"][n],
            spread=said["lhs_dilation"][n],
        )
    return own


def _pooled(said: Any) -> Axes:
    every = zip(
        said["window_dimensions"],
        said["window_strides"],
        said["padding"],
        said["window_dilation"],
        said["base_dilation"],
        strict=True,
    )
    return {
        axis: window(size, stride, pads[0], dilation=dilation, spread=spread)
        for axis, (size, stride, pads, dilation, spread) in enumerate(every)
        if (size, stride, spread) != (1, 1, 1) or any(pads)
    }


def _padded(config: Any) -> Axes:
    """Padding in front, behind and between of each axis; between, what a stride had left out."""
    return {
        axis: None if between else padded(int(front))
        for axis, (front, end, between) in enumerate(config)
        if front or end or between
    }


def _sliced(before: Shape, after: Shape, said: Any) -> Axes:
    strides = said["strides"] or (1,) * len(before)
    return {
        axis: sliced(start, step)
        for axis, (start, step) in enumerate(zip(said["start_indices"], strides, strict=True))
        if before[axis] != after[axis]
    }
