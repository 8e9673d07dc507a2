"""Errors of transformers, while it loads a model, in this package's words."""

import json
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xai_heatmap.core.counted import counted, noun
from xai_heatmap.core.errors import ModelNotFound, NotAModel, UnsafeModel, XaiHeatmapError
from xai_heatmap.networks.loading.loaded import first_line, missing

_OPERAND = re.compile(r"Unsupported operand (\d+)")
_ASCII = 128
"""First byte that no text has; what the reader stumbles over in a text is below it."""

_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")


@contextmanager
def worded(transformers: Any, name: str, *, task: str) -> Iterator[None]:
    """A block in which transformers reads the model `name`; what it raises becomes one sentence.

    Raises
    ------
    ModelNotFound, UnsafeModel, NotAModel, MissingFramework
        Where nothing is there, where code would have to be run (none of it is), where the files are
        damaged or of another kind, and where a package is absent.
    """
    try:
        with warnings.catch_warnings():
            # of the pickle's age: it is read, or an error follows
            warnings.filterwarnings("ignore", message="Detected pickle protocol")
            yield
    except XaiHeatmapError:
        raise
    except OSError as error:
        raise ModelNotFound(
            f"hf:{name} could not be loaded: {first_line(error)}. {_again(name)}"
        ) from error
    except ImportError as error:
        raise missing(
            "another package", "see the reason", purpose=f"hf:{name}", why=first_line(error)
        ) from error
    except (pickle.UnpicklingError, EOFError) as error:
        raise _of_pickle(error, name) from error
    except json.JSONDecodeError as error:
        raise NotAModel(_damaged(name, error)) from error
    except (ValueError, KeyError) as error:
        if "trust_remote_code" in str(error) or _brings_code(transformers, name):
            raise UnsafeModel(_code(name)) from error
        raise NotAModel(
            f"hf:{name} is no image classifier that transformers knows: {first_line(error)}. "
            f"Choose a model with the task {task}."
        ) from error
    except Exception as error:  # what reads somebody else's files may raise anything
        raise NotAModel(_damaged(name, error)) from error


def check_filled(transformers: Any, info: Mapping[str, Any], model: Any, name: str) -> None:
    """Weights of the model that its file lacks: transformers draws them at random.

    Raises
    ------
    NotAModel
        If all of them are.
    """
    absent = sorted(str(key) for key in info.get("missing_keys", ()))
    own = model.state_dict()
    said = f"{counted(len(own), 'weight')} of {type(model).__name__}"
    if absent and len(absent) == len(own):
        raise NotAModel(
            f"The weights in hf:{name} belong to another model: none of the {said} is among them. "
            f"{_again(name)} Random weights are hf:{name}?weights=none."
        )
    if absent:
        warnings.warn(
            f"hf:{name} lacks {len(absent)} of the {said}, such as {absent[0]}: they are random, "
            "and so is what hangs on them. Choose a model that was trained for this task.",
            stacklevel=2,
        )
    left = sorted(str(key) for key in info.get("unexpected_keys", ()))
    if left and _brings_code(transformers, name):
        warnings.warn(
            f"hf:{name} brings code of its own, which was not run; the {type(model).__name__} of "
            f"transformers stands in, and {counted(len(left), 'weight')}, such as {left[0]}, "
            f"{noun(len(left), 'has', 'have')} no place in it.",
            stacklevel=2,
        )


def _of_pickle(error: Exception, name: str) -> NotAModel | UnsafeModel:
    """A pickle that names more than tensors, or what is no pickle at all."""
    said = str(error)
    operand = _OPERAND.search(said)
    if isinstance(error, EOFError) or (operand and int(operand[1]) < _ASCII):
        return NotAModel(
            f"A file of weights in hf:{name} is empty, cut off or something else. {_again(name)}"
        )
    found = _GLOBAL.search(said)
    return UnsafeModel(
        f"Weights alone were expected; opening those of hf:{name} would run code that they carry "
        f"({found[1] if found else 'pickled objects'}), so they are not opened. Choose a "
        "repository with model.safetensors, or save the weights again where the model was made, "
        "model.save_pretrained(folder)."
    )


def _brings_code(transformers: Any, name: str) -> bool:
    """Whether the configuration says that classes are in Python files of the repository."""
    try:
        return "auto_map" in transformers.PretrainedConfig.get_config_dict(name)[0]
    except Exception:  # noqa: BLE001 - there is none that can be read
        return False


def _code(name: str) -> str:
    return (
        f"A model without code of its own was expected; hf:{name} brings Python files that "
        "would have to be run, and none of them was. If you have read them and trust them, "
        "load it in a factory of your own, --model module.py:factory, with "
        "from_pretrained(..., trust_remote_code=True)."
    )


def _damaged(name: str, error: Exception) -> str:
    return (
        f"transformers can't make a model of hf:{name}: {first_line(error)}. Its files are "
        f"damaged, or do not belong together. {_again(name)}"
    )


def _again(name: str) -> str:
    """Advice by where a model was looked for."""
    if Path(name).is_dir():
        return "Copy or download the folder again, or save it with model.save_pretrained(folder)."
    return "Check the name on huggingface.co/models, or the connection."
