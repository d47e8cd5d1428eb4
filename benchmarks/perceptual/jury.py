"""Two sets of painted images, judged by people who do not know which is which.

    python -m benchmarks.perceptual.jury make OUT --paintings DIR --photos DIR --a DIR \\
        --b DIR [--n 40]
    python -m benchmarks.perceptual.jury count OUT ANSWERS.csv … [--against NAME]

`make` matches A/STYLE/PHOTO.* and B/STYLE/PHOTO.* with PAINTINGS/STYLE.* and PHOTOS/PHOTO.* by file
stem. OUT/pairNN.png shows the photo and the painting above, and the two results below, with their
sides shuffled. OUT.key.json records A's sides: keep it from the judges. `count` reads lines
`pair,style,content,clean,hang,painting` with L, R or T (a tie, which counts half for each). It
prints how often A is preferred, with a 95% interval (Wilson 1927), overall and by painting. With
several judges, it also prints how often they agree. `--against` saves the answers as the row of
that name in results/jury.json. `--questions` and `--table` are for other sheets, as those of
`benchmarks.video.sheets`.

Ask the judges these questions. style: which looks more as if made in that painting's manner
(strokes, motifs, palette; not a color filter)? content: which keeps subject, light and dark, depth
and edges more clearly? clean: which has fewer blotches, grids, mottling and smears? hang: which
would you put on your wall? painting: which looks painted by hand in the manner of that painting,
not like a photo with a filter? Ask at least two judges, and nobody who made the images.
"""

import argparse
import csv
import json
import math
import random
from collections import defaultdict
from itertools import combinations
from pathlib import Path

from benchmarks.report import kept, report
from faststyle_fastai.all import contact_sheet, picture_files, read_picture, side_by_side

QUESTIONS = "style", "content", "clean", "hang", "painting"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(required=True)
    make = verbs.add_parser("make")
    make.add_argument("out", type=Path)
    for name in ("--paintings", "--photos", "--a", "--b"):
        make.add_argument(name, type=Path, required=True, help="Folder of images.")
    make.add_argument("--styles", nargs="*", help="Styles. Default: all that A and B have.")
    make.add_argument("--n", type=int, default=40, help="Largest number of pairs.")
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--height", type=int, default=420, help="Height of each image in px.")
    make.set_defaults(run=make_pairs)
    count = verbs.add_parser("count")
    count.add_argument("out", type=Path)
    count.add_argument("answers", nargs="+", type=Path)
    count.add_argument("--questions", nargs="+", default=QUESTIONS)
    count.add_argument("--only", help="Count the pairs of this style, or of this peer, only.")
    count.add_argument("--against", help="Name of B's program.")
    count.add_argument("--table", default="jury", help="Results that --against adds to.")
    count.set_defaults(run=count_answers)
    args = parser.parse_args()
    args.run(args)


def key_file(out):
    return out.with_name(f"{out.name}.key.json")


def by_stem(folder):
    return {path.stem: path for path in picture_files(folder)} if folder.is_dir() else {}


def make_pairs(args):
    paintings, photos, cases = by_stem(args.paintings), by_stem(args.photos), []
    for style in args.styles or paintings:
        a, b = (by_stem(folder / style) for folder in (args.a, args.b))
        shared = [name for name in photos if name in a and name in b]
        cases += [(style, name, a[name], b[name]) for name in shared]
    rng = random.Random(args.seed)
    rng.shuffle(cases)
    args.out.mkdir(parents=True, exist_ok=True)
    key = {}
    for i, (style, name, *pair) in enumerate(cases[: args.n], 1):
        if flip := rng.random() < 0.5:
            pair.reverse()
        rows = [[photos[name], paintings[style]], pair]
        rows = [[read_picture(file) for file in row] for row in rows]
        rows = [[side_by_side([picture], args.height) for picture in row] for row in rows]
        contact_sheet(rows, gap=6).save(args.out / f"pair{i:02d}.png")
        key[f"{i:02d}"] = {"style": style, "photo": name, "a": "R" if flip else "L"}
    key_file(args.out).write_text(json.dumps(key, indent=1))
    print(f"Wrote {len(key)} pairs to {args.out}, and the key to {key_file(args.out)}")


def read_answers(file, key, questions=QUESTIONS):
    "pair -> answers to the questions. Raises `ValueError` for an invalid line."
    found, n = {}, len(questions)
    for row in csv.reader(file.read_text().splitlines()):
        if row and row[0].strip().isdigit():
            pair = f"{int(row[0]):02d}"
            answers = [value.strip().upper() for value in row[1 : n + 1]]
            if pair not in key or len(answers) < n or not set(answers) <= {"L", "R", "T"}:
                raise ValueError(f"{file}: '{','.join(row)}' is not a pair and {n} of L, R and T.")
            found[pair] = answers
    return found


def preferred(wins):
    "How often A is preferred, with the 95% interval."
    n, share = len(wins), sum(wins) / len(wins)
    middle = (share + 1.92 / n) / (1 + 3.84 / n)
    half = 1.96 * math.sqrt(share * (1 - share) / n + 0.9604 / n**2) / (1 + 3.84 / n)
    return f"A in {share:.0%} of {n} ({max(middle - half, 0):.0%} to {min(middle + half, 1):.0%})"


def count_answers(args):
    key, questions = json.loads(key_file(args.out).read_text()), args.questions
    judges, wins = [read_answers(file, key, questions) for file in args.answers], defaultdict(list)
    if args.only:
        key = {pair: known for pair, known in key.items() if known["style"] == args.only}
        judges = [{pair: judge[pair] for pair in judge if pair in key} for judge in judges]
    for judge in judges:
        for pair, answers in judge.items():
            for question, side in zip(questions, answers):
                won = 0.5 if side == "T" else float(side == key[pair]["a"])
                wins[question].append(won)
                wins[f"{question}, {key[pair]['style']}"].append(won)
    for title in sorted(wins, key=lambda name: ("," in name, name)):
        print(f"{title:30s} {preferred(wins[title])}")
    if args.against:
        rows = [row for row in kept(args.table)["rows"] if row["against"] != args.against]
        row = {"against": args.against, "pairs": len(key), "judges": len(judges)}
        rows.append(row | {q: f"{sum(wins[q]) / len(wins[q]):.0%}" for q in questions})
        report(args.table, rows)
    for i, question in enumerate(questions):
        both = [(a[p][i], b[p][i]) for a, b in combinations(judges, 2) for p in a if p in b]
        if both:
            print(f"judges agree on {question}: {sum(a == b for a, b in both)} of {len(both)}")


if __name__ == "__main__":
    main()
