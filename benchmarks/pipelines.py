"""Preprocessing as people hold it: 47 pipelines, by the package that they come from."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import PIL.Image

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Pipelines = Mapping[str, Any]


def torchvision() -> Pipelines:
    """Compositions of both generations, and what weights say of themselves."""
    _with_peers()
    import torch
    from torchvision import models
    from torchvision import transforms as one
    from torchvision.transforms import v2

    ending = [one.ToTensor(), one.Normalize(MEAN, STD)]
    ending2 = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    named = {
        f"{name}.transforms()": getattr(models, f"{name}_Weights").DEFAULT.transforms()
        for name in (
            *("ResNet18", "ConvNeXt_Tiny", "EfficientNet_B0", "ViT_B_16", "Swin_T"),
            *("MobileNet_V3_Large", "RegNet_Y_400MF"),
        )
    }
    return named | {
        "resize 256, crop 224": one.Compose([one.Resize(256), one.CenterCrop(224), *ending]),
        "resize to 224x224": one.Compose([one.Resize((224, 224)), *ending]),
        "resize to 160x224": one.Compose([one.Resize((160, 224)), *ending]),
        "crop 224 alone": one.Compose([one.CenterCrop(224), *ending]),
        "pad, resize 224": one.Compose([one.Pad((0, 40)), one.Resize((224, 224)), *ending]),
        "tensor first": one.Compose(
            [one.ToTensor(), one.Resize(232, antialias=True), one.CenterCrop(224)]
        ),
        "flipped": one.Compose([one.Resize((224, 224)), one.RandomHorizontalFlip(1.0), *ending]),
        "v2: resize 256, crop 224": v2.Compose([v2.Resize(256), v2.CenterCrop(224), *ending2]),
        "v2: resize to 192x192": v2.Compose([v2.Resize((192, 192)), *ending2]),
        "v2: upside down": v2.Compose(
            [v2.Resize((192, 192)), v2.RandomVerticalFlip(1.0), *ending2]
        ),
    }


def timm() -> Pipelines:
    """Evaluation transforms of every mode of cropping."""
    _with_peers()
    from timm.data import create_transform

    def made(**how: Any) -> Any:
        return create_transform(**{"input_size": (3, 224, 224), "is_training": False, **how})

    return {
        "crop 0.875": made(crop_pct=0.875),
        "crop 0.95, bicubic": made(crop_pct=0.95, interpolation="bicubic"),
        "crop 1.0": made(crop_pct=1.0),
        "squash 0.9": made(crop_pct=0.9, crop_mode="squash"),
        "border": made(crop_pct=1.0, crop_mode="border"),
        "oblong 192x256": made(input_size=(3, 192, 256), crop_pct=0.9),
    }


def transformers() -> Pipelines:
    """Image processors as their models' papers have them."""
    _with_peers()
    import transformers as t

    return {
        "ViT": t.ViTImageProcessor(),
        "ViT 160x192": t.ViTImageProcessor(size={"height": 160, "width": 192}),
        "CLIP": t.CLIPImageProcessor(),
        "SigLIP": t.SiglipImageProcessor(),
        "ConvNeXt 224": t.ConvNextImageProcessor(size={"shortest_edge": 224}),
        "ConvNeXt 384": t.ConvNextImageProcessor(size={"shortest_edge": 384}),
        "DINOv2": t.BitImageProcessor(
            size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}
        ),
        "BEiT": t.BeitImageProcessor(),
        "MobileViT": t.MobileViTImageProcessor(),
        "SegFormer": t.SegformerImageProcessor(size={"height": 128, "width": 128}),
        "DETR": t.DetrImageProcessor(size={"shortest_edge": 200, "longest_edge": 333}),
        "DeiT": t.DeiTImageProcessor(),
        "EfficientNet": t.EfficientNetImageProcessor(),
        "MobileNetV2": t.MobileNetV2ImageProcessor(),
        "LeViT": t.LevitImageProcessor(),
    }


def keras() -> Pipelines:
    """Layers that people put before their models."""
    from keras import Sequential, layers

    return {
        "Resizing": layers.Resizing(160, 160),
        "Resizing, cropped": layers.Resizing(160, 160, crop_to_aspect_ratio=True),
        "Resizing, padded": layers.Resizing(160, 160, pad_to_aspect_ratio=True),
        "CenterCrop": layers.CenterCrop(160, 160),
        "Resizing, Rescaling": Sequential(
            [layers.Resizing(128, 192), layers.Rescaling(1 / 127.5, -1)]
        ),
    }


def hand() -> Pipelines:
    """Functions of a Pillow image or an array, as in scripts."""

    def letterbox(picture: PIL.Image.Image) -> np.ndarray:
        scale = min(160 / picture.width, 160 / picture.height)
        size = round(picture.width * scale), round(picture.height * scale)
        whole = PIL.Image.new("RGB", (160, 160), (114, 114, 114))
        whole.paste(picture.resize(size), ((160 - size[0]) // 2, (160 - size[1]) // 2))
        return np.asarray(whole, np.float32).transpose(2, 0, 1) / 255

    def turned(picture: PIL.Image.Image) -> np.ndarray:
        quarter = picture.transpose(PIL.Image.Transpose.ROTATE_90).resize((160, 160))
        return np.asarray(quarter, np.float32).transpose(2, 0, 1) / 255

    def mirrored(picture: np.ndarray) -> np.ndarray:
        return np.asarray(picture, np.float32)[::2, ::-2].transpose(2, 0, 1) / 127.5 - 1

    def thumbnail(picture: PIL.Image.Image) -> np.ndarray:
        own = picture.copy()
        own.thumbnail((128, 128))
        return np.asarray(own.convert("L"), np.float32)[None]

    return {
        "letter-box": letterbox,
        "a quarter turn": turned,
        "mirrored, every other pixel": mirrored,
        "thumbnail, grey": thumbnail,
    }


GROUPS: dict[str, Callable[[], Pipelines]] = {
    "torchvision": torchvision,
    "timm": timm,
    "transformers": transformers,
    "keras": keras,
    "hand": hand,
}


def _with_peers() -> None:
    """Packages beside the environment's own; XAI_HEATMAP_PACKAGES names more folders of them."""
    from benchmarks import peers
    from benchmarks.torchvision_operators import declare_missing_operators

    peers.visible()
    sys.path += [p for p in os.environ.get("XAI_HEATMAP_PACKAGES", "").split(os.pathsep) if p]
    declare_missing_operators()
