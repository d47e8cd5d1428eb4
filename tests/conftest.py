"Small real pictures, made from scikit-learn's sample photos; nothing is downloaded."

import os
import shutil
import signal
import socket
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path

import commands
import matplotlib
import numpy as np
import pytest
import torch
from fastai.torch_core import set_seed
from PIL import Image, ImageCms
from sklearn.datasets import load_sample_image

from faststyle_fastai.all import StyleDataLoaders, Stylizer, picture_files, read_picture
from faststyle_fastai.core.assets import builtin_path
from faststyle_fastai.core.atomic import warn_once

pytest.register_assert_rewrite("pages")  # so that its failures are explained, too
pytest_plugins = ["exported", "learners", "public"]  # their fixtures
matplotlib.use("Agg")
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # also of the processes that tests start

QUICK = "--crop-size", 32, "--batch-size", 2, "--images", 4, "--arch", "tiny", "--quiet"
FEW = {"arch": "tiny", "size": 32, "bs": 2, "images": 4, "quiet": True, "device": "cpu"}
SMALL = {  # of an optimization
    "backbone": "lite",
    "min_scale": 32,
    "end_scale": 46,
    "initial_iterations": 4,
    "iterations": 3,
}


def profile(gamma):
    "An RGB profile of sRGB's primaries and another curve, whatever its name says."
    base = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count, at = struct.unpack_from(">I", base, 128)[0], 132
    curve = struct.pack(">4sIIH", b"curv", 0, 1, round(gamma * 256)) + bytes(2)
    for i in range(count):
        name, place, _ = struct.unpack_from(">4sII", base, at + 12 * i)
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            struct.pack_into(">II", base, at + 12 * i + 4, len(base), 14)
    base += curve
    struct.pack_into(">I", base, 0, len(base))
    return bytes(base)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _seeded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # A page's limit stays in its process; a test that needs one sets it again.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", max(Image.MAX_IMAGE_PIXELS, 50_000_000))
    set_seed(0)
    warn_once.cache_clear()  # what an earlier test was told is told again


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    "14 photos of 96x72 px in two folders."
    folder = tmp_path_factory.mktemp("photos")
    for name in ("china.jpg", "flower.jpg"):
        whole = Image.fromarray(load_sample_image(name))
        for i in range(7):
            file = folder / name.split(".")[0] / f"{i}.jpg"
            file.parent.mkdir(exist_ok=True)
            whole.crop((60 * i, 30 * i, 60 * i + 192, 30 * i + 144)).resize((96, 72)).save(file)
    return folder


@pytest.fixture(scope="session")
def painting(tmp_path_factory):
    "Colored waves, 80x64 px."
    y, x = np.mgrid[:64, :80] / 6
    waves = np.stack([np.sin(x + np.sin(y)), np.cos(y * 2), np.sin(x * y / 4)], -1)
    file = tmp_path_factory.mktemp("style") / "waves.png"
    Image.fromarray((127 + 120 * waves).astype(np.uint8)).save(file)
    return file


@pytest.fixture
def photo(photos):
    return photos / "china" / "0.jpg"


@pytest.fixture(scope="session")
def astronaut():
    file = Path(__file__).parents[1] / "nbs" / "images" / "astronaut.jpg"
    return read_picture(file).resize((256, 256))


@pytest.fixture
def dls(photos):
    return StyleDataLoaders.from_folder(photos, size=32, bs=2, valid_pct=0.15, device="cpu")


@pytest.fixture
def port():
    return free_port()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    "The page's port, a picture that it may not read, the folder that it keeps uploads in."
    from faststyle_fastai.web.app import web_page

    home = tmp_path_factory.mktemp("home")
    secret = home / "secret.png"
    Image.new("RGB", (96, 80), "red").save(secret)
    photos = home / "photos" / "of mine"
    photos.mkdir(parents=True)
    Image.new("RGB", (48, 40), "blue").save(photos / "a.png")
    port, temporary = free_port(), home / "temporary"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        with web_page(home / "styles", photos.parent, port=port):
            yield port, secret, next(temporary.iterdir())


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "A page's URL and the folder of its styles."
    folder = tmp_path_factory.mktemp("home") / "styles"
    with quick_page(folder) as address:
        yield address, folder


@pytest.fixture
def faststyle():
    "The command line in this process: `faststyle('info', file)` → CompletedProcess."
    return commands.faststyle


