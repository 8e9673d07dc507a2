"""Running graphs with onnxruntime: within the process's means, one clear error on failure, no
needless copies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
from onnx import ModelProto

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, ModelError, ModelFailed, did_you_mean
from xai_heatmap.core.processors import threads
from xai_heatmap.networks.loading.loaded import first_line

Values = Mapping[str, onnxruntime.OrtValue]
"""Tensors of the runtime by their names."""

SILENT = 4
"""Severity level of onnxruntime's log: errors are raised, so that nothing has to be printed."""

CPU = ("CPUExecutionProvider",)

WRITES = "optimized_model_filepath"
"""Option by which every session writes a file, which the next one would write again."""


def usual() -> onnxruntime.SessionOptions:
    """Options of a session that is silent and has as many threads as the process may use.

    The runtime's own number counts the machine's processors: on fewer, its threads wait for each
    other while they spin.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    if (own := threads()) is not None:
        options.intra_op_num_threads = own
    return options


@dataclass(frozen=True)
class Means:
    """What the sessions of one model compute with.

    Parameters
    ----------
    providers
        Where onnxruntime computes, first choice first.
    options
        Of every session.
    """

    providers: Sequence[str] = CPU
    options: onnxruntime.SessionOptions = field(default_factory=usual)

    @property
    def notes(self) -> dict[str, str]:
        """What is said of it to the user, where it is not the runtime's own choice."""
        number = self.options.intra_op_num_threads
        if not number:
            return {}
        return {"threads": f"onnxruntime computes on {counted(number, 'thread')}."}


def means(asked: object, providers: Sequence[str] = CPU) -> Means:
    """Means of a model from the session options of a user.

    Parameters
    ----------
    asked
        An ``onnxruntime.SessionOptions``, taken as it is; or its attributes by name, which change
        the usual ones, and ``providers`` beside them; or None.
    providers
        Where `asked` names none.

    Raises
    ------
    BadOption
        For an option or a provider that this onnxruntime does not have.
    """
    if isinstance(asked, onnxruntime.SessionOptions):
        options, said = asked, providers
    elif asked is None:
        return Means(providers)
    elif isinstance(asked, Mapping):
        options, said = usual(), asked.get("providers", providers)
        for name, own in asked.items():
            if name != "providers":
                _set(options, name, own)
        said = (said,) if isinstance(said, str) else tuple(said)
        _check_providers(said)
    else:
        raise BadOption(
            "session_options is an onnxruntime.SessionOptions, or some of its attributes by name, "
            f'such as {{"intra_op_num_threads": 1}}; received {asked!r}.'
        )
    if getattr(options, WRITES, ""):
        raise BadOption(
            f"session_options names a file, {WRITES}, which every session of this model would "
            "write over. Leave it out here, and write the file with a session of your own."
        )
    return Means(said, options)


def _set(options: onnxruntime.SessionOptions, name: object, own: object) -> None:
    """Set one attribute of session options."""
    known = [one for one in dir(options) if not one.startswith("_")]
    known = [one for one in known if not callable(getattr(options, one, None))]
    if name not in known:
        raise BadOption(
            f"onnxruntime's SessionOptions has no attribute {name!r}; received session_options="
            f"{{{name!r}: {own!r}}}.{did_you_mean(str(name), (*known, 'providers'))}"
        )
    try:
        setattr(options, str(name), own)
    except (TypeError, ValueError) as problem:
        raise BadOption(
            f"session_options can't have {name}={own!r}: {first_line(problem)}."
        ) from problem


def _check_providers(providers: Sequence[str]) -> None:
    available = onnxruntime.get_available_providers()
    absent = [name for name in providers if name not in available]
    if absent or not providers:
        raise BadOption(
            f"This onnxruntime computes on {', '.join(available)}; received providers="
            f"{list(providers)!r}.{did_you_mean(str(absent[0]), available) if absent else ''} "
            "Another provider comes with another package of onnxruntime, such as onnxruntime-gpu."
        )


class Session:
    """A graph that onnxruntime has compiled."""

    def __init__(self, model: ModelProto, means: Means) -> None:
        try:
            self._session = onnxruntime.InferenceSession(
                model.SerializeToString(), means.options, providers=list(means.providers)
            )
        except Exception as error:
            raise _refused("compile this one", error) from error
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, feeds: Values) -> dict[str, onnxruntime.OrtValue]:
        """Run the session on `feeds` and return every output by the name of the output."""
        try:
            values = self._session.run_with_ort_values(self._outputs, feeds)
        except Exception as error:
            raise _failed(error, [own.shape() for own in feeds.values()]) from error
        return dict(zip(self._outputs, values, strict=True))

    def arrays(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Run the session on arrays of the host, and return the outputs named there."""
        names = list(dict.fromkeys(outputs))
        given = {name: np.ascontiguousarray(own) for name, own in feeds.items()}
        try:
            found = self._session.run(names, given)
        except Exception as error:
            raise _failed(error, [own.shape for own in given.values()]) from error
        return {name: np.asarray(own) for name, own in zip(names, found, strict=True)}


def value(array: np.ndarray) -> onnxruntime.OrtValue:
    """Array as an OrtValue that shares the array's memory."""
    return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))


def array(value: onnxruntime.OrtValue) -> np.ndarray:
    """View of an output of the runtime as a numpy array, without a copy where DLPack allows."""
    shares = value.device_name() == "cpu" and hasattr(value, "__dlpack__")  # since 1.26
    return np.from_dlpack(value) if shares else value.numpy()


def _refused(what: str, error: Exception) -> ModelError:
    return ModelError(
        f"A model that onnxruntime can run is needed, and onnxruntime can't {what}: "
        f"{first_line(error)}. Try it in onnxruntime alone; if that fails too, export it again."
    )


def _failed(error: Exception, shapes: Sequence[Sequence[int]]) -> ModelError:
    """Error of a run, with the shapes that went in: a graph may count the pictures itself."""
    given = ", ".join("x".join(map(str, shape)) or "a number" for shape in shapes)
    failed = _refused(f"run this one on {given}", error)
    return ModelFailed(
        f"{failed} If it runs there with another number of pictures, its graph counts them (a "
        "Reshape to fixed lengths, say): export it so that the first axis stays as it comes."
    )
