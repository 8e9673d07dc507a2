"""A model that Keras saved: ``.keras`` or ``.h5``, read without running what it carries."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xai_heatmap.backends.keras_import import imported_keras
from xai_heatmap.backends.loaded import Loaded, first_line
from xai_heatmap.core.errors import NotAModel, UnsafeModel

OWN = ("keras", "keras_hub", "keras_cv", "keras_nlp", "builtins")
"""Packages whose classes a file may name; others have to be registered by whoever loads it."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_AGAIN = "Copy or download it again."


def load_keras_file(path: Path) -> Loaded:
    """The model of a ``.keras`` or ``.h5`` file.

    Raises
    ------
    UnsafeModel
        For a file with a Lambda layer: it holds Python bytecode.
    NotAModel
        For a file that is no such model, or only part of one.
    """
    config = _configuration_of_h5(path) if _is_hdf5(path) else _configuration_of_zip(path)
    _refuse_code(config, path)
    keras = imported_keras(purpose=f"{str(path)!r}")
    _refuse_strangers(config, path, keras)
    try:
        return Loaded(keras.saving.load_model(path, compile=False, safe_mode=True))
    except Exception as error:
        if "safe_mode" in str(error) or "unsafe" in str(error).casefold():
            raise UnsafeModel(_unsafe(path, first_line(error))) from error
        raise NotAModel(
            f"Keras can't make a model of {str(path)!r}: {first_line(error)}. The file is "
            f"incomplete or was saved by a version that this Keras ({keras.__version__}) can't "
            "read. Save it again as .keras."
        ) from error


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HDF5)) == _HDF5


def _configuration_of_zip(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            if "config.json" not in archive.namelist():
                raise NotAModel(
                    f"{str(path)!r} is an archive, but no Keras model: config.json is not in it. "
                    "Save the model with model.save('name.keras')."
                )
            return json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        with path.open("rb") as file:
            start = file.read(16)
        if start.startswith(b"PK"):
            reason = f"it is cut off or damaged ({first_line(error)})"
        else:
            reason = f"it starts with {start!r}"
        raise NotAModel(f"{str(path)!r} is not a Keras model: {reason}. {_AGAIN}") from error


def _configuration_of_h5(path: Path) -> Any:
    imported_keras(purpose=f"{str(path)!r}")
    import h5py

    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
    except (OSError, RuntimeError, KeyError) as error:
        raise NotAModel(
            f"{str(path)!r} is an HDF5 file, but cut off or damaged ({first_line(error)}). {_AGAIN}"
        ) from error
    if config is None:
        raise NotAModel(
            f"{str(path)!r} holds weights but no architecture. Load them into the model that they "
            "belong to and save it whole: model.save('name.keras')."
        )
    try:
        return json.loads(config)
    except ValueError as error:
        raise NotAModel(
            f"{str(path)!r} describes its model in a way that can't be read ({first_line(error)}). "
            f"{_AGAIN}"
        ) from error


def _refuse_code(config: Any, path: Path) -> None:
    """Keras's safe mode asks the same of ``.keras``; before 3.11.3 it did not ask it of ``.h5``.

    https://github.com/keras-team/keras/security/advisories/GHSA-36rr-ww3j-vrjv
    """
    for node in _nodes(config):
        if node.get("class_name") == "__lambda__" or node.get("function_type") == "lambda":
            raise UnsafeModel(_unsafe(path, "a Lambda layer with Python bytecode"))


def _refuse_strangers(config: Any, path: Path, keras: Any) -> None:
    """A class that Keras does not have: older versions import the module that the file names."""
    for node in _nodes(config):
        module, name = node.get("module"), node.get("class_name")
        if not isinstance(module, str) or not isinstance(name, str):
            continue
        known = keras.saving.get_registered_object(node.get("registered_name") or name)
        if module.partition(".")[0] not in OWN and known is None:
            raise NotAModel(
                f"{str(path)!r} needs {name!r} from {module!r}, which is not part of Keras. Make "
                "the model in Python, where that class is: --model module.py:factory, with "
                f"keras.saving.load_model({path.name!r}, custom_objects=...) in the factory."
            )


def _nodes(config: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(config, Mapping):
        yield config
        for value in config.values():
            yield from _nodes(value)
    elif isinstance(config, list):
        for value in config:
            yield from _nodes(value)


def _unsafe(path: Path, what: str) -> str:
    return (
        f"A model without code of its own was expected; opening {str(path)!r} would run code that "
        f"it carries ({what}). If you made it yourself, load it in a factory of your own: "
        "--model module.py:factory"
    )
