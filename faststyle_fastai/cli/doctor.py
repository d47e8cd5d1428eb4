"The command that says what a machine has, and how fast it paints."

import platform
import time
from importlib.util import find_spec

from ..core.errors import format_error
from ..core.extras import EXTRAS, install_line

SIDE, TIMES = 512, 3  # px of the square that is painted, and paintings of which the fastest counts


def doctor():
    "Say what this machine has, and time paintings on each of its devices."
    from ..core.memory import free_memory
    from ..core.provenance import versions

    def room(paint):
        precision = str(paint.dtype or "float32").removeprefix("torch.")
        return f"; {precision}, {free_memory(paint.device) / 2**30:.1f} GB are free"

    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    print(f"Python {platform.python_version()}, {platform.platform()}")
    for name, library in EXTRAS.items():
        print(f"extra {name}: {'installed' if find_spec(library) else install_line(name)}")
    for device in devices():
        try_device(device, room)


def try_device(device, more=lambda paint: ""):
    "Time a painting in a built-in style, and one at sight."
    from ..inference.builtin import style_thumbnail
    from ..inference.stylizer import Stylizer

    ways = {"a built-in style": "great_wave", "at sight": style_thumbnail("great_wave")}
    try:
        paints = {way: Stylizer(style, device) for way, style in ways.items()}
        taken = (f"{fastest(paint):.2f} s {way}" for way, paint in paints.items())
        print(f"device {device}: {', '.join(taken)}{more(paints['at sight'])}")
    except Exception as error:  # of a driver, of any kind
        print(f"device {device}: does not paint ({format_error(error)}). Use --device cpu.")


def devices() -> list[str]:
    "All devices that PyTorch finds."
    import torch

    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    count = torch.accelerator.device_count() if found else 0
    return ["cpu", *([f"{found.type}:{i}" for i in range(count)] if found else [])]


def fastest(paint) -> float:
    "Seconds of the fastest of a few paintings."
    from PIL import Image

    photo, taken = Image.effect_noise((SIDE, SIDE), 64).convert("RGB"), []
    for _ in range(TIMES + 1):  # the first loads and compiles
        begun = time.perf_counter()
        paint(photo)
        taken.append(time.perf_counter() - begun)
    return min(taken[1:])
