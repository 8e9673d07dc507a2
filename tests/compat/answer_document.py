"""Runs the seed document's own arithmetic; it needs TensorFlow, so it gets a process of its own
where the tests run on something else.

``python answer_document.py FOLDER`` reads ``cases.json`` and ``*.npz`` there and writes
``*.answer.npz``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np

TESTS = Path(__file__).resolve().parent.parent


def answers(folder, cases):
    """What the document gives for each (model file, layer name, batch, picture); what lies in the
    folder is not computed again.
    """
    found = [folder / f"{number}.answer.npz" for number in range(len(cases))]
    if all(path.exists() for path in found):
        return [np.load(path) for path in found]
    for number, (_, _, x, img) in enumerate(cases):
        np.savez(folder / f"{number}.npz", x=x, img=img)
    wanted = [[str(model), layer] for model, layer, *_ in cases]
    (folder / "cases.json").write_text(json.dumps(wanted))
    if keras.backend.backend() == "tensorflow":
        main(folder)
    else:
        _elsewhere(folder)
    return [np.load(path) for path in found]


def _elsewhere(folder):
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def main(folder):
    sys.path.insert(0, str(TESTS))
    import keras

    from xai_heatmap.testing.oracles import document_heatmap

    models = {}
    for number, (path, layer) in enumerate(json.loads((folder / "cases.json").read_text())):
        if path not in models:
            models[path] = keras.saving.load_model(path)
        given = np.load(folder / f"{number}.npz")
        superimposed, levels = document_heatmap(given["img"], given["x"], models[path], layer)
        np.savez(folder / f"{number}.answer.npz", superimposed=superimposed, levels=levels)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
