"""Weights from a file into a PyTorch model, without running anything that the file holds."""

import warnings
from pathlib import Path

import torch
from torch import nn

from xai_heatmap.core.errors import ModelNotFound, NotAModel, UnsafeModel
from xai_heatmap.networks.loading.checkpoint import dicts_of_tensors, fill
from xai_heatmap.networks.loading.loaded import missing
from xai_heatmap.networks.torch.model import unwrapped

PICKLE = b"\x80"
"""First byte of pickles, since protocol 2."""

_SAVE = "torch.save(model.state_dict(), 'new.pt')"
_CALL = "--model module.py:factory --weights new.pt"


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
        kind = "is a folder" if path.is_dir() else "is no regular file" if path.exists() else ""
        kind = kind or "does not exist"
        raise ModelNotFound(f"Weights are one file; {str(path)!r} {kind}. Check the path.")
    if path.stat().st_size == 0:
        raise NotAModel(f"{str(path)!r} is empty (0 bytes). Copy or download it again.")
    fill(unwrapped(model), _content(path), path)


def refusal(path: Path) -> NotAModel | UnsafeModel:
    """Error for a file of weights, with advice that fits the content of the file."""
    try:
        if not any(True for _ in dicts_of_tensors(_content(path))):
            return NotAModel(_no_weights(path))
    except (NotAModel, UnsafeModel) as error:
        return error
    return NotAModel(
        f"{str(path)!r} holds weights but no architecture. Name the architecture and give the file "
        f"as its weights: --model module.py:factory --weights {path.name}"
    )


def _content(path: Path) -> object:
    return (_safetensors if path.suffix.lower() == ".safetensors" else _pickled)(path)


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
        if "TorchScript" in said:
            raise NotAModel(
                f"Weights alone were expected; {str(path)!r} is TorchScript, which has no Python "
                "to open at its layers. Take the eager module that it was made from, save its "
                f"weights, {_SAVE}, and say: {_CALL}"
            ) from error
        if "Unsupported global" in said or start[:1] == PICKLE:
            raise UnsafeModel(
                f"Weights alone were expected; opening {str(path)!r} would run code that it "
                f"carries ({_culprit(said)}), so it is not opened. Save only the weights where the "
                f"model was made, {_SAVE}, or better a .safetensors file, and say: {_CALL}"
            ) from error
        raise NotAModel(_unreadable(path, "a PyTorch file of weights")) from error


def _culprit(said: str) -> str:
    name = said.partition("Unsupported global: GLOBAL ")[2].split(" ")[0]
    return name or "pickled objects"


def _unreadable(path: Path, kind: str) -> str:
    """Message about an unreadable file, without torch's advice to open the file unsafely."""
    return (
        f"{str(path)!r} can't be read as {kind} (it starts with {_start(path)!r}). It is damaged, "
        "or something else: copy or download it again."
    )


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _no_weights(path: Path) -> str:
    return (
        f"{str(path)!r} holds no weights: no tensors by name are in it. Save them where the model "
        f"was made, {_SAVE}, and say: {_CALL}"
    )
