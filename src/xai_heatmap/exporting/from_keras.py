"""A Keras model as an ONNX model, on whichever backend Keras runs.

TensorFlow: through tf2onnx. PyTorch: through torch's older exporter, which Keras chooses. JAX:
through jax2onnx.
"""

import importlib.util
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from onnx import ModelProto, helper, load, numpy_helper

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.loading.loaded import first_line, missing

NEEDS = {"tensorflow": "tf2onnx", "torch": "onnxscript", "jax": "jax2onnx"}
"""The package that the exporter of each backend is made of."""

OPSET = 18


def from_keras(model: keras.Model, shape: Sequence[int]) -> ModelProto:
    """For any number of images; a model that was never called is called once."""
    name = keras.backend.backend()
    if (package := NEEDS.get(name)) and importlib.util.find_spec(package) is None:
        raise missing(
            package, f"pip install {package}", purpose=f"Exporting a Keras model on {name}"
        )
    native = _native(model, shape)
    try:
        with _quietly():
            if name == "tensorflow":
                return _by_tensorflow(model, native)
            model(np.zeros((1, *native), np.float32), training=False)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.onnx"
                model.export(str(path), format="onnx", verbose=False)
                return load(path)
    except Exception as error:
        raise ModelError(
            f"Keras on {name} can't export {model.name!r} to ONNX: {first_line(error)}. Another "
            f"backend may: save the model as .keras and set KERAS_BACKEND=tensorflow, torch or "
            f"jax. explain() needs no export."
        ) from error


def _by_tensorflow(model: keras.Model, native: Sequence[int]) -> ModelProto:
    """Not through Keras's own call of tf2onnx: there, tensors that a model captured stay inputs."""
    import tensorflow as tf
    import tf2onnx

    picture = tf.TensorSpec((None, *native), tf.float32, name="image")
    function = tf.function(lambda image: model(image, training=False))
    eagerly = tf.config.functions_run_eagerly()
    try:  # functions inside, which Keras compiles for grouped convolutions, are written out
        tf.config.run_functions_eagerly(True)
        traced = function.get_concrete_function(picture)
    finally:
        tf.config.run_functions_eagerly(eagerly)
    converted, _ = tf2onnx.convert.from_function(function, [picture], opset=OPSET)
    captured = {inner.name: outer for outer, inner in traced.graph.captures}
    held = [value for value in converted.graph.input if value.name in captured]
    for value in held:
        array = np.asarray(captured[value.name])
        converted.graph.initializer.append(numpy_helper.from_array(array, value.name))
        converted.graph.input.remove(value)
    _without_erfc(converted)
    return converted


def _without_erfc(model: ModelProto) -> None:
    """Write erfc(x) as 1 - erf(x), since tf2onnx leaves it as TensorFlow's own operator."""
    nodes = list(model.graph.node)
    if all(node.op_type != "Erfc" for node in nodes):
        return
    one = f"{nodes[0].output[0]}/one"
    model.graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), one))
    del model.graph.node[:]
    for node in nodes:
        if node.op_type == "Erfc":
            inner = f"{node.output[0]}/erf"
            model.graph.node.append(helper.make_node("Erf", node.input, [inner], name=inner))
            node = helper.make_node("Sub", [one, inner], node.output, name=node.name)  # noqa: PLW2901 - in its place
        model.graph.node.append(node)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's own remarks, which nobody here could act on."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    try:
        logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _native(model: keras.Model, shape: Sequence[int]) -> tuple[int, ...]:
    own = tuple(model.inputs[0].shape[1:]) if getattr(model, "inputs", None) else ()
    first = own[:1] == tuple(shape[:1]) and own[-1:] != tuple(shape[:1])
    return tuple(shape) if first else (*shape[1:], shape[0])
