"""``hf:ORG/NAME``: an image classifier for transformers, with its image processor's figures."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from xai_heatmap.core.errors import ModelNotFound, NotAModel, UnsafeModel
from xai_heatmap.core.network import Declared
from xai_heatmap.networks.loading.hubs.hf_settings import facts, with_defaults
from xai_heatmap.networks.loading.loaded import Loaded, first_line, missing, unimportable


def load_hf(name: str, *, trained: bool, texts: bool = False) -> Loaded:
    """The classifier `name`: a repository of the hub, or a folder that transformers wrote; with
    `texts` the model of two towers, with its tokenizer.
    """
    try:
        # by its name: who checks types would else read every architecture that the package has
        transformers = import_module("transformers")
    except (ImportError, RuntimeError) as error:
        raise unimportable("transformers", error, beside="torch", purpose=f"hf:{name}") from error
    kinds = ("ImageClassification", "ZeroShotImageClassification")
    classifier = getattr(transformers, f"AutoModelFor{kinds[texts]}")
    try:
        if trained:
            model = classifier.from_pretrained(name, trust_remote_code=False)
        else:
            config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
            model = classifier.from_config(config, trust_remote_code=False)
    except OSError as error:
        raise ModelNotFound(
            f"hf:{name} could not be loaded: {first_line(error)} Check the name on "
            "huggingface.co/models, or the connection."
        ) from error
    except ImportError as error:
        raise missing(
            "another package", "see the reason", purpose=f"hf:{name}", why=first_line(error)
        ) from error
    except (ValueError, KeyError) as error:
        if "trust_remote_code" in str(error):
            raise UnsafeModel(
                f"A model without code of its own was expected; hf:{name} brings Python files that "
                "would have to be run, and none of them was. If you have read them and trust them, "
                "load it in a factory of your own, --model module.py:factory, with "
                "from_pretrained(..., trust_remote_code=True)."
            ) from error
        raise NotAModel(
            f"hf:{name} is no image classifier that transformers knows: {first_line(error)}. "
            f"Choose a model with the task {'zero-shot-' if texts else ''}image-classification."
        ) from error
    if texts:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        return Loaded(model, _declared(transformers, model, name), tokenizer=tokenizer)
    return Loaded(model, _declared(transformers, model, name))


def _declared(transformers: Any, model: Any, name: str) -> Declared:
    names = model.config.id2label
    labels = tuple(str(names[index]) for index in sorted(names)) if names else None
    if labels and all(label == f"LABEL_{index}" for index, label in enumerate(labels)):
        labels = None  # what transformers writes where nobody named the classes
    processor = _processor(transformers, name)
    if processor is None:
        return Declared(labels=labels)
    said, size = facts(with_defaults(processor, transformers))
    channels = getattr(model.config, "num_channels", 3)
    return Declared((channels, *size) if size else None, said, labels)


def _processor(transformers: Any, name: str) -> Mapping[str, Any] | None:
    """Settings of an image processor as JSON; no code of the processor runs."""
    reader = transformers.image_processing_base.ImageProcessingMixin
    try:
        return reader.get_image_processor_dict(name)[0]
    except (OSError, ValueError, KeyError):
        return None
