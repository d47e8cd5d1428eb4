import configparser
import sys
from importlib.metadata import requires, version
from pathlib import Path

import faststyle_fastai
from faststyle_fastai.backbones import ASSETS

ROOT = Path(__file__).parent.parent


def test_one_version():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "settings.ini")
    assert settings["DEFAULT"]["version"] == faststyle_fastai.__version__
    assert version("faststyle_fastai") == faststyle_fastai.__version__


def test_the_installed_package_names_its_requirements():
    names = {line.split(";")[0].split(">")[0].strip() for line in requires("faststyle_fastai")}
    assert {"fastai", "torch", "torchvision", "pillow", "numpy", "safetensors", "typer"} <= names


def test_what_ships_is_small():
    sizes = {p.name: p.stat().st_size for p in ASSETS.rglob("*") if p.is_file()}
    assert sizes["lite.safetensors"] <= 1.5e6 and sizes["gallery.safetensors"] <= 3.7e6
    assert sum(sizes.values()) <= 12e6


def test_the_readme_is_made_from_the_index():
    sys.path.insert(0, str(ROOT / "tools"))
    from make_docs import readme

    assert (ROOT / "README.md").read_text(encoding="utf-8") == readme()
