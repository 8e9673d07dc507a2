"""Frameworks: one file each, imported only when a model of that kind is handed in."""

import copy
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, get_args

from xai_heatmap.core.axes import Axes, axes_of
from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import BadOption, MissingFramework, NotAModel, did_you_mean
from xai_heatmap.core.importing import imported
from xai_heatmap.core.network import Declared, Network
from xai_heatmap.core.targets.answer import Kind
from xai_heatmap.core.targets.text import Texts
from xai_heatmap.networks.loading.loaded import Declaring, Loaded
from xai_heatmap.networks.opening.held import Given, Name
from xai_heatmap.networks.opening.side_by_side import SideBySide, side_by_side

OPENERS = {
    "keras.src.models.model.Model": ("keras.model", "open_keras"),
    "torch.export.exported_program.ExportedProgram": ("torch.exported", "open_exported"),
    "torch.fx.graph_module.GraphModule": ("torch.exported", "open_graph"),
    "torch.nn.modules.module.Module": ("torch.model", "open_torch"),
    "onnx.onnx_ml_pb2.ModelProto": ("onnx.runtime", "open_onnx"),
    "xai_heatmap.networks.onnx.file.OnnxFile": ("onnx.runtime", "open_onnx"),
}
"""File and function that open a class of models, in order: a Keras model on torch is both."""


