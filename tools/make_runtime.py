"""Fetch ONNX Runtime Web from npm into faststyle_fastai/inference/browser.

    python tools/make_runtime.py

npm checks the package's hash. The WebAssembly file is compressed; pages decompress it.
"""

import gzip
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from faststyle_fastai.inference.html import BROWSER, VERSION

# One build runs in all browsers; the other also on graphics cards, by JavaScript Promise
# Integration. The build that needs no such thing is twice as large, and starts half as fast.
BUILDS = {
    "cpu": ("ort.wasm.min.js", "ort-wasm-simd-threaded"),
    "gpu": ("ort.jspi.min.js", "ort-wasm-simd-threaded.jspi"),
}


def main():
    with TemporaryDirectory() as folder:
        package = f"onnxruntime-web@{VERSION}"
        subprocess.run(["npm", "pack", package, "--pack-destination", folder], check=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            files = {}
            for to, (code, name) in BUILDS.items():
                files |= {code: f"ort-{to}.js", f"{name}.mjs": f"ort-{to}.mjs"}
                files[f"{name}.wasm"] = f"ort-{to}.wasm.gz"
            for name, to in files.items():
                data = archive.extractfile(f"package/dist/{name}").read()
                if to.endswith(".gz"):
                    data = gzip.compress(data, 9, mtime=0)
                (BROWSER / to).write_bytes(data)


if __name__ == "__main__":
    main()
