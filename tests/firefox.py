"Firefox, driven by WebDriver BiDi: Playwright drives only Firefoxes of its own."

import json
import re
import subprocess
import time
from contextlib import contextmanager

import pytest

connect = pytest.importorskip("websockets.sync.client").connect

PREFS = {
    "browser.download.folderList": 2,  # a folder of our own
    "browser.download.alwaysOpenPanel": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.proxy.type": 1,  # nothing is reachable
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
}


@contextmanager
def firefox(path, folder):
    "A tab of a new Firefox, whose downloads go to `folder`."
    profile = folder / "profile"
    profile.mkdir(parents=True)
    prefs = PREFS | {"browser.download.dir": str(folder)}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(v)});" for name, v in prefs.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = [path, "--headless", "--profile", str(profile), "--remote-debugging-port", "0"]
    told = folder / "firefox.log"
    with told.open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            with connect(f"{address(told)}/session", max_size=None) as socket:
                yield Tab(socket)
        finally:
            process.terminate()


def address(log, timeout=60):
    "Where Firefox listens, from its log."
    until = time.monotonic() + timeout
    while not (found := re.search(r"BiDi listening on (ws://\S+)\n", log.read_text())):
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)
    return found[1]


class Tab:
    def __init__(self, socket):
        self.socket, self.calls = socket, 0
        self.ask("session.new", capabilities={})
        (tab,) = self.ask("browsingContext.getTree")["contexts"]
        self.context = tab["context"]

    def ask(self, method, **params):
        "The result of a command."
        self.calls += 1
        self.socket.send(json.dumps({"id": self.calls, "method": method, "params": params}))
        while (said := json.loads(self.socket.recv(timeout=120))).get("id") != self.calls:
            pass
        assert said["type"] == "success", said
        return said["result"]

    def goto(self, path):
        self.ask(
            "browsingContext.navigate", context=self.context, url=path.as_uri(), wait="complete"
        )

    def run(self, script):
        "The value of a JavaScript expression."
        how = {"target": {"context": self.context}, "awaitPromise": True, "userActivation": True}
        return self.ask("script.evaluate", expression=script, **how)["result"].get("value")

    def choose(self, selector, file):
        "Choose a file in an input."
        start = {"type": "css", "value": selector}
        (node,) = self.ask("browsingContext.locateNodes", context=self.context, locator=start)[
            "nodes"
        ]
        element = {"sharedId": node["sharedId"]}
        self.ask("input.setFiles", context=self.context, element=element, files=[str(file)])

    def wait_for(self, selector, text, timeout=60):
        "Wait until an element starts with `text`."
        until, said = time.monotonic() + timeout, None
        while not (said or "").startswith(text):
            assert time.monotonic() < until, said
            time.sleep(0.1)
            said = self.run(f"document.querySelector({json.dumps(selector)}).textContent")
