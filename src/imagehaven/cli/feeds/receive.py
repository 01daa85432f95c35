"""The command that receives from a PACS."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, verb
from imagehaven.errors import UserError


def add_to(app: typer.Typer) -> None:
    """Add this module's command to the application."""
    verb(app, "receive", receive)


def receive(
    call: Call,
    port: Annotated[
        int | None, typer.Option(help="The TCP port for DICOM associations.", min=1, max=65535)
    ] = None,
    aet: Annotated[str, typer.Option(help="Our own AE title.", metavar="AET")] = "IMAGEHAVEN",
    bind: Annotated[
        str, typer.Option(help="The address to listen on; :: for IPv6.", metavar="ADDRESS")
    ] = "0.0.0.0",  # noqa: S104 - the allow-list says who may send
    allow: Annotated[
        list[str] | None,
        typer.Option(
            help="Who may send: AET, AET@HOST, *@10.1.0.0/16; may be repeated. "
            "Without it, anyone on this machine.",
            metavar="AET[@HOST]",
        ),
    ] = None,
    web_port: Annotated[
        int | None, typer.Option(help="The TCP port for STOW-RS over HTTP.", min=1, max=65535)
    ] = None,
    web_allow: Annotated[
        list[str] | None,
        typer.Option(
            help="Who may post: a host or network; may be repeated. Without it, this machine.",
            metavar="HOST",
        ),
    ] = None,
    web_tokens: Annotated[
        Path | None,
        typer.Option(help="Demand a bearer token of this file, which has lines NAME TOKEN."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Speak TLS 1.2 or later with this certificate (PEM).")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")] = None,
    tls_ca: Annotated[
        Path | None, typer.Option(help="Demand client certificates that this authority signed.")
    ] = None,
    spool: Annotated[
        Path | None, typer.Option(help="Where objects go; HAVEN/spool without it.")
    ] = None,
    spool_limit: Annotated[
        int | None, typer.Option(help="Refuse objects while the spool holds more bytes.", min=1)
    ] = None,
    max_associations: Annotated[int, typer.Option(help="Associations at a time.", min=1)] = 32,
    sync_each_file: Annotated[
        bool,
        typer.Option(
            "--sync-each-file",
            help="Wait for the disk before each success, not only at an association's end.",
        ),
    ] = False,
    report_to: Annotated[
        list[str] | None,
        typer.Option(
            help="Report storage commitment to this peer on an association of its own.",
            metavar="AET@HOST:PORT",
        ),
    ] = None,
    stop_after_objects: Annotated[
        int | None, typer.Option(help="Stop once so many objects have come.", min=1)
    ] = None,
    stop_after_seconds: Annotated[
        float | None, typer.Option(help="Stop after so many seconds.", min=0)
    ] = None,
) -> None:
    """Receive DICOM objects into the spool, by C-STORE and by STOW-RS, until SIGTERM or Ctrl-C.

    What came is under SPOOL/incoming, bit by bit as it was sent; `imagehaven watch` beside it
    catalogues it. TLS goes for both ports. A line for each association, and for each request,
    goes to standard error. With --check, ends with exit code 1 when port, spool or certificate do
    not do.

    \b
    imagehaven -C my-haven receive --port 11112 --allow PACS1@10.1.2.3 --allow CT2@10.1.2.0/24
    imagehaven -C my-haven receive --port 2762 --tls-cert cert.pem --tls-key key.pem --check
    imagehaven -C my-haven receive --web-port 8443 --web-allow 10.1.0.0/16 --web-tokens tokens \
        --tls-cert cert.pem --tls-key key.pem
    imagehaven -C my-haven watch
    """
    from imagehaven import acquire, catalogue
    from imagehaven.acquire.receive import options, titles
    from imagehaven.acquire.receive.web.callers import callers

    haven = call.haven()
    if (tls_cert is None) != (tls_key is None) or (tls_ca is not None and tls_cert is None):
        raise UserError("TLS needs --tls-cert and --tls-key together; --tls-ca goes with them.")
    if web_port is None and (web_allow or web_tokens):
        raise UserError("--web-allow and --web-tokens go with --web-port.")
    web = options.Web(web_port, callers(web_allow or (), web_tokens)) if web_port else None
    asked = options.Options(
        port=port,
        spool=spool or haven.folder / "spool",
        title=titles.check_title(aet),
        host=bind,
        allow=titles.allowed(allow or ()),
        tls=options.Secured(tls_cert, tls_key, tls_ca) if tls_cert and tls_key else None,
        spool_limit=spool_limit,
        max_associations=max_associations,
        sync_each_file=sync_each_file,
        stop_after_objects=stop_after_objects,
        stop_after_seconds=stop_after_seconds,
        report_to=titles.peers(report_to or ()),
        web=web,
    )
    if call.check:
        prospect = acquire.check_receiver(asked)
        call.answer(prospect, lambda: screen.facts(prospect.summary(), title="Receiver"))
        if not prospect.ready:
            raise typer.Exit(1)
        return
    # The receiver is below the catalogue on the road, so they are brought together here.
    holds = functools.partial(catalogue.held, haven)
    received = acquire.receive_dicom(haven, asked, holds=holds, progress=_line)
    call.answer(received, lambda: screen.facts(received.summary(), title="Received"))


def _line(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
