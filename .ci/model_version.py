"""Name a version, for the later jobs of a pipeline: that of a bundle, or else the challenger's.

Prints the version, or hands it on as the output `version`. Without a challenger, it is empty.
"""

import os
import sys
from pathlib import Path

from lmops.bundle import load
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.state import CHALLENGER, fold


def version(arguments: list[str]) -> str:
    """Return the version of the bundle in the folder `arguments[0]`, or the challenger's."""
    if arguments:
        return load(Path(arguments[0])).version
    home = Home(Path(os.environ.get("LMOPS_HOME", ".lmops")))
    return fold(Ledger(home.ledger).entries()).aliases.get(CHALLENGER, "")


def main() -> None:
    """Hand the version on, in the way of the system that runs this."""
    name = version(sys.argv[1:])
    if "GITHUB_OUTPUT" in os.environ:
        with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as output:
            output.write(f"version={name}\n")
    elif "TF_BUILD" in os.environ:
        print(f"##vso[task.setvariable variable=version;isOutput=true]{name}")
    else:
        print(name)


if __name__ == "__main__":
    main()
