"The visitors of the page in a soak."

import io
import json
import random
import subprocess
import sys
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import requests

from benchmarks.core.commands import frames_of
from benchmarks.core.faults import LONGEST, Soak
from faststyle_fastai.images.files import read_picture

PORT = 8795
STROKES = "broadest", "broad"
AREAS = "all", "person", "background"


def ways(soak):
    "What visitors ask to be painted: a photo, and the page's settings."
    draw = random.Random(1)
    for i in range(16):
        style, other = draw.sample(["wheat_field", "udnie", "mondrian", "tahiti"], 2)
        strength, mixed = draw.choice((1, 0.6, 0.3)), draw.choice((other, None))
        how = {"style": style, "other": mixed, "share": 0.4, "strength": strength}
        how |= {"colors": i % 5 == 0, "stroke": STROKES[i % 2], "area": AREAS[i % 3]}
        yield soak.photos[i % 4], how | {"type": "image/png"}


def painted(client: str, way) -> str:
    "A hash of what the page paints for a client, whose name nobody else has."
    photo, how = way
    send(client, "photo", Path(photo).read_bytes(), {"name": Path(photo).name})
    return sha256(send(client, "finish", b"", how)).hexdigest()


def send(client, what, body, how):
    "Ask the page as a browser does; the answer's content."
    headers = {"visitor": client, "how": quote(json.dumps(how))}
    address = f"http://127.0.0.1:{PORT}/page/{what}"
    answer = requests.post(address, data=body, headers=headers, timeout=LONGEST)
    if not answer.ok:
        raise OSError(answer.text)
    return answer.content


def visitor(soak: Soak, i: int, wanted: dict):
    draw, client = random.Random(i), uuid4().hex
    what = {0: "visitor who trains", 1: "visitor with a film"}.get(i, "visitor")
    while soak.going():
        time.sleep(draw.uniform(2, 10))  # people look at what they get
        try:
            if i == 0 and draw.random() < 0.2:
                train_and_delete(soak, client, draw)
            elif i == 1 and draw.random() < 0.5:
                paint_a_film(soak, client)
            elif draw.random() < 0.05:
                delete(client, add(soak, client, draw))
                soak.count("painting on the page")
            else:
                n = draw.randrange(len(wanted))
                found = painted(client, list(ways(soak))[n])
                soak.check(what, found == wanted[n], "wrong bits", f"way {n}")
        except Exception as error:
            late = "Timeout" in type(error).__name__
            soak.count(what, "hangs" if late else "lost files", f"{type(error).__name__}: {error}")
            client = uuid4().hex


def add(soak, client, draw):
    "Add a painting that nobody else has; its name on the page."
    image, buffer = read_picture(soak.painting), io.BytesIO()
    image.putpixel((0, 0), tuple(draw.randbytes(3)))
    image.save(buffer, "png")
    how = {"name": f"own{draw.randrange(10**9)}.png"}
    return json.loads(send(client, "style", buffer.getvalue(), how))["name"]


def delete(client, name):
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        try:
            return send(client, "remove", b"", {"style": name})
        except OSError as error:  # until the last files of its training are written
            if "is being trained" not in str(error):
                raise
            time.sleep(2)


def train_and_delete(soak, client, draw):
    name, what = add(soak, client, draw), "training on the page"
    send(client, "teach", b"", {"style": name, "minutes": 1, "photos": "samples"})
    place = soak.folder / "styles" / name
    until = time.monotonic() + LONGEST
    while not (place / "model.pkl").exists() and time.monotonic() < until:
        time.sleep(2)
    soak.check(what, (place / "model.safetensors").exists(), "lost files")
    delete(client, name)
    soak.check(what, not place.exists(), "lost files", f"{name} was not deleted")


def paint_a_film(soak, client):
    film, what = soak.folder / "whole.mp4", "film on the page"
    send(client, "film", film.read_bytes(), {"name": film.name})
    job = json.loads(send(client, "paint_film", b"", {"style": "udnie", "stroke": "broadest"}))
    headers, address = {"visitor": client}, f"http://127.0.0.1:{PORT}/page"
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        time.sleep(2)
        shown = requests.get(f"{address}/jobs", headers=headers, timeout=LONGEST).json()
        state = next(each["state"] for each in shown if each["id"] == job["id"])
        if state not in ("waiting", "running"):
            break
    else:
        return soak.count(what, "hangs", state)
    how = quote(json.dumps(job))
    made = requests.get(f"{address}/result", headers=headers | {"how": how}, timeout=LONGEST)
    painted = soak.folder / "from the page.mp4"
    painted.write_bytes(made.content)
    soak.check(what, made.ok and frames_of(painted) == frames_of(film), "lost files", made.reason)


@contextmanager
def page(folder: Path):
    "The page in a process of its own; its messages go to a file."
    log = folder / "page.log"
    command = [sys.executable, "-m", "faststyle_fastai", "web", "--no-browser"]
    command += ["--port", str(PORT), "--folder", str(folder / "styles")]
    with log.open("w") as stderr:
        server = subprocess.Popen(command, stderr=stderr)
        try:
            while "Serving on" not in log.read_text():
                time.sleep(0.5)
                if server.poll() is not None:
                    raise SystemExit(f"The page did not start: {log.read_text()}")
            yield log
        finally:
            server.terminate()
            server.wait(60)
