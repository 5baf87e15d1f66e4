"""Put together what is deployed: the function, the service's code, and a model.

    python deploy/serverless/package.py build/function
    python deploy/serverless/package.py build/function --model .lmops/models/3f2a9c01d4e5b678

Then, with Azure Functions Core Tools: `cd build/function && func azure functionapp publish NAME`,
which has Azure install `requirements.txt`.
"""

import argparse
import shutil
import sys
from pathlib import Path

from lmops import bundle

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COURSE = ("__init__.py",)  # all of lmcourse that the service imports


def package(folder: Path, model: Path) -> bundle.Bundle:
    """Make `folder`, which must not be there yet, and return the bundle in it."""
    sound = bundle.load(model)
    folder.mkdir(parents=True)
    for name in ("function_app.py", "host.json", "requirements.txt"):
        shutil.copy(HERE / name, folder)
    unwanted = shutil.ignore_patterns("__pycache__", "commands", "cli.py")
    shutil.copytree(ROOT / "lmops", folder / "lmops", ignore=unwanted)
    (folder / "lmcourse").mkdir()
    for name in COURSE:
        shutil.copy(ROOT / "lmcourse" / name, folder / "lmcourse")
    shutil.copytree(sound.folder, folder / "model")
    return sound


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a new one")
    parser.add_argument("--model", type=Path, default=bundle.SHIPPED, help="a bundle's folder")
    asked = parser.parse_args()
    try:
        made = package(asked.folder, asked.model)
    except FileExistsError:
        parser.error(f"{asked.folder} is there. Remove it, or name another")
    except bundle.BrokenBundle as error:
        sys.exit(str(error))
    size = sum(path.stat().st_size for path in asked.folder.rglob("*") if path.is_file())
    print(f"{asked.folder}: {size:,} bytes, with model {made.version}")


if __name__ == "__main__":
    main()
