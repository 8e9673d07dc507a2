"""xh.text: pictures held against texts by models of two towers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
transformers = pytest.importorskip("transformers", reason="needs transformers")

from tests.networks.text_models import (  # noqa: E402
    OpenCLIPLike,
    Plain,
    clip,
    image_processor,
    photograph,
    tokenizer,
)

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import BadOption, NotAModel, UnknownTarget  # noqa: E402

TEXTS = ["a red car", "a bus", "the photo of a dog"]
PHOTO = photograph()


def pipeline(kind="CLIP"):
    model = clip(kind)
    made = transformers.pipelines.ZeroShotImageClassificationPipeline
    eyes = image_processor("CLIP" if kind != "Siglip" else "Siglip")
    return made(model=model, tokenizer=tokenizer(), image_processor=eyes, device="cpu")


def own_scores(kind, pixels):
    """Scores and probabilities by the model's own call, as its documentation has it."""
    full = {"padding": "max_length", "max_length": 12} if kind == "Siglip" else {"padding": True}
    words = tokenizer()(TEXTS, return_tensors="pt", **full)
    words.pop("token_type_ids", None)
    with torch.no_grad():
        logits = clip(kind)(**words, pixel_values=pixels).logits_per_image[0]
    return logits.numpy(), (logits.sigmoid() if kind == "Siglip" else logits.softmax(0)).numpy()


@pytest.mark.parametrize(
    "kind", ["CLIP", pytest.param("MetaClip2", marks=pytest.mark.slow), "Siglip"]
)
def test_scores_and_probabilities_are_the_models_own(kind):
    asked = pipeline(kind)
    one = xh.explain(asked, PHOTO, target=xh.text(TEXTS))
    pixels = asked.image_processor(images=[PHOTO], return_tensors="pt")["pixel_values"]
    scores, likely = own_scores(kind, pixels)
    found = {p.label: (p.score, p.probability) for p in one.predictions}
    for text, score, share in zip(TEXTS, scores, likely, strict=True):
        assert found[text] == pytest.approx((score, share), abs=1e-6)
    assert one.target == TEXTS[int(scores.argmax())]
    assert one.map.shape == (4, 4)
    told = {own["label"]: own["score"] for own in asked(xh_image(), candidate_labels=TEXTS,
            hypothesis_template="{}")} if kind != "Siglip" else {}  # fmt: skip
    for text, share in told.items():
        assert found[text][1] == pytest.approx(share, abs=1e-6)


def xh_image():
    import PIL.Image

    return PIL.Image.fromarray(PHOTO)


def network(kind="CLIP"):
    return xh.network(
        clip(kind), held=xh.text(TEXTS, processor=tokenizer()), image_shape=(3, 64, 64)
    )


def test_texts_are_classes():
    opened = network()
    assert opened.declared.labels == tuple(TEXTS)
    one = xh.explain(
        opened, PHOTO, preprocess="unit", target=xh.contrast("a bus", against=TEXTS[0])
    )
    a, b = (xh.explain(opened, PHOTO, preprocess="unit", target=t) for t in ("a bus", TEXTS[0]))
    assert one.target == "a bus - a red car"
    assert one.score == pytest.approx(a.score - b.score, abs=1e-5)
    same = xh.explain(
        clip(), PHOTO, preprocess="unit",
        target=xh.text(TEXTS, xh.contrast("a bus", against=TEXTS[0]), processor=tokenizer()),
    )  # fmt: skip
    np.testing.assert_allclose(same.map, one.map, atol=1e-6)


