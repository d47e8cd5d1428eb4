"A page leaks nothing over HTTP to other machines, programs or sites."

import base64
import json
import os
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import urlopen

import pytest
from pages import META, ask, call, endpoints, upload

from faststyle_fastai.all import Stylizer
from faststyle_fastai.web.camera import camera_page
from faststyle_fastai.web.guard import Guard, PageFolder


def claims(file):
    "Ways to ask for a file of the server."
    path = str(file)
    relative = os.path.relpath(path)
    yield from ({"path": p} for p in (path, relative, f"file://{path}", f"{path}/../{file.name}"))
    for kind in ("gradio.FileData", "gradio.ImageData", "x", None, 1):
        yield {"path": path, "meta": {"_type": kind}}
    for name in ("a.svg", "a.gif", "a.png", "../a", None):
        yield {"path": path, "orig_name": name}
        yield {"path": path, "orig_name": name, "meta": META}
    yield {"path": path, "is_stream": True, "meta": META}
    yield {"path": path, "url": "data:image/png;base64,AAAA"}
    yield {"path": None, "url": path}
    yield {"path": None, "url": f"file://{path}"}
    yield {"path": [path]}
    yield {"value": {"path": path}}
    yield [{"path": path, "meta": META}]
    yield [{"image": {"path": path}, "caption": None}]
    yield {"video": {"path": path}, "subtitles": None}


def test_no_endpoint_reads_a_file_of_the_server(page):
    port, secret, folder = page
    absent = secret.with_name("absent.png")
    known, before = endpoints(port), sorted(folder.rglob("*"))
    assert {"train", "optimize", "rename", "delete"} <= set(known)
    both = list(zip(claims(secret), claims(absent)))
    tries = [  # the claims at each endpoint, in one field after the other
        (name, n % len(usual), usual, claim)
        for name, usual in known.items()
        for n, claim in enumerate(both)
        if usual
    ]

    def answers(name, i, usual, claim):
        said = [ask(port, name, [*usual[:i], x, *usual[i + 1 :]]) for x in claim]
        assert said[0] == said[1].replace(absent.name, secret.name), (name, i, claim)
        assert "event: error" in said[0] and "not uploaded to this page" in said[0], said[0]

    assert len(tries) > 100
    for one in tries:
        answers(*one)
    assert sorted(folder.rglob("*")) == before


def test_no_text_is_a_path(page):
    port, secret, folder = page
    for name, usual in endpoints(port).items():
        for i in range(len(usual)):
            said = ask(port, name, [*usual[:i], str(secret), *usual[i + 1 :]])
            assert str(secret.parent) not in said.replace(str(secret), ""), said


def test_functions_without_a_name_read_nothing_either(page):
    port, secret, _ = page
    wanted = {"path": str(secret)}
    functions = json.loads(call(port, "/config")[1])["dependencies"]
    for function in (f for f in functions if f["inputs"]):
        session = f"s{function['id']}"
        asked = {"data": [wanted] * len(function["inputs"]), "fn_index": function["id"]}
        status, text = call(port, "/gradio_api/queue/join", asked | {"session_hash": session})
        if status != 200:
            continue
        with urlopen(
            f"http://127.0.0.1:{port}/gradio_api/queue/data?session_hash={session}"
        ) as told:
            lines = iter(told.readline, b"")
            done = next(line for line in lines if b"process_completed" in line)
        assert b'"success":false' in done.replace(b" ", b""), done


