"Ways to ask a page over HTTP, as a program would."

import json
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
