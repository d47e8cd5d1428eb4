"""How often each measure prefers the same image as judges, on pairs that they judged blind.

    python -m benchmarks.perceptual.agreement OUT ANSWERS.csv … --paintings DIR --photos DIR \\
        --a DIR --b DIR --weights VGG19

OUT, the answers and the folders are those of `benchmarks.perceptual.jury`. Images are measured at
448 px. Content, style and structure use `--backbone`. Ties and pairs on which judges disagree are
left out. Chance is 50%.
"""

import json
from collections import Counter
from pathlib import Path

from benchmarks.perceptual.gallery import MEASURED, SIZE
from benchmarks.perceptual.jury import QUESTIONS, by_stem, key_file, read_answers
from benchmarks.report import arguments, report
from faststyle_fastai.all import evaluate_style, perceptual_backbone
from faststyle_fastai.perceptual.evaluate import reference_loss

LESS_IS_BETTER = {"mottling", "patches", "grid", "content", "style"}


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("out", type=Path)
    parser.add_argument("answers", type=Path, nargs="+")
    for name in ("--paintings", "--a", "--b"):
        parser.add_argument(name, type=Path, required=True, help="Folder of images.")
    args = parser.parse_args()
    backbone = perceptual_backbone(args.backbone, args.weights)
    paintings, photos = by_stem(args.paintings), by_stem(Path(args.photos))
    key = json.loads(key_file(args.out).read_text())
    judges = [read_answers(file, key) for file in args.answers]
    agreed, asked = Counter(), Counter()
    for pair, shown in key.items():
        style, photo = shown["style"], photos[shown["photo"]]
        loss = reference_loss(backbone, paintings[style])
        folders = {"a": args.a / style, "b": args.b / style}
        found, _ = evaluate_style(lambda x: x, [photo], loss, SIZE, 0, others=folders)
        for i, question in enumerate(QUESTIONS):
            answers = {judge[pair][i] for judge in judges}
            if len(answers) > 1 or "T" in answers:
                continue
            a_preferred = answers == {shown["a"]}
            for measure in MEASURED:
                a, b = found["a"][measure], found["b"][measure]
                if a < b or a > b:  # not NaN
                    asked[measure, question] += 1
                    a_better = (a < b) == (measure in LESS_IS_BETTER)
                    agreed[measure, question] += a_better == a_preferred
    rows = [
        {"measure": measure} | {q: share(agreed[measure, q], asked[measure, q]) for q in QUESTIONS}
        for measure in MEASURED
    ]
    report("agreement", rows, px=SIZE, backbone=args.backbone)


def share(part, whole):
    return f"{part / whole:.0%} of {whole}" if whole else ""


if __name__ == "__main__":
    main()