def test_an_event_carries_no_file(page, monkeypatch):
    port, secret, folder = page
    # The studio takes a minute to make.
    monkeypatch.setattr("faststyle_fastai.web.styles.export_studio", Path.touch)
    before = set(folder.rglob("*"))
    config = json.loads(call(port, "/config")[1])
    functions = [f for f in config["dependencies"] if not f["inputs"]]
    inside = Path(__file__).resolve()  # gradio would copy files below the working directory
    for file in (
        {"path": str(secret), "meta": META},
        {"path": str(inside), "meta": META},
        {"path": "http://127.0.0.1:1/a.png"},
    ):
        captions = file, {"__type__": "update", "info": file}, [file]
        for caption, outer in zip(captions, ({}, {"path": ""}, {"path": "x"})):
            event = {"index": 0, "value": {"caption": caption}} | outer
            for function in functions:
                asked = {"data": [], "fn_index": function["id"], "event_data": event}
                status, text = call(port, "/gradio_api/run/x", asked)
                assert secret.name not in text and inside.name not in text, text
    event = {"index": 0, "value": {"caption": {"__type__": "update", "label": "mine"}}}
    for function in functions:
        asked = {"data": [], "fn_index": function["id"], "event_data": event}
        assert "mine" not in call(port, "/gradio_api/run/x", asked)[1]
    new = [file for file in set(folder.rglob("*")) - before if file.is_file()]
    theirs = secret.read_bytes(), inside.read_bytes()
    assert not any(file.read_bytes() in theirs for file in new)


def test_the_page_fetches_nothing(page):
    port, _, folder = page
    fetched = "file=http://127.0.0.1:1/a.png", "file/http://x/a.png", "proxy=http://127.0.0.1:1/a"
    unused = "deep_link?session_hash=x", "custom_component/x/client/a/b", "runs", "vibe-code"
    for path in (*fetched, *unused, "file=https://example.invalid/a.png", "run-history/buckets"):
        assert call(port, f"/gradio_api/{path}")[0] == 403, path
    assert call(port, f"/gradio_api/file={folder}/.lock")[0] == 403
    assert call(port, "/monitoring")[0] == call(port, "/gradio_api/openapi.json")[0] == 403


def test_links_out_of_the_folder_are_refused(page):
    port, secret, folder = page
    link = folder / "link.png"
    link.symlink_to(secret)
    asked = [{"path": str(link), "meta": META}, *endpoints(port)["optimize"][1:]]
    assert "not uploaded to this page" in ask(port, "optimize", asked)
    link.unlink()


def test_a_picture_in_the_text_is_a_picture_or_nothing(page, port):
    _, secret, _ = page
    whole = base64.b64encode(secret.read_bytes()).decode()
    with camera_page(Stylizer("slim"), port=port):
        painted = ask(port, "snapshot", [{"path": None, "url": f"data:image/png;base64,{whole}"}])
        assert "event: complete" in painted
        for url in (
            f"data:text/html;base64,{whole}",
            f"data:image/svg+xml;base64,{whole}",
            "http://127.0.0.1:1/a.png",
        ):
            said = ask(port, "snapshot", [{"path": None, "url": url}])
            assert "not uploaded to this page" in said


@pytest.mark.parametrize("content", [b"words, not a picture", b"\x89PNG\r\n\x1a\n1234567890"])
def test_messages_name_no_folder_of_the_server(page, tmp_path, content):
    port, _, folder = page
    (tmp_path / "broken.jpg").write_bytes(content)
    file = {"path": upload(port, tmp_path / "broken.jpg", "broken.jpg"), "meta": META}
    for name, usual in endpoints(port).items():
        said = ask(port, name, [file, *usual[1:]]) if usual else ""
        assert str(folder) not in said and str(tmp_path) not in said and "debug" not in said


def test_a_training_needs_no_photos_of_its_own(page, photos, monkeypatch):
    port, _, _ = page
    file = {"path": upload(port, photos / "china" / "0.jpg"), "meta": META}
    monkeypatch.setattr("faststyle_fastai.web.train.train", lambda *args, **kwargs: None)
    assert "event: complete" in ask(port, "train", [file, "untrained", None, None, 3])


def test_lists_name_no_folder_of_the_server(page):
    port, secret, _ = page
    shown = call(port, "/config")[1] + call(port, "/gradio_api/info")[1]
    assert "photos/of mine" in shown.replace("\\\\", "/")
    assert str(secret.parent) not in shown and str(Path.cwd()) not in shown


