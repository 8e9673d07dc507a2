"""An example for every error, which `generate_troubleshooting.py` runs, and what to do about it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image


@dataclass(frozen=True)
class Example:
    """Lines that end in an error, of Python or a command, and what to do about it."""

    code: str
    remedy: str


NETWORKS = """
import torch
from torch import nn

import xai_heatmap as xh


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(self.conv(x).relu().mean((2, 3)))


demo = xh.network("demo")
small = xh.network(Small().eval(), image_shape=(3, 64, 64))
"""

PICKY = """
import torch
from torch import nn


class Picky(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        if x.mean() > 2:
            raise ValueError("too bright")
        return self.fc(self.conv(x).relu().mean((2, 3)))


def build():
    return Picky().eval()
"""

ENDS = """
import os


def ends(x):
    if x.mean() > 0.9:
        os._exit(1)
    return x.mean((2, 3))


def build():
    return ends
"""


def prepare(folder: Path) -> None:
    """Lay out the pictures and the module that the examples name."""
    noise = np.random.default_rng(0).integers(0, 100, (64, 64, 3)).astype(np.uint8)
    PIL.Image.fromarray(noise).save(folder / "photo.png")
    PIL.Image.fromarray(np.full((64, 64, 3), 255, np.uint8)).save(folder / "bright.png")
    (folder / "net.py").write_text(PICKY, "utf-8")
    (folder / "ends.py").write_text(ENDS, "utf-8")
    (folder / "broken.png").write_bytes((folder / "photo.png").read_bytes()[:500])
    (folder / "notes.txt").write_text("no picture", "utf-8")


EXAMPLES = {
    "XH101": Example(
        """
rows = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5)).eval()
xh.explain(xh.network(rows, image_shape=(3, 8, 8)), "photo.png", preprocess="imagenet")
""",
        "A map needs a layer with rows and columns. Take `layer='input'` with a method of pixels "
        "(`saliency`, `integrated_gradients`, `occlusion`), or a layer further to the front: "
        "`xai-heatmap layers MODEL` lists those that have a grid.",
    ),
    "XH102": Example(
        """xh.explain(demo, "photo.png", layer="feature")""",
        "Names are those of the model itself; `xai-heatmap layers MODEL` or `network.layers` list "
        "them with their shapes. The last part of a name is enough where it is unambiguous, the "
        "module itself is taken, too (`layer=model.layer4[-1]`), and `auto` chooses.",
    ),
    "XH103": Example(
        """
import keras

inner = keras.Sequential(
    [keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="last")], name="body"
)
picture = keras.Input((32, 32, 3))
seen = keras.layers.AveragePooling2D(2)(picture)
scores = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(inner(seen)))
model = keras.Model(picture, scores)
xh.explain(model, "photo.png", layer="last", preprocess="unit")
""",
        "Keras keeps the layers of a model inside a model under a path of both names.",
    ),
    "XH104": Example(
        """xh.explain(demo, "photo.png", method="grad-cam++")""",
        "`xai-heatmap methods` lists all of them with what each is for.",
    ),
    "XH105": Example(
        """xh.explain(demo, "photo.png", target="zebra")""",
        "Classes go by number or by a name among the labels: `network.declared.labels`, or "
        "`--labels FILE`, one name a line. Without `target` the most likely class is explained.",
    ),
    "XH106": Example(
        """xh.explain(small, "photo.png")""",
        "Say how the network was fed in training: `preprocess=` takes the transform or processor "
        "itself, a preset, a `Preprocess`, or `'ready'` for an array that is the input already. "
        "[Preprocessing](preprocessing.md) has a table of who needs what.",
    ),
    "XH107": Example(
        """xh.explain(demo, "photo.png").overlay(colormap="rainbow")""",
        "Take one of those that are named; each is even in lightness, but for jet.",
    ),
    "XH108": Example(
        """xh.explain(demo, "photo.png", method="occlusion", options={"size": 8})""",
        "`xai-heatmap methods METHOD` lists a method's options with ranges and defaults.",
    ),
    "XH109": Example(
        """
class Gate(Small):
    def forward(self, x):
        return super().forward(self.conv(x)[:, :3] if x.mean() > 0 else x)


gate = xh.network(Gate().eval(), image_shape=(3, 64, 64))
xh.explain(gate, "photo.png", preprocess="imagenet")
xh.explain(gate, "bright.png", preprocess="imagenet", layer="conv#2")
""",
        "The way through the network depends on the picture. Choose a layer that always runs.",
    ),
    "XH110": Example(
        """xh.measure(demo, "photo.png", metrics=["insert"])""",
        "`xai-heatmap metrics` lists all of them with what each one says.",
    ),
    "XH131": Example(
        """xh.network("resnet.onnx")""",
        "Check the path and the working directory; a hub's model needs its prefix.",
    ),
    "XH132": Example(
        """xh.network({"weights": [1, 2, 3]})""",
        "Hand over the model, not its weights: `module.py:factory` with `--weights FILE` builds "
        "it on the command line, `model.load_state_dict(...)` in Python.",
    ),
    "XH133": Example(
        """
