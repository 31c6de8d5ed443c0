"""Tensors by formula, so that no weights and no images have to be stored: the Rust tests make the same ones.

An entry i (flat, row-major) of the tensor called NAME is

    u(NAME, i) = (splitmix64(fnv1a64(NAME) + i) >> 11) / 2**52 - 1        in [-1, 1), integers modulo 2**64

A network's parameter, called by its native key and of shape s, is made from it in float64 and rounded to float32:

    convolution, 4-D    gain * sqrt(3 / (s1 s2 s3)) * u    gain 1 in a stage's repeated blocks, else 1.7; 1.5 in `_blocks.N`
    linear, 2-D         sqrt(3 / s1) * u
    running_var         1 + 0.2 |u|
    other 1-D weight    1 + 0.1 u
    anything else       0.1 u                              biases, running means

A repeated block is one whose key has a whole number of 1 or more as its third field; `_blocks` (lukemelas's) are numbered
through, so that first ones can't be told from repeated ones. The gain keeps activations of
order one down to the last stage of B7.
"""

import math

import numpy as np

MASK = 2**64 - 1


def fnv1a64(name):
    state = 0xCBF29CE484222325
    for byte in name.encode("utf-8"):
        state = (state ^ byte) * 0x100000001B3 & MASK
    return state


def random_bits(name, count):
    """The first `count` words of 64 bits of the stream called `name`."""
    start = (fnv1a64(name) + 0x9E3779B97F4A7C15) & MASK
    with np.errstate(over="ignore"):
        words = np.uint64(start) + np.arange(count, dtype=np.uint64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            words = (words ^ words >> np.uint64(shift)) * np.uint64(factor)
        return words ^ words >> np.uint64(31)


def uniform(name, shape):
    """u(name, .) as a float64 array of this shape."""
    words = random_bits(name, math.prod(shape)) >> np.uint64(11)
    return (words.astype(np.float64) / 2.0**52 - 1.0).reshape(shape)


def is_repeated_block(key):
    fields = key.split(".")
    return len(fields) >= 3 and fields[2].isdigit() and fields[2] != "0"


def parameter(key, shape):
    """The float32 value of a network's parameter or running statistic."""
    u = uniform(key, shape)
    match len(shape):
        case 4:
            gain = 1.5 if key.startswith("_blocks.") else 1.0 if is_repeated_block(key) else 1.7
            value = gain * np.sqrt(3.0 / math.prod(shape[1:])) * u
        case 2:
            value = np.sqrt(3.0 / shape[1]) * u
        case _ if key.endswith("running_var"):
            value = 1.0 + 0.2 * np.abs(u)
        case _ if key.endswith(".weight"):
            value = 1.0 + 0.1 * u
        case _:
            value = 0.1 * u
    return value.astype(np.float32)


def image(name, shape):
    """Float32 in [-1, 1)."""
    return uniform(name, shape).astype(np.float32)


def picture(height, width):
    """Bytes as a decoded PNG has them, [height, width, 3]: the low byte of each word of the stream "png"."""
    return (random_bits("png", height * width * 3) & np.uint64(0xFF)).astype(np.uint8).reshape(height, width, 3)
