"WebKit, the engine of Safari, driven by WebDriver: Playwright drives only WebKits of its own."

import json
import shutil
import socket
import subprocess
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest
from pages import waited_for

DRIVER = "WebKitWebDriver"  # of Debian's webkit2gtk-driver


@contextmanager
def webkit():
    "A tab of a new WebKit, on a screen that nobody sees."
    if not (path := shutil.which(DRIVER)) or not (screen := shutil.which("xvfb-run")):
        pytest.skip("no WebKit here")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [screen, "-a", path, f"--port={port}"]
    with subprocess.Popen(command, stdout=-3, stderr=-3, start_new_session=True) as process:
        try:
            assert waited_for(lambda: listens(port), 30)
            yield (tab := Tab(f"http://127.0.0.1:{port}/session"))
            tab.ask("", method="DELETE")  # else the browser stays
        finally:
            subprocess.run(["pkill", "-g", str(process.pid)], check=False)


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Tab:
    def __init__(self, address):
        self.address = address
        self.address += "/" + self.ask("", capabilities={})["sessionId"]
        self.ask("/timeouts", script=120_000)

    def ask(self, what, method="POST", **params):
        "The result of a command."
        request = Request(self.address + what, json.dumps(params).encode(), method=method)
        with urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def goto(self, path):
        self.ask("/url", url=path.as_uri())

    def run(self, script):
        "The value of a JavaScript expression."
        return self.ask("/execute/sync", script=f"return {script}", args=[])

    def choose(self, selector, file):
        "Choose a file in an input."
        (node,) = self.ask("/element", using="css selector", value=selector).values()
        self.ask(f"/element/{node}/value", text=str(file))

    def wait_for(self, selector, text, timeout=60):
        "Wait until an element starts with `text`."
        said = f"document.querySelector({json.dumps(selector)}).textContent"
        assert waited_for(lambda: self.run(said).startswith(text), timeout), self.run(said)
