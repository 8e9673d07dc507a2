"""Models of two towers, one for pictures and one for texts: the texts embedded once, the picture's
tower explained.
"""

import copy
import math
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, NotAModel, XaiHeatmapError
from xai_heatmap.core.targets.answer import Kind
from xai_heatmap.networks.language.tokens import IDS
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.opening.taps import intercepted
from xai_heatmap.networks.torch.patches import SHAPES, as_patches, patch_side, whole
from xai_heatmap.networks.torch.weights import evaluating, home_of

Call = Callable[..., Any]
Calls = dict[nn.Module, list[Any]]
"""Answers of modules, call by call."""

TRIED = (224, 384, 64, 128, 256, 32)
"""Sides of pictures with which a model is tried that does not say its own."""

PICTURE, TEXT = ("pixel_values", "image", "images"), (IDS, "text", "texts")
"""Names of a model's inputs, most telling first."""


def kind_of(model: nn.Module, texts: int) -> Kind:
    """Kind of the likenesses: labels where each text has a probability of its own, as SigLIP's
    bias tells; classes where they share one; a plain value where there is one alone to share it.
    """
    name = str(getattr(getattr(model, "config", None), "model_type", ""))
    if getattr(model, "logit_bias", None) is not None or "siglip" in name:
        return "labels"
    return "values" if texts == 1 else "classes"


def of_texts(model: nn.Module, tokens: Mapping[str, np.ndarray]) -> nn.Module:
    """Module from pictures to their likeness with each text, (n, texts), with the layers of the
    model under the model's own names.

    Raises
    ------
    NotAModel
        If the model does not answer one likeness a picture and text.
    BadOption
        If it fails on the tokens.
    """
    home, _ = home_of(model)
    given = {name: torch.as_tensor(value, device=home) for name, value in tokens.items()}
    call = _call_of(model, given)
    other = copy.copy(model)
    once = _Once(model, call)

    def forward(_: nn.Module, pixel_values: torch.Tensor) -> torch.Tensor:
        with once.replayed(pixel_values):
            return call(pixel_values)

    other.forward = types.MethodType(forward, other)
    return other


def _call_of(model: nn.Module, given: Mapping[str, torch.Tensor]) -> Call:
    """Way to call a model for the likenesses of pictures and texts, found by calling it."""
    texts, problems = len(given[IDS]), list[str]()
    for call in _ways(model, given):
        for x in _pictures(model):
            try:
                with torch.no_grad(), evaluating(model.modules()):
                    answer = call(x)
            except XaiHeatmapError:
                raise
            except Exception as problem:  # noqa: BLE001 - any way or size may be the wrong one
                problems.append(first_line(problem))
                continue
            if isinstance(answer, torch.Tensor) and answer.shape == (len(x), texts):
                return call
            problems.append("it answers " + _shape(answer))
            break
    said = "; ".join(dict.fromkeys(problems))[:400]
    raise NotAModel(
        f"A model of two towers was expected, which answers one likeness for a picture and a text: "
        f"CLIP, SigLIP, or any module with encode_image and encode_text. {type(model).__name__} "
        f"did not with {counted(texts, 'text')}: {said}. Wrap it so that it answers "
        "(pictures, texts), or "
        "check the tokenizer."
    )


def _ways(model: nn.Module, given: Mapping[str, torch.Tensor]) -> Iterator[Call]:
    """Ways to call a model, best first: as it compares pictures and texts itself, then by its two
    encoders.
    """
    ids: Any = given[IDS]
    own: Any = model
    if callable(getattr(model, "get_logits", None)):
        yield lambda x: own.get_logits(x, ids)[0]
    names = _arguments(model.forward)
    picture = next((name for name in PICTURE if name in names), None)
    text = next((name for name in TEXT if name in names), None)
    if picture is not None and text is not None:
        others = {k: v for k, v in given.items() if k != IDS and k in names}
        laid = as_patches if SHAPES in names else whole
        side = patch_side(model)
        yield lambda x: _likeness(
            model(**laid(picture, x, side), **{text: ids}, **others), len(x), len(ids)
        )
    encoders: Any = [getattr(model, name, None) for name in ("encode_image", "encode_text")]
    if all(map(callable, encoders)):
        yield lambda x: _compared(model, encoders[0](x), encoders[1](ids))


def _likeness(answer: Any, pictures: int, texts: int) -> Any:
    """Likenesses in what a model answers: by name, or as the first of a pair (n, m) and (m, n)."""
    named: Any = dict(answer) if isinstance(answer, Mapping) else getattr(answer, "__dict__", {})
    if "logits_per_image" in named:
        return named["logits_per_image"]
    if isinstance(answer, tuple | list):
        shapes = [tuple(getattr(one, "shape", ())) for one in answer]
        both = shapes[:2] == [(pictures, texts), (texts, pictures)]
        return answer[0] if both else answer
    return answer