def network(
    model: Any,
    *,
    image_shape: Sequence[int] | None = None,
    output: str | int | Sequence[str | int] | None = None,
    keep_closing: bool = False,
    answers: str | Boxes | None = None,
    held: Given | Texts | None = None,
    picture: Name | None = None,
    exclusive: bool = True,
    axes: str | None = None,
    session_options: object = None,
) -> Network:
    """A model as a network that can be opened at its layers; the model itself stays as it is.

    What a pass changes of a PyTorch model it gives back: training mode, ``requires_grad``, buffers,
    attributes, random states. While the pass runs they are shared with every other thread, which
    may run the model for inference meanwhile and gets its own answers, but may not train it: see
    `exclusive`.

    Parameters
    ----------
    model
        A ``torch.nn.Module``, what ``torch.export`` gives, a ``keras.Model`` on any backend, an
        object of another library that holds one (a transformers pipeline, an onnxruntime session,
        a YOLO, a Learner), a network, or text that says where
        one is: a ``.keras`` or ``.h5`` file, ``module.py:factory``, ``torchvision:NAME``,
        ``timm:NAME``, ``keras:NAME``, ``hf:NAME``, ``demo``. Or any function from pictures, float32
        (n, c, H, W), to scores (n, classes): it is explained at the picture, by methods without
        gradients. A function of PyTorch's tensors and a method of a module, such as
        ``clip.encode_image``, are differentiated, and the modules that they use are the layers.
    image_shape
        (c, H, W) to list the layers for, where the model does not say it.
    output
        Key or index of the output to explain, where the model has several. Or several of them,
        ``["age", "breed"]``: their numbers stand side by side as one row of values, as the model
        answers them, named ``age`` or ``breed[3]``; `weighted` adds them up.
    keep_closing
        Explain the model's output as it stands, a closing softmax or sigmoid included. Gradients
        fade as a probability nears 0 or 1; without this the logit before it is explained.
    answers
        What the outputs are, where the model does not say it: ``classes`` of which one holds,
        ``labels`` of which several may hold (each has its own probability), or ``values``, as in
        regression: explained as they stand, a single one without a class for and against. Or
        ``boxes``, as detectors answer: a `Boxes` says how they are read, where that can't be found
        out.
    held
        What the model takes beside the picture, held fixed: ``{"metadata": array}``, by the names
        of its inputs or, in PyTorch, by the place of an argument. The first axis of an array counts
        pictures: one row for all of them, or one for each; `whole` marks what counts none. It is
        neither differentiated nor masked. Or `text`: what pictures are held against by a model of
        two towers, such as CLIP; the texts are its classes then.
    picture
        Which input is the picture, where several could be.
    exclusive
        False explains a private copy of the model, with its weights as they are now, and never
        touches the model itself: for another thread that trains it, or writes into it, meanwhile.
        It takes the memory of the model again. Make a new one where the weights have changed.
    axes
        What the axes of one input are, without that of the images, by a letter each: ``c``
        channels, the others in their order the grid: ``"tchw"`` for frames of pictures, ``"tc"``
        for time and features, ``"hwc"`` for pictures with channels last, ``"t"`` for a waveform,
        ``"tf"`` for a spectrogram. Where it is not said, what first consumes the input says it, or
        else the framework's habit. `image_shape` is in the same order. Inputs and heat are in the
        network's own axes.
    session_options
        Of an ONNX file: an ``onnxruntime.SessionOptions``, or some of its attributes by name, and
        ``providers``: ``{"intra_op_num_threads": 2, "providers": ["CUDAExecutionProvider"]}``.
        Threads are otherwise as many as ``XAI_HEATMAP_THREADS`` says, or as processors that this
        process may use.

    Raises
    ------
    NotAModel
        For anything else.
    BadOption, BadArray
        If the model takes more than the picture and what is held, or takes it in another shape.
    """
    if isinstance(model, Network):
        given = (image_shape, output, keep_closing or None, answers, picture, axes, session_options)
        _check_opened(any(own is not None for own in given) or not exclusive, held)
        values: Any = held
        return model.holding(values) if values else model
    if not isinstance(answers, Boxes) and answers not in (None, *get_args(Kind)):
        raise BadOption(
            f"answers is one of {', '.join(get_args(Kind))}; received {answers!r}."
            f"{did_you_mean(str(answers), get_args(Kind))}"
        )
    named = None if axes is None else axes_of(axes)
    _checked(image_shape, named)
    if isinstance(model, str | os.PathLike):
        from xai_heatmap.networks.loading.load import load

        model = load(model, texts=isinstance(held, Texts))
    if isinstance(held, Texts):
        model = _with_texts(model, held, (picture, output), exclusive=exclusive)
        held, exclusive = None, True
    from xai_heatmap.networks.loading.objects import opened_up

    model = opened_up(model)
    declared = (model.declared if isinstance(model, Loaded) else None) or Declared()
    model = model.model if isinstance(model, Loaded) else model
    several = _several(output, answers)
    answers = "values" if several is not None else answers
    answers = declared.answers if answers is None and output is None else answers
    boxes = Boxes() if answers == "boxes" else answers if isinstance(answers, Boxes) else None
    if boxes is not None and output is not None:
        raise BadOption(
            f"Boxes and their scores are read together; received output={output!r} beside them. "
            "Say which outputs they are: answers=xai_heatmap.Boxes(scores=KEY, boxes=KEY)."
        )
    kind = "boxes" if boxes is not None else answers
    said = replace(declared, answers=kind or declared.answers)
    opened = _opened(
        model if exclusive else _copied(model),
        image_shape=image_shape or declared.input_shape,
        output=boxes or several or output,
        keep_closing=keep_closing,
        values=said.answers == "values",
        held=held or {},
        picture=picture,
        axes=named,
        session_options=session_options,
    )
    return opened if said == Declared() else Declaring(opened, said)


def _check_opened(more: bool, held: object) -> None:
    """Refuse for a network that is open already what is said where a model becomes one."""
    if more:
        raise NotAModel(
            "image_shape, output, keep_closing, answers, picture, axes, session_options and "
            "exclusive are given where a model becomes a network; this is one."
        )
    if isinstance(held, Texts):
        raise NotAModel(
            "Texts are given where a model becomes a network: xai_heatmap.network(model, "
            "held=xai_heatmap.text([...])); this is one already. Of its own texts say which: "
            'target="a bus".'
        )


def _with_texts(model: Any, texts: Texts, said: Sequence[object], *, exclusive: bool) -> Loaded:
    """Model from pictures to their likeness with texts."""
    if any(own is not None for own in said):
        raise BadOption("Texts say themselves what is read; leave picture= and output= out.")
    from xai_heatmap.networks.language.held_texts import with_texts

    return with_texts(model, texts, own=(lambda one: one) if exclusive else _copied)


def _several(
    output: str | int | Sequence[str | int] | None, answers: str | Boxes | None
) -> SideBySide | None:
    """Outputs side by side, None for one output; these are values."""
    if isinstance(output, str | int | None):
        return None
    if answers not in (None, "values"):
        raise BadOption(
            f"Outputs that stand side by side are values; received answers={answers!r} beside "
            f"output={list(output)!r}. Leave answers= out, or name one output."
        )
    return side_by_side(tuple(output))


