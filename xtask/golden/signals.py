"""signals.json: signals of wrong labels from features, by scikit-learn in float64.

Usage: python signals.py OUT.json

Features are made by tensors.py, u("signals-x", [70, 6]), with 1 added to the feature of the sample's class, i % 4, and rounded to float32. The given
labels are the classes, but for every ninth sample, which has the next class.
"""

import sys

import numpy as np
import sklearn
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

import tensors
from rounding import rounded, write

SAMPLES, FEATURES, CLASSES, FOLDS = 70, 6, 4, 5
NEIGHBOURS, TEMPERATURE, SCALE = 7, 0.05, 10.0
KEPT_EVERY = 6


def exact(value):
    return rounded(value, 10)


def data():
    index = np.arange(SAMPLES)
    truth = index % CLASSES
    x = tensors.uniform("signals-x", (SAMPLES, FEATURES))
    x[index, truth] += 1.0
    given = np.where(index % 9 == 0, (truth + 1) % CLASSES, truth)
    return x.astype(np.float32).astype(np.float64), given


def folds(given):
    """The samples of each label go to the folds in turn, beginning with the fold of the label's number."""
    upcoming = [label % FOLDS for label in range(CLASSES)]
    fold_of = []
    for label in given:
        fold_of.append(upcoming[label])
        upcoming[label] = (upcoming[label] + 1) % FOLDS
    return np.array(fold_of)


def out_of_fold(model, x, given, kept):
    fold_of = folds(given)
    probabilities = np.zeros((SAMPLES, CLASSES))
    for fold in range(FOLDS):
        taught = (fold_of != fold) & kept
        model.fit(x[taught], given[taught])
        probabilities[fold_of == fold] = model.predict_proba(x[fold_of == fold])
    return exact(probabilities)


def neighbours(unit, given):
    search = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, metric="cosine", algorithm="brute").fit(unit)
    distance, found = search.kneighbors(unit)
    distance, found = distance[:, 1:], found[:, 1:]
    weight = np.exp((distance[:, :1] - distance) / TEMPERATURE)
    votes = np.stack([(weight * (given[found] == label)).sum(axis=1) for label in range(CLASSES)], axis=1)
    return {"neighbours": found.tolist(), "similarity": exact(1.0 - distance), "votes": exact(votes / votes.sum(axis=1, keepdims=True))}


def prototypes(unit, given):
    logits = np.zeros((SAMPLES, CLASSES))
    for i in range(SAMPLES):
        for label in range(CLASSES):
            others = (given == label) & (np.arange(SAMPLES) != i)
            mean = unit[others].mean(axis=0)
            logits[i, label] = SCALE * unit[i] @ mean / np.linalg.norm(mean)
    return exact(logits)


def document():
    x, given = data()
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    every = np.ones(SAMPLES, dtype=bool)
    some = np.arange(SAMPLES) % KEPT_EVERY != 0
    logistic = lambda c: LogisticRegression(C=c, tol=1e-10, max_iter=10_000)
    discriminant = lambda shrinkage: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    return {
        "scikit-learn": sklearn.__version__,
        "first_features": exact(x[:2]),
        "folds": folds(given).tolist(),
        "logistic_0.5": out_of_fold(logistic(2.0), x, given, every),
        "logistic_4_kept": out_of_fold(logistic(0.25), x, given, some),
        "discriminant_0.6": out_of_fold(discriminant(0.6), x, given, every),
        "discriminant_0.1_kept": out_of_fold(discriminant(0.1), x, given, some),
        **neighbours(unit, given),
        "prototypes": prototypes(unit, given),
    }


if __name__ == "__main__":
    write(sys.argv[1], document())
