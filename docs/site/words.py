"""Words that people search by, and the page that answers them: the index of the site.

A heading says what a page is about in the project's words. These are those of people who do not
know them yet; the search shows such a page first.
"""

from pathlib import Path

WORDS = {
    "docs/preprocessing.md": (
        *("crop", "crop off", "turn off crop", "no crop", "center crop", "letterbox", "tensor"),
        *(
            "ready tensor",
            "the input is ready",
            "preprocessed tensor",
            "numpy array",
            "normalise",
            "transform",
        ),
    ),
    "docs/detectors.md": (
        *("yolo", "box of a yolo", "detr", "detector", "bounding box", "object detection"),
    ),
    "docs/guide/6-when-a-map-is-empty.md": (
        *("empty", "empty map", "map is empty", "empty heatmap", "black map", "nothing to see"),
        *("blank heatmap", "why is my map empty"),
    ),
    "docs/troubleshooting.md": ("error", "error code", "exception", "it fails"),
    "CONTRIBUTING.md": (
        *("how to add a method", "own method", "new method", "custom method", "write a method"),
        *("plugin", "add a metric", "add a backend"),
    ),
    "docs/targets.md": ("target", "another class", "contrast", "segmentation", "why not"),
    "docs/howto/sliding-windows.md": (
        *("nnu-net", "nnunet", "sliding window", "tiles", "patches", "monai", "whole slide"),
    ),
    "docs/howto/features-without-classes.md": (
        *("dino", "dinov2", "embedding", "self-supervised", "attention map", "likeness of patches"),
    ),
    "docs/howto/robot-policies.md": (
        *("robot", "policy", "robotics", "regression", "held input", "several cameras", "lerobot"),
    ),
    "docs/howto/medical-16-bit.md": (
        *(
            "16 bit",
            "16-bit",
            "12 bit",
            "dicom",
            "x-ray",
            "ct window",
            "ct",
            "mri",
            "medical",
            "hounsfield",
        ),
        *("grayscale", "greyscale", "one channel"),
    ),
    "docs/howto/evidence-for-a-reviewer.md": ("reviewer", "evidence", "paper", "regulation"),
    "docs/text-and-words.md": ("clip", "siglip", "vlm", "llava", "caption", "text"),
    "docs/training.md": (
        "callback",
        "tensorboard",
        "wandb",
        "mlflow",
        "training loop",
        "lightning",
    ),
    "docs/methods/which.md": ("which method", "best method", "choose a method"),
    "docs/data-sets.md": ("batch", "data set", "dataset", "folder of images", "resume"),
    "docs/signals-video-volumes-bands.md": (
        *("ecg", "time series", "audio", "volume", "video", "multispectral", "bands"),
    ),
    "docs/web-app.md": ("browser", "webcam", "camera", "live"),
    "docs/right-for-the-wrong-reason.md": ("trust", "shortcut", "is the map right", "bias"),
    "docs/notebooks.md": ("notebook", "jupyter", "colab", "widget"),
    "docs/threads.md": ("thread", "threads", "thread safe", "server"),
}


def write_words(staged: Path) -> None:
    """Write each page's words into it, as entries of the index."""
    for name, words in WORDS.items():
        page = staged / name
        text = page.read_text("utf-8")
        heading, rest = text.split("\n", 1)
        entries = "".join(f"```{{index}} ! {word}\n```\n" for word in words)
        page.write_text(f"{heading}\n\n{entries}{rest}", "utf-8")