KINDS_OF_METHODS = {
    "gradcam": {}, "layercam_fused": {}, "libragrad": {}, "attention_relevance": {}, "fullgrad": {},
    "saliency": {}, "rise": {"samples": 4}, "reciprocam": {}, "input_x_gradient": {},
}  # fmt: skip
"""One of each: of gradients, of joined layers, of a rule, of attention, of biases, of pixels, of
masks, of the head."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_methods_of_every_kind(kind):
    opened = network(kind)
    for method, options in KINDS_OF_METHODS.items():
        one = xh.explain(opened, PHOTO, preprocess="unit", method=method, target=1, options=options)
        assert np.isfinite(one.map).all(), method
        assert np.abs(one.map).max() > 0, method


def test_the_texts_tower_runs_once():
    runs, model, kind = [], clip(), "CLIP"
    tower = model.text_model.encoder.layers[0]
    hook = tower.register_forward_hook(lambda *_: runs.append(1))
    try:
        opened = network(kind)
        xh.explain(opened, PHOTO, preprocess="unit")
        before = len(runs)
        for method in ("gradcam", "rise", "attention_relevance"):
            small = {"samples": 4} if method == "rise" else {}
            xh.explain(opened, PHOTO, preprocess="unit", method=method, options=small)
    finally:
        hook.remove()
    assert before > 0
    assert len(runs) == before
    assert not [name for name in opened.layers if name.startswith("text")]


def test_a_changed_weight_is_read_again():
    opened = network()
    before = xh.explain(opened, PHOTO, preprocess="unit", target=1).score
    weight = clip().text_projection.weight
    kept = weight.detach().clone()
    try:
        with torch.no_grad():
            weight.mul_(-1)
        after = xh.explain(opened, PHOTO, preprocess="unit", target=1).score
    finally:
        with torch.no_grad():
            weight.copy_(kept)
    assert after == pytest.approx(-before, abs=1e-5)


@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_attention_is_that_of_the_pictures_tower(kind):
    """Rollout by hand of the vision tower alone; SigLIP's pooling query is its last step."""
    model = clip(kind)
    pixels = torch.from_numpy(PHOTO).permute(2, 0, 1)[None].float() / 255
    seen = []
    for layer in model.vision_model.encoder.layers:
        layer.self_attn.config._attn_implementation = "eager"
    hooks = [
        layer.self_attn.register_forward_hook(lambda _, __, out: seen.append(out[1]))
        for layer in model.vision_model.encoder.layers
    ]
    if kind == "Siglip":
        pool = model.vision_model.head.attention
        hooks.append(pool.register_forward_hook(lambda _, __, out: seen.append(out[1][:, None])))
    try:
        with torch.no_grad():
            model.vision_model(pixels)
    finally:
        for hook in hooks:
            hook.remove()
        for layer in model.vision_model.encoder.layers:
            layer.self_attn.config._attn_implementation = "sdpa"
    rolled = np.eye(seen[0].shape[-1])
    blocks = [own[0].mean(0).numpy() for own in seen]
    for own in blocks:
        mixed = own if own.shape[0] != own.shape[1] else (own + np.eye(len(own))) / 2
        rolled = mixed @ rolled
    wanted = rolled[0][-16:].reshape(4, 4)
    one = xh.explain(network(kind), PHOTO, preprocess="unit", method="rollout")
    np.testing.assert_allclose(one.map / one.map.sum(), wanted / wanted.sum(), atol=1e-5)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("bias", [None, -1.5])
def test_open_clip_like(whole, bias):
    model = OpenCLIPLike(bias=bias, whole=whole).eval()
    texts = xh.text(["a dog", "the red bus"], processor=Plain())
    one = xh.explain(model, photograph(32), preprocess="unit", target=texts)
    x = torch.from_numpy(photograph(32)).permute(2, 0, 1)[None].float() / 255
    pictures, words, scale = model(x, Plain()(texts.texts))
    logits = (scale * pictures @ words.T)[0].detach() + (bias or 0)
    likely = logits.softmax(0) if bias is None else logits.sigmoid()
    found = {p.label: (p.score, p.probability) for p in one.predictions}
    for text, score, share in zip(texts.texts, logits.tolist(), likely.tolist(), strict=True):
        assert found[text] == pytest.approx((score, share), abs=1e-6)
    assert one.map.shape == (4, 4)


def test_one_text_alone():
    one = xh.explain(network_of("a bus"), PHOTO, preprocess="unit")
    scores, _ = own_scores("CLIP", torch.from_numpy(PHOTO).permute(2, 0, 1)[None].float() / 255)
    assert (one.target, one.predictions) == ("a bus", ())
    assert one.score == pytest.approx(scores[1], abs=1e-6)
    opened = network_of("a bus", "Siglip")
    assert opened.declared.labels == ("not a bus", "a bus")
    first = xh.explain(opened, PHOTO, preprocess="unit", target="a bus").predictions[0]
    assert first.probability >= 0.5


def network_of(text, kind="CLIP"):
    return xh.network(clip(kind), held=xh.text(text, processor=tokenizer()))


def test_a_folder_that_transformers_wrote(tmp_path):
    clip().save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    image_processor().save_pretrained(tmp_path)
    opened = xh.network(f"hf:{tmp_path}", held=xh.text(TEXTS))
    one = xh.explain(opened, PHOTO, target=1)
    assert one.target == "a bus"
    pixels = pipeline().image_processor(images=[PHOTO], return_tensors="pt")["pixel_values"]
    assert one.score == pytest.approx(own_scores("CLIP", pixels)[0][1], abs=1e-5)


def test_a_private_copy_stays_as_it_was():
    import copy

    model = copy.deepcopy(clip())
    held = xh.text(TEXTS, processor=tokenizer())
    opened = xh.network(model, held=held, exclusive=False)
    before = xh.explain(opened, PHOTO, preprocess="unit", target=0).score
    with torch.no_grad():
        model.visual_projection.weight.zero_()
    assert xh.explain(opened, PHOTO, preprocess="unit", target=0).score == before


