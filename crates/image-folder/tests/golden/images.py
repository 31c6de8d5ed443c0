"""images.json: what Pillow and torchvision make of small images.

Usage: python images.py OUT.json
"""

import io
import json
import sys

import PIL
import torchvision
from PIL import Image, ImageOps
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

MODES = {"bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}
# Width and height of the source, size of the view: smaller, larger, upright, wide, odd spare pixels.
SHAPES = [(37, 50, 16), (9, 13, 16), (40, 31, 24), (100, 17, 8), (30, 30, 12), (64, 45, 45), (21, 10, 7)]


def source(width, height):
    """The picture that the Rust test makes too: smooth parts and sharp edges."""
    image = Image.new("RGB", (width, height))
    image.putdata(
        [
            tuple((x * 7 + y * 13 + c * 29 + x * y * 3) % 256 for c in range(3))
            for y in range(height)
            for x in range(width)
        ]
    )
    return image


def views():
    cases = [(*shape, shape[2]) for shape in SHAPES]
    # With a margin of an eighth, and of one pixel.
    cases += [(*shape, shape[2] * 8 // 7 if i % 2 else shape[2] + 1) for i, shape in enumerate(SHAPES)]
    for width, height, size, resized in cases:
        for name, mode in MODES.items():
            view = CenterCrop(size)(Resize(resized, mode)(source(width, height)))
            yield {
                "width": width,
                "height": height,
                "size": size,
                "resized": resized,
                "interpolation": name,
                "pixels": view.tobytes().hex(),
            }


def fits():
    """All of an image in a square: squeezed, and with a border."""
    resampling = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    for width, height, size in [*SHAPES, (160, 48, 32), (30, 200, 16), (16, 16, 16)]:
        image = source(width, height)
        for name, mode in resampling.items():
            yield {
                "width": width,
                "height": height,
                "size": size,
                "interpolation": name,
                "squeezed": image.resize((size, size), mode).tobytes().hex(),
                "padded": ImageOps.pad(image, (size, size), mode, color=(124, 116, 104)).tobytes().hex(),
            }


def four_colours():
    """A CMYK JPEG as Pillow writes it, and the same bytes declared to be YCCK by their Adobe marker."""
    black = Image.linear_gradient("L").resize((16, 16))
    image = Image.merge("CMYK", [*source(16, 16).split(), black])
    written = io.BytesIO()
    image.save(written, "JPEG", quality=95, subsampling=0)
    cmyk = written.getvalue()
    adobe = cmyk.index(b"Adobe")
    ycck = cmyk[: adobe + 11] + b"\x02" + cmyk[adobe + 12 :]
    for name, data in (("cmyk", cmyk), ("ycck", ycck)):
        rgb = Image.open(io.BytesIO(data)).convert("RGB")
        yield {"name": name, "jpeg": data.hex(), "pixels": rgb.tobytes().hex()}


if __name__ == "__main__":
    table = {
        "pillow": PIL.__version__,
        "torchvision": torchvision.__version__,
        "views": list(views()),
        "fits": list(fits()),
        "four_colours": list(four_colours()),
    }
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump(table, out, indent=1)
        out.write("\n")
