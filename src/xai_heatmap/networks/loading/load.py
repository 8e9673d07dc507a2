"""Loading of models by a text: a file, a factory of the user, or a name in a hub.

=============================  ==================================================================
``model.keras``, ``model.h5``  read by Keras in safe mode; code that the file carries is refused
``model.onnx``                 run by onnxruntime; weights beside it are read from its own folder
``module.py:factory``          the file is run and its function ``factory()`` called: your own code
``torchvision:NAME[/WEIGHTS]`` such as ``torchvision:resnet50/IMAGENET1K_V1``
``timm:NAME``                  such as ``timm:convnext_tiny``
``keras:NAME``                 a class of ``keras.applications``, such as ``keras:MobileNetV2``
``hf:ORG/NAME``                an image classifier for transformers, or a folder with one
``demo``, ``demo-cheat``       networks that come with the package, for its own planted scenes
=============================  ==================================================================

A hub's weights are downloaded by its own library when they are first used. ``?weights=none`` after
a hub's name leaves them out: the architecture with random weights. No file is ever unpickled into
code.
"""

import difflib
import importlib
import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xai_heatmap.core.errors import (
    BadOption,
    ModelNotFound,
    NotAModel,
    XaiHeatmapError,
    did_you_mean,
)
from xai_heatmap.networks.loading.demo.shipped import NAMES
from xai_heatmap.networks.loading.loaded import Loaded, missing

HUBS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "torchvision": ("loading.hubs.from_torchvision", "load_torchvision"),
        "timm": ("loading.hubs.from_timm", "load_timm"),
        "keras": ("loading.hubs.from_keras", "load_keras_application"),
        "hf": ("loading.hubs.from_hf", "load_hf"),
    }
)
"""File and function that load the names with a prefix."""

FILES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        ".keras": ("keras.file", "load_keras_file"),
        ".h5": ("keras.file", "load_keras_file"),
        ".hdf5": ("keras.file", "load_keras_file"),
        ".onnx": ("onnx.file", "load_onnx_file"),
    }
)
"""File and function that load the files with a suffix."""

WEIGHTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
"""Endings of files that hold weights alone, or should."""

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        ".npz": "holds arrays but no architecture. Put them into the model in a function of your "
        "own and say: --model module.py:factory",
        ".pt2": "is a program of torch.export. Open it in a function of your own, "
        "torch.export.load(path), whose layers are the nodes of its graph, or make the module that "
        "it came from there, and say: --model module.py:factory",
        ".pb": "is a TensorFlow graph, which can't be opened at its layers. Save the Keras model "
        "that it came from as .keras",
        ".tflite": "is a TensorFlow Lite file, which has no gradients. Give the Keras model that "
        "it was converted from",
        ".pkl": "is a pickle, which could run any code and is never opened. Save a state dict as "
        ".safetensors and use: --model module.py:factory --weights FILE",
    }
)
"""Reasons for which files with a suffix are refused."""

_FACTORY = re.compile(r"(?P<path>.+\.py):(?P<name>[^\W\d]\w*)")
_WITHOUT = "?weights=none"
_KINDS = (
    "A model is a .keras, .h5 or .onnx file, module.py:factory, torchvision:NAME, timm:NAME, "
    "keras:NAME or hf:ORG/NAME; demo comes with the package."
)


def load(
    text: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = None,
    texts: bool = False,
    words: bool = False,
) -> Loaded:
    """Model that `text` names, with the declarations of the hub.

    Parameters
    ----------
    text
        As in the table above.
    weights
        A state dict, ``.safetensors`` or ``.pt``, for a PyTorch model; a hub then gives the
        architecture alone.
    texts
        Whether pictures are held against texts: transformers then loads a model of two towers, with
        its tokenizer.
    words
        Whether questions about pictures are asked: transformers then loads a model that answers in
        words, with its processor.

    Raises
    ------
    ModelNotFound, NotAModel, UnsafeModel, MissingFramework
        In that order of what can be wrong.
    """
    loaded = _loaded(os.fspath(text).strip(), bare=weights is not None, texts=texts, words=words)
    if weights is not None:
        loaded = replace(loaded, files=(*loaded.files, Path(weights).absolute()))
    if weights is not None:
        classes = _classes(loaded.model)
        keras = any(name.startswith("keras.") for name in classes)  # on PyTorch a module, too
        if keras or "torch.nn.modules.module.Module" not in classes:
            raise BadOption(
                f"--weights is for a PyTorch model; {str(text)!r} is a "
                f"{type(loaded.model).__name__}. A .keras or .h5 file already holds its weights."
            )
        _called(("loading.state_dict", "load_state_dict"), loaded.model, Path(weights))
    return loaded


