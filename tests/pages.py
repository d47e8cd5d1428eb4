"Ways to ask a page over HTTP, as a program would, and to use it in a browser."

import json
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

META = {"_type": "gradio.FileData"}


def call(port, path, body=None, **headers):
    "Status and text of an answer."
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | {
        k.replace("_", "-"): headers[k] for k in headers
    }
    try:
        with urlopen(
            Request(f"http://127.0.0.1:{port}{path}", data, headers), timeout=60
        ) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def upload(port, file, name="a.png", **headers):
    "The path that an uploaded file gets."
    head, end = (
        f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n',
        "\r\n--x--\r\n",
    )
    data = head.encode() + Path(file).read_bytes() + end.encode()
    kind = {"Content_Type": "multipart/form-data; boundary=x"} | headers
    status, text = call(port, "/gradio_api/upload", data, **kind)
    return json.loads(text)[0] if status == 200 else status


def ask(port, name, data):
    "What an endpoint answers to a program."
    status, text = call(port, f"/gradio_api/call/{name}", {"data": data})
    if status != 200:
        return text
    return call(port, f"/gradio_api/call/{name}/{json.loads(text)['event_id']}")[1]


def endpoints(port):
    "Name -> what a well-behaved program sends, from the page's own list."
    found = json.loads(call(port, "/gradio_api/info")[1])["named_endpoints"]
    return {
        name.strip("/"): [p.get("parameter_default") for p in e["parameters"]]
        for name, e in found.items()
    }


DESK, PHONE = (1200, 900), (390, 844)


def studio(tab):
    "The frame in which photos are painted."
    return tab.frame_locator("#studio")


def opened(tab, file):
    "Open a photo and wait until it is painted."
    page = studio(tab)
    return repainted(page, lambda: page.locator("#file").set_input_files(file))


def heard(page, words, seconds=90):
    "What the studio says, once it includes these words."
    said = page.locator("#said").filter(has_text=words)
    said.wait_for(timeout=1000 * seconds)
    return said.inner_text()


def repainted(page, act):
    "Do something, and wait until the studio has painted again; return what it says."
    before = page.locator("body").get_attribute("data-painted")
    act()
    page.locator(f"body:not([data-painted='{before}'])").wait_for(timeout=90_000)
    return page.locator("#said").inner_text()


def studio_download(tab):
    with tab.expect_download(timeout=90_000) as download:
        studio(tab).locator("#download").click()
    heard(studio(tab), "Saved at")
    return download.value


def send(port, what, body=b"", how=None, visitor="v", **headers):
    "What the studio answers to a program: status, content and headers."
    from urllib.parse import quote

    data = None if body is None else body
    given = {"visitor": visitor, "how": quote(json.dumps(how or {}))} | headers
    request = Request(f"http://127.0.0.1:{port}/studio/{what}", data, given)
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, answer.read(), answer.headers
    except HTTPError as error:
        return error.code, error.read(), error.headers


AT_REST = """() => !document.querySelector("[data-testid=status-tracker]:not(.hide)")
    && document.getAnimations().every((moving) => moving.playState != "running")"""


@contextmanager
def visitor(chromium, address):
    "A function that opens a page; at the end, checks for requests to other sites and errors."
    opened, elsewhere, errors = [], [], []

    def visit(size=DESK, script=""):
        viewport = dict(zip(("width", "height"), size))
        context = chromium.new_context(viewport=viewport, permissions=["camera"])
        context.set_default_timeout(60_000)  # of a busy machine
        opened.append(context)
        tab = context.new_page()
        tab.add_init_script(script)
        tab.on("request", lambda r: elsewhere.append(r.url))
        if not script:
            tab.on("pageerror", lambda error: errors.append(str(error)))
            tab.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        tab.goto(address)
        tab.frame_locator("#studio").get_by_text("Ready.").wait_for()
        tab.wait_for_function(AT_REST)
        tab.wait_for_timeout(1000)  # the answers to what gradio asks first
        return tab

    visit.errors = errors
    yield visit
    for context in opened:
        context.close()
    assert all(url.startswith((address, "data:", "blob:")) for url in elsewhere)
    assert errors == []


def said(tab, where, what, seconds=90):
    "What a part of a page says, once it includes `what`."
    script = f"document.querySelector('#{where}')?.innerText.includes({json.dumps(what)})"
    try:
        tab.wait_for_function(script, timeout=1000 * seconds)
    except Exception:  # Playwright's, which need not be installed
        text = tab.inner_text(f"#{where}")
        raise AssertionError(f"#{where} says {text!r}, not {what!r}.") from None
    return tab.inner_text(f"#{where}")


def saved(tab, button):
    "The download that a button starts."
    with tab.expect_download(timeout=90_000) as download:
        tab.get_by_role("button", name=button, exact=True).click()
    return download.value