@pytest.fixture
def faststyle_process():
    "The command line in a process of its own: for exit codes, signals, limits and imports."
    return commands.faststyle_process


@pytest.fixture
def trained(dls, painting):
    "A style learner after two steps."
    from faststyle_fastai.all import style_learner

    plan = {"arch": "tiny", "small": 0, "scales": (1,), "pretrained": "autoencoder"}
    learn = style_learner(dls, painting, **plan)
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-3)
    return learn


@pytest.fixture(scope="module")
def paint():
    return Stylizer("tiny:great_wave", "cpu")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    from clips import encode, moving

    return encode(tmp_path_factory.mktemp("film") / "film.mp4", moving(24), sound=0.8)


@pytest.fixture
def term():
    "Let `kill` interrupt as Ctrl-C does, which a shell lets processes behind `&` ignore."
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield lambda *_: signal.raise_signal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)


@contextmanager
def quick_page(folder, **how):
    """A page's URL; its built-in styles are the slim network's.

    Its examples are small, and it soon tells how long its work will take.
    """
    from faststyle_fastai.web.app import web_page

    with pytest.MonkeyPatch.context() as patch:
        for module in ("library", "entries"):
            patch.setattr(f"faststyle_fastai.web.{module}.builtin_path", slim_instead)
        patch.setattr("faststyle_fastai.web.mine.EXAMPLE", 160)
        patch.setattr("faststyle_fastai.web.jobs.SURE", 0.001)
        with web_page(folder, port=(port := free_port()), **how):
            yield f"http://127.0.0.1:{port}"


def slim_instead(kind, arch):
    return builtin_path(kind, "slim" if arch == "full" else arch)


def quietly(learn, verb="fit_one_cycle", *args, **kwargs):
    with learn.no_bar(), learn.no_logging():
        return getattr(learn, verb)(*args, **kwargs)


def fails(said, code, *words):
    assert said.returncode == code, said.stdout + said.stderr
    assert "Traceback" not in said.stderr
    assert all(word in said.stderr for word in words), said.stderr
    if code == 1:
        assert said.stderr.count("\n") == 1, said.stderr


@contextmanager
def full_disk(room):
    "Files of this process cannot grow beyond `room` bytes."
    import resource  # not on Windows

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def free_port():
    "Of a server, free a moment ago."
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def noise(*shape, seed=1):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def names(folder):
    "Of the images in a folder and below."
    return [path.relative_to(folder).as_posix() for path in picture_files(folder)]


def is_clean(folder: Path) -> bool:
    "No temporary file was left behind."
    return not [p for p in folder.rglob("*") if p.name.startswith(".")]


def black_ink():
    "The profile of a printer that has no ink but black."

    def table(n_in, n_out, corners):
        ramps = bytes(range(256))
        head = b"mft1" + bytes(4) + bytes([n_in, n_out, 2, 0])
        matrix = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
        return head + matrix + ramps * n_in + bytes(corners) + ramps * n_out

    inks = [part for i in range(16) for part in (0 if i % 2 else 255, 128, 128)]  # k comes last
    lab = [part for i in range(8) for part in (0, 0, 0, 0 if i >= 4 else 255)]  # L comes first
    name = b"black ink\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        b"A2B0": table(4, 3, inks),
        b"B2A0": table(3, 4, lab),
    }
    index, data, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        index += tag + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    white = struct.pack(">3i", *(round(65536 * v) for v in (0.9642, 1.0, 0.8249)))
    header = struct.pack(">I", start + len(data)) + b"lcms" + bytes.fromhex("02400000")
    header += b"prtrCMYKLab " + bytes(12) + b"acsp" + bytes(28) + white
    return header.ljust(128, b"\0") + index + data


@pytest.fixture(scope="session")
def chromium():
    "Chromium with two cameras that need no permission and an imitation of a graphics card."
    if not (path := shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("no Chromium here")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        flags = ["--no-sandbox", "--use-fake-ui-for-media-stream"]
        flags.append("--use-fake-device-for-media-stream=device-count=2")
        flags.append("--host-resolver-rules=MAP evil.example 127.0.0.1")
        flags += ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
        flags += ["--enable-features=Vulkan", "--disable-gpu-rasterization"]
        browser = driver.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()