OWN = ("127.0.0.1", "localhost", "[::1]", "LOCALHOST", "localhost.")


@pytest.mark.parametrize(
    "path", ["/", "/config", "/gradio_api/info", "/gradio_api/queue/data?session_hash=x"]
)
def test_other_names_are_refused(page, path):
    port = page[0]
    led = (
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
    )
    names = (
        *led,
        "evil.example:80",
        "10.0.0.1",
        "",
        "[::2]",
        "[",
        "evil@127.0.0.1",
        "127.0.0.1/evil.example",
    )
    for host in names:
        assert call(port, path, Host=host)[0] == 403, host
    if "queue" not in path:
        for host in OWN:
            assert call(port, path, Host=f"{host}:{port}")[0] == 200, host


def test_other_sites_are_refused(page):
    port, secret, folder = page
    before = sorted(folder.rglob("*"))
    foreign = ("http://evil.example", "null", "", f"http://127.0.0.1:{port + 1}", f"http://localhost:{port}",
               f"https://127.0.0.1:{port}.evil.example", "http://127.0.0.1")  # fmt: skip
    for origin in foreign:
        assert upload(port, secret, Origin=origin) == 403, origin
        assert call(port, "/gradio_api/call/optimize", {"data": [None]}, Origin=origin)[0] == 403
        assert call(port, "/gradio_api/queue/data?session_hash=x", Origin=origin)[0] == 403
        assert call(port, "/gradio_api/info", Origin=origin)[0] == 403
    assert sorted(folder.rglob("*")) == before
    assert (
        call(
            port, "/gradio_api/call/optimize", {"data": [None]}, Origin=f"http://127.0.0.1:{port}"
        )[0]
        == 200
    )
    for site in ("cross-site", "same-site"):
        assert call(port, "/config", Sec_Fetch_Site=site)[0] == 403
        assert (
            call(port, "/gradio_api/info", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0] == 403
        )
        assert call(port, "/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0] == 200  # a link
    for twice in (("Host", "evil.example"), ("Origin", "http://evil.example")):
        raw = HTTPConnection("127.0.0.1", port)
        raw.putrequest("GET", "/config")
        raw.putheader("Origin", f"http://127.0.0.1:{port}")
        raw.putheader(*twice)
        raw.endheaders()
        assert raw.getresponse().status in (400, 403)
    preflight = HTTPConnection("127.0.0.1", port)
    preflight.request(
        "OPTIONS", "/gradio_api/call/optimize", headers={"Origin": "http://evil.example"}
    )
    assert preflight.getresponse().status == 403


def test_names_that_are_allowed(tmp_path):
    folder = PageFolder(tmp_path)
    near = Guard(None, "127.0.0.1", ("style.example",), folder)
    open_ = Guard(None, "0.0.0.0", (), folder)

    def refused(door, host, origin=None):
        headers = {"host": host} | ({"origin": origin} if origin else {})
        return bool(door._refusal({"method": "GET", "path": "/"}, list(headers.items())))

    assert not refused(near, "style.example", "https://style.example")
    assert not refused(near, "127.0.0.1:8080", "https://style.example")
    assert refused(near, "127.0.0.1:8080", "https://other.example")
    assert refused(near, "192.168.0.7:8080")
    assert not refused(open_, "192.168.0.7:8080", "http://192.168.0.7:8080")
    assert not refused(open_, "[fe80::1]:8080")
    assert refused(open_, "evil.example:8080")
    assert not refused(Guard(None, "::1", (), folder), "[::1]:8080")


def test_the_page_cannot_be_framed_or_watched(page):
    port = page[0]
    with urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    with urlopen(f"http://127.0.0.1:{port}/studio") as answer:  # but by itself
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "http" not in call(port, "/monitoring")[1]
    assert call(port, "/gradio_api/process_recording", b"x")[0] == 403
