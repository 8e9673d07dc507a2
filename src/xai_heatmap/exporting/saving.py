"""An ONNX file on the disk: whole, or not at all."""

from pathlib import Path

from onnx import ModelProto

from xai_heatmap.core.errors import ModelError, OutputError
from xai_heatmap.sinks.refused import advice, check_folder, reason
from xai_heatmap.sinks.staging import replaced


def check_folder_of(target: Path, what: str) -> None:
    """Refuse a place in a folder that is not there or can't be written to; `what` goes there.

    Raises
    ------
    OutputError
        With the folder's name.
    """
    if not target.parent.is_dir():
        raise OutputError(
            f"The {what} was to go to {str(target.parent)!r}, and there is no such folder. Make "
            "it, or choose another."
        )
    check_folder(target.parent)


def save(model: ModelProto, target: Path) -> None:
    """Save the whole file, or nothing.

    Raises
    ------
    ModelError
        Where it is larger than one file may be.
    OutputError
        Where it can't be written.
    """
    try:
        content = model.SerializeToString()
    except Exception as error:
        raise ModelError(
            "The model with its maps is larger than the 2 GB that one ONNX file may have. Nothing "
            "was written."
        ) from error
    try:
        replaced(target, lambda file: file.write(content))
    except OSError as error:
        raise OutputError(
            f"{str(target)!r} can't be written: {reason(error)}. {advice(error)} Nothing was "
            "written."
        ) from error
