"""Keras, imported on a backend that is installed."""

import importlib
import importlib.util
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xai_heatmap.networks.loading.loaded import first_line, missing

BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
"""Keras's backends in the order they are tried, each with the package that it needs."""

_LOG_LINE = re.compile(
    rb"WARNING: All log messages before absl|[IWE]\d{4} \d\d:\d\d:\d\d|To enable"
)

INSTALL = 'pip install "xai-heatmap[keras]" tensorflow'


def keras_backend() -> str | None:
    """The backend that Keras runs on or would run on, None where none is installed.

    ``KERAS_BACKEND`` decides, then the user's own keras.json, then what is installed.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"].backend.backend()
    if said := os.environ.get("KERAS_BACKEND"):
        return said
    preferred = _configured()
    order = [preferred, *BACKENDS] if preferred in BACKENDS else list(BACKENDS)
    return next((b for b in order if importlib.util.find_spec(BACKENDS[b])), None)


def imported_keras(*, purpose: str) -> Any:
    """The module ``keras``.

    Raises
    ------
    MissingFramework
        Where Keras or its backend is not installed.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    if importlib.util.find_spec("keras") is None:
        raise missing("Keras 3", INSTALL, purpose=purpose)
    backend = keras_backend()
    if backend is None:
        raise missing(
            "a backend for Keras (TensorFlow, JAX or PyTorch)",
            "pip install tensorflow",
            purpose=purpose,
        )
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = backend
    try:
        with without_log_lines():
            return importlib.import_module("keras")
    except (ImportError, ValueError) as error:
        raise missing(
            f"Keras on {backend}", f"pip install {backend}", purpose=purpose, why=first_line(error)
        ) from error
    finally:
        if before is None:
            del os.environ["KERAS_BACKEND"]


@contextmanager
def without_log_lines() -> Iterator[None]:
    """Apply TF_CPP_MIN_LOG_LEVEL also to the lines that TensorFlow writes while starting.

    TensorFlow writes these lines to the process's stderr before its logging is set up.
    https://github.com/tensorflow/tensorflow/issues/100442 (seen in 2.19 to 2.21)
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0") == "0":
        yield
        return
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            written.seek(0)
            for line in written:
                if not _LOG_LINE.match(line):
                    os.write(2, line)


def _configured() -> str | None:
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((home / "keras.json").read_text("utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None
