"""A training step and inference of timm's EfficientNet, under PyTorch, ONNX Runtime and OpenVINO.

Every module here has `prepare(job)`: a function that does the job's work once, made warm; what one call counts (images); and
what it found, where that can be compared.
"""

import os
import tempfile

import numpy as np
import timm
import torch

CLASSES = 1000
LEAST_STEPS = 3
UNTIMED = 3
# torch.compile measures its candidates in the first steps.
UNTIMED_COMPILED = 5


def network(arch, train, classes=CLASSES):
    torch.manual_seed(0)
    rate = 0.2 if train else 0.0
    return timm.create_model(arch, num_classes=classes, drop_rate=rate, drop_path_rate=rate).train(train)


def in_layout(thing, peer):
    return thing.to(memory_format=torch.channels_last) if "channels-last" in peer else thing


def images(job):
    torch.manual_seed(1)
    return torch.rand(job["batch"], 3, job["size"], job["size"])


def torch_step(job):
    train = job["work"] == "train"
    model, x = in_layout(network(job["arch"], train), job["peer"]), in_layout(images(job), job["peer"])
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


def prepare(job):
    torch.set_num_threads(job["threads"])
    makers = {"onnxruntime": onnxruntime_step, "openvino": openvino_step}
    step = makers.get(job["peer"], torch_step)(job)
    for _ in range(UNTIMED_COMPILED if "compile" in job["peer"] else UNTIMED):
        step()
    return step, job["batch"], None
