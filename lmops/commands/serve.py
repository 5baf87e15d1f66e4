"""`lmops serve`: answer requests with a model."""

import ssl
from pathlib import Path

import click

from lmops.commands.common import No, Wrong, answer, examples, home_option, json_option, say
from lmops.home import Home
from lmops.service.limits import Limits

DEFAULT = Limits()


@click.command(
    epilog=examples(
        "lmops keys add me --scope complete   # a key, for those who ask",
        "lmops serve                          # my_model/, or the small model of the course",
        "lmops serve .lmops/models/4f1c...    # another bundle",
        "lmops serve --host 0.0.0.0 --port 443 --cert cert.pem --key key.pem",
        "curl localhost:8000/v1/completions -H 'Authorization: Bearer lm_...' \\",
        """  -H 'Content-Type: application/json' -d '{"model": "lm", "prompt": "Once"}'""",
    )
)
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@home_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to listen at; 0 for any that is free.",
)
@click.option("--cert", type=click.Path(path_type=Path), help="A certificate, for HTTPS.")
@click.option("--key", type=click.Path(path_type=Path), help="Its private key.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT.rate,
    show_default=True,
    help="Requests a second for each key, in the long run.",
)
@click.option(
    "--burst",
    type=click.IntRange(min=1),
    default=DEFAULT.burst,
    show_default=True,
    help="Requests at once for each key.",
)
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    default=DEFAULT.at_once,
    show_default=True,
    help="Requests that may be under way, those that wait included.",
)
@click.option(
    "--request-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT.request_seconds,
    show_default=True,
    help="How long an answer may take.",
)
@click.option(
    "--drain-seconds",
    type=click.FloatRange(min=0),
    default=DEFAULT.drain_seconds,
    show_default=True,
    help="How long answers may go on after SIGTERM.",
)
@json_option
def serve(
    bundle: Path | None,
    home: Home,
    host: str,
    port: int,
    cert: Path | None,
    key: Path | None,
    rate: float,
    burst: int,
    at_once: int,
    request_seconds: float,
    drain_seconds: float,
    as_json: bool,
) -> None:
    """Answer requests with the model in the folder BUNDLE, by OpenAI's completions API.

    Says where it listens, once it does. SIGTERM or Ctrl-C ends it: /readyz says no at once, what is
    under way is answered, and the exit code is 0, or 1 if answers had to be cut off.
    """
    # Imported here, since `lmops --help` need not wait for torch.
    from lmops import bundle as bundles
    from lmops.service.ended import Ended
    from lmops.service.engine import Engine
    from lmops.service.keys import Keys
    from lmops.service.log import Log
    from lmops.service.server import Server, bind
    from lmops.service.service import Service

    if (cert is None) != (key is None):
        raise Wrong("HTTPS takes a certificate and its key: give --cert and --key")
    for path in filter(None, (cert, key)):
        if not path.is_file():
            raise Wrong(f"{path} is no file. Name a certificate and its key, both as PEM")
    if cert and key:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
        except ssl.SSLError:
            raise Wrong(
                f"{cert} and {key} do not belong together, or are no PEM files. "
                "Name a certificate and its own private key"
            ) from None
    try:
        loaded = bundles.load(bundle or bundles.mine())
    except bundles.BrokenBundle as error:
        raise Wrong(f"{error}\nPack it again: lmops pack --out my_model") from None
    limits = Limits(
        rate=rate,
        burst=burst,
        at_once=at_once,
        request_seconds=request_seconds,
        drain_seconds=drain_seconds,
    )
    try:
        listening = bind(host, port)
    except OSError as error:
        raise Wrong(
            f"cannot listen at {host}, port {port}: {error.strerror}. Try another: --port 0"
        ) from None
    keys = Keys(home.keys, patience=0)
    if not any(each.state(keys.now()) == "valid" for each in keys.all()):
        say.print(
            "There is no key yet, so nobody may ask. Type: lmops keys add me --scope complete"
        )
    ended = Ended(home.ledger)
    server = Server(
        Service(
            engine=Engine(loaded),
            keys=keys,
            log=Log(home.logs, erased=ended.erased),
            ended=ended,
            limits=limits,
        ),
        home.models,
        cert=cert,
        key=key,
    )
    where = f"{'https' if cert else 'http'}://{host}:{listening.getsockname()[1]}"
    listening.listen()  # from here on, who connects is answered
    answer(
        as_json,
        {"url": where, "version": loaded.version},
        f"Serving {loaded.version} at {where}/v1 . Ctrl-C ends it.",
    )
    server.serve_on(listening)
    if server.cut_off:
        raise No(f"{server.cut_off} answers were cut off after {drain_seconds:g} seconds")
