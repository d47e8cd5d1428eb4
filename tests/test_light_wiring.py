"The light distribution's commands, with a network that changes nothing; see light/tests."

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, checker, helper, numpy_helper
from pages import waited_for
from PIL import Image

ROOT = Path(__file__).parents[1]
ALONE = """import sys; sys.modules.update(dict.fromkeys(("torch", "fastai", "faststyle_fastai")))
from faststyle.cli.main import main; sys.argv[0] = "faststyle"; main()"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    sys.path.insert(0, str(ROOT / "tools"))
    import make_light

    tree = tmp_path_factory.mktemp("light") / "tree"
    make_light.gather(tree)
    image = "batch", 3, "height", "width"
    given = {"photo": image, "style": ("batch", "styles")}
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in given.items()
    ]
    output = helper.make_tensor_value_info("painted", TensorProto.FLOAT, image)
    node = helper.make_node("Identity", ["photo"], ["painted"])
    less = numpy_helper.from_array(np.frombuffer(make_light.LESS, np.float32), "less")
    graph = helper.make_graph([node], "same", inputs, [output], [less])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    checker.check_model(model)
    (tree / "faststyle" / "assets" / "gallery.onnx").write_bytes(model.SerializeToString())
    return tree


def run(tree, *words, status=0):
    call = [sys.executable, "-c", ALONE, *map(str, words)]
    done = subprocess.run(call, capture_output=True, text=True, cwd=tree)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def test_a_folder_is_painted_in_a_built_in_style(tree, photos, tmp_path):
    out = tmp_path / "painted"
    words = "stylize", photos / "china", "--style", "udnie", "--faces", "painted"
    words += "--keep-colors", "-o", out
    run(tree, *words)
    for photo in (photos / "china").iterdir():
        with Image.open(photo) as a, Image.open(out / photo.name) as b:
            grays = (np.asarray(each.convert("L")).ravel() for each in (a, b))
            assert a.size == b.size and np.corrcoef(*grays)[0, 1] > 0.8
    assert "--skip-existing" in run(tree, *words, status=1)


def test_a_folder_is_watched(tree, photos, tmp_path):
    call = [sys.executable, "-c", ALONE, "stylize", "--watch", str(photos / "china")]
    call += ["--style", "udnie", "--faces", "painted", "-o", str(tmp_path)]
    with subprocess.Popen(call, stderr=-1, text=True, cwd=tree) as process:
        waited_for((tmp_path / "6.jpg").exists)
        process.terminate()
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and (tmp_path / "6.jpg").exists(), said


def test_styles_and_what_needs_more(tree):
    assert "great_wave" in run(tree, "styles")
    assert "needs the full distribution" in run(tree, "train", "photos", status=1)
