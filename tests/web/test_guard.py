"A page leaks nothing over HTTP to other machines, programs or sites."

import pickle
import re
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import urlopen

import pytest
from pages import call, files_in, send

from faststyle_fastai.all import ASSETS, read_picture
from faststyle_fastai.images import remote
from faststyle_fastai.web.app import web_page
from faststyle_fastai.web.guard import Guard, plain_reason

FILES = "film", "style", "photo", "learn"
NAMED = "paint", "paint_film", "example", "work", "teach", "resume", "discard", "rename"
NAMED = *NAMED, "remove", "packed", "refine", "thumbnail", "finish", "result", "picture", "losses"
JOB = re.compile(r"[\da-f]{32}")  # its random name
GET = "example", "work", "result", "picture", "curve", "losses"


def answer(port, act, how, body=b""):
    status, said, _ = send(port, act, None if act in GET else body, how)
    return status, said.decode(errors="replace")


@pytest.mark.slow
def test_no_name_is_a_file_of_the_server(page, monkeypatch):
    port, secret, folder = page
    refined = "faststyle_fastai.web.refining.optimize_style"  # it would go on in the background
    monkeypatch.setattr(refined, lambda photo, *_, **how: read_picture(photo))
    absent = secret.with_name("absent.png")
    send(port, "photo", secret.read_bytes(), {"name": "mine.png"})
    for act in (*NAMED, "curve", "end"):
        for key in ("style", "other", "name", "id", "photos", "suffix"):
            for way in (str, lambda file: f"../{file.name}", lambda file: f"file://{file}"):
                usual = {"style": "great_wave"} if key == "other" else {}
                got = [answer(port, act, usual | {key: way(file)}) for file in (secret, absent)]
                told = [JOB.sub("", text.replace(absent.name, secret.name)) for _, text in got]
                free = act in ("paint", "finish") or (act, key) == ("packed", "suffix")
                assert free or told[0] == told[1], (act, key, got)
                assert str(folder) not in told[0] and str(Path.home()) not in told[0]


def test_a_link_is_no_path_and_no_address(page, tmp_path, monkeypatch):
    class Harm:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harmed",)

    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Harm()))
    monkeypatch.setattr(remote, "download", None)
    tiny = ASSETS / "gallery-tiny.safetensors"
    for link in (tmp_path / "a.pkl", tiny, "udnie", "http://127.0.0.1:9/a.png", None):
        status, said = answer(page[0], "linked", {"link": link and str(link)})
        assert (status, said) == (400, "The link is incomplete. Copy the whole link again.")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("name", ["../../a.png", "/etc/passwd", "a\0.png", "\u202e.png", ".", ""])
def test_no_upload_leaves_the_folder(page, name):
    port, secret, folder = page
    name = name.replace("/etc", str(secret.parent))  # an absolute path that is looked at
    answer(port, "style", {"name": "first.png"}, secret.read_bytes())
    around = sorted(folder.parent.iterdir()), sorted(secret.parent.iterdir())
    for act in FILES:
        answer(port, act, {"name": name}, secret.read_bytes())
    assert (sorted(folder.parent.iterdir()), sorted(secret.parent.iterdir())) == around


@pytest.mark.parametrize("content", [b"words, not a picture", b"\x89PNG\r\n\x1a\n1234567890", b""])
def test_messages_name_no_folder_of_the_server(page, content, capfd):
    port, _, folder = page
    for act in ("film", "style", "photo"):
        for name in ("broken.jpg", "broken.mp4", "broken.safetensors"):
            status, said = answer(port, act, {"name": name}, content)
            assert status == 400 and "\n" not in said, said
            assert str(folder) not in said and folder.name not in said
    assert "Traceback" not in capfd.readouterr().err


def test_a_host_that_is_allowed(tmp_path, port):
    with web_page(tmp_path, port=port, allow_hosts=["style.example"]):
        assert call(port, "/api/styles", Host="style.example")[0] == 200
        assert call(port, "/api/styles", Host="other.example")[0] == 403


def test_lists_name_no_folder_of_the_server(page):
    port, secret, _ = page
    shown = call(port, "/")[1] + call(port, "/api/openapi.json")[1]
    assert "photos/of mine" in shown.replace("\\\\", "/")
    assert str(secret.parent) not in shown and str(Path.cwd()) not in shown


@pytest.mark.parametrize(
    "start", ["C:\\\\Users\\\\me\\\\", "C:\\Users\\me\\", "//host/me/", "/home/me/"]
)
def test_messages_name_no_folder(start):
    assert plain_reason(OSError(f"cannot open '{start}a.jpg'")) == "cannot open 'a.jpg'"


def test_messages_have_no_advice_for_the_command_line():
    why = ValueError("/home/me/a.jpg has too few pixels. Use another --size.")
    assert plain_reason(why).startswith("a.jpg has too few pixels")
    assert "--size" not in plain_reason(why)


OWN = ("127.0.0.1", "localhost", "[::1]", "LOCALHOST", "localhost.")


@pytest.mark.parametrize("path", ["/", "/api/styles", "/api/openapi.json"])
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
    for host in OWN:
        assert call(port, path, Host=f"{host}:{port}")[0] == 200, host


def test_other_sites_are_refused(page):
    port, secret, folder = page
    before = files_in(folder)
    foreign = ("http://evil.example", "null", "", f"http://127.0.0.1:{port + 1}", f"http://localhost:{port}",
               f"https://127.0.0.1:{port}.evil.example", "http://127.0.0.1")  # fmt: skip
    for origin in foreign:
        assert send(port, "photo", secret.read_bytes(), Origin=origin)[0] == 403, origin
        assert send(port, "refine", b"", Origin=origin)[0] == 403
        assert send(port, "jobs", None, Origin=origin)[0] == 403
        assert call(port, "/api/styles", Origin=origin)[0] == 403
    assert files_in(folder) == before
    assert send(port, "stop", b"", Origin=f"http://127.0.0.1:{port}")[0] == 200
    for site in ("cross-site", "same-site"):
        assert call(port, "/api/styles", Sec_Fetch_Site=site)[0] == 403
        led = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": "navigate"}
        assert call(port, "/api/styles", **led)[0] == 403
        assert call(port, "/", **led)[0] == 200  # a link
    for twice in (("Host", "evil.example"), ("Origin", "http://evil.example")):
        raw = HTTPConnection("127.0.0.1", port)
        raw.putrequest("GET", "/api/styles")
        raw.putheader("Origin", f"http://127.0.0.1:{port}")
        raw.putheader(*twice)
        raw.endheaders()
        assert raw.getresponse().status in (400, 403)
    preflight = HTTPConnection("127.0.0.1", port)
    preflight.request("OPTIONS", "/page/refine", headers={"Origin": "http://evil.example"})
    assert preflight.getresponse().status == 403


def test_names_that_are_allowed(tmp_path):
    near = Guard(None, "127.0.0.1", ("style.example",), tmp_path)
    open_ = Guard(None, "0.0.0.0", (), tmp_path)

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
    assert not refused(Guard(None, "::1", (), tmp_path), "[::1]:8080")


def test_the_page_cannot_be_framed_or_watched(page):
    port = page[0]
    with urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
