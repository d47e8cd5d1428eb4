"""The commands of a soak.

Each makes what it compares with before the others begin, then runs again and again.
"""

import random
import shutil
import signal
import subprocess

from benchmarks.core.faults import Soak, digest, weights
from faststyle_fastai.all import read_picture

TRAIN = "--arch tiny --crop-size 64 --batch-size 2 --images 60 --checkpoint-every 5 --quiet".split()


def one_photo(soak: Soak, draw: random.Random):
    photo, out = soak.photos[0], soak.folder / "one.png"
    wanted = None
    while True:
        how = "--style", "tiny:udnie", "--stroke", "broad", "--strength", ".7", "--overwrite"
        soak.run("photo", "stylize", photo, *how, "-o", out)
        wanted = wanted or digest(out)
        soak.check("photo", digest(out) == wanted, "wrong bits")
        yield


def a_folder(soak: Soak, draw: random.Random):
    source, out = soak.folder / "few", soak.folder / "painted"
    source.mkdir()
    for photo in soak.photos[:6]:
        shutil.copy(photo, source)
    how = "--style", "tiny:great_wave", "--stroke", "broadest", "--quiet", "-o", out
    soak.run("folder, killed", "stylize", source, *how)
    wanted = {file.name: digest(file) for file in out.iterdir()}
    while True:
        yield
        shutil.rmtree(out)
        soak.run("folder, killed", "stylize", source, *how, after=draw.uniform(4, 15))
        soak.run("folder, killed", "stylize", source, *how, "--skip-existing")
        found = {name: digest(out / name) for name in wanted}
        soak.check("folder, killed", None not in found.values(), "lost files")
        soak.check("folder, killed", found == wanted, "wrong bits")


def a_training(soak: Soak, draw: random.Random):
    command = "train", soak.folder / "few", "--style", soak.painting, *TRAIN
    soak.run("training, killed", *command, "-o", soak.folder / "whole")
    wanted = weights(soak.folder / "whole")
    out = soak.folder / "killed"
    while True:
        yield
        shutil.rmtree(out, ignore_errors=True)
        for _ in range(2):
            soak.run("training, killed", *command, "-o", out, "--resume", after=draw.uniform(8, 40))
        code, said = soak.run("training, killed", *command, "-o", out, "--resume")
        soak.check("training, killed", code == 0, "lost files", said)
        soak.check("training, killed", weights(out) == wanted, "wrong bits")


def an_interrupt(soak: Soak, draw: random.Random):
    out = soak.folder / "interrupted"
    command = "train", soak.folder / "few", "--style", soak.painting, *TRAIN, "--epochs", 50
    while True:
        shutil.rmtree(out, ignore_errors=True)
        late = draw.uniform(25, 40)
        code, said = soak.run("Ctrl-C", *command, "-o", out, after=late, sign=signal.SIGINT)
        begun = (out / "run.json").is_file()
        soak.check("Ctrl-C", not begun or weights(out) is not None, "lost files", said)
        yield


def a_video(soak: Soak, draw: random.Random):
    film, out = soak.folder / "film-%02d.png", soak.folder / "painted.mp4"
    for i in range(30):
        frame = read_picture(soak.photos[i % 3]).resize((160, 120))
        frame.save(soak.folder / f"film-{i:02}.png")
    how = "--style", "tiny:udnie", "--quiet", "-o"
    soak.run("video, killed", "video", film, *how, soak.folder / "whole.mp4")
    wanted = frames_of(soak.folder / "whole.mp4")
    while True:
        yield
        for file in soak.folder.glob("*painted.mp4*"):
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        soak.run("video, killed", "video", film, *how, out, after=draw.uniform(5, 15))
        if not out.exists():
            code, said = soak.run("video, killed", "video", film, *how, out, "--resume")
            soak.check("video, killed", code == 0, "lost files", said)
        soak.check("video, killed", frames_of(out) == wanted, "lost files")


def frames_of(file):
    import av

    if not file.exists():
        return 0
    with av.open(str(file)) as film:
        return sum(1 for _ in film.decode(video=0))


def damaged(soak: Soak, draw: random.Random):
    whole, bad = soak.photos[1].read_bytes(), soak.folder / "bad.jpg"
    while True:
        data = bytearray(whole[: draw.randrange(10, len(whole))])
        for _ in range(20):
            data[draw.randrange(len(data))] = draw.randrange(256)
        bad.write_bytes(data)
        how = "--style", "tiny:udnie", "--stroke", "broadest", "--overwrite"
        code, said = soak.run("damaged photo", "stylize", bad, *how, "-o", soak.folder / "b.png")
        soak.check("damaged photo", code == 0 or said.count("error:") == 1, "tracebacks", said)
        yield


def a_full_disk(soak: Soak, draw: random.Random):
    disk = soak.folder / "disk"
    disk.mkdir()
    while True:
        size = draw.choice((1, 2, 4))
        mounted = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", disk]
        if subprocess.run(mounted, stderr=subprocess.DEVNULL).returncode:
            return  # not root
        try:
            command = "train", soak.folder / "few", "--style", soak.painting, *TRAIN
            code, said = soak.run("full disk", *command, "--preview-every", 2, "-o", disk / "run")
            soak.check("full disk", weights(disk / "run") is not None, "lost files", said)
            (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free))
            how = "--style", "tiny:udnie", "-o", disk / "out.png"
            code, said = soak.run("full disk", "stylize", soak.photos[0], *how)
            left = [file.name for file in disk.iterdir() if "out" in file.name]
            soak.check("full disk", code == 1 and not left, "lost files", f"{said} {left}")
        finally:
            subprocess.run(["umount", disk], check=True)
        yield


COMMANDS = one_photo, a_folder, a_training, an_interrupt, a_video, damaged, a_full_disk
