"""A reverse proxy at a sub-path, as nginx is set up in docs/web.md: https://example.org/faces/ -> the server's /."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP = {"connection", "keep-alive", "transfer-encoding", "host"}


class SmallProxy:
    """A context manager. url: with the sub-path. strips: whether it is taken off what is passed on; says: whether
    X-Forwarded-Prefix names it."""

    def __init__(self, host: str, port: int, prefix: str, *, strips: bool, says: bool):
        target = (host, port)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                if not self.path.startswith(f"{prefix}/"):
                    self.send_error(404)  # of another site behind the same name
                    return
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
                headers |= {"Host": f"{host}:{port}", "X-Forwarded-Host": self.headers["host"], "Connection": "close"}
                headers |= {"X-Forwarded-Prefix": prefix} if says else {}
                link = http.client.HTTPConnection(*target, timeout=60)
                link.request(self.command, self.path[len(prefix) * strips :], body, headers)
                answer = link.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP:
                        self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                while piece := answer.read1(65_536):  # events are passed on as they come
                    self.wfile.write(piece)
                    self.wfile.flush()
                link.close()

            do_GET = do_HEAD = do_POST = pass_on

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a browser that leaves

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}{prefix}"

    def __enter__(self) -> "SmallProxy":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
