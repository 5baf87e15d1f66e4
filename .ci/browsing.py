"""What the two scripts that take pictures share: a Chromium, and files of few bytes."""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

MOST_BYTES = 150_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a browser, or say what to type."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        sys.exit("pictures: Chromium is not installed; type: make system")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def write(png: bytes, path: Path) -> None:
    """Write a picture in as few bytes as 256 colours take."""
    shown = Image.open(io.BytesIO(png)).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    shown.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"pictures: {path} has {size:,} bytes, more than {MOST_BYTES:,}")
    print(f"{path}  {shown.width} x {shown.height}, {size:,} bytes")
