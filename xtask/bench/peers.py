"""The peers of `effmix bench`: timm's EfficientNet under PyTorch, ONNX Runtime and OpenVINO.

Needs torch, torchvision, timm, numpy, onnxruntime, openvino, onnx and onnxscript.

A server: reads one JSON object a line from stdin, does that work for so many seconds, and answers with one line. What was
built for one line (a compiled network) is kept for the next, so that rounds can be interleaved with other programs'.

    {"peer": "channels-last", "work": "train", "arch": "efficientnet_b0", "size": 32, "batch": 64, "threads": 2, "seconds": 5}
    {"images_per_s": 597.0, "batches": 47, "peak_rss_bytes": 1800000000}
"""

import json
import os
import resource
import statistics
import sys
import tempfile
import time

import numpy as np
import timm
import torch

CLASSES = 1000
UNTIMED = 3
# torch.compile measures its candidates in the first steps.
UNTIMED_COMPILED = 5


def network(arch, train):
    torch.manual_seed(0)
    model = timm.create_model(arch, num_classes=CLASSES, drop_rate=0.2 if train else 0.0, drop_path_rate=0.2 if train else 0.0)
    return model.train(train)


def images(job):
    torch.manual_seed(1)
    return torch.rand(job["batch"], 3, job["size"], job["size"])


def torch_step(job):
    """A function that does the job's work once, with PyTorch."""
    train = job["work"] == "train"
    model, x = network(job["arch"], train), images(job)
    if "channels-last" in job["peer"]:
        model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    forward = torch.compile(model) if "compile" in job["peer"] else model
    if not train:

        def predict():
            with torch.inference_mode():
                forward(x)

        return predict
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
    labels = torch.arange(job["batch"]) % CLASSES
    loss_of = torch.nn.CrossEntropyLoss()

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss_of(forward(x), labels).backward()
        optimiser.step()

    return step


def exported(job):
    path = os.path.join(tempfile.mkdtemp(), "network.onnx")
    model = network(job["arch"], False)
    with torch.no_grad():
        torch.onnx.export(model, (images(job),), path, input_names=["x"], output_names=["logits"], verbose=False)
    return path


def onnxruntime_step(job):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(exported(job), options, providers=["CPUExecutionProvider"])
    x = images(job).numpy()
    return lambda: session.run(None, {"x": x})


def openvino_step(job):
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": job["threads"],
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = openvino.Core().compile_model(exported(job), "CPU", settings)
    request = compiled.create_infer_request()
    x = np.ascontiguousarray(images(job).numpy())
    return lambda: request.infer({0: x})


def step_of(job):
    torch.set_num_threads(job["threads"])
    if job["peer"] == "onnxruntime":
        return onnxruntime_step(job)
    if job["peer"] == "openvino":
        return openvino_step(job)
    return torch_step(job)


def measure(step, job, warm):
    """Median seconds of a step over `seconds`, three steps at least."""
    torch.set_num_threads(job["threads"])
    for _ in range(1 if warm else UNTIMED_COMPILED if "compile" in job["peer"] else UNTIMED):
        step()
    times, began = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - began < job["seconds"]:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    seconds = statistics.median(times)
    return {
        "images_per_s": job["batch"] / seconds,
        "seconds_per_batch": seconds,
        "batches": len(times),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main():
    answers = os.fdopen(os.dup(1), "w")
    # Exporters print on stdout; answers alone belong there.
    os.dup2(2, 1)
    steps = {}
    for line in sys.stdin:
        job = json.loads(line)
        key = json.dumps({k: v for k, v in job.items() if k != "seconds"}, sort_keys=True)
        try:
            warm = key in steps
            if not warm:
                steps[key] = step_of(job)
            answer = measure(steps[key], job, warm)
        except Exception as error:  # noqa: BLE001: whatever a peer can't do is told in its row
            answer = {"error": f"{type(error).__name__}: {error}".split("\n")[0][:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
