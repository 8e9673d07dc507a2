"""A small transformer for each backend, and a PyTorch network of the same weights."""

import io
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from xai_heatmap.testing.networks.tokens import CLASSES, GRID, HEADS, PATCH, SHAPE, WIDTH


class Block(nn.Module):
    """Attention and a perceptron, each behind a normalisation and beside a skip connection."""

    def __init__(self, attention: str) -> None:
        super().__init__()
        self.attention = attention
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, eps=1e-6) for _ in range(2))
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.wide, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, tokens, width = x.shape
        mixed = self.qkv(self.norm1(x)).reshape(n, tokens, 3, HEADS, width // HEADS)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        if self.attention == "fused":
            mixed = functional.scaled_dot_product_attention(query, key, value)
        else:
            scores = query @ key.transpose(-2, -1) / (width // HEADS) ** 0.5
            mixed = scores.softmax(-1) @ value
        x = x + self.out(mixed.transpose(1, 2).reshape(n, tokens, width))
        return x + self.narrow(functional.gelu(self.wide(self.norm2(x))))


class SmallViT(nn.Module):
    """A class token before the patches, two blocks; read off that token, or off the mean."""

    def __init__(self, *, pool: str = "token", attention: str = "fused") -> None:
        super().__init__()
        self.pool = pool
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.position = nn.Parameter(torch.randn(1, 1 + GRID[0] * GRID[1], WIDTH))
        self.blocks = nn.Sequential(Block(attention), Block(attention))
        self.norm, self.head = nn.LayerNorm(WIDTH, eps=1e-6), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        x = self.norm(self.blocks(x + self.position))
        return self.head(x[:, 0] if self.pool == "token" else x[:, 1:].mean(1))


def lively(model: nn.Module, seed: int = 0) -> Any:
    """The model with weights that make every place and head matter."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            spread = 0.7 if weight.ndim > 1 else 0.3
            shift = float("norm" in name and name.endswith("weight"))
            weight.copy_(torch.randn(weight.shape, generator=draw) * spread + shift)
    return model.eval()


def torch_twin(pool: str) -> tuple[nn.Module, nn.Module]:
    """The PyTorch network, and the same as the twin."""
    model, twin = lively(SmallViT(pool=pool)), lively(SmallViT(pool=pool, attention="explicit"))
    return model, twin


def onnx_twin(pool: str) -> tuple[Any, nn.Module]:
    """The ONNX model, and a PyTorch network of its weights."""
    import onnx

    twin = lively(SmallViT(pool=pool))
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            twin, (torch.zeros(2, *SHAPE),), written, dynamo=False, opset_version=17,
            input_names=["x"], dynamic_axes={"x": {0: "n"}},
        )  # fmt: skip
    return onnx.load_from_string(written.getvalue()), twin


def keras_twin(pool: str) -> tuple[Any, nn.Module]:
    """The Keras model, and a PyTorch network of its weights."""
    import keras
    from keras import layers, ops

    class Embedded(layers.Layer):
        """The class token in front of the patches, and where each of them lies."""

        def build(self, shape: Any) -> None:
            self.token = self.add_weight(shape=(1, 1, WIDTH), name="token")
            tokens = 1 + GRID[0] * GRID[1]
            self.position = self.add_weight(shape=(1, tokens, WIDTH), name="position")

        def call(self, patches: Any) -> Any:
            flat = ops.reshape(patches, (-1, GRID[0] * GRID[1], WIDTH))
            token = ops.broadcast_to(self.token, (ops.shape(flat)[0], 1, WIDTH))
            return ops.concatenate([token, flat], axis=1) + self.position

    twin = lively(SmallViT(pool=pool))
    image = keras.Input((*SHAPE[1:], SHAPE[0]))
    patches, embedded = layers.Conv2D(WIDTH, PATCH, PATCH, name="patches"), Embedded(name="embed")
    x = embedded(patches(image))
    kept = []
    for number in range(2):
        own = {
            "norm1": layers.LayerNormalization(epsilon=1e-6, name=f"norm1_{number}"),
            "attention": layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name=f"mix_{number}"),
            "norm2": layers.LayerNormalization(epsilon=1e-6, name=f"norm2_{number}"),
            "wide": layers.Dense(2 * WIDTH, activation="gelu", name=f"wide_{number}"),
            "narrow": layers.Dense(WIDTH, name=f"narrow_{number}"),
        }
        normed = own["norm1"](x)
        x = layers.Add(name=f"mixed_{number}")([x, own["attention"](normed, normed)])
        inner = own["narrow"](own["wide"](own["norm2"](x)))
        x = layers.Add(name=f"block_{number}")([x, inner])
        kept.append(own)
    norm, head = layers.LayerNormalization(epsilon=1e-6, name="norm"), layers.Dense(CLASSES)
    x = norm(x)
    model = keras.Model(image, head(x[:, 0] if pool == "token" else ops.mean(x[:, 1:], axis=1)))
    stored = {name: value.detach().numpy() for name, value in twin.state_dict().items()}
    patches.set_weights([stored["patches.weight"].transpose(2, 3, 1, 0), stored["patches.bias"]])
    embedded.set_weights([stored["token"], stored["position"]])
    for number, own in enumerate(kept):
        one = {k.split(".", 2)[2]: v for k, v in stored.items() if k.startswith(f"blocks.{number}")}
        for name in ("norm1", "norm2"):
            own[name].set_weights([one[f"{name}.weight"], one[f"{name}.bias"]])
        for name in ("wide", "narrow"):
            own[name].set_weights([one[f"{name}.weight"].T, one[f"{name}.bias"]])
        per_head = (HEADS, WIDTH // HEADS)
        weights = [
            part
            for weight, bias in zip(
                np.split(one["qkv.weight"], 3), np.split(one["qkv.bias"], 3), strict=True
            )
            for part in (weight.T.reshape(WIDTH, *per_head), bias.reshape(per_head))
        ]
        last = [one["out.weight"].T.reshape(*per_head, WIDTH), one["out.bias"]]
        own["attention"].set_weights([*weights, *last])
    norm.set_weights([stored["norm.weight"], stored["norm.bias"]])
    head.set_weights([stored["head.weight"].T, stored["head.bias"]])
    return model, twin


TOKEN_TWINS = {"torch": torch_twin, "onnx": onnx_twin, "keras": keras_twin}
