//! DivideMix: training image classifiers on wrong labels, and finding them.
