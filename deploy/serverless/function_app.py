"""The service as an Azure Function, by Python's v2 programming model.

`package.py` puts the model and its code beside this file. What it reads from the app's settings:

    LMOPS_KEYS   the file `.lmops/keys.db` in base64, from a key vault; without it, nobody may ask
    LMOPS_HOME   the folder for keys and log; without it, one that goes with the instance

Each instance counts its own requests for the rate limits, and an answer is sent whole: the host
takes no stream from Python's ASGI apps (Azure/azure-functions-host#4926).
"""

import atexit
import base64
import binascii
import os
import tempfile
from pathlib import Path

import azure.functions as func

from lmops import bundle
from lmops.home import Home
from lmops.service.app import create_app
from lmops.service.ended import Ended
from lmops.service.engine import Engine
from lmops.service.keys import Keys
from lmops.service.log import Log
from lmops.service.service import Service


def install_keys(home: Home, encoded: str) -> None:
    """Put the keys that came as a setting where the service looks for them."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        content = b""
    if not content.startswith(b"SQLite format 3\0"):
        raise SystemExit(
            "LMOPS_KEYS is no keys.db in base64. Set it to what this prints: "
            "base64 --wrap 0 .lmops/keys.db"
        )
    home.keys.parent.mkdir(parents=True, exist_ok=True)
    with open(home.keys, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(content)


home = Home(Path(os.environ.get("LMOPS_HOME") or tempfile.mkdtemp(prefix="lmops-")))
if keys := os.environ.get("LMOPS_KEYS"):
    install_keys(home, keys)

log = Log(home.logs)
log.__enter__()
atexit.register(log.__exit__)

service = Service(
    engine=Engine(bundle.load(Path(__file__).with_name("model"))),
    keys=Keys(home.keys, patience=0),
    log=log,
    ended=Ended(home.ledger),
)
app = func.AsgiFunctionApp(
    app=create_app(service, home.models),
    http_auth_level=func.AuthLevel.ANONYMOUS,  # the service has keys of its own
)
