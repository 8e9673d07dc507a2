"""``python -m training.towers``: two towers, one for pictures and one for words, taught what
planted scenes show.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from training.words import VOCABULARY, Pool, caption, pool, trunk

WIDTH, EMBEDDING, BATCH = 64, 32, 96
QUIET = 0.05
"""What the mean of the features costs: they learn to speak only where there is something to say."""

console = Console()

WEIGHTS = Path(__file__).with_name("towers.npz")


class Towers(nn.Module):
    """Likeness of pictures (n, 3, 128, 128) and texts (m, words), (n, m), as CLIP measures it."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = trunk()
        self.features = nn.Sequential(nn.Conv2d(128, WIDTH, 1), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.project = nn.Linear(WIDTH, EMBEDDING, bias=False)
        self.words = nn.Embedding(len(VOCABULARY), EMBEDDING, padding_idx=0)
        self.phrase = nn.Sequential(nn.ReLU(), nn.Linear(EMBEDDING, EMBEDDING))
        self.logit_scale = nn.Parameter(torch.tensor(2.0))

    def seen(self, features: Tensor) -> Tensor:
        """Embedding of what the trunk sees, of length 1."""
        return nn.functional.normalize(self.project(self.pool(features).flatten(1)), dim=-1)

    def encode_image(self, pixel_values: Tensor) -> Tensor:
        """Embedding of pictures, of length 1."""
        return self.seen(self.features(self.trunk(pixel_values)))

    def encode_text(self, input_ids: Tensor) -> Tensor:
        """Embedding of texts, of length 1; the words of a text have no order."""
        known = (input_ids != 0).unsqueeze(-1)
        mean = (self.words(input_ids) * known).sum(1) / known.sum(1)
        return nn.functional.normalize(self.phrase(mean), dim=-1)

    def forward(self, pixel_values: Tensor, input_ids: Tensor) -> Tensor:
        """Likeness of every picture and every text."""
        pictures, texts = self.encode_image(pixel_values), self.encode_text(input_ids)
        return self.logit_scale.exp() * pictures @ texts.T


class Words:
    """Tokenizer of the vocabulary: a number for each word, filled up with 0."""

    context_length = 12

    def __call__(self, texts: list[str]) -> Tensor:
        """Numbers of the words of each text, (texts, 12)."""
        rows = [self.encode(text) for text in texts]
        return torch.tensor(
            [(row + [0] * self.context_length)[: self.context_length] for row in rows]
        )

    def encode(self, text: str) -> list[int]:
        """Numbers of the words of a text, however many."""
        known = {word: number for number, word in enumerate(VOCABULARY)}
        return [known.get(word, known["<unk>"]) for word in text.split()]


def trained(seen: Pool, *, steps: int, seed: int = 1) -> Towers:
    """Towers that have learnt which caption belongs to which picture."""
    torch.manual_seed(seed)
    model, words, chance = Towers(), Words(), np.random.default_rng(seed)
    learning = [own for own in model.parameters() if own.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=4e-3, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for step in range(steps):
        rows = chance.integers(len(seen.features), size=BATCH)
        said = [caption(seen.categories[row], chance) for row in rows]
        features = model.features(torch.from_numpy(seen.features[rows]).float())
        pictures, texts = model.seen(features), model.encode_text(words(said))
        likeness = model.logit_scale.exp() * pictures @ texts.T
        kinds = [frozenset(seen.categories[row].tolist()) for row in rows]
        same = torch.tensor([[float(one == other) for other in kinds] for one in kinds])
        wanted = same / same.sum(1, keepdim=True)  # what shows the same fits as well
        loss = sum(nn.functional.cross_entropy(own, wanted) for own in (likeness, likeness.T)) / 2
        loss = loss + QUIET * features.mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        rate.step()
        if step % 200 == 199:
            console.print(f"step {step + 1}: loss {loss.item():.3f}")
    return model.eval()


def shipped() -> Towers:
    """Towers with the weights that lie beside this file."""
    model = Towers()
    with np.load(WEIGHTS) as stored:
        own = {name: torch.from_numpy(stored[name]) for name in stored.files}
    model.load_state_dict(own, strict=False)
    return model.eval()


def main() -> None:
    """Train, and keep what was learnt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=12_000)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--folder", type=Path, default=Path("out/training"))
    asked = parser.parse_args()
    seen = pool(asked.scenes, folder=asked.folder)
    started = time.process_time()
    model = trained(seen, steps=asked.steps)
    own = {k: v.numpy() for k, v in model.state_dict().items() if not k.startswith("trunk.")}
    np.savez(WEIGHTS, **own)
    console.print(f"{(time.process_time() - started) / 60:.1f} processor minutes; {WEIGHTS}")


if __name__ == "__main__":
    main()