LONG = "a red car and a blue bus and a dog and a cat and the photo"


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        (lambda: xh.text([]), UnknownTarget, "At least one text"),
        (lambda: xh.text(["a bus", " "]), UnknownTarget, "number 1 is empty"),
        (lambda: xh.text(["a bus", 3]), UnknownTarget, "number 1 is int 3"),
        (lambda: xh.text(["a bus", "a bus"]), UnknownTarget, "given twice"),
        (lambda: xh.text(5), UnknownTarget, "list of strings"),
        (lambda: xh.text(["a bus"], "a car"), UnknownTarget, "none of the texts: 'a bus'"),
        (lambda: network_of(LONG), BadOption, "of 12 tokens or fewer"),
        (lambda: xh.network(clip(), held=xh.text("a bus")), BadOption, "processor=processor"),
        (
            lambda: xh.network(OpenCLIPLike(), held=xh.text(LONG, processor=Plain())),
            BadOption, "is cut off at 8 tokens",
        ),
        (
            lambda: xh.network(clip(), held=xh.text("bus", processor=tokenizer(("x",) * 1 + tuple(
                f"w{i}" for i in range(20)) + ("bus",)))),
            BadOption, "tokenizer of another model: it answers the token 25",
        ),
        (
            lambda: xh.network(clip(), held=xh.text(["bus", "dog"], processor=tokenizer(("x",)))),
            BadOption, "makes the same tokens of different texts, 'bus', 'dog'",
        ),
        (
            lambda: xh.network(torch.nn.Conv2d(3, 4, 3), held=xh.text("bus", processor=Plain())),
            NotAModel, "A model of two towers was expected",
        ),
        (
            lambda: xh.network(lambda x: x, held=xh.text("bus", processor=Plain())),
            BadOption, "torch.nn.Module of two towers; received function",
        ),
        (
            lambda: xh.network(xh.network(OpenCLIPLike()), held=xh.text("bus")),
            NotAModel, "held=xai_heatmap.text",
        ),
        (
            lambda: xh.compare(clip(), PHOTO, targets=[xh.text("a bus"), xh.text("a dog")]),
            UnknownTarget, "Give the same list to all",
        ),
        (
            lambda: xh.network(clip(), held=xh.text("bus", processor=7)),
            BadOption, "received int",
        ),
    ],
)  # fmt: skip
def test_bad_input(asked, error, said):
    with pytest.raises(error, match=said.replace("(", r"\(")):
        asked()


def test_clip_that_ends_its_texts_otherwise():
    import copy

    model = copy.deepcopy(clip())
    model.config.text_config.eos_token_id = 9
    with pytest.raises(BadOption, match="ends a text with the token 3"):
        xh.network(model, held=xh.text("a bus", processor=tokenizer()))


@pytest.mark.slow
def test_pictures_of_any_aspect_are_laid_out_in_patches():
    """SigLIP 2 as NaFlex takes patches; likenesses are those of its own image processor's."""
    transformers = pytest.importorskip("transformers")
    made = getattr(transformers, "Siglip2ImageProcessorPil", None)
    if made is None:
        pytest.skip("needs a transformers with SigLIP 2 and its processor for PIL")
    sizes = {"intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {"vocab_size": 40, "hidden_size": 32, "max_position_embeddings": 12, **sizes}
    eyes = {"hidden_size": 32, "num_patches": 16, "patch_size": 8, **sizes}
    special = {"bos_token_id": 1, "eos_token_id": 2, "projection_size": 32}
    torch.manual_seed(0)
    model = transformers.Siglip2Model(
        transformers.Siglip2Config(text_config=text | special, vision_config=eyes)
    ).eval()
    photo = np.random.default_rng(0).integers(0, 256, (24, 40, 3)).astype(np.uint8)
    words = tokenizer()
    own = made(patch_size=8, max_num_patches=15, do_resize=False)(photo, return_tensors="pt")
    prepared = xh.Preprocess("tf", input_size=(24, 40), fit="stretch")
    network = xh.network(model, held=xh.text(["a bus", "a dog"], processor=words))
    e = xh.explain(network, photo, preprocess=prepared, target="a bus", method="hirescam")
    assert e.layer.grid == (3, 5)
    ids = words(["a bus", "a dog"], padding="max_length", max_length=12, return_tensors="pt")
    with torch.no_grad():
        wanted = model(**ids, **own).logits_per_image[0, 0].item()
    assert e.score == pytest.approx(wanted, abs=1e-4)
