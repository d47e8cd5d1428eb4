"Everything here is read from settings.ini; pyproject.toml names the backend and the tools."

from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

root = Path(__file__).parent
parser = ConfigParser(delimiters=["="], interpolation=None)
parser.read(root / "settings.ini", encoding="utf-8")
cfg = parser["DEFAULT"]
suffix = "_requirements"

setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    author=cfg["author"],
    license=cfg["license"],
    license_files=["LICENSE", "THIRD_PARTY_LICENSES.txt"],
    keywords=cfg["keywords"].split(),
    python_requires=f">={cfg['min_python']}",
    packages=find_packages(include=[cfg["lib_path"], f"{cfg['lib_path']}.*"]),
    package_data={
        cfg["lib_path"]: ["py.typed", "assets/*", "assets/gallery/*", "inference/browser/*"]
    },
    install_requires=cfg["requirements"].split(),
    extras_require={k.removesuffix(suffix): v.split() for k, v in cfg.items() if suffix in k},
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    long_description=(root / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    zip_safe=False,
)
