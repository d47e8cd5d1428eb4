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

BUILD = "dist/ort-wasm-simd-threaded.asyncify"  # for WebAssembly and WebGPU
FILES = {"dist/ort.webgpu.min.js": "ort.js", f"{BUILD}.mjs": "ort.mjs"}
WASM = f"{BUILD}.wasm"


def main():
    with TemporaryDirectory() as folder:
        package = f"onnxruntime-web@{VERSION}"
        subprocess.run(["npm", "pack", package, "--pack-destination", folder], check=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            for name, to in FILES.items():
                (BROWSER / to).write_bytes(archive.extractfile(f"package/{name}").read())
            wasm = archive.extractfile(f"package/{WASM}").read()
    (BROWSER / "ort.wasm.gz").write_bytes(gzip.compress(wasm, 9, mtime=0))


if __name__ == "__main__":
    main()
