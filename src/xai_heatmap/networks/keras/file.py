"""Models saved by Keras, ``.keras`` or ``.h5``, loaded without running code in the file."""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xai_heatmap.core.errors import NotAModel, UnsafeModel
from xai_heatmap.networks.keras.imported import imported_keras
from xai_heatmap.networks.loading.loaded import Loaded, first_line

OWN = ("keras", "keras_hub", "keras_cv", "keras_nlp", "builtins")
"""Packages whose classes a file may name; others have to be registered by whoever loads it."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_AGAIN = "Copy or download it again."


LARGEST_CONFIGURATION = 64 << 20
"""Bytes of JSON that describe a model; those of real ones are a few million at most."""

SMALL, MOST = 256 << 20, 50
"""Bytes that may always be unpacked; above them, how many times larger the content may be than the
file. Weights are hardly made smaller by packing.
"""

_STRANGERS = (
    re.compile(r"Could not locate (?:class|function) '([^']+)'"),
    re.compile(r"Unknown (?:[\w-]+ )+?function:? '?([^\s'.]+)"),
    re.compile(r"Unknown \w+: '?([^\s'.]+)"),
)
"""Messages in which Keras names an unknown class or function."""

_CAUSE = "Exception encountered:"
"""Mark in a message of Keras; the cause stands behind the last one."""


def load_keras_file(path: Path) -> Loaded:
    """The model of a ``.keras`` or ``.h5`` file.

    Raises
    ------
    UnsafeModel
        For a file with a Lambda layer: it holds Python bytecode.
    NotAModel
        For a file that is no such model, or only part of one.
    """
    hdf5 = _is_hdf5(path)
    config = _configuration_of_h5(path) if hdf5 else _configuration_of_zip(path)
    if hdf5 is (path.suffix.lower() == ".keras"):
        kind, ending = ("an HDF5 file", ".h5") if hdf5 else ("an archive of Keras 3", ".keras")
        raise NotAModel(
            f"{str(path)!r} is {kind} by its content, and Keras goes by the name. Rename it to "
            f"{path.with_suffix(ending).name!r}."
        )
    _refuse_code(config, path)
    keras = imported_keras(purpose=f"{str(path)!r}")
    _refuse_strangers(config, path, keras)
    try:
        return Loaded(keras.saving.load_model(path, compile=False, safe_mode=True))
    except Exception as error:
        raise _refusal(error, path, config, keras) from error


def _refusal(error: Exception, path: Path, config: Any, keras: Any) -> NotAModel | UnsafeModel:
    """Error for a file that Keras refused, with the cause found in the message of Keras."""
    said = str(error)
    if "safe_mode" in said or "unsafe" in said.casefold():
        return UnsafeModel(_unsafe(path, first_line(error)))
    for pattern in _STRANGERS:
        if found := pattern.search(said):
            registered = {n.get("class_name"): n.get("registered_name") for n in _nodes(config)}
            return NotAModel(_stranger(path, str(registered.get(found[1]) or found[1])))
    cause = said.rpartition(_CAUSE)[2].strip()
    why = first_line(type(error)(cause)) if _CAUSE in said and cause else first_line(error)
    return NotAModel(
        f"Keras can't make a model of {str(path)!r}: {why}. Mend that where the model was made, or "
        f"load it with the Keras that saved it (this is {keras.__version__}), and save it again as "
        ".keras."
    )


def _stranger(path: Path, name: str, module: str = "") -> str:
    """Error message about a class of which the file holds only the name."""
    own = name.rpartition(">")[2]
    return (
        f"{str(path)!r} needs {name!r}{f' from {module!r}' if module else ''}, which is not part "
        f"of Keras: a file holds the name of a class, not its code. Write a factory, model.py, "
        f"that has the class:\n"
        f"    import keras\n"
        f"    from the_file_with_it import {own}\n"
        f"    def build():\n"
        f"        own = {{{name!r}: {own}}}\n"
        f"        return keras.saving.load_model({str(path)!r}, custom_objects=own)\n"
        f"and say: --model model.py:build"
    )


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
            _bounded(path, sum(member.file_size for member in archive.infolist()))
            size = archive.getinfo("config.json").file_size
            if size > LARGEST_CONFIGURATION:
                raise NotAModel(_too_large(path, f"a config.json of {size:,} bytes"))
            return json.loads(archive.read("config.json"))
    except NotAModel:
        raise
    except Exception as error:  # what decodes somebody else's file may raise anything
        with path.open("rb") as file:
            start = file.read(16)
        if start.startswith(b"PK"):
            reason = f"it is cut off or damaged, or locked ({first_line(error)})"
        else:
            reason = f"it starts with {start!r}"
        raise NotAModel(f"{str(path)!r} is not a Keras model: {reason}. {_AGAIN}") from error


def _configuration_of_h5(path: Path) -> Any:
    imported_keras(purpose=f"{str(path)!r}")
    import h5py

    sizes: list[int] = []
    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
            file.visititems(lambda _, item: sizes.append(getattr(item, "nbytes", 0)))
    except Exception as error:
        raise NotAModel(
            f"{str(path)!r} is an HDF5 file, but cut off or damaged ({first_line(error)}). {_AGAIN}"
        ) from error
    if config is None:
        raise NotAModel(
            f"{str(path)!r} holds weights but no architecture. Load them into the model that they "
            "belong to and save it whole: model.save('name.keras')."
        )
    _bounded(path, sum(sizes))
    try:
        return json.loads(config)
    except Exception as error:
        raise NotAModel(
            f"{str(path)!r} describes its model in a way that can't be read ({first_line(error)}). "
            f"{_AGAIN}"
        ) from error


def _bounded(path: Path, content: int) -> None:
    """Refuse a file whose content unpacks to far more bytes than the file has."""
    if content > max(SMALL, MOST * path.stat().st_size):
        raise NotAModel(_too_large(path, f"{content:,} bytes"))


def _too_large(path: Path, what: str) -> str:
    return (
        f"{str(path)!r} has {path.stat().st_size:,} bytes and says that it holds {what}, which no "
        "model does; it is not opened. Save the model again with model.save('name.keras')."
    )


def _refuse_code(config: Any, path: Path) -> None:
    """Refuse Python bytecode, also in ``.h5``, where the safe mode of Keras did not before 3.11.3.

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
            raise NotAModel(_stranger(path, str(node.get("registered_name") or name), module))


def _nodes(config: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping in a configuration, at any depth."""
    todo = [config]
    while todo:
        one = todo.pop()
        if isinstance(one, Mapping):
            yield one
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def _unsafe(path: Path, what: str) -> str:
    return (
        f"A model without code of its own was expected; opening {str(path)!r} would run code that "
        f"it carries ({what}). If you made it yourself, load it in a factory of your own: "
        "--model module.py:factory"
    )
