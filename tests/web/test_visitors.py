"Visitors of a page for others: nobody harms anybody."

import asyncio
import errno
import json
import socket
import tempfile
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from urllib.parse import quote

import numpy as np
import pytest
from conftest import free_port
from pages import call, send
from PIL import Image

from faststyle_fastai.core.errors import FaststyleError
from faststyle_fastai.web import answers, guard, visits
from faststyle_fastai.web.app import web_page
from faststyle_fastai.web.jobs import Job, Queue


def png(color, side=96):
    Image.new("RGB", (side, side), color).save(data := BytesIO(), "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def styles(tmp_path_factory):
    return tmp_path_factory.mktemp("styles")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def port(styles, scratch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(scratch))
        with web_page(styles, host="0.0.0.0", port=(port := free_port())):
            yield port


def added(port, name, color, visitor):
    status, said, _ = send(port, "style", png(color), {"name": name}, visitor)
    assert status == 200, said
    return json.loads(said)["name"]


def test_styles_belong_to_who_added_them(port):
    name = added(port, "mine.png", "red", "ann")
    for act in ("rename", "remove", "forget"):
        status, said, _ = send(port, act, b"", {"style": name, "name": "other"}, "bob")
        assert status == 400 and b"belongs to another visitor" in said
    added(port, "mine.png", "red", "bob")  # the same painting
    assert send(port, "remove", b"", {"style": name}, "bob")[0] == 400
    assert send(port, "teach", b"", {"style": name, "photos": "folder"}, "bob")[0] == 400
    assert send(port, "remove", b"", {"style": name}, "ann")[0] == 200
    name = added(port, "mine.png", "red", "bob")
    assert send(port, "remove", b"", {"style": name}, "bob")[0] == 200


def test_a_painting_stays_while_it_is_taught(port, scratch, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr("faststyle_fastai.web.teaching.teach", lambda *_, **__: gate.wait(60))
    one, two = (added(port, f"{color}ish.png", color, "hugo") for color in ("red", "blue"))
    how = {"style": one, "minutes": 1, "photos": "samples"}
    assert send(port, "teach", b"", how, "hugo")[0] == 200
    assert send(port, "learn", png("green"), {"name": "a.png", "first": True}, "hugo")[0] == 200
    how |= {"style": two, "photos": "folder"}
    waits = json.loads(send(port, "teach", b"", how, "hugo")[1])
    status, said, _ = send(port, "forget", b"", {"style": one}, "hugo")
    assert status == 400 and b"is being taught: stop it first" in said
    assert list(scratch.rglob("photos-*"))
    assert send(port, "end", b"", waits, "hugo")[0] == 200
    gate.set()
    end = time.monotonic() + 60
    while send(port, "forget", b"", {"style": one}, "hugo")[0] == 400:
        assert time.monotonic() < end
    while list(scratch.rglob("photos-*")):  # what it would have learned on has gone
        assert time.monotonic() < end


def test_long_names_and_names_without_letters(port):
    long = "the great wave off kanagawa by hokusai 1831.png"
    names = {added(port, long, color, "ann") for color in ("red", "blue", "green")}
    assert len(names) == 3
    assert added(port, "🎨.png", "white", "ann") == "Photo"


def test_invented_visitors_evict_nobody(port, monkeypatch):
    monkeypatch.setattr(visits, "VISITORS", 5)
    assert send(port, "photo", png("red"), {"name": "a.png"}, "carl")[0] == 200
    for i in range(20):
        send(port, "progress", None, {}, f"invented {i}")
    assert send(port, "source", None, {}, "carl")[1] != b""


def test_silent_uploads_take_no_turn(port, monkeypatch):
    monkeypatch.setattr(answers, "PATIENCE", 1)
    head = f"POST /api/paint?style=udnie HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(9)]
    for one in silent:
        one.sendall(f"{head}Content-Length: 1000\r\n\r\nx".encode())
    assert call(port, "/api/paint?style=udnie", png("red", 16))[0] == 200
    assert b"408" in silent[0].recv(100)
    for one in silent:
        one.close()


def test_what_is_sent_at_once_is_limited(port, monkeypatch):
    monkeypatch.setattr(answers, "MOST_HELD", 1000)
    status, said, _ = send(port, "photo", bytes(5000), {"name": "a.png"})
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


def test_who_asks_too_much_at_once_waits_alone(port, monkeypatch):
    monkeypatch.setattr(visits, "AT_ONCE", 2)
    begun, gate = threading.Semaphore(0), threading.Event()

    def held(*_):
        begun.release()
        gate.wait(60)

    monkeypatch.setattr("faststyle_fastai.web.library.StyleLibrary.add", held)
    said = []

    def ask():
        said.append(send(port, "style", png("red"), {"name": "a.png"}, "eve")[0])

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
        begun.acquire(timeout=60)
    assert send(port, "progress", None, {}, "eve")[0] == 429
    assert send(port, "progress", None, {}, "dan")[0] == 200 == call(port, "/")[0]
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
    assert {job.id for job in queue.open()} <= {job.id for job in jobs}
    queue.close()


def noisy(seed, side=96):
    "A PNG of about 27 kB."
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(data := BytesIO(), "PNG")
    return data.getvalue()


def files(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_visitor_s_styles_fill_no_disk(port, styles, scratch, monkeypatch):
    monkeypatch.setattr(guard, "QUOTA", 60_000)
    names = [{"name": f"dora{i}.png"} for i in range(4)]
    for i in range(2):
        assert send(port, "style", noisy(i), names[i], "dora")[0] == 200
    before = files(styles)
    status, said, _ = send(port, "style", noisy(2), names[2], "dora")
    assert status == 413 and b"more than the" in said and b"\n" not in said
    assert files(styles) == before and not any(p.stem == "dora2" for p in files(scratch))
    assert send(port, "style", noisy(3), names[3], "emil")[0] == 200  # another visitor's
    assert send(port, "remove", b"", {"style": "Dora0"}, "dora")[0] == 200
    assert send(port, "style", noisy(2), names[2], "dora")[0] == 200
    monkeypatch.setattr(guard, "LIMIT", 60_000)  # of all visitors together, invented ones included
    assert send(port, "style", noisy(9), {"name": "new.png"}, "invented")[0] == 413


def test_a_visitor_s_photos_to_learn_on_fill_no_disk(port, scratch, monkeypatch):
    monkeypatch.setattr(guard, "QUOTA", 60_000)
    said = [send(port, "learn", noisy(i), {"name": "a.png"}, "finn")[0] for i in range(4)]
    assert said == [200, 200, 413, 413]
    assert send(port, "learn", noisy(5), {"name": "a.png", "first": True}, "finn")[0] == 200
    assert send(port, "learn", noisy(5), {"name": "a.png"}, "gina")[0] == 200


def test_what_a_visitor_sends_pushes_out_nobody_else_s(port, scratch, monkeypatch):
    monkeypatch.setattr(guard, "QUOTA", 60_000)
    assert send(port, "photo", noisy(1), {"name": "hers.png"}, "hana")[0] == 200
    for i in range(5):
        assert send(port, "photo", noisy(i), {"name": f"his{i}.png"}, "ivan")[0] == 200
    until = time.monotonic() + 10  # a page cleans up after its answer
    while len(left := sorted(p.stem for p in files(scratch) if p.stem[:3] == "his")) > 2:
        assert time.monotonic() < until, left
    assert left == ["his3", "his4"] and any(p.stem == "hers" for p in files(scratch))


def test_refused_files_are_not_kept(port, scratch):
    before = files(scratch)
    for act in ("photo", "film", "style"):
        status, _, _ = send(port, act, b"not at all" * 999, {"name": "a.png"}, "jo")
        assert status == 400 and files(scratch) == before


def test_a_photo_of_another_tab_is_not_painted(port):
    photo = {"name": "a.png", "key": "a"}
    assert send(port, "photo", png("red"), photo, "eve")[0] == 200
    how = quote(json.dumps({"style": "udnie"}))
    asked = {"visitor": "eve", "how": how}
    assert call(port, "/page/paint", b"", **asked, photo="a")[0] == 200
    assert send(port, "photo", png("blue"), photo | {"key": "b"}, "eve")[0] == 200
    status, said = call(port, "/page/paint", b"", **asked, photo="a")
    assert status == 410 and "another one was opened" in said


def test_refinings_wait_for_refinings_only():
    queue, one, two, training = Queue(), Job(), Job(), Job()
    one.waits = two.waits = False
    one.kind, training.kind = "refining", "training"
    one.state = training.state = "running"
    queue.jobs += [training, one, two]
    assert (queue.running(two.waits), queue.before(two)) == ("refining", 0)


def test_a_visitor_begins_only_so_many_jobs():
    queue, held = Queue(most=2), threading.Event()
    try:
        for _ in range(2):
            queue.add("film", Job(), held.wait, "ann")
        with pytest.raises(FaststyleError, match="2 of your jobs run or wait"):
            queue.add("film", Job(), held.wait, "ann")
        queue.add("film", Job(), held.wait, "bob")
        assert len(queue.open()) == 3
    finally:
        held.set()
        queue.close()


def test_a_painting_of_the_host_s_is_no_visitor_s(port, styles):
    Image.new("RGB", (96, 96), "teal").save(host_s := styles / "Harbor.png")
    how = {"style": "Harbor", "minutes": 1, "photos": "samples"}
    status, said, _ = send(port, "teach", b"", how, "bob")
    assert status == 400 and b"belongs to another visitor" in said
    assert send(port, "forget", b"", how, "bob")[0] == 400 and host_s.exists()


def test_the_pictures_of_a_training_are_for_who_began_it(port, monkeypatch):
    shown, gate = threading.Event(), threading.Event()

    def teach(job, *_, **__):
        job.show(Image.new("RGB", (8, 8)))
        shown.set()
        gate.wait(60)

    monkeypatch.setattr("faststyle_fastai.web.teaching.teach", teach)
    name = added(port, "private.png", "lime", "lea")
    how = {"style": name, "minutes": 1, "photos": "samples"}
    job = json.loads(send(port, "teach", b"", how, "lea")[1])
    assert shown.wait(60)
    for visitor, sees, status in (("lea", 1, 200), ("max", 0, 400)):
        (seen,) = (
            one
            for one in json.loads(send(port, "jobs", None, {}, visitor)[1])
            if one["id"] == job["id"]
        )
        assert seen["sees"] == sees
        assert send(port, "picture", None, job, visitor)[0] == status
    gate.set()


def test_photos_to_learn_on_of_all_visitors_fill_no_disk(port, scratch, monkeypatch):
    (page,) = scratch.glob("faststyle-page-*")
    (folder := page / "somebody" / "photos-waiting").mkdir(parents=True)
    (folder / "a.png").write_bytes(noisy(1))
    monkeypatch.setattr(guard, "LIMIT", 40_000)
    assert send(port, "learn", noisy(2), {"name": "a.png"}, "invented")[0] == 413


def test_a_style_may_be_named_none(port):
    assert send(port, "photo", noisy(1), {"name": "a.png"}, "nora")[0] == 200
    before = send(port, "paint", b"", {"style": "udnie"}, "nora")
    assert added(port, "none.png", "black", "nora") == "None"
    assert send(port, "paint", b"", {"style": "udnie"}, "nora")[1] == before[1]


def test_a_page_takes_its_own_links(port):
    name = added(port, "linked.png", "pink", "olga")
    link = json.loads(send(port, "link", b"", {"style": name}, "olga")[1])
    names = [json.loads(send(port, "linked", b"", link, "paul")[1]) for _ in range(2)]
    assert names == [{"name": "Linked-2"}] * 2
    assert send(port, "remove", b"", {"style": "Linked-2"}, "olga")[0] == 400
    assert send(port, "remove", b"", {"style": "Linked-2"}, "paul")[0] == 200


def test_what_may_pass_is_told_from_what_will_not(port, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("faststyle_fastai.web.library.StyleLibrary.add", full)
    assert send(port, "style", png("red"), {"name": "a.png"})[0] == 507
    monkeypatch.setattr(visits.Visit, "idle", False)
    monkeypatch.setattr(visits, "VISITORS", 1)
    status, said, _ = send(port, "progress", None, {}, "one too many")
    assert status == 429 and b"too many visitors" in said


def test_a_style_in_use_keeps_its_name(port, monkeypatch):
    gate, begun = threading.Event(), threading.Event()

    def held(*_, **__):
        begun.set()
        gate.wait(60)
        return Image.new("RGB", (64, 64))

    monkeypatch.setattr("faststyle_fastai.web.refining.optimize_style", held)
    name = added(port, "used.png", "olive", "quin")
    assert send(port, "photo", png("red"), {"name": "a.png"}, "quin")[0] == 200
    assert send(port, "refine", b"", {"style": name, "side": 64}, "quin")[0] == 200
    assert begun.wait(60)
    how = {"style": name, "name": "new"}
    status, said, _ = send(port, "rename", b"", how, "quin")
    assert status == 400 and b"is in use" in said
    gate.set()
    end = time.monotonic() + 60
    while send(port, "rename", b"", how, "quin")[0] != 200:
        assert time.monotonic() < end


def test_others_jobs_push_out_nobody_s():
    queue = Queue()
    mine = queue.add("film", Job(), lambda: None, "ann")
    for _ in range(60):
        queue.add("film", Job(), lambda: None, "bob")
    queue.pools[True].shutdown()
    queue.pools[True] = ThreadPoolExecutor(1)
    queue.add("film", Job(), lambda: None, "bob")
    assert queue.find(mine) and len(queue.jobs) < 60
    queue.close()
