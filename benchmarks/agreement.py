"""How often each measure prefers what judges prefer, on the pairs that they judged blind.

    python -m benchmarks.agreement JURY=ANSWERS.csv,ANSWERS.csv … --paintings DIR --photos DIR \\
        --a DIR --b DIR … --weights VGG19

JURY is an OUT of `benchmarks.jury make`, its answers those of its judges; A is the same folder as
there, `--b` names B's, one a JURY. Measured at 448 px, content and style under VGG19. Answers that
are ties, and pairs that judges disagree on, are left out. Chance is 50 %.
"""

import json
from collections import Counter
from pathlib import Path

from benchmarks.gallery import MEASURED, SIZE
from benchmarks.jury import QUESTIONS, by_stem, key_file, read_answers
from benchmarks.report import arguments, report
from faststyle_fastai.all import evaluate_style, perceptual_backbone, yardstick

LESS_IS_BETTER = {"mottling", "grid", "content", "style"}


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("juries", nargs="+", metavar="JURY=ANSWERS.csv,…")
    for name in ("--paintings", "--a"):
        parser.add_argument(name, type=Path, required=True, help="a folder")
    parser.add_argument("--b", type=Path, nargs="+", required=True, help="a folder for each jury")
    args = parser.parse_args()
    backbone = perceptual_backbone(args.backbone, args.weights)
    paintings, photos = by_stem(args.paintings), by_stem(Path(args.photos))
    agreed, asked = Counter(), Counter()
    for jury, b in zip(args.juries, args.b):
        out, files = jury.split("=", 1)
        key = json.loads(key_file(Path(out)).read_text())
        judges = [read_answers(Path(file), key) for file in files.split(",")]
        for pair, shown in key.items():
            style, photo = shown["style"], photos[shown["photo"]]
            loss = yardstick(backbone, paintings[style])
            folders = {"a": args.a / style, "b": b / style}
            rows, _ = evaluate_style(lambda x: x, [photo], loss, SIZE, 0, others=folders)
            for i, question in enumerate(QUESTIONS):
                said = {judge[pair][i] for judge in judges}
                if len(said) > 1 or "T" in said:
                    continue
                a_preferred = said == {shown["a"]}
                for measure in MEASURED:
                    ours, theirs = rows["a"][measure], rows["b"][measure]
                    if ours == ours and theirs == theirs and ours != theirs:  # not NaN
                        better = (ours < theirs) == (measure in LESS_IS_BETTER)
                        asked[measure, question] += 1
                        agreed[measure, question] += better == a_preferred
    rows = [
        {"measure": measure} | {q: share(agreed[measure, q], asked[measure, q]) for q in QUESTIONS}
        for measure in MEASURED
    ]
    report("agreement", rows, px=SIZE, backbone=args.backbone)


def share(part, whole):
    return f"{part / whole:.0%} of {whole}" if whole else ""


if __name__ == "__main__":
    main()
