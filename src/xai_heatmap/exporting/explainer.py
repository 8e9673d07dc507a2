"""An ONNX model with its heatmaps as one model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from onnx import ModelProto, checker

from xai_heatmap.core.errors import ModelError
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.branch import AGAINST, CLASS, MAPS, End, with_maps
from xai_heatmap.networks.onnx.cut import leading_to
from xai_heatmap.networks.onnx.graph import ready, shaped, source
from xai_heatmap.networks.onnx.metadata import METHOD, metadata
from xai_heatmap.networks.onnx.output import closing
from xai_heatmap.networks.onnx.survey import sites


def bare(model: ModelProto) -> ModelProto:
    """The model without maps that an earlier export has built in; itself where it has none."""
    if METHOD not in metadata(model):
        return model
    copy = ModelProto()
    copy.CopyFrom(model)
    outputs = [value for value in model.graph.output if not value.name.startswith(MAPS)]
    inputs = [value for value in model.graph.input if value.name not in (CLASS, AGAINST)]
    nodes = list(leading_to([value.name for value in outputs], model.graph.node))
    del copy.graph.output[:], copy.graph.input[:], copy.graph.node[:]
    copy.graph.output.extend(outputs)
    copy.graph.input.extend(inputs)
    copy.graph.node.extend(nodes)
    return copy


@dataclass(frozen=True)
class Wanted:
    """The maps that are to be built in.

    Parameters
    ----------
    method
        A key of `onnx_formulas.FORMULAS`.
    opened
        Layers, each with the layout that it is read in.
    shape
        (c, *image) of the pictures.
    classes
        How many scores an image has.
    contrasts
        Whether a second class may be held against the one that is explained.
    """

    method: str
    opened: Mapping[str, Layout]
    shape: tuple[int, ...]
    classes: int
    contrasts: bool = False


def explainers(model: ModelProto, wanted: Wanted) -> Iterator[tuple[ModelProto, str]]:
    """`model` with the maps wanted, and how they are computed, in words.

    First as cheap as can be; then with the head a second time; then with all of it a second time,
    where a runtime would otherwise compute the model's own outputs in another way than before.

    Raises
    ------
    ModelError
        If the model can't be prepared, or an operator has no derivative.
    """
    given = source(model, image_shape=wanted.shape)
    tensors = sites(ready(given, wanted.shape))
    copy = ModelProto()
    copy.CopyFrom(bare(model))
    shaped(copy, given.picture, wanted.shape)
    prepared = autodiff.prepared(copy)
    closed = closing(prepared, given.answer)
    end = End(closed.input[0] if closed else given.answer, wanted.classes)
    opened = {tensors[name][-1]: layout for name, layout in wanted.opened.items()}
    for apart in ([], list(opened), [given.picture.name]):
        finished, reason = with_maps(
            prepared, wanted.method, opened, end, apart=apart, contrasts=wanted.contrasts
        )
        try:
            checker.check_model(finished, full_check=True)
        except (checker.ValidationError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"The model with its maps is not valid: {first_line(error)}. Nothing was written; "
                f"please report the model."
            ) from error
        yield finished, reason
