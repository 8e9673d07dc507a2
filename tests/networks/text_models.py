"""Small models of two towers with random weights, and tokenizers made without a network."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

WORDS = ["a", "an", "the", "red", "blue", "car", "bus", "dog", "cat", "photo", "of", "and"]

SIZE = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
}  # fmt: skip


MARKS = {
    "pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>",
}  # fmt: skip


def word_by_word(vocabulary: Sequence[str], *, ends: bool = False, **options: Any) -> Any:
    """Tokenizer of transformers with a token for each word between spaces."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    known = {word: number for number, word in enumerate(vocabulary)}
    own = Tokenizer(models.WordLevel(known, MARKS["unk_token"]))
    own.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if ends:
        own.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
        )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=own, **MARKS, **options)


@cache
def tokenizer(words: tuple[str, ...] = tuple(WORDS)) -> Any:
    """Tokens: <pad> 0, <unk> 1, <s> 2, </s> 3, then the words."""
    vocabulary = ("<pad>", "<unk>", "<s>", "</s>", *words)
    return word_by_word(vocabulary, ends=True, model_max_length=12)


def image_processor(kind: str = "CLIP") -> Any:
    import transformers

    made = getattr(transformers, f"{kind}ImageProcessor")
    size = {"height": 64, "width": 64}
    crop = {"crop_size": size} if kind == "CLIP" else {}
    return made(size={"shortest_edge": 64} if kind == "CLIP" else size, **crop)


def config(kind: str, **options: Any) -> Any:
    import transformers

    eyes = SIZE | {"image_size": 64, "patch_size": 16}
    words = SIZE | {
        "vocab_size": 20, "max_position_embeddings": 12, "eos_token_id": 3, "bos_token_id": 2,
        "pad_token_id": 0,
    }  # fmt: skip
    made = getattr(transformers, f"{kind}Config")
    return made(text_config=words, vision_config=eyes, **options)


def clip(kind: str = "CLIP") -> Any:
    """A model of transformers: CLIP, MetaClip2, Siglip."""
    return _made(kind)


@cache
def _made(kind: str) -> Any:
    import transformers

    torch.manual_seed(0)
    options = {} if kind == "Siglip" else {"projection_dim": 16}
    return getattr(transformers, f"{kind}Model")(config(kind, **options)).eval()


class OpenCLIPLike(nn.Module):
    """What open_clip's models look like from outside: two encoders, `forward` of both with the
    features as its answer, `get_logits`.
    """

    context_length = 8

    def __init__(self, *, bias: float | None = None, whole: bool = True) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.visual = nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.ReLU(), nn.Conv2d(8, 8, 1))
        self.visual.image_size = (32, 32)
        self.token_embedding = nn.Embedding(20, 8)
        self.transformer = nn.Linear(8, 8)
        self.logit_scale = nn.Parameter(torch.tensor(2.0))
        self.logit_bias = None if bias is None else nn.Parameter(torch.tensor(bias))
        self.calls = 0
        if not whole:
            self.get_logits = None

    def encode_image(self, image, normalize=False):
        own = self.visual(image).mean((2, 3))
        return nn.functional.normalize(own, dim=-1) if normalize else own

    def encode_text(self, text, normalize=False):
        own = self.transformer(self.token_embedding(text)).mean(1)
        return nn.functional.normalize(own, dim=-1) if normalize else own

    def get_logits(self, image, text):
        pictures, texts = self.encode_image(image, True), self.encode_text(text, True)
        own = self.logit_scale.exp() * pictures @ texts.T
        own = own if self.logit_bias is None else own + self.logit_bias
        return own, own.T

    def forward(self, image=None, text=None):
        return self.encode_image(image, True), self.encode_text(text, True), self.logit_scale.exp()


class Plain:
    """A tokenizer that is a function of texts, as open_clip's; it cuts off what is too long."""

    def __init__(self, length: int = 8) -> None:
        self.length = length

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        rows = [[WORDS.index(w) + 4 if w in WORDS else 1 for w in t.split()] for t in texts]
        return torch.tensor([([2, *row, 3] + [0] * 9)[: self.length] for row in rows])


def photograph(size: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
