"""`torch.nn.Module` as a network; the parts are the submodules, run by `forward`."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import nn

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.axes import Axes
from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import NoScores, NotAModel
from xai_heatmap.core.redrawing import Draw
from xai_heatmap.networks.opening.box_outputs import known, resolved, together
from xai_heatmap.networks.opening.calling import Call, call_of
from xai_heatmap.networks.opening.held import Given, Held, Name, in_rows
from xai_heatmap.networks.opening.interfaces import Closing, Engine
from xai_heatmap.networks.opening.model_cache import ModelCache, cache_of
from xai_heatmap.networks.opening.network import OpenedNetwork
from xai_heatmap.networks.opening.outputs import scores_in
from xai_heatmap.networks.opening.side_by_side import Output, SideBySide
from xai_heatmap.networks.opening.taps import intercepted
from xai_heatmap.networks.opening.together import Slots
from xai_heatmap.networks.torch.anchored import with_boxes
from xai_heatmap.networks.torch.chosen import as_rows
from xai_heatmap.networks.torch.declared import declared
from xai_heatmap.networks.torch.engine import TorchEngine
from xai_heatmap.networks.torch.instances import beside_boxes, with_instances
from xai_heatmap.networks.torch.module_tree import Modules
from xai_heatmap.networks.torch.operator import Operator
from xai_heatmap.networks.torch.plainly import plainly
from xai_heatmap.networks.torch.redrawn import laid_out, redrawn
from xai_heatmap.networks.torch.weights import (
    Learning,
    check_values,
    differentiable,
    evaluating,
    home_of,
    undisturbed,
)

CLOSING_MODULES: dict[type, Closing] = {
    nn.Softmax: "softmax",
    nn.Softmax2d: "softmax",
    nn.LogSoftmax: "softmax",
    nn.Sigmoid: "sigmoid",
}


def open_torch(
    model: nn.Module,
    *,
    image_shape: Sequence[int] | None = None,
    output: Output = None,
    keep_closing: bool = False,
    held: Given = MappingProxyType({}),
    picture: Name | None = None,
    axes: Axes | None = None,
) -> OpenedNetwork:
    """Network over `model`, without wrappers for compilation or parallelism.

    Raises
    ------
    NotAModel
        For TorchScript, which can't be opened.
    BadOption
        If the model takes more than the picture and what is held.
    """
    module = unwrapped(model)
    _check(module)
    state = cache_of(module)
    adapter = ModuleAdapter(module, output=output, picture=picture).taking(held)
    return OpenedNetwork(
        adapter,
        TorchEngine(home=lambda: home_of(module), modules=adapter.modules, kept=state.kept),
        state,
        image_shape=image_shape,
        keep_closing=keep_closing,
        axes=axes,
    )


class ModuleAdapter:
    """Adapter of a `torch.nn.Module`."""

    method = "forward"
    channels_last = False
    axes: Axes | None = None

    def __init__(self, module: nn.Module, *, output: Output, picture: Name | None = None) -> None:
        self._module = module
        self.output = output
        self.held = Held()
        self._picture, self._call = picture, Call()
        self.boxes = output if isinstance(output, Boxes) else None
        self.modules = Modules(module)
        self._learning = Learning()
        self._modules: list[nn.Module] = []
        self._parts: dict[str, nn.Module] = {}
        self.name = type(module).__name__
        self.declared = declared(module)

    @property
    def others(self) -> Sequence[str]:
        """Arguments of the model that are left out."""
        return self._call.others

    def parts(self) -> Mapping[str, nn.Module]:
        """Every submodule by its dotted path; cached until the set of modules changes."""
        modules = self.modules()
        if modules is not self._modules:
            self._modules = modules
            self._parts = {path: module for path, module in self._module.named_modules() if path}
        return self._parts

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Context of evaluation mode without gradients for the weights; all flags are put back."""
        modules = self.modules()
        learning, inferred = self._learning.among(modules)
        with (
            plainly(modules),
            differentiable(modules) if inferred else nullcontext(),
            evaluating(modules),
        ):
            try:
                for weight in learning:
                    weight.requires_grad_(False)
                with undisturbed(self._module, learning):
                    yield
            finally:
                for weight in learning:
                    weight.requires_grad_(True)

    def taking(self, given: Given) -> "ModuleAdapter":
        """Adapter of the same model with the values `given` added to the held inputs."""
        other = copy.copy(self)
        other.held = self.held | in_rows(given)
        other._call = call_of(  # noqa: SLF001 - of its own kind
            self._module.forward, other.held.names, self._picture, model=self.name
        )
        return other

    @property
    def module(self) -> nn.Module:
        """The module."""
        return self._module

    def redrawn(self, draw: Draw) -> tuple["ModuleAdapter", Engine, ModelCache]:
        """Adapter, engine and cache of a copy of the module with other weights."""
        module = redrawn(self._module, draw)
        other = ModuleAdapter(module, output=self.output, picture=self._picture)
        other._call, other.held, other.boxes = self._call, self.held, self.boxes
        other.axes, state = self.axes, cache_of(module)
        engine = TorchEngine(home=lambda: home_of(module), modules=other.modules, kept=state.kept)
        return other, engine, state

    def own_call(self, x: Native) -> np.ndarray:
        """Answer of the module's own call, in evaluation mode."""
        with self.ready(), torch.no_grad():
            return self.scores(laid_out(x, self._module)).to("cpu", torch.float32).numpy()

    def in_a_row(self, slots: Slots) -> tuple["ModuleAdapter", Engine]:
        """Adapter that takes a row of several inputs or layers, and the engine of it."""
        from xai_heatmap.networks.torch.together import row_adapter

        return row_adapter(self, slots)

    def holding(self, held: Held) -> "ModuleAdapter":
        """Adapter of the same model with the held inputs `held`."""
        other = copy.copy(self)
        other.held = held
        return other

    def turned(self, axes: Axes | None) -> "ModuleAdapter":
        """Adapter of the same model for inputs in the axes `axes`."""
        other = copy.copy(self)
        other.axes = axes
        return other

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Call the model; return the scores, for a detector joined with the boxes."""
        x = x if self.axes is None else _turned(x, self.axes)
        places, names = self._call.arguments(x, self._beside(x) if self.held else {})
        answered = self._module(*places, **names)
        try:
            return self._read(answered, x)
        except NoScores as refusal:
            within = _network_within(self._module)
            if within is None:
                raise
            raise NoScores(
                f"{refusal} {self.name} holds a network of its own, which answers scores: hand in "
                f"`model.{within}` instead."
            ) from refusal

    def _read(self, answered: Any, x: torch.Tensor) -> torch.Tensor:
        answered, listed = as_rows(answered, images=len(x))
        own = None
        if self.output is None and listed is None:
            answered, own = with_boxes(answered, self._module, x.shape[2:])
        how = listed or own or self.boxes
        if how is None and self.output is None:
            how = known(answered, image=x.shape[2:], numbers=_numbers)
        if how is None:
            if isinstance(self.output, SideBySide):
                return self.output.row(answered, _flat, _in_a_row, images=len(x))
            which = None if isinstance(self.output, Boxes) else self.output
            return scores_in(answered, images=len(x), which=which)
        names = len(self.declared.labels or ())
        answered, how = with_instances(answered, how, x.shape[2:], names=names)
        self.boxes = resolved(answered, how, numbers=_numbers, names=names)
        found = together(answered, self.boxes, _joined)
        if self.boxes.scores is None or self.boxes.instances is False:
            return found
        mask = beside_boxes(answered, found)
        self.boxes = replace(self.boxes, instances=mask is not None)
        return found if mask is None else torch.cat([found[..., :-4], mask, found[..., -4:]], -1)

    def _beside(self, x: torch.Tensor) -> dict[Name, Any]:
        """Held inputs as new tensors, one row for each picture of `x`."""

        def tensor(value: np.ndarray | torch.Tensor) -> torch.Tensor:
            if isinstance(value, torch.Tensor):  # moved along with the picture
                return value
            own = torch.tensor(value, device=x.device)
            return own.to(x.dtype) if own.is_floating_point() else own

        held = self.held.with_arrays(map(tensor, self.held.arrays))
        return held.spread(lambda row: row.repeat_interleave(len(x), dim=0))

    def closing_of(self, part: object) -> Closing | None:
        """Softmax and sigmoid modules close."""
        return part.closing if isinstance(part, Operator) else CLOSING_MODULES.get(type(part))

    @contextmanager
    def undone(self, part: object | None) -> Iterator[None]:
        """Replace the module by the identity inside the block."""
        with intercepted(
            [part] if part is not None else [], self.method, lambda _, __: lambda x: x
        ):
            yield


def _network_within(module: nn.Module) -> str | None:
    """Name of the one submodule of a wrapper, if named as a model is; else None."""
    named = [name for name in ("model", "net", "network", "module") if name in module._modules]  # noqa: SLF001
    return named[0] if len(named) == 1 and len(module._modules) == 1 else None  # noqa: SLF001


def _turned(x: torch.Tensor, axes: Axes) -> torch.Tensor:
    """(n, c, *grid) in the axes that the model takes."""
    own = x[:, 0] if axes.channel is None else x.movedim(1, 1 + axes.channel)
    return own.contiguous()


def _flat(part: torch.Tensor) -> torch.Tensor:
    return part.flatten(1)


def _numbers(part: torch.Tensor) -> np.ndarray | None:
    """Numbers of a tensor; None while shapes alone are followed."""
    real = not part.is_meta and not part.is_complex() and part.layout == torch.strided
    return part.detach().float().cpu().numpy() if real else None


def _in_a_row(parts: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([part.to(parts[0].dtype) for part in parts], dim=1)


def _joined(scores: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    return torch.cat([scores, boxes.to(scores.dtype)], dim=-1)


def _check(module: nn.Module) -> None:
    """Refuse TorchScript modules, and models whose weights are all on the meta device."""
    if isinstance(module, torch.jit.ScriptModule):
        raise NotAModel(
            "A TorchScript module has no Python to open at its layers. Give the eager "
            "torch.nn.Module that it was made from, with its weights: "
            "model.load_state_dict(scripted.state_dict())."
        )
    check_values(module)


def unwrapped(model: nn.Module) -> nn.Module:
    """The eager module inside torch.compile's and the parallel wrappers."""
    while not isinstance(model, torch.jit.ScriptModule):  # whose attributes are not Python's
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(inner := vars(model).get("_modules", {}).get("_orig_mod"), nn.Module):
            model = inner
        else:
            break
    return model
