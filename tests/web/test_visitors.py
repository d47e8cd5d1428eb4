"Visitors of a page for others: nobody harms anybody."

import asyncio
import json
import socket
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from pages import call, files_in, send, waited_for
from public import added, noisy, png

from faststyle_fastai.core.errors import FaststyleError
from faststyle_fastai.web import answers, guard, visits
from faststyle_fastai.web.jobs import Job, Queue


def test_styles_belong_to_who_added_them(public):
    name = added(public, "mine.png", "red", "ann")
    for act in ("rename", "remove"):
        status, said, _ = send(public, act, b"", {"style": name, "name": "other"}, "bob")
        assert status == 400 and b"It belongs to someone else" in said
    added(public, "mine.png", "red", "bob")  # the same painting
    assert send(public, "remove", b"", {"style": name}, "bob")[0] == 400
    assert send(public, "teach", b"", {"style": name, "photos": "folder"}, "bob")[0] == 400
    assert send(public, "remove", b"", {"style": name}, "ann")[0] == 200
    name = added(public, "mine.png", "red", "bob")
    assert send(public, "remove", b"", {"style": name}, "bob")[0] == 200


def lent(folder):
    "The photos that a training learns on, copied."
    return [path for path in files_in(folder) if "job-" in str(path.parent)]