def _loaded(text: str, *, bare: bool, texts: bool, words: bool) -> Loaded:
    if found := _FACTORY.fullmatch(text):
        return _called(("loading.factory", "load_factory"), Path(found["path"]), found["name"])
    hub, colon, name = text.partition(":")
    if colon and hub in HUBS:
        chosen, question, _ = name.partition("?")
        if question and not name.endswith(_WITHOUT):
            raise BadOption(
                f"After a hub's name may stand {_WITHOUT!r}, which leaves the trained weights out; "
                f"received {name!r}."
            )
        if not chosen:
            raise ModelNotFound(f"{text!r} names a hub but no model. {_KINDS}")
        asked = {"texts": texts, "words": words} if hub == "hf" and (texts or words) else {}
        return _called(HUBS[hub], chosen, trained=not (bare or question), **asked)
    if colon and (brought := _brought(hub, name)) is not None:
        return brought
    if text in NAMES:
        return _called(("loading.demo", "load_demo"), text)
    path = Path(text).expanduser()
    if path.is_dir():
        raise NotAModel(_folder(path))
    if not path.exists():
        raise ModelNotFound(_absent(text, path))
    return _from_file(path)


def _brought(prefix: str, name: str) -> Loaded | None:
    """Model that another package loads for the prefix `prefix`; None without such a package."""
    from xai_heatmap.core.plugins import network_plugin

    try:
        load_it = network_plugin(prefix, HUBS)
    except ImportError as problem:
        raise ModelNotFound(str(problem)) from problem
    if load_it is None:
        return None
    model = load_it(name)
    return model if isinstance(model, Loaded) else Loaded(model)


def _from_file(path: Path) -> Loaded:
    suffix = path.suffix.lower()
    if suffix in WEIGHTS:
        raise _only_weights(path)
    if suffix in REFUSED:
        raise NotAModel(f"{str(path)!r} {REFUSED[suffix].format(name=path.name)}.")
    if suffix == ".py":
        raise NotAModel(
            f"{str(path)!r} is Python: say which of its functions makes the model, "
            f"--model {path}:{_first_function(path)}"
        )
    if suffix not in FILES:
        raise NotAModel(f"{str(path)!r} has an ending that no model has. {_KINDS}")
    if path.stat().st_size == 0:
        raise NotAModel(f"{str(path)!r} is empty (0 bytes). Copy or download it again.")
    loaded = _called(FILES[suffix], path)
    return loaded if loaded.files else replace(loaded, files=(path,))


def _only_weights(path: Path) -> XaiHeatmapError:
    """Error for a file of weights, with advice that fits the content of the file."""
    if path.stat().st_size == 0:
        return NotAModel(f"{str(path)!r} is empty (0 bytes). Copy or download it again.")
    if importlib.util.find_spec("torch") is None:
        return missing(
            "PyTorch",
            'pip install "xai-heatmap[torch]"',
            purpose=f"{str(path)!r}, which holds weights of a PyTorch model,",
        )
    return _called(("loading.state_dict", "refusal"), path)


def _called(home: tuple[str, str], *arguments: object, **options: object) -> Any:
    module = importlib.import_module(f"xai_heatmap.networks.{home[0]}")
    return getattr(module, home[1])(*arguments, **options)


def _classes(model: object) -> list[str]:
    return [f"{c.__module__}.{c.__qualname__}" for c in type(model).__mro__]


def _folder(path: Path) -> str:
    if (path / "saved_model.pb").exists():
        return (
            f"{str(path)!r} is a TensorFlow SavedModel, which can't be opened at its layers. Save "
            "the Keras model that it came from as .keras."
        )
    if (path / "config.json").exists():
        return f"{str(path)!r} is a folder. If transformers wrote it, say --model hf:{path}"
    return f"A model is one file; {str(path)!r} is a folder. {_KINDS}"


def _absent(text: str, path: Path) -> str:
    hub, colon, _ = text.partition(":")
    if colon and len(hub) > 1 and "/" not in hub:
        return f"There is no hub {hub!r}.{did_you_mean(hub, HUBS)} {_KINDS}"
    if not path.suffix and path.parent == Path():
        return (
            f"There is no model file {text!r}. If you mean a hub's model, name the hub: "
            f"torchvision:{text}, timm:{text}, keras:{text}. {_KINDS}"
        )
    beside = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    hint = f" Did you mean {str(path.parent / near[0])!r}?" if near else ""
    return f"There is no model file {text!r}.{hint} {_KINDS}"


def _first_function(path: Path) -> str:
    found = re.search(r"^def ([^\W\d]\w*)", path.read_text("utf-8", errors="replace"), re.MULTILINE)
    return found[1] if found else "factory"
