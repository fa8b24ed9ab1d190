"""The page and the HTTP address as one application, and its process."""

import os
import signal
import socket
from collections.abc import Collection, Iterable
from ipaddress import ip_address

from ..errors import FacepriorError
from .folder import PrivateFolder
from .guard import App, Guard
from .service import Service


def make_app(service: Service, folder: PrivateFolder, hosts: Collection[str] | None = None, root: str = "") -> App:
    """root: the sub-path of a proxy in front, as `prefix.checked` gives it."""
    _quiet(folder)
    import gradio
    from fastapi import FastAPI

    from . import page
    from .http import routes
    from .prefix import Prefix

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, routes=routes(service))
    blocks = page.build(service, folder)
    gradio.mount_gradio_app(
        app, blocks, "/", theme=page.theme(), head=page.CSS, max_file_size=service.limits.max_upload,
        ssr_mode=False, pwa=False, mcp_server=False, enable_monitoring=False, run_history=False,
        footer_links=[], show_error=True,
    )  # fmt: skip
    return Prefix(Guard(app, service.limits, folder, hosts), root)


def serve(service: Service, host: str, port: int, allow: Iterable[str] = (), root: str = "") -> None:
    """Until Ctrl-C. allow: further names that a request may ask for, where only this machine is let in."""
    import uvicorn

    from .patience import ImpatientProtocol

    with PrivateFolder(service.limits.keep) as folder, _listen(host, port) as listener:
        own = {"localhost", "127.0.0.1", "::1", host.lower(), *(name.lower() for name in allow)}
        local = ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback
        app = make_app(service, folder, own if local else None, root)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, ws="none",
            http=ImpatientProtocol.waiting(service.limits.patience),
            limit_concurrency=service.limits.connections, timeout_keep_alive=10, timeout_graceful_shutdown=3,
        )  # fmt: skip
        print(f"faceprior: http://{_shown(host)}:{listener.getsockname()[1]} (Ctrl-C ends it)", flush=True)
        signal.signal(signal.SIGTERM, _end)
        try:
            uvicorn.Server(config).run([listener])
        finally:
            service.turns.close()


def _end(number: int, _: object) -> None:
    # uvicorn ends its work, then gives the signal on: left alone it would end the process with the folder in place.
    raise SystemExit(128 + number)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except UnicodeError:  # more than 63 letters between dots, or none
        raise FacepriorError(f"--host {host}: no name that a machine can have") from None
    except OSError as error:
        raise FacepriorError(f"--host {host}: {error.strerror or error}") from None
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)  # from when the address is printed
        return listener
    except OSError as error:
        listener.close()
        raise FacepriorError(f"--host {host} --port {port}: {error.strerror or error}") from None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _quiet(folder: PrivateFolder) -> None:
    """Gradio reads these when it is imported: its files in our folder, nothing sent to anybody."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder.path)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
