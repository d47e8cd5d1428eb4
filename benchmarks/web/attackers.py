"Visitors of the page in a soak who mean harm."

import io
import json
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote
from uuid import uuid4

import numpy as np
import requests
from PIL import Image

from benchmarks.core.faults import Soak

PATIENCE = 60  # s in which the page must answer beside an attack
HELD = 20  # s that slow bodies take
MANY = 40


def attacker(soak: Soak, i: int, port: int):
    "Attack the page, and look whether it still answers."
    draw, noise = random.Random(i), noisy_png()
    while soak.going():
        time.sleep(draw.uniform(5, 20))
        name = draw.choice([*ATTACKS])
        try:
            ATTACKS[name](port, noise)
        except OSError:  # refused, or cut off: that is right
            pass
        what = f"the page after {name}"
        try:
            answer = requests.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE)
            soak.check(what, answer.ok, "lost files", str(answer.status_code))
        except OSError as error:
            soak.count(what, "hangs", type(error).__name__)


def call(port, what, body=b"", how=None, client=None):
    headers = {"visitor": client or uuid4().hex, "how": how or quote(json.dumps({"name": "a.png"}))}
    address = f"http://127.0.0.1:{port}/page/{what}"
    return requests.post(address, data=body, headers=headers, timeout=PATIENCE).status_code


def fill_the_disk(port, noise):
    "Send photos of 36 MB under one name, more than a visitor's share."
    client = uuid4().hex
    for _ in range(16):
        call(port, "photo", noise, client=client)


def be_many(port, noise):
    "Come under more names than the page remembers."
    for _ in range(3 * MANY):
        call(port, "photo", b"no picture")


def send_garbage(port, noise):
    "Send what is no photo, no painting, no film, no photos to learn on and no setting."
    rubbish = np.random.default_rng().bytes(10**6)
    for what in ("photo", "style", "film", "learn", "mask", "finish"):
        for how in (
            None,
            "{",
            quote("[]"),
            quote(json.dumps({"style": "../" * 9, "minutes": 1e9})),
        ):
            call(port, what, rubbish, how)


def be_slow(port, noise):
    "Hold calls open by bodies that come byte by byte."
    head = b"POST /page/photo HTTP/1.1\r\nhost: 127.0.0.1\r\nvisitor: %s\r\n"
    head += b"content-length: 9999\r\n\r\n"
    held = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(MANY)]
    try:
        for each in held:
            each.sendall(head % uuid4().hex.encode())
        for _ in range(HELD):
            for each in held:
                each.sendall(b"x")
            time.sleep(1)
    finally:
        for each in held:
            each.close()


def ask_at_once(port, noise):
    "Ask for the most costly answer many times at once, under one name."
    client, buffer = uuid4().hex, io.BytesIO()
    Image.new("RGB", (1200, 800), "teal").save(buffer, "png")
    call(port, "photo", buffer.getvalue(), client=client)
    how = quote(json.dumps({"style": "udnie", "stroke": "broadest", "type": "image/png"}))
    with ThreadPoolExecutor(MANY) as pool:
        for each in [pool.submit(call, port, "finish", b"", how, client) for _ in range(MANY)]:
            each.result()


ATTACKS = {
    "a full disk": fill_the_disk, "many names": be_many, "garbage": send_garbage,
    "slow bodies": be_slow, "many calls": ask_at_once,
}  # fmt: skip


def noisy_png():
    "A photo that doesn't get smaller."
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "png", compress_level=1)
    return buffer.getvalue()
