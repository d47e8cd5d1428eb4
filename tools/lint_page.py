"""Lint the scripts of the page with oxlint, joined as browsers run them.

It finds names that no script defines, and other mistakes; its exit status is oxlint's.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from faststyle_fastai.inference.html import LENS, LOCAL, REMOTE, WORKER, joined

PAGES = {"studio": LOCAL, "page": REMOTE, "lens": LENS, "worker": WORKER}
# What another script defines: the runtime; and where nothing is ever opened, what would open it.
GIVEN = {"worker": ["ort"], "lens": ["reopen", "stopFilm", "paintFilm"]}
RULES = "no-undef no-const-assign no-dupe-keys no-func-assign no-self-assign no-unreachable"


def main():
    with TemporaryDirectory() as folder:
        status = 0
        for name, scripts in PAGES.items():
            script, config = Path(folder) / f"{name}.js", Path(folder) / "config.json"
            script.write_text(joined(scripts), encoding="utf-8")
            rules = {
                "categories": {"correctness": "off"},
                "env": {"worker" if name == "worker" else "browser": True, "es2024": True},
                "globals": dict.fromkeys(GIVEN.get(name, ()), "readonly"),
                "rules": dict.fromkeys(RULES.split(), "error"),
            }
            config.write_text(json.dumps(rules))
            status |= subprocess.run(
                [Path(sys.executable).with_name("oxlint"), "-c", config, script]
            ).returncode
    raise SystemExit(status)


if __name__ == "__main__":
    main()