def test_a_painting_stays_while_it_is_taught(public, public_scratch, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr("faststyle_fastai.web.teaching.teach", lambda *_, **__: gate.wait(60))
    one, two = (added(public, f"{color}ish.png", color, "hugo") for color in ("red", "blue"))
    how = {"style": one, "minutes": 1, "photos": "samples"}
    assert send(public, "teach", b"", how, "hugo")[0] == 200
    assert send(public, "learn", png("green"), {"name": "a.png", "first": True}, "hugo")[0] == 200
    how |= {"style": two, "photos": "folder"}
    waits = json.loads(send(public, "teach", b"", how, "hugo")[1])
    status, said, _ = send(public, "remove", b"", {"style": one}, "hugo")
    assert status == 400 and b"is being trained: stop it first" in said
    assert lent(public_scratch)
    assert send(public, "end", b"", waits, "hugo")[0] == 200
    gate.set()
    assert waited_for(lambda: send(public, "remove", b"", {"style": one}, "hugo")[0] != 400)
    assert waited_for(lambda: not lent(public_scratch))  # what it would have learned on


def test_long_names_and_names_without_letters(public):
    long = "the great wave off kanagawa by hokusai 1831.png"
    names = {added(public, long, color, "ann") for color in ("red", "blue", "green")}
    assert len(names) == 3
    assert added(public, "🎨.png", "white", "ann") == "Photo"


def test_invented_visitors_evict_nobody(public, monkeypatch):
    monkeypatch.setattr(visits, "VISITORS", 5)
    assert send(public, "photo", png("red"), {"name": "a.png"}, "carl")[0] == 200
    for i in range(20):
        send(public, "progress", None, {}, f"invented {i}")
    assert send(public, "source", None, {}, "carl")[1] != b""


def test_silent_uploads_take_no_turn(public, monkeypatch):
    monkeypatch.setattr(answers, "PATIENCE", 1)
    head = f"POST /api/paint?style=udnie HTTP/1.1\r\nHost: 127.0.0.1:{public}\r\n"
    silent = [socket.create_connection(("127.0.0.1", public)) for _ in range(9)]
    for one in silent:
        one.sendall(f"{head}Content-Length: 1000\r\n\r\nx".encode())
    assert call(public, "/api/paint?style=udnie", png("red", 16))[0] == 200
    assert b"408" in silent[0].recv(100)
    for one in silent:
        one.close()


def test_what_is_sent_at_once_is_limited(public, monkeypatch):
    monkeypatch.setattr(answers, "MOST_HELD", 1000)
    status, said, _ = send(public, "photo", bytes(5000), {"name": "a.png"})
    assert status == 429 and b"Try again later" in said and not answers.HELD


def test_large_uploads_are_not_held_in_memory():
    class Request:
        async def stream(self):
            for _ in range(256):
                yield bytes(2**17)

    async def received():
        async with answers.body_of(Request()) as body:
            return visits.size_of(body)

    tracemalloc.start()
    with ThreadPoolExecutor(1) as pool:  # a browser's tests have a loop in this one
        assert pool.submit(lambda: asyncio.run(received())).result() == 2**25
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**23


def test_who_asks_too_much_at_once_waits_alone(public, monkeypatch):
    monkeypatch.setattr(visits, "AT_ONCE", 2)
    begun, gate = threading.Semaphore(0), threading.Event()

    def held(*_):
        begun.release()
        gate.wait(60)

    monkeypatch.setattr("faststyle_fastai.web.library.StyleLibrary.add", held)
    said = []

    def ask():
        said.append(send(public, "style", png("red"), {"name": "a.png"}, "eve")[0])

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
        begun.acquire(timeout=60)
    assert send(public, "progress", None, {}, "eve")[0] == 429
    assert send(public, "progress", None, {}, "dan")[0] == 200 == call(public, "/")[0]
    gate.set()
    for thread in threads:
        thread.join()


def test_no_job_is_lost_that_is_added_at_once():
    queue, jobs = Queue(), [Job() for _ in range(40)]
    threads = [
        threading.Thread(target=queue.add, args=("a", job, lambda: time.sleep(0), "v"))
        for job in jobs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {job.id for job in queue.jobs} == {job.id for job in jobs}
    queue.close()


def test_a_visitor_s_styles_fill_no_disk(public, public_styles, public_scratch, monkeypatch):
    monkeypatch.setattr(guard, "QUOTA", 60_000)
    names = [{"name": f"dora{i}.png"} for i in range(4)]
    for i in range(2):
        assert send(public, "style", noisy(i), names[i], "dora")[0] == 200
    before = files_in(public_styles)
    status, said, _ = send(public, "style", noisy(2), names[2], "dora")
    assert status == 413 and b"more than the" in said and b"\n" not in said
    assert files_in(public_styles) == before and not any(
        p.stem == "dora2" for p in files_in(public_scratch)
    )
    assert send(public, "style", noisy(3), names[3], "emil")[0] == 200  # another visitor's
    assert send(public, "remove", b"", {"style": "Dora0"}, "dora")[0] == 200
    assert send(public, "style", noisy(2), names[2], "dora")[0] == 200
    monkeypatch.setattr(guard, "LIMIT", 60_000)  # of all visitors together, invented ones included
    assert send(public, "style", noisy(9), {"name": "new.png"}, "invented")[0] == 413


def test_a_visitor_s_photos_to_learn_on_fill_no_disk(public, monkeypatch):
    monkeypatch.setattr(guard, "QUOTA", 60_000)
    said = [send(public, "learn", noisy(i), {"name": "a.png"}, "finn")[0] for i in range(4)]
    assert said == [200, 200, 413, 413]
    assert send(public, "learn", noisy(5), {"name": "a.png", "first": True}, "finn")[0] == 200
    assert send(public, "learn", noisy(5), {"name": "a.png"}, "gina")[0] == 200


def test_what_a_visitor_sends_pushes_out_nobody_else_s(public, public_scratch, monkeypatch):
    monkeypatch.setattr(guard, "QUOTA", 60_000)
    assert send(public, "photo", noisy(1), {"name": "hers.png"}, "hana")[0] == 200
    for i in range(5):
        assert send(public, "photo", noisy(i), {"name": f"his{i}.png"}, "ivan")[0] == 200

    def left():
        return sorted(p.stem for p in files_in(public_scratch) if p.stem[:2] in ("he", "hi"))

    assert waited_for(lambda: left() == ["hers", "his3", "his4"], 10), left()


def test_refused_files_are_not_kept(public, public_scratch):
    before = files_in(public_scratch)
    for act in ("photo", "film", "style"):
        status, _, _ = send(public, act, b"not at all" * 999, {"name": "a.png"}, "jo")
        assert status == 400 and files_in(public_scratch) == before


def test_a_photo_of_another_tab_is_not_painted(public):
    photo = {"name": "a.png", "key": "a"}
    assert send(public, "photo", png("red"), photo, "eve")[0] == 200
    how = quote(json.dumps({"style": "udnie"}))
    asked = {"visitor": "eve", "how": how}
    assert call(public, "/page/paint", b"", **asked, photo="a")[0] == 200
    assert send(public, "photo", png("blue"), photo | {"key": "b"}, "eve")[0] == 200
    status, said = call(public, "/page/paint", b"", **asked, photo="a")
    assert status == 410 and "another one was opened" in said


def test_refinings_wait_for_refinings_only():
    queue, one, two, training = Queue(), Job(), Job(), Job()
    one.waits = two.waits = False
    one.kind, training.kind = "refining", "training"
    one.state = training.state = "running"
    queue.jobs += [training, one, two]
    assert (queue.running(two.waits), queue.before(two)) == ("refining", 0)


def test_a_visitor_begins_only_so_many_jobs(tmp_path):
    queue, held, refused = Queue(most=2), threading.Event(), Job()
    (tmp_path / "film").mkdir()
    refused.uploads = tmp_path / "film"
    try:
        for _ in range(2):
            queue.add("film", Job(), held.wait, "ann")
        with pytest.raises(FaststyleError, match="2 of your jobs run or wait"):
            queue.add("film", refused, held.wait, "ann")
        assert not refused.uploads.exists()
        queue.add("film", Job(), held.wait, "bob")
        assert len(queue.open()) == 3
    finally:
        held.set()
        queue.close()
