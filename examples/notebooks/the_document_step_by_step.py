# %% [markdown]
# # The document, step by step
#
# This package grew from a class of 2019, `XAIHeatmap(model, layers).runTool(cv2img, img_tensor, layer_num)`, and from the document that
# explained it, which promised a notebook. Here it is: the old code line by line, on arrays that one can look at, beside the class of today.

# %%
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # or jax, or torch

import numpy as np
import PIL.Image

import xai_heatmap as xh
from xai_heatmap.networks.loading.demo import keras_twin

model = keras_twin()
model.output_shape  # a row of twelve scores

# %% [markdown]
# ## What goes in
#
# The picture as OpenCV has it (BGR), the same preprocessed as a batch, and the layers that a heatmap can be made at.

# %%
scene = xh.scenes.scene(47)
cv2img = scene.image[..., ::-1]
img_tensor = (scene.image[None] / 127.5 - 1).astype("float32")
layers = ["stem", "stage1_block1", "features"]
PIL.Image.fromarray(scene.image)

# %% [markdown]
# ## The short way

# %%
tool = xh.XAIHeatmap(model, layers)
picture = tool.runTool(cv2img, img_tensor, 2)
PIL.Image.fromarray(picture[..., ::-1])

# %% [markdown]
# ## `preds = model.predict(img_tensor)`, `output = model.output[:, argmax]`
#
# The forward pass; of all scores the highest is what will be explained. `record` keeps what the layer gave on the way. Whatever the
# framework, recordings have channels before rows and columns; the document has them last, so they are turned going in and coming out.

# %%
network = xh.network(model)
recording = network.record(np.moveaxis(img_tensor, -1, 1), ["features"])
preds = recording.scores
argmax = int(np.argmax(preds[0]))
print(argmax, preds[0].round(2))
assert argmax == scene.category

# %% [markdown]
# ## `grads = K.gradients(output, conv_layer)[0]`
#
# How much that score changes with each number of the layer's output. `K.gradients` went with TensorFlow 1; a backward pass through a
# recording gives the same.

# %%
which = np.eye(12, dtype="float32")[[argmax]]
grads = recording.pullback(which)["features"].transpose(0, 2, 3, 1)
conv_layer_output = recording.activations["features"].transpose(0, 2, 3, 1)
print(grads.shape, conv_layer_output.shape)

# %% [markdown]
# ## `pooled_grads = K.mean(grads, axis=(0, 1, 2))`
#
# One number for each of 128 filters: how much it counts for this class. Axis 0 is the batch: with several pictures their gradients were
# mixed. Today each picture is pooled on its own.

# %%
pooled_grads = grads.mean(axis=(0, 1, 2))
strongest = np.argsort(pooled_grads)[::-1][:5]
print({int(i): f"{pooled_grads[i]:.4f}" for i in strongest})

# %% [markdown]
# ## The loop: each filter times its weight

# %%
weighted = conv_layer_output.copy()
for i in range(len(pooled_grads)):
    weighted[0, :, :, i] *= pooled_grads[i]

# %% [markdown]
# ## `heatmap = np.mean(...)`, `np.maximum(heatmap, 0)`, `heatmap /= np.max(heatmap)`
#
# "Im still confused about the np.maximum funct", says a comment there. Negative values are places that speak *against* the class; a map of
# what speaks *for* it leaves them out. `options={"relu": False}` keeps them.
#
# The mean and the sum differ by a factor, which the division takes away. But where nothing speaks for the class the maximum is 0, and
# 0 / 0 is no number: today the raw map is kept, and the verdict says when there is nothing to see.

# %%
heatmap = np.maximum(weighted.mean(axis=-1)[0], 0)
assert heatmap.max() > 0
heatmap = heatmap / heatmap.max()

ours = tool.last  # the explanation behind the picture above
assert np.allclose(heatmap, ours.map / ours.map.max(), atol=1e-5)
print(ours.verdict.word, ours.map.max())

# %% [markdown]
# Of this network the map *adds up*: before the maximum, its sum is the score, less what the rest of the network says of a layer that gives nothing (its bias).

# %%
unclipped = weighted.sum(axis=-1)[0]
nothing = recording.replay("features", np.zeros((1, 128, 16, 16), "float32"), row=0)
bias = nothing.scores[0]
print(unclipped.sum() + bias[argmax], preds[0, argmax])
assert np.isclose(unclipped.sum() + bias[argmax], preds[0, argmax], atol=1e-3)

# %% [markdown]
# ## Over the picture: resize, JET, times 0.8, plus the picture, divided by the maximum
#
# The last division makes every picture as bright as its brightest sum: from frame to frame of a camera it flickers, and where there is no
# heat there is JET's blue. Today opacity follows relevance, and a place without evidence stays as it was.


# %%
def jet(level):
    """Blue, green, red of levels in [0, 1]."""
    return np.stack([np.clip(1.5 - abs(4 * level - k), 0, 1) for k in (1, 2, 3)], axis=-1) * 255


grown = np.array(PIL.Image.fromarray(heatmap).resize((128, 128), PIL.Image.Resampling.BILINEAR))
superimposed = jet(grown) * 0.8 + cv2img
superimposed = superimposed / superimposed.max() * 255
PIL.Image.fromarray(np.uint8(superimposed)[..., ::-1])

# %% [markdown]
# ## The old arithmetic is still there
#
# `legacy=True` reproduces it, for those who have pictures of then to compare with.

# %%
old = xh.XAIHeatmap(model, layers, legacy=True)
then = old.runTool(cv2img, img_tensor, 2)
# of 255: JET here is straight lines, OpenCV's is a table
assert np.abs(then - superimposed).mean() < 3
assert np.allclose(old.last.map / old.last.map.max(), heatmap, atol=1e-5)

# %% [markdown]
# ## And why the score, not the probability?
#
# VGG19 ends in a softmax, and the document takes the gradient behind it. Where the network is sure, that gradient is nearly 0, and it is
# mixed with the gradients of all other classes. Before the softmax it is neither (chapter 3 of the guide).

# %%
p = np.exp(preds[0]) / np.exp(preds[0]).sum()
behind = p[argmax] * (which - p)  # the gradient of the softmax
pooled_behind = recording.pullback(behind.astype("float32"))["features"].mean(axis=(0, 2, 3))
print(
    f"p = {p[argmax]:.2f}: the weights shrink to",
    np.abs(pooled_behind).sum() / np.abs(pooled_grads).sum(),
)
assert np.abs(pooled_behind).sum() < 0.5 * np.abs(pooled_grads).sum()
