"""Objects of other libraries that hold a model, recognised by the names of their classes, without
imports.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, NotAModel
from xai_heatmap.core.listed import class_names
from xai_heatmap.core.network import Declared
from xai_heatmap.networks.loading.loaded import Loaded


def opened_up(model: Any) -> Any:
    """Model within an object of a known class, with the declarations of the object; any other
    object unchanged.
    """
    classes = [f"{c.__module__}.{c.__qualname__}" for c in type(model).__mro__]
    for name, opener in HOLDERS.items():
        if name in classes:
            return opener(model)
    return model


def holding(model: Any, known: Collection[str]) -> str:
    """Sentence on where an object holds a model of the `known` classes; empty where it holds none.

    >>> holding([1, 2], {"builtins.int"})
    ' It holds a model, int: hand in `list[0]`.'
    """
    entries = model.items() if isinstance(model, dict) else ()
    entries = enumerate(model) if isinstance(model, list | tuple) else entries
    inside = [(f"[{key!r}]", own) for key, own in entries]
    inside += [(f".{name}", own) for name, own in getattr(model, "__dict__", {}).items()]
    for where, own in inside:
        classes = (f"{c.__module__}.{c.__qualname__}" for c in type(own).__mro__)
        if any(name in known for name in classes):
            return (
                f" It holds a model, {type(own).__name__}: hand in "
                f"`{type(model).__name__.lower()}{where}`."
            )
    return ""


def _pipeline(held: Any) -> Loaded:
    """Model of a transformers pipeline, with preprocessing and class names."""
    processor = getattr(held, "image_processor", None)
    if processor is None:
        processor = getattr(getattr(held, "processor", None), "image_processor", None)
    if processor is None:
        raise NotAModel(
            f"The pipeline {type(held).__name__} takes no pictures, so there is nothing to draw a "
            "map on. Hand in its model, `pipeline.model`, if it takes what a map can lie on."
        )
    return Loaded(held.model, Declared(None, processor, _names_in(held.model)))


def _names_in(model: Any) -> tuple[str, ...] | None:
    names = getattr(getattr(model, "config", None), "id2label", None)
    if not isinstance(names, Mapping) or not names:
        return None
    labels = _named(names)
    numbered = labels and all(label == f"LABEL_{i}" for i, label in enumerate(labels))
    return None if numbered else labels


def _named(names: Any) -> tuple[str, ...] | None:
    """Class names as a tuple, None where `names` is no list of class names."""
    try:
        return class_names(names)
    except BadOption:
        return None


def _ultralytics(held: Any) -> Loaded:
    """Network of a YOLO object, with class names and letter-box preprocessing."""
    module = held.model
    if isinstance(module, str) or not callable(module):
        raise NotAModel(
            f"This {type(held).__name__} holds {module!r}, a file of another runtime. Hand in the "
            "file itself if it is ONNX, or the object made from the .pt file."
        )
    classifies = getattr(held, "task", None) == "classify"
    prepare = {"mode": "unit", "fit": "crop" if classifies else "letterbox"}
    answers = "classes" if classifies else "boxes"
    size = _side(held, classifies=classifies)
    return Loaded(
        module,
        Declared((3, *size), prepare, _named(getattr(held, "names", None)), answers=answers),
    )


def _side(held: Any, *, classifies: bool) -> tuple[int, int]:
    """Rows and columns of the training pictures, else the usual size of the task."""
    said = getattr(getattr(held, "model", None), "args", None)
    side = said.get("imgsz") if isinstance(said, Mapping) else getattr(said, "imgsz", None)
    if isinstance(side, list | tuple) and len(side) == 2:
        return int(side[0]), int(side[1])
    whole = int(side) if isinstance(side, int) else (224 if classifies else 640)
    return whole, whole


def _fastai(held: Any) -> Loaded:
    """Model of a fastai Learner with the class names; transforms work on whole batches."""
    vocabulary = getattr(getattr(held, "dls", None), "vocab", None)
    return Loaded(held.model, Declared(labels=_named(vocabulary)))


def _adapted(held: Any) -> Any:
    """Base model of a PEFT model; a model with prompt learning unchanged."""
    config = getattr(held, "active_peft_config", None)
    return held if getattr(config, "is_prompt_learning", False) else held.get_base_model()


def _session(held: Any) -> Any:
    """The file that a session of onnxruntime was made from."""
    path = getattr(held, "_model_path", None)
    if path:
        from xai_heatmap.networks.loading.load import load

        return load(path)
    raw = getattr(held, "_model_bytes", None)
    if isinstance(raw, bytes):
        import onnx

        return onnx.load_from_string(raw)
    raise NotAModel(
        "An onnxruntime.InferenceSession can't be opened at its layers, and this one does not say "
        "which file it was made from. Hand in the path of the .onnx file, or its onnx.ModelProto."
    )


def _saved_model(held: Any) -> Any:
    """The one signature of a SavedModel as a function of pictures; other objects unchanged."""
    signatures = getattr(held, "signatures", None)
    if not isinstance(signatures, Mapping):
        return held  # a keras.Model or a tf.Module, which are of this class too
    if len(signatures) != 1:
        raise NotAModel(
            f"This SavedModel has {counted(len(signatures), 'signature')}, "
            f"{', '.join(signatures) or 'none'}. "
            "Say which as a function: xai_heatmap.network(lambda x: model.signatures[NAME](...))."
        )
    ((_, run),) = signatures.items()
    inputs = run.structured_input_signature[1]
    if len(inputs) != 1:
        raise NotAModel(
            f"The signature takes {', '.join(inputs)}; one input, the picture, was expected. Fill "
            "in the others in a function: xai_heatmap.network(lambda x: ...)."
        )
    ((name, spec),) = inputs.items()
    last = len(spec.shape) == 4 and spec.shape[-1] in (1, 3, 4) and spec.shape[1] not in (1, 3)

    def signature(x: Any) -> Any:
        import tensorflow as tf

        answered = run(**{name: tf.cast(tf.transpose(x, (0, 2, 3, 1)) if last else x, spec.dtype)})
        return next(iter(answered.values()))

    return signature


HOLDERS: Mapping[str, Callable[[Any], Any]] = {
    "transformers.pipelines.base.Pipeline": _pipeline,
    "ultralytics.engine.model.Model": _ultralytics,
    "fastai.learner.Learner": _fastai,
    "peft.peft_model.PeftModel": _adapted,
    "onnxruntime.capi.onnxruntime_inference_collection.InferenceSession": _session,
    "tensorflow.python.trackable.autotrackable.AutoTrackable": _saved_model,
}
"""Function that opens an object of a class. A LightningModule is a module, and needs none."""
