"""An hour of visitors, commands, kills and full disks, and what went wrong.

    python -m benchmarks.core.soak PHOTOS --painting PAINTING [--minutes 60] [--visitors 8]

`faststyle web` serves visitors who paint photos and films, add paintings, train for a minute, and
delete what they trained. Two of them attack it: they fill the disk, come under many names, send
garbage, let bodies trickle, and call at once. Beside it, commands run one after another: photos,
folders that get SIGKILL and continue with `--skip-existing`, trainings and videos that get SIGKILL
and continue with `--resume`, Ctrl-C, damaged photos, and a full disk (Linux as root). Each result
is compared with one that was made before, alone. The table counts wrong bits, lost files, hangs and
tracebacks.
"""

import argparse
import json
import random
import signal
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.core.commands import COMMANDS
from benchmarks.core.faults import FAULTS, LONGEST, Soak
from benchmarks.report import cpu, report
from benchmarks.web.attackers import attacker
from benchmarks.web.visitors import PORT, page, painted, visitor, ways
from faststyle_fastai.images.discovery import find_pictures

HOSTILE = 2  # visitors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", metavar="PHOTOS", help="Folder of photos.")
    parser.add_argument("--painting", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--visitors", type=int, default=8)
    args = parser.parse_args()
    # A shell lets programs in the background ignore Ctrl-C; commands started here must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        photos = find_pictures(args.photos)[0][:8]
        soak = Soak(Path(folder), photos, args.painting.resolve(), 60 * args.minutes)
        with page(Path(folder)) as log:
            first = "first"
            wanted = {n: painted(first, way) for n, way in enumerate(ways(soak))}
            commands = [command(soak, random.Random(0)) for command in COMMANDS]
            for command in commands:
                next(command, None)
            threads = [
                threading.Thread(target=visitor, args=(soak, i, wanted), daemon=True)
                for i in range(args.visitors - HOSTILE)
            ] + [
                threading.Thread(target=attacker, args=(soak, i, PORT), daemon=True)
                for i in range(HOSTILE)
            ]
            for thread in threads:
                thread.start()
            while soak.going():
                for command in commands:
                    if soak.going():
                        next(command, None)
            for thread in threads:
                thread.join(LONGEST)
                if thread.is_alive():
                    soak.count("visitor", "hangs", thread.name)
            minutes = (time.monotonic() - began) / 60
        for part in log.read_text().split("Traceback")[1:]:
            soak.count("the page's log", "tracebacks", part)
    rows = [
        {"what": what, "right": soak.done[what]} | {f: soak.faults[what, f] for f in FAULTS}
        for what in sorted({*soak.done, *(what for what, _ in soak.faults)})
    ]
    report("soak", rows, cpu=cpu(), minutes=round(minutes), visitors=args.visitors)
    print(json.dumps(soak.notes, indent=1))
    raise SystemExit(bool(soak.faults))


if __name__ == "__main__":
    main()
