"""How many labels are wrong, and which: what `effmix train FOLDER --weights W` says of sets whose wrong labels are known.

    python -m pip install numpy scikit-learn pandas pillow cleanlab==2.9.0
    python xtask/bench/wrong_labels.py DATA --weights W --effmix target/release/effmix --out OUT [--only trash] [--cleanlab]

DATA holds CIFAR-10 as train/CLASS/NNNN.jpg, trashnet/CLASS/*.jpg and cifar10n.csv (docs/benchmarks/README.md). OUT gets the sets,
as hard links, and the runs; what is there is not done again. Prints the table of docs/benchmarks/wrong-labels.md.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import time
from pathlib import Path

# Asymmetric noise of CIFAR-10, as DivideMix's authors make it.
CONFUSED = {"truck": "automobile", "bird": "airplane", "deer": "horse", "cat": "dog", "dog": "cat"}

# The two classes of TrashNet that a classifier confuses most.
ALIKE = ("glass", "plastic")


def symmetric(rate):
    def noise(rng, rows, classes):
        chosen = set(rng.sample(range(len(rows)), int(rate * len(rows))))
        return [rng.choice(classes) if i in chosen else true for i, (_, true) in enumerate(rows)]

    return noise


def asymmetric(rate):
    def noise(rng, rows, classes):
        chosen = set(rng.sample(range(len(rows)), int(rate * len(rows))))
        return [CONFUSED.get(true, true) if i in chosen else true for i, (_, true) in enumerate(rows)]

    return noise


def moved(rate):
    """So many labels moved to another class, at random."""

    def noise(rng, rows, classes):
        given = [true for _, true in rows]
        for i in rng.sample(range(len(rows)), round(rate * len(rows))):
            given[i] = rng.choice([c for c in classes if c != given[i]])
        return given

    return noise


def swapped(rate):
    """So many labels of the two most alike classes moved from one to the other."""

    def noise(rng, rows, classes):
        given = [true for _, true in rows]
        alike = [i for i, label in enumerate(given) if label in ALIKE]
        for i in rng.sample(alike, round(rate * len(alike))):
            given[i] = ALIKE[1 - ALIKE.index(given[i])]
        return given

    return noise


def as_it_is(rng, rows, classes):
    return [true for _, true in rows]


def by_chance(rng, rows, classes):
    given = [true for _, true in rows]
    rng.shuffle(given)
    return given


def people(column):
    def noise(rng, rows, classes):
        return [HUMAN[path][column] for path, _ in rows]

    return noise


# name: (images: "trash", or the first and last CIFAR image of each class), noise, seed
SETS = {
    "trash": ("trash", as_it_is, 0),
    **{f"trash-moved-{s}": ("trash", moved(0.045), s) for s in (1, 2, 3)},
    **{f"trash-alike-{s}": ("trash", swapped(0.10), s) for s in (1, 2, 3)},
    "trash-chance": ("trash", by_chance, 1),
    "official-10000": ((0, 1000), as_it_is, 0),
    "official-2000": ((1000, 1200), as_it_is, 0),
    "official-200": ((500, 520), as_it_is, 0),
    "random1-5000": ((500, 1000), people("random1"), 0),
    "random1-10000": ((0, 1000), people("random1"), 0),
    "aggre-5000": ((500, 1000), people("aggre"), 0),
    "aggre-10000": ((1000, 2000), people("aggre"), 0),
    "symmetric02-5000": ((2000, 2500), symmetric(0.02), 7),
    "symmetric05-5000": ((500, 1000), symmetric(0.05), 7),
    "symmetric20-5000": ((500, 1000), symmetric(0.2), 7),
    "symmetric50-5000": ((500, 1000), symmetric(0.5), 7),
    "symmetric50-1000": ((500, 600), symmetric(0.5), 7),
    "symmetric80-5000": ((500, 1000), symmetric(0.8), 7),
    "asymmetric40-5000": ((500, 1000), asymmetric(0.4), 7),
    "chance-5000": ((500, 1000), by_chance, 7),
    "chance-600": ((500, 560), by_chance, 7),
    "black": ("black", as_it_is, 0),
    # With random numbers in place of pretrained weights: the same names and "-scratch".
    "trash-moved-1-scratch": ("trash", moved(0.045), 1),
    "official-10000-scratch": ((0, 1000), as_it_is, 0),
}

HUMAN = {}


def make(out, name, data):
    """The set as class folders, and a CSV of the true labels by path."""
    images, noise, seed = SETS[name]
    folder, truth = out / "sets" / name, out / "sets" / f"{name}.csv"
    if truth.exists():
        return folder, truth
    if images == "black":
        from PIL import Image

        rows = []
        for label in "abcd":
            (folder / label).mkdir(parents=True, exist_ok=True)
            for i in range(60):
                Image.new("RGB", (64, 64)).save(folder / label / f"{i:02d}.png")
                rows.append((f"{label}/{i:02d}.png", label))
    else:
        root = data / ("trashnet" if images == "trash" else "train")
        classes = sorted(c.name for c in root.iterdir() if c.is_dir())
        if images == "trash":
            files = [(f"{c}/{f.name}", c) for c in classes for f in sorted((root / c).iterdir())]
        else:
            files = [(f"{c}/{i:04d}.jpg", c) for c in classes for i in range(*images)]
        keyed = [(path if images == "trash" else f"train/{path}", true) for path, true in files]
        given = noise(random.Random(seed), keyed, classes)
        rows = []
        for (path, true), label in zip(files, given):
            target = f"{label}/{true}_{Path(path).name}"
            (folder / label).mkdir(parents=True, exist_ok=True)
            if not (folder / target).exists():
                os.link(root / path, folder / target)
            rows.append((target, true))
    with open(truth, "w", newline="") as file:
        csv.writer(file).writerows([("path", "true_label"), *rows])
    return folder, truth


def run(out, name, folder, effmix, weights):
    target = out / "runs" / name
    if not (target / "summary.json").exists():
        weights = "none" if name.endswith("-scratch") else weights
        began = time.time()
        command = [effmix, "train", folder, "--weights", weights, "--out", target, "--force"]
        subprocess.run(command, check=True, capture_output=True)
        (out / "runs" / f"{name}.seconds").write_text(f"{time.time() - began:.1f}")
    seconds = float((out / "runs" / f"{name}.seconds").read_text())
    summary = json.loads((target / "summary.json").read_text())
    with open(target / "label_issues.csv", newline="") as file:
        return summary, list(csv.DictReader(file)), seconds


def cleanlab(out, name, folder, effmix, weights, truth):
    """Of the wrong labels, how many are among the worst as many by each of cleanlab's scores, on 5-fold predictions of logistic
    regression on the same features; the best score."""
    import numpy as np
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = out / "runs" / f"{name}.features.npy"
    paths = sorted(truth)
    if not features.exists():
        files = [str(folder / path) for path in paths]
        command = [effmix, "predict", weights, "-", "--size", "160", "--embeddings", features, "--json"]
        subprocess.run(command, check=True, capture_output=True, input="\n".join(files).encode())
    given = np.array([path.split("/")[0] for path in paths])
    classes, labels = np.unique(given, return_inverse=True)
    wrong = np.array([truth[path] != label for path, label in zip(paths, given)])
    x = np.load(features)
    best = (0, "")
    for strength in (0.001, 0.01, 0.1):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
        folds = StratifiedKFold(5, shuffle=True, random_state=1)
        p = cross_val_predict(model, x, labels, cv=folds, method="predict_proba")
        for score in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
            order = np.argsort(get_label_quality_scores(labels, p, method=score), kind="stable")
            best = max(best, (int(wrong[order[: wrong.sum()]].sum()), f"{score}, C = {strength}"))
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--effmix", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--cleanlab", action="store_true")
    args = parser.parse_args()
    with open(args.data / "cifar10n.csv", newline="") as file:
        HUMAN.update({row["path"]: row for row in csv.DictReader(file)})
    (args.out / "runs").mkdir(parents=True, exist_ok=True)
    (args.out / "sets").mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("EFFMIX_CACHE", str(args.out / "cache"))
    print("| set | accuracy (true labels) | wrong | estimate (range) | flagged: right / all | worst as many | cleanlab | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for name in SETS:
        if args.only not in name:
            continue
        folder, truth_file = make(args.out, name, args.data)
        with open(truth_file, newline="") as file:
            truth = {row["path"]: row["true_label"] for row in csv.DictReader(file)}
        summary, rows, seconds = run(args.out, name, folder, args.effmix, args.weights)
        wrong = [truth[row["path"]] != row["given_label"] for row in rows]
        training = [w for w, row in zip(wrong, rows) if row["set"] == "train"]
        accuracy = true_accuracy(args, name, folder, truth, rows)
        flagged = [w for w, row in zip(wrong, rows) if row["is_issue"] == "true"]
        percent = lambda share: "-" if share is None else f"{100 * share:.1f}"
        ends = [percent(summary[f"estimated_noise_rate{end}"]) for end in ("", "_low", "_high")]
        estimate = f"{ends[0]} ({ends[1]} to {ends[2]})" if summary["withheld"] is None else "nothing said"
        known = sum(wrong) > 0 and summary["withheld"] is None
        worst = f"{sum(wrong[: sum(wrong)])} of {sum(wrong)}" if known else "-"
        peer = "-"
        if args.cleanlab and known:
            count, how = cleanlab(args.out, name, folder, args.effmix, args.weights, truth)
            peer = f"{count} ({how})"
        print(
            f"| {name} | {percent(accuracy)} | {100 * sum(training) / len(training):.1f} % | {estimate} "
            f"| {sum(flagged)} / {len(flagged)} | {worst} | {peer} | {seconds:.0f} |",
            flush=True,
        )


def true_accuracy(args, name, folder, truth, rows):
    """Of the held-out images, the share that the model gives their true label."""
    held_out = [row["path"] for row in rows if row["set"] == "test"]
    files = "\n".join(str(folder / path) for path in held_out)
    command = [args.effmix, "predict", args.out / "runs" / name, "-", "--json"]
    output = subprocess.run(command, check=True, capture_output=True, input=files.encode()).stdout
    predicted = [row["label"] for row in json.loads(output)["predictions"]]
    return sum(p == truth[path] for p, path in zip(predicted, held_out)) / max(len(held_out), 1)


if __name__ == "__main__":
    main()