torch.save(Small(), "model.pt")
xh.network("model.pt")
""",
        "A pickle runs what is in it. Save the weights alone, `.safetensors` or a state dict.",
    ),
    "XH134": Example(
        """
import sys

sys.modules["timm"] = None  # as where it is not installed
try:
    xh.network("timm:resnet18")
finally:
    del sys.modules["timm"]
""",
        "Install what the message names, into the environment that runs this package: "
        "`python -m pip install …`, then `xai-heatmap doctor`.",
    ),
    "XH135": Example(
        """
class Talks(nn.Module):
    def forward(self, x):
        return "a cat"


network = xh.network(Talks().eval(), image_shape=(3, 64, 64))
xh.explain(network, "photo.png", preprocess="unit")
""",
        "Say which part of the answer holds the scores, `output=KEY`, or wrap the model in a "
        "function that returns them as (pictures, classes).",
    ),
    "XH136": Example(
        """
class Logs(Small):
    def forward(self, x):
        return (super().forward(x) * 0 - 1).log()


xh.explain(xh.network(Logs().eval(), image_shape=(3, 64, 64)), "photo.png", preprocess="imagenet")
""",
        "The network overflows or divides by zero, with or without this package: look at its own "
        "answer for that picture, at its weights, and try float32.",
    ),
    "XH137": Example(
        "xai-heatmap explain photo.png bright.png --model net.py:build "
        "--size 64x64 --preprocess imagenet --out out",
        "The exception is the model's own; the last line of the message says where. Other pictures "
        "of the same run are explained all the same.",
    ),
    "XH140": Example(
        """
function = xh.network(lambda x: x.mean((2, 3)), image_shape=(3, 64, 64))
xh.explain(function, "photo.png", preprocess="unit", method="gradcam")
""",
        "Take a method that needs no gradient, such as `occlusion` or `rise`, or a layer behind "
        "the operator. [Operators of ONNX](onnx-operators.md) that have a derivative are listed.",
    ),
    "XH141": Example(
        """xh.explain(demo, "photo.png", method="rollout")""",
        "Attention methods are for transformers. `libragrad` and `gradcam` work on both kinds.",
    ),
    "XH142": Example(
        """
class Draws(Small):
    def forward(self, x):
        seen = nn.functional.dropout(self.conv(x).relu().mean((2, 3)), 0.5, True)
        return self.fc(seen)


network = xh.network(Draws().eval(), image_shape=(3, 64, 64))
xh.explain(network, "photo.png", preprocess="imagenet", method="ablationcam")
""",
        "Take a method of one pass (`gradcam`, `hirescam`), or make the part behind the layer say "
        "the same every time.",
    ),
    "XH201": Example(
        """xh.explain(demo, "foto.png")""", "Check the spelling and the working directory."
    ),
    "XH202": Example(
        """xh.explain(demo, "notes.txt")""",
        "Open the file in a picture viewer; a download that broke off is the usual reason.",
    ),
    "XH203": Example(
        "xai-heatmap explain photo.png --model demo --max-pixels 1000 --out out",
        "Raise `--max-pixels` if the picture is meant to be that large: a few bytes of file can "
        "ask for gigabytes of memory.",
    ),
    "XH204": Example(
        """
import numpy as np

xh.explain(demo, np.zeros((64, 64, 7), np.float32))
""",
        "Photographs are (rows, columns, 3) of 0 to 255; what the network eats already is "
        "`preprocess='ready'`. [Signals, video, volumes, bands](signals-video-volumes-bands.md) "
        "says how other inputs lie.",
    ),
    "XH205": Example(
        "xai-heatmap batch bright.png --model ends.py:build --size 64x64 --preprocess unit "
        "--method occlusion --runner processes --out run",
        "A reader or a model that crashes takes its whole process with it. The picture is found, "
        "tried alone, and left out with this line in its row; all others are explained. Look at "
        "that file, and at the library that was reading it.",
    ),
    "XH301": Example(
        "import asyncio\n\nfrom xai_heatmap.apps.web.threads import Threads\n\n"
        'network = Threads("The network", waiting=0)\n'
        'asyncio.run(network(lambda: "maps"))',
        "Try again in a moment. Cancel a dear method that is at work, or close other pages.",
    ),
    "XH401": Example(
        """xh.explain(demo, "photo.png").save("notes.txt")""",
        "Choose a folder rather than a file, or another one, or free some space; nothing is left "
        "half-written.",
    ),
    "XH402": Example(
        "xai-heatmap batch broken.png --model demo --max-errors 0 --out few",
        "`xai-heatmap batch status RUN` counts the errors by kind, `batch retry RUN` tries those "
        "pictures again once the reason is mended.",
    ),
}
