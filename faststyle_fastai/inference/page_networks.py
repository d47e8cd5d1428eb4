"The networks of exported pages, as ONNX programs."

from collections.abc import Callable

import torch

from ..models.decoder import load_decoder
from ..models.people import people_net
from ..models.transformer import TransformerNet
from .first_sight import any_style, lite
from .onnx import filled, packed
from .sight_painter import backbone

__all__ = ["neighbors_programs", "painter_program", "people_program", "reader_program"]


def people_program() -> bytes:
    "The program that finds people and faces."
    return packed(filled("people", **{name: people_net(name) for name in ("person", "face")}))


def neighbors_programs() -> dict[str, Callable]:
    "The functions that make what a page needs to paint with places of a painting, by their names."
    cpu = torch.device("cpu")
    return {
        "places": lambda: packed(filled("places", backbone=backbone(cpu)), "int8"),
        "neighbors": lambda: packed(filled("neighbors-slim", net=load_decoder("slim")), "int8"),
    }


def reader_program() -> bytes:
    "The program that reads a painting's style."
    return packed(filled("reader-slim", any_style=any_style("slim"), backbone=lite()))


def painter_program(net: TransformerNet) -> bytes:
    "The program that paints with any scales and shifts; the network is slim."
    return packed(filled("painter-slim", net=net))
