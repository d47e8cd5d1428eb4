"Features of published systems: the system, its feature, and a check that it works here."

import matplotlib

from benchmarks.cli.fastai_rows import SKALSKI
from benchmarks.cli.network_rows import SELOUFIAN, TARUN
from benchmarks.cli.optimization_rows import BLOG, CROWSONKB
from benchmarks.cli.system_checks import camera_paints, commands_of

matplotlib.use("Agg")
OPTIONS = [
    *[(f"{command} --{option}", commands_of(command, option)) for command, options in {
        "train": "style-weight content-weight tv-weight lr epochs content-layers style-layers "
                 "style-size optimizer checkpoint-every preview-every preview-photo valid-pct precision",
        "pretrain": "content-weight tv-weight lr epochs content-layers optimizer checkpoint-every "
                    "valid-pct num-workers precision",
        "add-style": "style-weight content-weight tv-weight lr style-layers content-layers precision",
        "optimize": "style-ratio content-layers style-layers device precision",
        "stylize": "batch-size precision",
        "video": "mix mask background-style tile strength fps crf precision",
    }.items() for option in options.split()],
    ("camera: choice of camera, recording", camera_paints),
]  # fmt: skip
TABLES = {
    "seloufian": SELOUFIAN,
    "crowsonkb": CROWSONKB,
    "Gatys blog": BLOG,
    "tarun-bisht": TARUN,
    "PiotrekSkalski": SKALSKI,
    "options": OPTIONS,
}
ROWS = [(system, *row) for system, table in TABLES.items() for row in table]
