"""``python -m training.answering``: a small model of transformers that answers questions of planted
scenes in words, over the trunk of the shipped network.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from training.words import VOCABULARY, Pool, pool, question, trunk

WIDTH, GRID, BATCH = 64, 8, 48
console = Console()

WEIGHTS = Path(__file__).with_name("answering.npz")


class Eye(nn.Module):
    """Trunk as a tower that LLaVA takes: 64 tokens, one for each 16x16 pixels, with a learnt place.

    Parameters
    ----------
    config
        Of the tower that the tokens stand for.
    """

    patch_size = 16

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.trunk = trunk()
        self.pool = nn.AvgPool2d(2)
        self.place = nn.Parameter(torch.randn(GRID * GRID, 128) * 0.5)

    def placed(self, features: Tensor) -> Tensor:
        """Tokens (n, 64, 128) of features (n, 128, 8, 8)."""
        return torch.log1p(features).flatten(2).transpose(1, 2) + self.place

    def forward(self, pixel_values: Tensor, **_: Any) -> Any:
        """Tokens of pictures, as the answer of a tower of transformers."""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        tokens = self.placed(self.pool(self.trunk(pixel_values)))
        return BaseModelOutputWithPooling(last_hidden_state=tokens, hidden_states=(tokens,))


def model() -> Any:
    """LLaVA over the trunk, with random weights."""
    import transformers

    said = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(
            hidden_size=128, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
            image_size=128, patch_size=16,
        ),
        text_config=transformers.LlamaConfig(
            vocab_size=len(VOCABULARY), hidden_size=WIDTH, intermediate_size=128,
            num_hidden_layers=3, initializer_range=0.06, num_attention_heads=4,
            max_position_embeddings=128, **said,
        ),
        initializer_range=0.06, image_token_id=VOCABULARY.index("<image>"), vision_feature_layer=-1,
        vision_feature_select_strategy="full", image_seq_length=GRID * GRID,
    )  # fmt: skip
    made = transformers.LlavaForConditionalGeneration(config)
    made.model.vision_tower = Eye(config.vision_config)
    made.generation_config = transformers.GenerationConfig(**said)
    return made


def processor() -> Any:
    """Processor of the model: a number for each word, pictures as x / 127.5 - 1."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    known = {word: number for number, word in enumerate(VOCABULARY)}
    own = Tokenizer(models.WordLevel(known, VOCABULARY[3]))
    own.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    marks = dict(
        zip(("pad_token", "bos_token", "eos_token", "unk_token"), VOCABULARY, strict=False)
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=own, additional_special_tokens=["<image>"], **marks
    )
    size = {"height": 128, "width": 128}
    pictures = transformers.CLIPImageProcessor(
        size=size, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return transformers.LlavaProcessor(
        pictures, tokenizer, patch_size=16, vision_feature_select_strategy="full",
        num_additional_image_tokens=0, image_token=VOCABULARY[4],
    )  # fmt: skip


def trained(seen: Pool, *, steps: int, seed: int = 1) -> Any:
    """Model that has learnt to answer questions of pairs."""
    torch.manual_seed(seed)
    own, chance = model(), np.random.default_rng(seed)
    known = {word: number for number, word in enumerate(VOCABULARY)}
    pairs = np.flatnonzero(seen.categories[:, 1] >= 0)
    features = torch.from_numpy(seen.features).unflatten(2, (GRID, 2)).unflatten(4, (GRID, 2))
    pooled = features.float().mean((3, 5))
    optimiser = torch.optim.AdamW(
        [one for one in own.parameters() if one.requires_grad], lr=2e-3, weight_decay=0.02
    )
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    right = 0.0
    for step in range(steps):
        rows = chance.choice(pairs, BATCH)
        asked = [question(seen.categories[row], chance) for row in rows]
        words = [[1] + [known[w] for w in one.question.split()] + [known[one.answer], 2]
                 for one in asked]  # fmt: skip
        longest = max(map(len, words))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in words])
        last = torch.tensor([len(row) - 2 for row in words])
        embedded = own.model.language_model.embed_tokens(ids)
        tokens = own.model.multi_modal_projector(own.model.vision_tower.placed(pooled[rows]))
        given = torch.cat([embedded[:, :1], tokens, embedded[:, 1:]], 1)
        hidden = own.model.language_model(inputs_embeds=given).last_hidden_state
        places = torch.arange(BATCH)[:, None], last[:, None] + GRID * GRID + torch.arange(-1, 1)
        scores = own.lm_head(hidden[places])
        wanted = ids.gather(1, last[:, None] + torch.arange(2))
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), wanted.flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(own.parameters(), 1.0)
        optimiser.step()
        rate.step()
        looks = torch.tensor([one.looks for one in asked])
        hit = (scores[:, 0].argmax(1) == wanted[:, 0])[looks].float().mean().item()
        right = 0.98 * right + 0.02 * hit
        if step % 100 == 99:
            console.print(f"step {step + 1}: loss {loss.item():.3f}, right {right:.1%}")
    return own.eval()


def shipped() -> Any:
    """Model with the weights that lie beside this file."""
    own = model()
    with np.load(WEIGHTS) as stored:
        arrays = {name: torch.from_numpy(stored[name]).float() for name in stored.files}
    own.load_state_dict(arrays, strict=False)
    return own.eval()


def main() -> None:
    """Train, and keep what was learnt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=12_000)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--folder", type=Path, default=Path("out/training"))
    asked = parser.parse_args()
    seen = pool(asked.scenes, folder=asked.folder)
    started = time.process_time()
    own = trained(seen, steps=asked.steps)
    kept = {k: v.half().numpy() for k, v in own.state_dict().items() if ".trunk." not in k}
    np.savez_compressed(WEIGHTS, **kept)
    console.print(f"{(time.process_time() - started) / 60:.1f} processor minutes; {WEIGHTS}")


if __name__ == "__main__":
    main()
