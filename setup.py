"Everything here is read from settings.ini; pyproject.toml names the backend and the tools."

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

root = Path(__file__).parent
parser = ConfigParser(delimiters=["="], interpolation=None)
parser.read(root / "settings.ini", encoding="utf-8")
cfg = parser["DEFAULT"]
suffix, address = "_requirements", cfg["repository"]
RELATIVE = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:)([^)]+)\)")


def elsewhere(found):
    "A link of the README as it works on a package index; without an address, only its text."
    image, text, path = found.groups()
    if not address:
        return "" if image else text
    kind = "raw" if image else "blob"
    page = "README.md" if path.startswith("#") else ""
    return f"{image}[{text}]({address}/{kind}/main/{page}{path})"


setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    author=cfg["author"],
    license_expression=cfg["license"],
    license_files=["LICENSE", "THIRD_PARTY_LICENSES.txt"],
    keywords=cfg["keywords"].split(),
    classifiers=cfg["classifiers"].strip().splitlines(),
    project_urls={
        name: address + path
        for name, path in {
            "Source": "",
            "Issues": "/issues",
            "Changelog": "/blob/main/CHANGELOG.md",
        }.items()
        if address
    }
    | ({"Studio": f"{cfg['site'].rstrip('/')}/studio/"} if cfg["site"] else {}),
    python_requires=f">={cfg['min_python']}",
    packages=find_packages(include=[cfg["lib_path"], f"{cfg['lib_path']}.*"]),
    package_data={
        cfg["lib_path"]: [
            "py.typed",
            "assets/*",
            "assets/gallery/*",
            "assets/graphs/*",
            "inference/browser/*",
            "inference/browser/words/*",
            "web/watch.html",
        ]
    },
    install_requires=cfg["requirements"].split(),
    extras_require={k.removesuffix(suffix): v.split() for k, v in cfg.items() if suffix in k},
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    long_description=RELATIVE.sub(elsewhere, (root / "README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
    zip_safe=False,
)
