"""Weights from a file into a PyTorch model, without running anything that the file holds."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from xai_heatmap.backends.loaded import missing
from xai_heatmap.core.errors import ModelNotFound, NotAModel, UnsafeModel

PICKLE = b"\x80"
"""What pickles begin with, since protocol 2."""

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""Under which key training scripts keep the weights beside optimiser and epoch."""


def load_state_dict(model: nn.Module, path: Path) -> None:
    """Fill `model` with the weights of a ``.safetensors``, ``.pt`` or ``.pth`` file; all must fit.

    Raises
    ------
    ModelNotFound
        Where there is no such file.
    UnsafeModel
        For a pickle that names anything but tensors.
    NotAModel
        For a file that holds no weights, or weights of another model.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise ModelNotFound(f"Weights are one file; {str(path)!r} {kind}. Check the path.")
    if path.stat().st_size == 0:
        raise NotAModel(f"{str(path)!r} is empty (0 bytes). Copy or download it again.")
    read = _safetensors if path.suffix.lower() == ".safetensors" else _pickled
    weights = _unwrapped(read(path), path)
    _fitting(model, weights, path)
    model.load_state_dict(weights)


def _safetensors(path: Path) -> object:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise missing(
            "safetensors", "pip install safetensors", purpose="A .safetensors file"
        ) from None
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise NotAModel(_unreadable(path, "a safetensors file")) from error


def _pickled(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the pickle's age: it is read, or an error follows
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        said, start = str(error), _start(path)
        if "Unsupported global" in said or "TorchScript" in said or start[:1] == PICKLE:
            raise UnsafeModel(
                f"Weights alone were expected; opening {str(path)!r} would run code that it "
                f"carries ({_culprit(said)}). Save only the weights, "
                "torch.save(model.state_dict(), ...), or better a .safetensors file."
            ) from error
        raise NotAModel(_unreadable(path, "a PyTorch file of weights")) from error


def _culprit(said: str) -> str:
    name = said.partition("Unsupported global: GLOBAL ")[2].split(" ")[0]
    return name or ("TorchScript" if "TorchScript" in said else "pickled objects")


def _unreadable(path: Path, kind: str) -> str:
    """Without what torch says, which recommends to open the file unsafely."""
    return (
        f"{str(path)!r} can't be read as {kind} (it starts with {_start(path)!r}). It is damaged, "
        "or something else: copy or download it again."
    )


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _unwrapped(found: object, path: Path) -> dict[str, torch.Tensor]:
    """The weights themselves, out of a checkpoint and without the prefix of a parallel wrapper."""
    while isinstance(found, Mapping) and not _are_tensors(found):
        inner = next((found[key] for key in WRAPPERS if isinstance(found.get(key), Mapping)), None)
        if inner is None:
            break
        found = inner
    if not isinstance(found, Mapping) or not _are_tensors(found):
        raise NotAModel(
            f"{str(path)!r} holds no weights by name but a {type(found).__name__}. Save them with "
            "torch.save(model.state_dict(), ...)."
        )
    if all(name.startswith("module.") for name in found):
        return {name.removeprefix("module."): weight for name, weight in found.items()}
    return dict(found)


def _are_tensors(found: Mapping[object, object]) -> bool:
    return bool(found) and all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in found.items()
    )


def _fitting(model: nn.Module, weights: Mapping[str, torch.Tensor], path: Path) -> None:
    own = model.state_dict()
    absent = [name for name in own if name not in weights]
    unknown = [name for name in weights if name not in own]
    shaped = [
        f"{name}: {tuple(weights[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own
        if name in weights and weights[name].shape != own[name].shape
    ]
    faults = [
        f"{len(names)} {what}, such as {names[0]}"
        for names, what in ((absent, "missing"), (unknown, "unknown"), (shaped, "of another shape"))
        if names
    ]
    if faults:
        raise NotAModel(
            f"{str(path)!r} holds the weights of another model than {type(model).__name__}: "
            f"{'; '.join(faults)}. Check that factory and file belong together."
        )
