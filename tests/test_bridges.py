"The bridges to other programs, loaded as those load them, with stubs of those programs."

import importlib.util
import json
import subprocess
import sys
from os import environ
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
from conftest import noise
from PIL import Image

from faststyle_fastai.all import BUILTIN_STYLES, to_picture

BRIDGES = Path(__file__).parents[1] / "bridges"
COMMAND = f"""#!{sys.executable}
import json, os, sys
from PIL import Image
_, photo, _, style, _, out, _ = sys.argv[1:]
json.dump([sys.argv[1:], [*os.environ]], open({{log!r}}, "w"))
if style == "none":
    sys.exit("a warning\\nerror: Unknown style 'none'.")
Image.open(photo).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(out)
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    "A program in place of faststyle, which mirrors photos."
    file = tmp_path / "faststyle"
    file.write_text(COMMAND.format(log=str(tmp_path / "call.json")))
    file.chmod(0o755)
    monkeypatch.setenv("PYTHONHOME", "/of/the/host")  # with which it would not start
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/host")
    return str(file)


def was_called(style):
    "Whether the program was called so, and nothing is left of what it was given."
    (verb, photo, *how, quiet), environment = json.loads(Path("call.json").read_text())
    out = str(Path(photo).with_name("painted.png"))
    assert (verb, how, quiet) == ("stylize", ["--style", style, "-o", out], "--quiet")
    assert "PYTHONHOME" not in environment and "LD_LIBRARY_PATH" not in environment
    return not Path(photo).parent.exists()


def load(file, monkeypatch, modules):
    for name, parts in modules.items():
        monkeypatch.setitem(sys.modules, name, parts)
    spec = importlib.util.spec_from_file_location(f"bridge_{Path(file).parts[0]}", BRIDGES / file)
    bridge = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bridge)
    return bridge


def module(name, **parts):
    made = ModuleType(name)
    vars(made).update(parts)
    return made


@pytest.fixture
def picture():
    return to_picture(noise(4, 8, 12))


def mirrored(picture):
    return np.asarray(picture)[:, ::-1]


class GimpLayer:
    "A layer of GIMP."

    def __init__(self, picture, name="Photo", offsets=(0, 0)):
        self.picture, self.name, self.offsets = picture, name, offsets
        self.opacity, self.visible = 100, True

    @classmethod
    def new_from_drawable(cls, layer, image):
        copy = cls(layer.picture, layer.name, layer.offsets)
        copy.opacity, copy.visible = layer.opacity, layer.visible
        return copy

    get_width, get_height = (lambda self: self.picture.width), (lambda self: self.picture.height)
    get_name, get_offsets = (lambda self: self.name), (lambda self: (True, *self.offsets))

    def __getattr__(self, name):  # set_…
        word = name.removeprefix("set_")
        return lambda *values: setattr(self, word, values if word == "offsets" else values[0])


class GimpImage:
    "An image of GIMP."

    def __init__(self, *size):
        self.size, self.layers, self.deleted = size[:2], [], False

    new = classmethod(lambda cls, *how: cls(*how))

    def insert_layer(self, layer, parent, at):
        self.layers.insert(max(0, at), layer)

    def delete(self):
        self.deleted = True


def save_gimp(mode, image, path, options):
    (layer,) = image.layers
    shown = Image.new("RGBA", image.size)
    if layer.visible and layer.opacity == 100:
        shown.paste(layer.picture, layer.offsets)
    shown.save(path)


@pytest.fixture
def gimp(monkeypatch):
    "The plug-in's procedure, and a function that runs it on a layer: its image, status and words."
    Gimp = MagicMock(Layer=GimpLayer, Image=GimpImage, file_save=save_gimp)
    Gimp.PlugIn = type("PlugIn", (), {"__gtype__": property(lambda self: None)})
    Gimp.file_load_layer = lambda mode, image, path: GimpLayer(Image.open(path).copy(), "painted")
    repository = MagicMock(Gimp=Gimp)
    repository.Gio.File.new_for_path = str
    repository.GLib.Error = lambda words="": words
    host = {"gi": module("gi", require_version=MagicMock()), "gi.repository": repository}
    plugin = load("gimp/faststyle/faststyle.py", monkeypatch, host)
    procedure = plugin.Faststyle().do_create_procedure("plug-in-faststyle")
    procedure.new_return_values = lambda status, words: (status, words)
    act = Gimp.ImageProcedure.new.call_args.args[3]

    def run(layer, mode=Gimp.RunMode.NONINTERACTIVE, file=None, **given):
        config = SimpleNamespace(get_property=lambda name: (given | {"file": file})[name])
        image = GimpImage(40, 30)
        image.layers.append(layer)
        return image, *act(procedure, mode, image, [layer], config, None)

    return SimpleNamespace(**vars(plugin) | {"run": run})


def test_gimp_gets_a_new_layer(gimp, command, picture):
    layer = GimpLayer(picture, "Cat", (3, 4))
    layer.opacity, layer.visible = 50, False
    image, status, words = gimp.run(layer, style="udnie", command=command)
    new, old = image.layers
    assert (status, words, old) == (gimp.Gimp.PDBStatusType.SUCCESS, "", layer)
    assert np.array_equal(new.picture, mirrored(picture))
    assert (new.name, new.offsets, old.opacity, old.visible) == ("Cat: udnie", (3, 4), 50, False)
    assert was_called("udnie")
    file = SimpleNamespace(get_path=lambda: "/a/painting.jpg")
    image, *_ = gimp.run(GimpLayer(picture), style="udnie", command=command, file=file)
    assert image.layers[0].name == "Photo: painting" and was_called("/a/painting.jpg")


@pytest.mark.parametrize("style, words", [("none", "Unknown style"), ("udnie", "Install")])
def test_gimp_tells_what_is_wrong(gimp, command, picture, style, words):
    command = command if style == "none" else "/nowhere/faststyle"
    image, status, said = gimp.run(GimpLayer(picture), style=style, command=command)
    assert status == gimp.Gimp.PDBStatusType.EXECUTION_ERROR and len(image.layers) == 1
    assert words in said and "\n" not in said and "warning" not in said


def test_gimp_can_be_canceled(gimp, picture):
    gimp.GimpUi.ProcedureDialog.new.return_value.run.return_value = False
    image, status, _ = gimp.run(GimpLayer(picture), gimp.Gimp.RunMode.INTERACTIVE)
    assert status == gimp.Gimp.PDBStatusType.CANCEL and len(image.layers) == 1


class Pixels(SimpleNamespace):
    "A QImage, from a file, as bytes in the order of ARGB32."

    Format = MagicMock()

    def __init__(self, file):
        super().__init__(picture=Image.open(file).convert("RGBA") if Path(file).exists() else None)

    def convertToFormat(self, form):
        return self

    width, height = (lambda self: self.picture.width), (lambda self: self.picture.height)
    isNull, sizeInBytes = (lambda self: not self.picture), (lambda self: 4 * 12 * 8)

    def constBits(self):
        return SimpleNamespace(asstring=lambda n: self.picture.tobytes("raw", "BGRA")[:n])


class Process(SimpleNamespace):
    "A QProcess, which runs when it is told to."

    waiting: list = []

    def __init__(self, parent):
        super().__init__(finished=MagicMock(), setProcessEnvironment=MagicMock())

    def start(self, program, arguments):
        self.call = [program, *arguments]
        self.waiting.append(self)

    def go(self):
        own = self.setProcessEnvironment.call_args.args[0]
        done = subprocess.run(self.call, capture_output=True, env=own)
        self.readAllStandardError, self.deleteLater = (lambda: done.stderr), MagicMock()
        self.finished.connect.call_args.args[0](done.returncode, 0)


class Environment(dict):
    "A QProcessEnvironment."

    keys, remove = (lambda self: [*self]), dict.pop


@pytest.fixture
def krita(monkeypatch, command, picture):
    "The plug-in in a Krita with one document, whose layer is larger than the canvas."
    area = SimpleNamespace(isEmpty=lambda: False, x=lambda: 2, y=lambda: 1)
    layer = MagicMock(**{"name.return_value": "Cat"})
    layer.save = lambda path, x, y, how, area: picture.save(path)
    layer.bounds.return_value.intersected.return_value = area
    document = MagicMock(**{"activeNode.return_value": layer})
    app, settings = MagicMock(), {"command": command}
    app.activeDocument.return_value, app.documents.return_value = document, [document]
    app.readSetting = lambda group, name, default: settings.get(name, default)
    app.writeSetting = lambda group, name, value: settings.update({name: value})
    qt = MagicMock(QImage=Pixels, QProcess=Process)
    qt.QProcessEnvironment.systemEnvironment = lambda: Environment(environ)
    qt.QInputDialog.getItem.return_value = "udnie", True
    host = {f"PyQt5.{part}": qt for part in ("QtCore", "QtGui", "QtWidgets")}
    host |= {"PyQt6": None, "PyQt5": qt}
    extension = type("Extension", (), {"__init__": lambda self, parent: None})
    instance = SimpleNamespace(instance=lambda: app)
    host["krita"] = module("krita", Extension=extension, InfoObject=MagicMock, Krita=instance)
    plugin = load("krita/faststyle/__init__.py", monkeypatch, host)
    paint = app.addExtension.call_args.args[0].paint
    return SimpleNamespace(**vars(plugin) | locals(), warned=qt.QMessageBox.warning)


def test_krita_gets_a_new_layer(krita):
    krita.paint()
    assert not krita.document.createNode.called  # Krita stays usable
    Process.waiting.pop().go()
    (name, kind), new = krita.document.createNode.call_args.args, krita.document.createNode()
    assert (name, kind) == ("Cat: udnie", "paintlayer")
    pixels, *place = new.setPixelData.call_args.args
    blue_first = np.frombuffer(pixels, np.uint8).reshape(8, 12, 4)
    assert np.array_equal(blue_first[..., [2, 1, 0, 3]], mirrored(krita.picture))
    assert place == [2, 1, 12, 8] and not krita.warned.called
    krita.layer.parentNode().addChildNode.assert_called_once_with(new, krita.layer)
    assert was_called("udnie")


def test_krita_takes_paintings_and_tells_what_is_wrong(krita):
    krita.qt.QInputDialog.getItem.return_value = krita.OTHER, True
    krita.qt.QFileDialog.getOpenFileName.return_value = "none", "*"
    krita.paint()
    Process.waiting.pop().go()
    assert krita.warned.call_args.args[-1] == "error: Unknown style 'none'." and was_called("none")
    assert not krita.document.createNode.called
    krita.qt.QInputDialog.getItem.return_value = "udnie", True
    krita.paint()
    krita.app.documents.return_value = []  # it is closed
    Process.waiting.pop().go()
    assert not krita.document.createNode.called


def test_krita_asks_for_the_command(krita):
    krita.settings["command"] = "/nowhere/faststyle"
    krita.qt.QInputDialog.getText.return_value = krita.command, True
    krita.paint()
    assert "Install faststyle" in krita.qt.QInputDialog.getText.call_args.args[-1]
    assert krita.settings["command"] == Process.waiting.pop().call[0] == krita.command
    krita.settings["command"] = "/nowhere/faststyle"
    krita.qt.QInputDialog.getText.return_value = "", False
    krita.paint()
    assert not Process.waiting and krita.settings["command"] == "faststyle"


def test_bridges_name_the_built_in_styles(gimp, krita):
    assert gimp.STYLES == krita.STYLES == [*BUILTIN_STYLES]
    assert all(len(file.read_text().splitlines()) <= 90 for file in BRIDGES.rglob("*.py"))
