"""Small models of transformers that answer in words, with random weights, and their processors made
without a network.
"""

from functools import cache
from typing import Any

import torch
from tests.networks.text_models import word_by_word

WORDS = ["what", "is", "left", "of", "the", "fish", "bird", "yes", "no", "a", "in"]
IMAGE = {"image_token": "<image>"}
SPECIAL = ("<pad>", "<unk>", "<s>", "</s>", "<image>")

EYES = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
}  # fmt: skip
READER = EYES | {
    "vocab_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 256,
    "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3,
}  # fmt: skip


def tokenizer(*more: str) -> Any:
    """Tokens: the special ones, `more`, then the words."""
    special = ["<image>", *more]
    return word_by_word((*SPECIAL, *more, *WORDS), additional_special_tokens=special)


def _llava() -> tuple[Any, Any]:
    import transformers as t

    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**EYES, image_size=32, patch_size=8),
        text_config=t.LlamaConfig(**READER),
        image_token_id=4, vision_feature_layer=-2, image_seq_length=16,
    )  # fmt: skip
    size = {"height": 32, "width": 32}
    pictures = t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size)
    processor = t.LlavaProcessor(
        pictures, tokenizer(), patch_size=8, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, **IMAGE,
    )  # fmt: skip
    return t.LlavaForConditionalGeneration(config), processor


def _llava_next() -> tuple[Any, Any]:
    import transformers as t

    grids = [[32, 64], [64, 32], [64, 64], [32, 96]]
    config = t.LlavaNextConfig(
        vision_config=t.CLIPVisionConfig(**EYES, image_size=32, patch_size=4),
        text_config=t.LlamaConfig(**READER | {"max_position_embeddings": 512}),
        image_token_id=4, vision_feature_layer=-2, image_grid_pinpoints=grids,
    )  # fmt: skip
    size = {"height": 32, "width": 32}
    pictures = t.LlavaNextImageProcessor(
        size={"shortest_edge": 32}, crop_size=size, image_grid_pinpoints=grids
    )
    processor = t.LlavaNextProcessor(
        pictures, tokenizer(), patch_size=4, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, **IMAGE,
    )  # fmt: skip
    return t.LlavaNextForConditionalGeneration(config), processor


def _paligemma() -> tuple[Any, Any]:
    import transformers as t

    config = t.PaliGemmaConfig(
        vision_config=t.SiglipVisionConfig(**EYES, image_size=32, patch_size=8, projection_dim=32),
        text_config=t.GemmaConfig(**READER, head_dim=8),
        image_token_id=4, projection_dim=32, hidden_size=32, vocab_size=48,
    )  # fmt: skip
    pictures = t.SiglipImageProcessor(size={"height": 32, "width": 32})
    pictures.image_seq_length = 16
    return t.PaliGemmaForConditionalGeneration(config), t.PaliGemmaProcessor(pictures, tokenizer())


def _qwen() -> tuple[Any, Any]:
    import transformers as t

    own = tokenizer("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    config = t.Qwen2VLConfig(
        vision_config={
            "depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 4, "mlp_ratio": 2,
            "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2,
        },
        text_config=READER | {"rope_parameters": {
            "rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2],
        }},
        image_token_id=5, video_token_id=6, vision_start_token_id=7, vision_end_token_id=8,
    )  # fmt: skip
    pictures = t.Qwen2VLImageProcessor(
        min_pixels=32 * 32, max_pixels=64 * 64, patch_size=4, merge_size=2
    )
    return t.Qwen2VLForConditionalGeneration(config), _QwenProcessor(pictures, own)


class _QwenProcessor:
    """What Qwen2VLProcessor does of pictures and words; that one needs torchvision, for videos."""

    def __init__(self, image_processor: Any, own: Any) -> None:
        self.image_token = own.convert_ids_to_tokens(5)
        self.image_processor, self.tokenizer = image_processor, own

    def __call__(self, *, text: list[str], images: list[Any], return_tensors: str) -> Any:
        made = self.image_processor(images=images, return_tensors=return_tensors)
        number = int(made["image_grid_thw"][0].prod()) // 4
        words = [
            one.replace(self.image_token, " ".join([self.image_token] * number)) for one in text
        ]
        read = dict(self.tokenizer(words, return_tensors=return_tensors))
        shown = (read["input_ids"] == 5).long()
        return read | dict(made) | {"mm_token_type_ids": shown}


def _idefics() -> tuple[Any, Any]:
    import transformers as t

    rows = [f"<row_{r}_col_{c}>" for r in range(1, 4) for c in range(1, 4)]
    own = tokenizer("<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *rows)
    config = t.Idefics3Config(
        vision_config=EYES | {"image_size": 32, "patch_size": 8},
        text_config=t.LlamaConfig(**READER), scale_factor=2, image_token_id=4, pad_token_id=0,
    )  # fmt: skip
    pictures = t.Idefics3ImageProcessor(
        size={"longest_edge": 96}, max_image_size={"longest_edge": 32}
    )
    processor = t.Idefics3Processor(pictures, own, image_seq_len=4)
    return t.Idefics3ForConditionalGeneration(config), processor


MADE = {
    "llava": _llava, "llava-next": _llava_next, "paligemma": _paligemma, "qwen2-vl": _qwen,
    "idefics3": _idefics,
}  # fmt: skip

MARKS = {"qwen2-vl": "<|vision_start|> <|image_pad|> <|vision_end|>"}


def prompt(kind: str) -> str:
    return f"{MARKS.get(kind, '<image>')} what is left of the fish"


@cache
def speaking(kind: str) -> tuple[Any, Any]:
    """A model and its processor: llava, paligemma, qwen2-vl, idefics3."""
    torch.manual_seed(0)
    model, processor = MADE[kind]()
    torch.manual_seed(3)
    with torch.no_grad():  # initialised so small, every picture would look the same
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.25)
    return model.eval(), processor
