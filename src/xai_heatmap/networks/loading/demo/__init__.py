"""Two small networks shipped with the package, trained on planted scenes.

``demo`` looks at the objects. ``demo-cheat`` looks at the mark beside them, and nothing else: what
a heatmap is for is to tell the two apart.

``xh.network("demo")`` opens the ONNX file. Here are the same networks for PyTorch and for Keras;
all three take pictures of 128x128 as x / 127.5 - 1 and answer with the same scores.
"""

from typing import Any

from xai_heatmap.networks.loading.demo.shipped import NAMES, TRAINED_ON, arrays, file
from xai_heatmap.networks.loading.loaded import Loaded, missing


def load_demo(name: str) -> Loaded:
    """ONNX file of a shipped network, with labels and preprocessing in the metadata."""
    from xai_heatmap.networks.onnx.file import load_onnx_file

    return load_onnx_file(file(name))


def torch_twin(name: str = "demo") -> Any:
    """The network as a ``torch.nn.Module``, in evaluation mode."""
    found = arrays(name)
    try:
        from xai_heatmap.networks.loading.demo.in_torch import twin
    except ModuleNotFoundError as error:
        raise missing(
            "PyTorch", 'pip install "xai-heatmap[torch]"', purpose=f"The PyTorch twin of {name!r}"
        ) from error
    return twin(found)


def keras_twin(name: str = "demo") -> Any:
    """The network as a ``keras.Model``, which takes pictures channels last; ``stage1.block1`` is
    ``stage1_block1`` there.
    """
    from xai_heatmap.networks.loading.demo.in_keras import twin

    return twin(arrays(name), name=name)


__all__ = ["NAMES", "TRAINED_ON", "arrays", "file", "keras_twin", "load_demo", "torch_twin"]
