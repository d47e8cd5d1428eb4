"Files made to harm: style files, ONNX files and run folders are checked before they are used."

import json
import struct

import pytest
import torch
from safetensors.torch import save

from faststyle_fastai.core.assets import builtin_path
from faststyle_fastai.core.errors import FaststyleError, format_error
from faststyle_fastai.inference.html import export_html
from faststyle_fastai.inference.stylizer import Stylizer
from faststyle_fastai.models import stylefile
from faststyle_fastai.models.metadata import check_names
from faststyle_fastai.models.stylefile import checksum, load_style, read_state, write_style
from faststyle_fastai.models.transformer import make_network
from faststyle_fastai.training.run_folder import clear, may_write, record_of, sweep

TINY = builtin_path("gallery", "tiny")
RECORD = {
    "settings": {
        "names": ["sea"],
        "style_hash": ["0"],
        "photos": "photos",
        "minutes": None,
        "valid_pct": 0.02,
        "seed": 0,
        "plan": {"loss": {}, "size": 256, "bs": 2, "images": None, "epochs": 1},
    },
    "added": {},
}


@pytest.fixture(scope="module")
def tiny():
    "Weights and metadata of a valid file."
    state, said = read_state(TINY)
    return state, {k: v for k, v in said.items() if k != "format"}


def written(state, said, path):
    "A style file with a valid checksum, whatever it says."
    said = {**said, "format": "faststyle/1"}
    path.write_bytes(save(state, {**said, "checksum": checksum(state, said)}))
    return path


@pytest.mark.parametrize(
    ("styles", "why"),
    [
        ('{"0": "a", "bc": "d"}', 'styles is {"0": "a", "bc": "d"}, not a list of names'),
        ('"abcdefghijklmn"', 'styles is "abcdefghijklmn", not a list of names'),
        ("null", "styles is null, not a list"),
        ("no JSON", "styles is no JSON, not a list"),
        ("[" * 100_000, r"styles is \[{40}, not a list"),
        (json.dumps([""]), "Invalid style name ''"),
        (json.dumps(["../../victim"]), "Invalid style name '../../victim'"),
        (json.dumps(["a\\b"]), "Invalid style name"),
        (json.dumps(["\x1b]0;owned\x07"]), r"Invalid style name '\\x1b]0;owned\\x07'"),
        (json.dumps(["a", "a"]), "2 styles are named a"),
        (json.dumps([f"{i}" for i in range(100_000)]), "has shape"),
        (json.dumps([f"style{i}" for i in range(200_000)]), "characters of metadata"),
    ],
)
def test_names_of_styles_are_checked_before_a_network_is_built(
    tiny, tmp_path, styles, why, monkeypatch
):
    (state, said), built = tiny, []

    def make(*how):
        built.append(torch.empty(0).device.type)
        return make_network(*how)

    monkeypatch.setattr(stylefile, "make_network", make)
    file = written(state, said | {"styles": styles}, tmp_path / "h.safetensors")
    with pytest.raises(ValueError, match=f"h.safetensors is not a valid .*{why}") as error:
        Stylizer(file)
    assert set(built) <= {"meta"}  # without memory
    assert "\x1b" not in str(error.value) and len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"size": "-256"}, "size is -256 px"),
        ({"size": "9" * 9}, "size is 999999999 px"),
        ({"size": "9" * 5000}, "Exceeds the limit|size is"),
        ({"size": "nan"}, "size is nan px"),
        ({"arch": "\x1b[2J"}, "control characters"),
    ],
)
def test_numbers_in_a_style_file_are_checked(tiny, tmp_path, change, why):
    state, said = tiny
    file = written(state, said | change, tmp_path / "h.safetensors")
    with pytest.raises(ValueError, match=f"h.safetensors is not a valid .*({why})") as error:
        load_style(file)
    assert "\x1b" not in format_error(error.value)


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    with open(tmp_path / "h.safetensors", "wb") as file:
        file.write(struct.pack("<Q", 8))
        file.truncate(40 * 2**30)  # takes no space on disk
    with pytest.raises(ValueError, match="h.safetensors is larger than 1024 MB"):
        load_style(tmp_path / "h.safetensors")


