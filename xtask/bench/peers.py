"""The peers of `cargo xtask bench`: PyTorch, ONNX Runtime, OpenVINO, torchvision, scikit-learn.

Needs the packages of requirements.txt.

A server: reads one JSON object a line from stdin, does that work for so many seconds, and answers with one line. What was
built for one line (a compiled network) is kept for the next, so that rounds can be interleaved with other programs'.

    {"peer": "channels-last", "work": "train", "arch": "efficientnet_b0", "size": 32, "batch": 64, "threads": 2, "seconds": 5}
    {"per_second": 597.0, "steps": 47, "peak_rss_bytes": 1800000000, "base_rss_bytes": 400000000}

| file | works |
|---|---|
| networks.py | train, predict |
| loader.py | loader |
| mixture.py | mixture |
| divide_mix.py | dividemix |
"""

import importlib
import json
import os
import resource
import statistics
import sys
import time

MODULES = {
    "train": "networks",
    "predict": "networks",
    "loader": "loader",
    "mixture": "mixture",
    "dividemix": "divide_mix",
}


def peak_rss_bytes():
    # Kilobytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(step, count, seconds, least):
    """What `count` a step makes a second, by the median step over `seconds`."""
    times, began = [], time.perf_counter()
    while len(times) < least or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {"per_second": count / statistics.median(times), "steps": len(times)}


def main():
    answers = os.fdopen(os.dup(1), "w")
    # Exporters print on stdout; answers alone belong there.
    os.dup2(2, 1)
    works, base = {}, None
    for line in sys.stdin:
        job = json.loads(line)
        key = json.dumps({k: v for k, v in job.items() if k != "seconds"}, sort_keys=True)
        try:
            module = importlib.import_module(MODULES[job["work"]])
            base = base or peak_rss_bytes()
            if key not in works:
                works[key] = module.prepare(job)
            step, count, found = works[key]
            answer = measure(step, count, job["seconds"], module.LEAST_STEPS)
            answer |= {"peak_rss_bytes": peak_rss_bytes(), "base_rss_bytes": base, "found": found}
        except Exception as error:  # noqa: BLE001: whatever a peer can't do is told in its row
            answer = {"error": f"{type(error).__name__}: {error}".split("\n")[0][:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
