"""Build the light distribution as one program that needs no Python, and paint with it:

    python tools/make_program.py OUT

It is for the system and the kind of processor that it is built on.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
MOST = 150e6  # bytes
IMAGES = ROOT / "nbs" / "images"
STYLES = "great_wave", IMAGES / "astronaut.jpg"
# Extras -> their libraries, imported by name: nobody can install one into the program.
EXTRAS = {"deep": "tifffile", "raw": "rawpy", "pdf": "img2pdf"}


def main(out: Path):
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run(sys.executable, ROOT / "tools" / "make_light.py", folder)
        python = environment(folder / "venv")
        (wheel,) = folder.glob("faststyle-*.whl")
        install = ["-m", "pip", "install", "-q", "pyinstaller"]
        run(python, *install, f"{wheel}[{','.join(EXTRAS)}]")
        script = folder / "start.py"
        script.write_text("from faststyle.cli.main import main\nmain()\n")
        build = ["--onefile", "--name", "faststyle", "--collect-data", "faststyle"]
        build += [f"--hidden-import={library}" for library in EXTRAS.values()]
        places = ["--specpath", folder, "--workpath", folder / "work", "--distpath", out]
        run(python, "-m", "PyInstaller", "--log-level", "ERROR", *build, *places, script)
        (program,) = out.glob("faststyle*")
        size = program.stat().st_size
        if size > MOST:
            raise SystemExit(f"{program} has {size / 1e6:.0f} MB, more than {MOST / 1e6:.0f}.")
        for style in STYLES:
            paint = ["stylize", IMAGES / "cat.jpg", "--style", style, "--overwrite"]
            run(program, *paint, "-o", folder / "painted.pdf")
    print(program, f"{size / 1e6:.0f} MB")


def environment(folder):
    "Make a virtual environment; its Python."
    venv.create(folder, with_pip=True)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(*call):
    subprocess.run(call, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
