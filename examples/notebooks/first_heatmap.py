# %% [markdown]
# # First heatmap
#
# One network, one picture, one question: *what did it look at?* Everything here runs offline: the network and the drawings come with
# the package. `pip install "xai-heatmap[torch]"`, or `[keras]`; for ONNX files nothing more is needed.

# %%
import PIL.Image

import xai_heatmap as xh

scene = xh.scenes.scene(47, size=256)  # a drawing from a seed: what is on it, and where, is known
PIL.Image.fromarray(scene.image)

# %% [markdown]
# ## An ONNX file
#
# `xh.network` takes a path, a model, or a name; `"demo"` is a small network that came to you as an ONNX file. An explanation shows
# itself: the picture, what was explained, the likeliest classes, the verdict.

# %%
network = xh.network("demo")
e = xh.explain(network, scene.image)
e

# %% [markdown]
# What it holds: the raw map on the layer's grid, the same drawn out over the picture, the picture with its heat, and why this layer.

# %%
print(e.map.shape, e.heat().shape, e.overlay().shape)
print(e.layer_reason)
assert e.target == scene.label == "rabbit"

# %% [markdown]
# ## PyTorch
#
# The same network as a `torch.nn.Module`. A module doesn't say how it wants its pictures: `preprocess` does, by a preset's name,
# or your own transform (`docs/preprocessing.md`).

# %%
import numpy as np

from xai_heatmap.networks.loading.demo import torch_twin

look = {"preprocess": "tf", "labels": xh.scenes.CLASSES, "layer": "features"}
in_torch = xh.explain(xh.network(torch_twin(), image_shape=(3, 128, 128)), scene.image, **look)
assert np.allclose(in_torch.map, e.map, atol=1e-4)

# %% [markdown]
# ## Keras
#
# And as a `keras.Model`, on whichever backend Keras runs. Three frameworks, one map.

# %%
from xai_heatmap.networks.loading.demo import keras_twin

in_keras = xh.explain(keras_twin(), scene.image, **look)
assert np.allclose(in_keras.map, e.map, atol=1e-4)
print(float(np.abs(in_torch.map - in_keras.map).max()))

# %% [markdown]
# ## Another question
#
# Why a rabbit *rather than a cat*? A target is any number that the scores make (`docs/targets.md`).

# %%
both = xh.compare(network, scene.image, targets=["rabbit", xh.contrast("rabbit", against="cat")])
both

# %% [markdown]
# `both.widget()` opens the viewer in the cell (`pip install "xai-heatmap[notebook]"`); `e.save("out/")` writes picture, raw map and
# facts; `both.save("page.html")` a page that needs nothing beside it.