def _checked(image_shape: object, axes: Axes | None) -> None:
    """Check `image_shape`: channels and the length of every axis of the picture."""
    lengths = list(image_shape) if isinstance(image_shape, Sequence) else []
    whole = all(isinstance(n, Integral) and int(n) > 0 for n in lengths)
    if axes is not None and image_shape is not None and len(lengths) != len(axes.word):
        raise BadOption(
            f"image_shape gives the length of every axis that axes={axes.word!r} names; received "
            f"{image_shape!r}."
        )
    least = 2 if axes is None else len(axes.word)
    if image_shape is not None and (len(lengths) < least or not whole):
        raise BadOption(
            "image_shape is the channels and the length of every axis of the picture, such as "
            f"(3, 224, 224); received {image_shape!r}."
        )


def _of_tensors(function: Any, options: dict[str, Any]) -> Any:
    """A function of PyTorch's tensors as a module; None for any other."""
    if "torch" not in sys.modules:
        return None
    home = importlib.import_module(f"{__name__}.torch.function")
    return home.as_module(function, options["image_shape"])


def _copied(model: Any) -> Any:
    """Deep copy of a PyTorch model; any other model itself."""
    classes = {f"{c.__module__}.{c.__qualname__}" for c in type(model).__mro__}
    if "torch.nn.modules.module.Module" not in classes:
        return model
    try:
        return copy.deepcopy(model)
    except Exception as problem:
        raise BadOption(
            f"exclusive=False explains a copy, and this {type(model).__name__} can't be copied: "
            f"{problem}. Build it a second time and load its weights, "
            "other.load_state_dict(model.state_dict()), and explain that one."
        ) from problem


def _brought(classes: Sequence[str]) -> Any:
    """Opener of another package for models of one of `classes`; None where none is installed."""
    from xai_heatmap.core.plugins import network_plugin

    try:
        openers = (network_plugin(name, OPENERS) for name in classes)
        return next((opener for opener in openers if opener is not None), None)
    except ImportError as problem:
        raise NotAModel(str(problem)) from problem


def _opened(
    model: Any, *, keep_closing: bool, values: bool, session_options: object, **options: Any
) -> Network:
    """Network over a model, opened by the backend for the class of the model."""
    classes = [f"{c.__module__}.{c.__qualname__}" for c in type(model).__mro__]
    module, opener = next((OPENERS[name] for name in OPENERS if name in classes), ("", ""))
    if module == "onnx.runtime":
        options["session_options"] = session_options
    elif session_options is not None:
        raise BadOption(
            "session_options are those of onnxruntime, which runs ONNX files; received them for a "
            f"{type(model).__name__}. Leave them out; PyTorch has torch.set_num_threads."
        )
    if module:
        backend = imported(f"{__name__}.{module}")
        return getattr(backend, opener)(model, keep_closing=keep_closing or values, **options)
    if (opener := _brought(classes)) is not None:
        found = opener(model, keep_closing=keep_closing or values, **options)
        if isinstance(found, Network):
            return found
        raise NotAModel(
            f"The package that opens {type(model).__name__} answered a {type(found).__name__}; "
            "an xai_heatmap.Network was expected."
        )
    if callable(model) and not isinstance(model, type):
        from xai_heatmap.networks.function.network import open_function

        if isinstance(options["output"], Boxes):
            raise BadOption(
                "Boxes are read from the outputs of a model. Of a function that answers boxes, "
                "xai_heatmap.detector(function, box=..., scores=...) explains one."
            )
        if (module := _of_tensors(model, options)) is not None:
            backend = importlib.import_module(f"{__name__}.torch.model")
            return backend.open_torch(module, keep_closing=keep_closing or values, **options)
        return open_function(model, keep_closing=keep_closing, **options)
    from xai_heatmap.networks.loading.objects import holding

    raise NotAModel(
        f"A torch.nn.Module, a keras.Model, an ONNX model, a function from pictures to scores, or "
        f"the path of a model file was expected; received {type(model).__name__}."
        + holding(model, OPENERS)
    )


__all__ = ["MissingFramework", "network"]
