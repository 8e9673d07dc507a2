"""xh.answer: one map for each token that a model answers to a question of a picture."""

import copy

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
transformers = pytest.importorskip("transformers", reason="needs transformers")

from tests.networks.speaking_models import MADE, prompt, speaking  # noqa: E402
from tests.networks.text_models import photograph  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import BadArray, BadOption, NotAModel  # noqa: E402
from xai_heatmap.networks.torch.speaking import spoken  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""What PaliGemma's own processor is warned of by numpy 2."""

PHOTO = np.ascontiguousarray(photograph(96)[:64])
GRIDS = {
    "llava": (4, 4),
    "llava-next": (16, 16),
    "paligemma": (4, 4),
    "qwen2-vl": (6, 9),
    "idefics3": (4, 6),
}

TILED = ("llava-next", "idefics3")

ALL = [kind if kind == "llava" else pytest.param(kind, marks=pytest.mark.slow) for kind in MADE]


def inputs(kind, photo=PHOTO):
    _, processor = speaking(kind)
    made = processor(text=[prompt(kind)], images=[PIL.Image.fromarray(photo)], return_tensors="pt")
    return {name: torch.as_tensor(own) for name, own in made.items() if name != "labels"}


@pytest.mark.parametrize("kind", ALL)
def test_words_and_probabilities_are_the_models_own(kind):
    model, processor = speaking(kind)
    found = xh.answer(model, processor, PHOTO, prompt(kind), tokens=3)
    free = model.generate(
        **inputs(kind), max_new_tokens=3, do_sample=False, output_logits=True,
        return_dict_in_generate=True,
    )  # fmt: skip
    ids = free.sequences[0, -len(free.logits) :][: len(found)]
    assert found.text == processor.tokenizer.decode(ids)
    for word, own, one in zip(found, ids, free.logits, strict=False):
        assert word.probability == pytest.approx(float(one[0].softmax(-1)[own]), abs=1e-5)
        assert word.explanation.map.shape == GRIDS[kind]
        assert word.explanation.heat().shape == (64, 96)
        assert word.explanation.layer.name == "picture"
    assert [one.explanation.target for one in found] == [
        f"{one.text!r}, token {at + 1}" for at, one in enumerate(found)
    ]


@pytest.mark.parametrize("kind", list(MADE))
def test_the_canvas_is_what_the_model_is_given(kind):
    model, processor = speaking(kind)
    said = spoken(model, processor, PHOTO, prompt(kind), most=1)
    given = inputs(kind)["pixel_values"]
    seen = []
    module = model.model.vision_model if kind == "idefics3" else None
    eyes = module or getattr(model.model, "vision_tower", None) or model.model.visual
    hook = eyes.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append((*args, *kwargs.values())[0]), with_kwargs=True
    )
    try:
        said.module(torch.from_numpy(said.canvas)[None].repeat(2, 1, 1, 1))
    finally:
        hook.remove()
    wanted = given.flatten(0, 1) if kind in TILED else given
    torch.testing.assert_close(seen[0], torch.cat([wanted, wanted]))


@pytest.mark.parametrize("kind", list(MADE))
def test_the_pictures_tokens_lie_where_they_look(kind):
    """A patch of the photograph that turns black moves the cell over it most."""
    model, processor = speaking(kind)
    said = spoken(model, processor, PHOTO, prompt(kind), most=1)
    opened = xh.network(said.module, image_shape=said.canvas.shape)
    rows, columns = GRIDS[kind]
    high, wide = said.canvas.shape[1] // rows, said.canvas.shape[2] // columns
    before = opened.record(said.canvas[None], "picture").activations["picture"][0]
    top = 3 if kind == "llava-next" else 0  # rows that were padded, below as well
    for row, column in ((top, columns - 1), (rows - 1 - top, 0), (top + 1, 2)):
        other = said.canvas.copy()
        other[:, row * high : (row + 1) * high, column * wide : (column + 1) * wide] = -2
        after = opened.record(other[None], "picture").activations["picture"][0]
        own = before.shape[0] // (2 if kind in TILED else 1)  # the whole's own features behind
        moved = np.abs(after - before)[:own].sum(0)
        assert np.unravel_index(moved.argmax(), moved.shape) == (row, column)


