"""TLS of the server itself; behind a proxy it is the proxy's business."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any


def modern(_: Any, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Uvicorn's context, for TLS 1.2 and newer only."""
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


def check_pair(certificate: Path, key: Path) -> None:
    """Raise ``ValueError`` when the files cannot be read or do not belong together."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # what OpenSSL says is one, too
        raise ValueError(f"{certificate} and {key} are no certificate with its key: {error}") from error
