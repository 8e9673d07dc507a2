"""``hf:ORG/NAME``: an image classifier for transformers, with its image processor's figures."""

from importlib import import_module
from typing import Any

from xai_heatmap.core.network import Declared
from xai_heatmap.networks.loading.hubs.hf_errors import check_filled, worded
from xai_heatmap.networks.loading.hubs.hf_processor import said_by
from xai_heatmap.networks.loading.loaded import Loaded, unimportable

ASKED = {
    (False, False): ("ImageClassification", "image-classification"),
    (True, False): ("ZeroShotImageClassification", "zero-shot-image-classification"),
    (False, True): ("ImageTextToText", "image-text-to-text"),
}
"""Model of transformers and task, by whether texts are given and whether words are asked for."""


def load_hf(name: str, *, trained: bool, texts: bool = False, words: bool = False) -> Loaded:
    """The classifier `name`: a repository of the hub, or a folder that transformers wrote; with
    `texts` the model of two towers, with its tokenizer; with `words` the model that answers
    questions in words, with its processor.
    """
    try:
        # by its name: who checks types would else read every architecture that the package has
        transformers = import_module("transformers")
    except (ImportError, RuntimeError) as error:
        raise unimportable("transformers", error, beside="torch", purpose=f"hf:{name}") from error
    kind, task = ASKED[(texts, words)]
    classifier = getattr(transformers, f"AutoModelFor{kind}")
    with worded(transformers, name, task=task):
        if trained:
            model, info = classifier.from_pretrained(
                name, trust_remote_code=False, output_loading_info=True
            )
            check_filled(transformers, info, model, name)
        else:
            config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
            model = classifier.from_config(config, trust_remote_code=False)
        if words:
            processor = transformers.AutoProcessor.from_pretrained(name, trust_remote_code=False)
            return Loaded(model, processor=processor)
        if not texts:
            return Loaded(model, _declared(transformers, model, name))
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    return Loaded(model, _declared(transformers, model, name), tokenizer=tokenizer)


def _declared(transformers: Any, model: Any, name: str) -> Declared:
    names = model.config.id2label
    labels = tuple(str(names[index]) for index in sorted(names)) if names else None
    if labels and all(label == f"LABEL_{index}" for index, label in enumerate(labels)):
        labels = None  # what transformers writes where nobody named the classes
    found = said_by(transformers, model, name)
    if found is None:
        return Declared(labels=labels)
    said, size = found
    channels = getattr(model.config, "num_channels", 3)
    return Declared((channels, *size) if size else None, said, labels)
