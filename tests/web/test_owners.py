"Visitors of a page for others: what is whose."

import errno
import json
import threading

from pages import send, waited_for
from PIL import Image
from public import added, noisy, png

from faststyle_fastai.web import guard, visits
from faststyle_fastai.web.app import web_page
from faststyle_fastai.web.jobs import Job, Queue


def test_a_painting_of_the_host_s_is_no_visitor_s(public, public_styles):
    Image.new("RGB", (96, 96), "teal").save(host_s := public_styles / "Harbor.png")
    how = {"style": "Harbor", "minutes": 1, "photos": "samples"}
    status, said, _ = send(public, "teach", b"", how, "bob")
    assert status == 400 and b"It belongs to someone else" in said
    assert send(public, "remove", b"", how, "bob")[0] == 400 and host_s.exists()


def test_the_pictures_of_a_training_are_for_who_began_it(public, monkeypatch):
    shown, gate = threading.Event(), threading.Event()

    def teach(job, *_, **__):
        job.show(Image.new("RGB", (8, 8)))
        shown.set()
        gate.wait(60)

    monkeypatch.setattr("faststyle_fastai.web.teaching.teach", teach)
    name = added(public, "private.png", "lime", "lea")
    how = {"style": name, "minutes": 1, "photos": "samples"}
    job = json.loads(send(public, "teach", b"", how, "lea")[1])
    assert shown.wait(60)
    for visitor, sees, status in (("lea", 1, 200), ("max", 0, 400)):
        (seen,) = (
            one
            for one in json.loads(send(public, "jobs", None, {}, visitor)[1])
            if one["id"] == job["id"]
        )
        assert seen["sees"] == sees
        assert send(public, "picture", None, job, visitor)[0] == status
    gate.set()


def test_photos_to_learn_on_of_all_visitors_fill_no_disk(public, public_scratch, monkeypatch):
    (page,) = public_scratch.glob("faststyle-page-*")
    (folder := page / "somebody" / "job-waiting").mkdir(parents=True)
    (folder / "a.png").write_bytes(noisy(1))
    monkeypatch.setattr(guard, "LIMIT", 40_000)
    assert send(public, "learn", noisy(2), {"name": "a.png"}, "invented")[0] == 413


def test_a_style_may_be_named_none(public):
    assert send(public, "photo", noisy(1), {"name": "a.png"}, "nora")[0] == 200
    before = send(public, "paint", b"", {"style": "udnie"}, "nora")
    assert added(public, "none.png", "black", "nora") == "None"
    assert send(public, "paint", b"", {"style": "udnie"}, "nora")[1] == before[1]


def test_a_page_takes_its_own_links(public):
    name = added(public, "linked.png", "pink", "olga")
    link = json.loads(send(public, "link", b"", {"style": name}, "olga")[1])
    names = [json.loads(send(public, "linked", b"", link, "paul")[1]) for _ in range(2)]
    assert names == [{"name": "Linked-2"}] * 2
    assert send(public, "remove", b"", {"style": "Linked-2"}, "olga")[0] == 400
    assert send(public, "remove", b"", {"style": "Linked-2"}, "paul")[0] == 200


def test_what_may_pass_is_told_from_what_will_not(public, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("faststyle_fastai.web.library.StyleLibrary.add", full)
    assert send(public, "style", png("red"), {"name": "a.png"})[0] == 507
    monkeypatch.setattr(visits.Visit, "idle", False)
    monkeypatch.setattr(visits.Visit, "has_left", False)
    monkeypatch.setattr(visits, "VISITORS", 1)
    status, said, _ = send(public, "progress", None, {}, "one too many")
    assert status == 429 and b"too many visitors" in said


def test_a_style_in_use_keeps_its_name(public, monkeypatch):
    gate, begun = threading.Event(), threading.Event()

    def held(*_, **__):
        begun.set()
        gate.wait(60)
        return Image.new("RGB", (64, 64))

    monkeypatch.setattr("faststyle_fastai.web.refining.optimize_style", held)
    name = added(public, "used.png", "olive", "quin")
    assert send(public, "photo", png("red"), {"name": "a.png"}, "quin")[0] == 200
    assert send(public, "refine", b"", {"style": name, "side": 64}, "quin")[0] == 200
    assert begun.wait(60)
    how = {"style": name, "name": "new"}
    status, said, _ = send(public, "rename", b"", how, "quin")
    assert status == 400 and b"is in use" in said
    gate.set()
    assert waited_for(lambda: send(public, "rename", b"", how, "quin")[0] == 200)


def test_others_jobs_push_out_nobody_s():
    queue = Queue()
    mine = queue.add("film", Job(), lambda: None, "ann")
    for _ in range(60):
        queue.add("film", Job(), lambda: None, "bob")
    queue.pools[True].submit(int).result()
    queue.add("film", Job(), lambda: None, "bob")
    assert queue.find(mine) and len(queue.jobs) < 60
    queue.close()


def test_on_a_shared_page_all_change_all(tmp_path, port):
    with web_page(tmp_path, host="0.0.0.0", port=port, shared=True):
        name = added(port, "ours.png", "red", "ann")
        assert send(port, "remove", b"", {"style": name}, "bob")[0] == 200
