"Optional libraries, and the command that installs them."

import json
from importlib import import_module
from types import ModuleType

from .errors import FaststyleError

__all__ = ["EXTRAS", "extra", "install_line"]

NAME = __name__.partition(".")[0]  # of the distribution, which is that of its package
# Extra -> a library that only it installs.
EXTRAS = {
    "video": "av", "web": "psutil", "onnx": "onnxruntime", "bulk": "ray", "raw": "rawpy",
    "share": "segno", "pdf": "img2pdf", "deep": "tifffile", "virtual": "pyvirtualcam",
}  # fmt: skip


def extra(
    module: str,  # an optional library
    name: str,  # the extra that installs it
) -> ModuleType:
    "Import an optional library, or raise an error that says how to install it."
    try:
        return import_module(module)
    except ImportError as error:
        raise FaststyleError(f"{error}. Install it with {install_line(name)}.") from None


def install_line(extra: str) -> str:
    "The command that installs an extra, from where this package was installed."
    # At the top of the file, these imports would take a seventh of the time of --help.
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        file = distribution(NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        file = None
    if not file:  # from a package index
        return f'pip install "{NAME}[{extra}]"'
    source = json.loads(file)
    if source.get("dir_info", {}).get("editable"):
        return f'pip install -e "{url2pathname(urlsplit(source["url"]).path)}[{extra}]"'
    git = "git+" if "vcs_info" in source else ""
    return f'pip install "{NAME}[{extra}] @ {git}{source["url"]}"'