@pytest.mark.parametrize("dtype", ["BOOL", "F8_E4M3", "F4", "C64", "X"])
def test_other_types_of_numbers_are_an_error_in_one_line(tmp_path, dtype):
    tensor = {"dtype": dtype, "shape": [8], "data_offsets": [0, 8]}
    header = {"__metadata__": {"format": "faststyle/1", "checksum": "0"}, "a": tensor}
    text = json.dumps(header).encode()
    (tmp_path / "h.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(ValueError, match="h.safetensors is"):
        load_style(tmp_path / "h.safetensors")


def test_the_same_network_is_the_same_bytes(tiny, tmp_path):
    state, said = tiny
    info = said | {"styles": json.loads(said["styles"])}
    files = [tmp_path / f"{i}.safetensors" for i in range(8)]
    for file in files:
        write_style(dict(reversed(state.items())), info, file)
    assert len({file.read_bytes() for file in files}) == 1
    assert load_style(files[0])[1]["styles"] == info["styles"]


def test_names_that_files_cannot_have_are_refused_when_they_are_given():
    for name in ("a/b", "a\\b", "", " ", "a\x9b", "a\x7f"):
        with pytest.raises(ValueError, match="Invalid style name"):
            check_names([name])
    check_names(["the scream", "Große Welle 波", "a:b"])


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "[]",
        "3",
        "{",
        "[" * 100_000,
        '{"settings": null}',
        '{"settings": {"names": 1}}',
        "\0",
    ]
    + [json.dumps(RECORD | {"added": []})]
    + [
        json.dumps({**RECORD, "settings": RECORD["settings"] | change})
        for change in (
            {"names": "sea"},
            {"names": [1]},
            {"names": [["sea"]]},
            {"names": ["x/../../victim"]},
            {"style_hash": None},
            {"minutes": "3"},
            {"plan": None},
            {"plan": {"size": "256"}},
            {"photos": 3},
            {"valid_pct": []},
        )
    ],
)
def test_a_record_of_the_wrong_form_names_its_file(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    for read in (record_of, clear, sweep, lambda out: may_write(out, False, True)):
        with pytest.raises(FaststyleError, match="run.json is damaged: delete it"):
            read(tmp_path)


def test_overwriting_a_run_removes_nothing_outside_it(tmp_path):
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir(), other.mkdir()
    kept = [tmp_path / "victim.gif", other / ".a-1.json"]
    for file in kept:
        file.write_text("mine")
    (run / "previews").symlink_to(other)
    settings = RECORD["settings"] | {"names": ["x/../../victim"]}
    (run / "progress-x").mkdir()
    (run / "run.json").write_text(json.dumps(RECORD | {"settings": settings}))
    with pytest.raises(FaststyleError, match="run.json is damaged"):
        clear(run)
    settings["names"] = ["**", "[x]"]
    (run / "run.json").write_text(json.dumps(RECORD | {"settings": settings}))
    assert record_of(run)
    sweep(run)
    clear(run)
    assert all(file.exists() for file in kept) and not (run / "run.json").exists()


def onnx_file(path, said, n=14):
    "An ONNX network that returns its input, with this metadata."
    from onnx import TensorProto, helper, save_model

    kinds = {"photo": [1, 3, 8, 8], "style": ["batch", n]}
    inputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in kinds.items()]
    output = helper.make_tensor_value_info("painted", TensorProto.FLOAT, kinds["photo"])
    node = helper.make_node("Identity", ["photo"], ["painted"])
    graph = helper.make_graph([node], "g", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, said)
    save_model(model, str(path))
    return path


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"styles": "["}, "not a list of names"),
        ({"styles": "[" * 100_000}, "not a list of names"),
        ({"styles": "3"}, "not a list of names"),
        ({"styles": "[null]"}, "not a list of names"),
        ({"styles": '["../a"]'}, "Invalid style name"),
        ({"styles": '["a"]'}, "inputs are not a photo and 1 styles"),
        ({"size": "[]"}, "size is .. px"),
        ({"size": "-3"}, "size is -3 px"),
        ({"format": "other"}, "does not list its styles"),
    ],
)
def test_an_onnx_file_is_checked_too(tiny, tmp_path, change, why):
    pytest.importorskip("onnxruntime")
    said = {**tiny[1], "format": "faststyle/1"}
    assert Stylizer(onnx_file(tmp_path / "good.onnx", said)).styles[0] == "starry_night"
    file = onnx_file(tmp_path / "h.onnx", said | change)
    with pytest.raises(ValueError, match=f"h.onnx was not written by .*: .*{why}"):
        Stylizer(file)


def test_a_style_s_name_is_inert_in_an_exported_page(tiny, tmp_path, monkeypatch):
    state, said = tiny
    names = ["@@MODEL@@", "@@PAGE@@</script><script>", *json.loads(said["styles"])[2:]]
    with pytest.raises(ValueError, match="Invalid style name"):
        load_style(written(state, said | {"styles": json.dumps(names)}, tmp_path / "h.safetensors"))
    names[1] = "@@PAGE@@"
    file = written(state, said | {"styles": json.dumps(names)}, tmp_path / "h.safetensors")
    small = tmp_path / "small.onnx"
    small.write_bytes(b"network")
    monkeypatch.setattr("faststyle_fastai.inference.html.export_onnx", lambda *_: small)
    page = export_html(Stylizer(file), tmp_path / "h.html").read_text()
    facts = json.loads(page.split('id="facts">')[1].split("</script>")[0])
    assert [style["name"] for style in facts["styles"]][:2] == ["@@MODEL@@", "@@PAGE@@"]