@pytest.mark.slow
def test_methods_of_every_kind():
    model, processor = speaking("llava")
    found = xh.answer(model, processor, PHOTO, prompt("llava"), tokens=2)
    for method, options in {
        "gradcam": {}, "libragrad": {}, "reciprocam": {}, "rise": {"samples": 4}, "saliency": {},
    }.items():  # fmt: skip
        one = found.explain(xh.token(2), method=method, options={method: options})
        assert np.abs(one.map).max() > 0, method
        assert one.method == method
    first = found[0].text
    one = found.explain(xh.token(first, against="fish"))
    names = found.network.declared.labels
    a, b = (found.explain(xh.step(names.index(own), 0)) for own in (first, "fish"))
    assert one.score == pytest.approx(a.score - b.score, abs=1e-5)


@pytest.mark.slow
def test_what_never_looks_is_flagged():
    model, processor = speaking("llava")
    seeing = xh.answer(model, processor, PHOTO, prompt("llava"), tokens=2)
    assert not any(word.without_looking for word in seeing)
    assert all(word.moved > 0.01 for word in seeing)
    blind = copy.deepcopy(model)
    with torch.no_grad():
        blind.model.multi_modal_projector.linear_2.weight.zero_()
    found = xh.answer(blind, processor, PHOTO, prompt("llava"), tokens=2)
    assert all(word.without_looking for word in found)
    assert max(word.change for word in found) < 1e-5


def test_another_photograph_of_the_same_answer():
    model, processor = speaking("idefics3")
    found = xh.answer(model, processor, PHOTO, prompt("idefics3"), tokens=1)
    with pytest.raises(BadOption, match="one of another shape is laid out in other tokens"):
        xh.explain(found.network, photograph(64), target=xh.token(1))


def ask(kind="llava", words=None, photo=PHOTO, model=None, processor=None, **how):
    own, its = speaking(kind)
    words = prompt(kind) if words is None else words
    return xh.answer(model or own, processor or its, photo, words, **how)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        (lambda: ask(words="what is left"), BadOption, "Write <image> there: prompt='<image> what"),
        (lambda: ask("idefics3", "what is left"), BadOption, "says where the picture stands"),
        (lambda: ask(words=" "), BadOption, "A question in words is needed"),
        (lambda: ask(photo=np.stack([PHOTO, PHOTO])), BadArray, "Take one frame"),
        (lambda: ask(photo=[PHOTO, PHOTO]), BadArray, "Take one frame"),
        (lambda: ask(tokens=0), BadOption, "at least one token; received tokens=0"),
        (lambda: ask(model=torch.nn.Conv2d(3, 4, 3)), NotAModel, "received Conv2d"),
        (
            lambda: ask(processor=speaking("llava")[1].image_processor),
            BadOption,
            "has no tokenizer",
        ),
    ],
)
def test_bad_input(asked, error, said):
    with pytest.raises(error, match=said):
        asked()


def test_pixels_in_a_form_that_is_not_known():
    _, processor = speaking("llava")

    class Two(type(processor)):
        def __call__(self, **given):
            made = super().__call__(**given)
            made["pixel_values"] = made["pixel_values"].repeat(2, 1, 1, 1)
            return made

    two = copy.copy(processor)
    two.__class__ = Two
    with pytest.raises(NotAModel, match=r"the processor answered \(2, 3, 32, 32\) and"):
        ask(processor=two)


def test_an_answer_that_does_not_come_again():
    model = copy.deepcopy(speaking("llava")[0])
    model.model.multi_modal_projector.register_forward_hook(
        lambda _, __, out: out + torch.randn_like(out)
    )
    with pytest.raises(NotAModel, match="An answer that comes again was expected"):
        ask(model=model)