def _compared(model: nn.Module, pictures: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """Likeness as CLIP has it: exp(t) · cos + b."""
    a, b = (nn.functional.normalize(one.float(), dim=-1) for one in (pictures, texts))
    scale, bias = getattr(model, "logit_scale", None), getattr(model, "logit_bias", None)
    likeness = a @ b.T
    likeness = likeness if scale is None else likeness * scale.exp()
    return likeness if bias is None else likeness + bias


def _arguments(function: Any) -> Sequence[str]:
    import inspect

    return tuple(inspect.signature(function).parameters)


def _pictures(model: nn.Module) -> Iterator[torch.Tensor]:
    """Three grey pictures of the sizes that a model may take."""
    size = size_of(model)
    home, dtype = home_of(model)
    for shape in [(side, side) for side in TRIED] if size is None else [size]:
        yield torch.full((3, 3, *shape), 0.5, device=home, dtype=dtype)


def size_of(model: nn.Module) -> tuple[int, ...] | None:
    """Rows and columns of the pictures that a model was built for; None where it does not say."""
    own: Any = getattr(getattr(model, "config", None), "vision_config", None)
    eyes: Any = getattr(model, "visual", None)
    size: Any = getattr(own, "image_size", None) or getattr(eyes, "image_size", None)
    if size is None and getattr(own, "num_patches", None):  # of any aspect: a square of as many
        size = math.isqrt(own.num_patches) * patch_side(model)
    if size is None:
        return None
    return (size, size) if isinstance(size, int) else tuple(size)


def _shape(answer: Any) -> str:
    shape = getattr(answer, "shape", None)
    return type(answer).__name__ if shape is None else f"{tuple(shape)}"


class _Once:
    """Answers of the modules that no picture reaches, kept from the first pass on; made again
    where a weight has changed.
    """

    def __init__(self, model: nn.Module, call: Call) -> None:
        self._model, self._call = model, call
        self._kept: Calls = {}
        self._state: object = None

    @contextmanager
    def replayed(self, x: torch.Tensor) -> Iterator[None]:
        """Context in which these modules answer what they answered before."""
        state = _state(self._model)
        if state != self._state:
            self._kept, self._state = self._recorded(x.detach()[:1]), state
        left = {module: iter(answers) for module, answers in self._kept.items()}

        def around(module: nn.Module, _: Call) -> Call:
            return lambda *args, **kwargs: next(left[module])

        with intercepted(self._kept, "forward", around):
            yield

    def _recorded(self, x: torch.Tensor) -> Calls:
        """Answers from passes of a thread of its own, whose calls no tap and no mode of this thread
        sees.
        """
        found = list[Calls]()
        own = threading.Thread(target=lambda: found.append(_beside(self._model, self._call, x)))
        own.start()
        own.join()
        return found[0] if found else {}


def _beside(model: nn.Module, call: Call, x: torch.Tensor) -> Calls:
    """Answers of the outermost modules whose values no picture reaches: without a gradient from
    the picture, and the same for another picture.
    """
    one, other = _answers(model, call, x), _answers(model, call, x.flip(-1) + 1)
    same = {
        module: [value for value, _ in calls]
        for module, calls in one.items()
        if not any(reached for _, reached in calls)
        and _equal([value for value, _ in calls], [value for value, _ in other.get(module, [])])
    }
    inner = {part for module in same for part in module.modules() if part is not module}
    return {module: calls for module, calls in same.items() if module not in inner}


def _answers(model: nn.Module, call: Call, x: torch.Tensor) -> dict[nn.Module, list[Any]]:
    """Answer of every call of every module, and whether the picture has a gradient there."""
    found: dict[nn.Module, list[Any]] = {}

    def around(module: nn.Module, before: Call) -> Call:
        def watched(*args: Any, **kwargs: Any) -> Any:
            answer = before(*args, **kwargs)
            tensors = list(_tensors(answer))
            reached = not tensors or any(one.requires_grad for one in tensors)
            found.setdefault(module, []).append((answer, reached))
            return answer

        return watched

    weights = [one for one in model.parameters() if one.requires_grad]
    parts = [module for module in model.modules() if module is not model]
    try:
        for weight in weights:
            weight.requires_grad_(False)
        with (
            torch.enable_grad(),
            evaluating(model.modules()),
            intercepted(parts, "forward", around),
        ):
            call(x.detach().requires_grad_())
    finally:
        for weight in weights:
            weight.requires_grad_(True)
    return found


def _equal(one: Sequence[Any], other: Sequence[Any]) -> bool:
    a, b = (list(_tensors(list(answers))) for answers in (one, other))
    return len(one) == len(other) and len(a) == len(b) and all(map(torch.equal, a, b))


def _tensors(answer: Any) -> Iterator[torch.Tensor]:
    if isinstance(answer, torch.Tensor):
        yield answer
    elif isinstance(answer, Mapping):
        for one in answer.values():
            yield from _tensors(one)
    elif isinstance(answer, tuple | list):
        for one in answer:
            yield from _tensors(one)


def _state(model: nn.Module) -> object:
    """Versions of a model's weights: another one where any was written into or replaced."""
    weights = list(model.parameters())
    return tuple((id(one), 0 if one.is_inference() else one._version) for one in weights)  # noqa: SLF001


def check_tower(model: Any) -> nn.Module:
    """The module itself.

    Raises
    ------
    BadOption
        For a model of another framework.
    """
    if isinstance(model, nn.Module):
        return model
    raise BadOption(
        f"Texts are held against pictures by a torch.nn.Module of two towers; received "
        f"{type(model).__name__}. Embed the texts there yourself, and answer (pictures, texts)."
    )
