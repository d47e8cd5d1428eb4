"Painting for programs: one request, one image. `/api/openapi.json` describes it (OpenAPI 3.1)."

import shutil
import threading
from dataclasses import fields
from typing import IO, Any
from uuid import uuid4

from .. import __version__
from ..core.errors import FaststyleError
from ..core.extras import extra
from ..images.metadata import read_metadata
from ..images.saving import save_picture
from ..inference.options import AREAS, FACES, STROKES, PaintOptions
from .answers import Refused, Route, body_of, responses
from .guard import plain_reason, status_of
from .names import title
from .visits import Site

__all__ = ["Api"]

BackgroundTask = extra("starlette.background", "web").BackgroundTask
WAITING = 8  # requests that may wait for their turn; more are refused
SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1, "default": 1}
# Name in the address -> field of PaintOptions, and its schema.
PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "strength": ("strength", SHARE),
    "stroke": ("stroke", {"enum": [*STROKES], "default": PaintOptions.stroke}),
    "paint": ("area", {"enum": [*AREAS], "default": PaintOptions.area}),
    "faces": ("faces", {"enum": [*FACES], "default": PaintOptions.faces}),
    "strokes": ("strokes", {"type": "boolean", "default": False}),
    "keep-colors": ("keep_colors", {"type": "boolean", "default": False}),
}
FORMATS = {"jpeg": ".jpg", "png": ".png"}
HELP = {field.name: field.metadata.get("help", "") for field in fields(PaintOptions)}


class Api:
    "What programs can ask."

    def __init__(self, site: Site):
        self.shelf, self.scratch = site.shelf, site.scratch
        self.turn, self.room = threading.Lock(), threading.Semaphore(WAITING)

    def routes(self) -> list:
        from starlette.concurrency import run_in_threadpool

        async def paint(request):
            async with body_of(request) as body:
                if not self.room.acquire(blocking=False):
                    raise Refused(429, "Too many photos are waiting. Try again later.")
                try:
                    return await run_in_threadpool(self.paint, body, dict(request.query_params))
                finally:
                    self.room.release()

        return [
            Route("/api/openapi.json", lambda _: responses.JSONResponse(self.described())),
            Route("/api/styles", lambda _: responses.JSONResponse(self.styles())),
            Route("/api/paint", paint, methods=["POST"]),
        ]

    def styles(self):
        return [{"name": name, "title": title(name)} for name in self.shelf.styles()]

    def paint(self, body: IO[bytes], asked: dict[str, str]):
        "An answer with the painted photo, or with what is wrong."
        folder = self.scratch / uuid4().hex
        gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)  # once it is sent
        try:
            folder.mkdir()
            return responses.FileResponse(self._painted(body, asked, folder), background=gone)
        except Exception as error:
            return responses.PlainTextResponse(
                plain_reason(error), status_of(error), background=gone
            )

    def _painted(self, body, asked, folder):
        style, kind = asked.pop("style", None), asked.pop("format", "jpeg")
        if style is None or kind not in FORMATS or set(asked) - set(PARAMETERS):
            raise FaststyleError(
                "Give style=NAME, from /api/styles, and what /api/openapi.json lists."
            )
        paint, name = self.shelf.find(style)
        how = {PARAMETERS[key][0]: valued(key, said) for key, said in asked.items()}
        photo = folder / "photo.png"  # the content says what it is
        with photo.open("wb") as out:
            shutil.copyfileobj(body, out)
        with self.turn:
            painted = paint(photo, name, **how)
        return save_picture(painted, folder / f"painted{FORMATS[kind]}", **read_metadata(photo))

    def described(self):
        "The OpenAPI document."
        style: dict[str, Any] = {"type": "string", "enum": [one["name"] for one in self.styles()]}
        query = {"style": ("A style.", style)}
        query |= {name: (HELP[field], schema) for name, (field, schema) in PARAMETERS.items()}
        query["format"] = "Of the image.", {"enum": [*FORMATS], "default": "jpeg"}
        parameters = [
            {"name": name, "in": "query", "description": said, "schema": schema,
             "required": name == "style"}
            for name, (said, schema) in query.items()
        ]  # fmt: skip
        image: dict[str, dict] = {f"image/{name}": {} for name in FORMATS}
        answers = {
            "200": {"description": "The painted photo, of the same size.", "content": image},
            "400": {"description": "What is wrong."},
            "507": {"description": "The memory or the disk is full. Try again later."},
            "413": {"description": "The photo is too large."},
            "429": {"description": "Too many photos are waiting."},
        }
        body = {"required": True, "content": {"image/*": {}}}
        post = {"summary": "Paint a photo.", "parameters": parameters, "requestBody": body}
        listed = {"summary": "The styles.", "responses": {"200": {"description": "Their names."}}}
        return {
            "openapi": "3.1.0",
            "info": {"title": "faststyle", "version": __version__},
            "paths": {
                "/api/paint": {"post": post | {"responses": answers}},
                "/api/styles": {"get": listed},
            },
        }


def valued(name, said):
    "The value of a parameter in an address."
    kind = PARAMETERS[name][1].get("type")
    try:
        if kind == "number":
            return float(said)
        return {"true": True, "false": False}[said] if kind == "boolean" else said
    except (KeyError, ValueError):
        raise FaststyleError(f"{name}={said[:20]} is not a {kind}.") from None
