"""Real web servers on this machine, for Stores that are published: Python's, nginx, and one of ours that misbehaves."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

NGINX = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))
CONFIG = """
daemon off; worker_processes 1; {user} pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/requests; default_type application/octet-stream; {more}
  {temporary}
  gzip on; gzip_types *; gzip_min_length 1;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]):
    """End a process that was started here."""
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def python_server(root: Path):
    """Serve a folder by ``python -m http.server``, which knows no ranges; give the URL."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", root]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with ended(subprocess.Popen(command, **options)) as process, process.stdout:
        port = re.search(rb"port (\d+)", process.stdout.readline())[1].decode()
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def nginx_server(root: Path, folder: Path, more: str = ""):
    """Serve a folder by nginx, which hands on a socket that listens already; give the URL.

    Continuous integration has nginx. Elsewhere a test without it is left out.
    """
    if NGINX is None:
        is_required = os.environ.get("CI") and sys.platform == "linux"
        (pytest.fail if is_required else pytest.skip)("there is no nginx; on Debian: apt-get install nginx-light")
    folder.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        port, user = listening.getsockname()[1], "" if os.geteuid() else "user root;"
        text = CONFIG.format(user=user, folder=folder, root=root, port=port, more=more, temporary=temporary)
        (folder / "config").write_text(text)
        command = [NGINX, "-c", folder / "config", "-e", folder / "errors"]
        environment = {**os.environ, "NGINX": f"{listening.fileno()};"}
        started = subprocess.Popen(command, env=environment, pass_fds=[listening.fileno()], stderr=subprocess.DEVNULL)
    with ended(started):
        yield f"http://127.0.0.1:{port}"


class Bad:
    """A server that does for some requests what it is told, and else gives files, by ranges too.

    Attributes
    ----------
    url : str
        Its URL.
    asked : list of (str, str)
        The path and the range of each request, in order.
    methods : list of str
        Their methods.
    """

    def __init__(self, root: Path, context: ssl.SSLContext | None = None) -> None:
        self.root, self.asked, self.methods = root, [], []
        self._told: list[tuple[str, object]] = []
        self._lock = threading.Lock()
        self.released = threading.Event()
        """Ends all stalls."""
        self.reached = threading.Event()
        """A request stalls."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            do_HEAD = do_GET  # noqa: N815 - the standard library calls it so

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self._server.handle_error = lambda *_: None  # a client that doesn't trust us leaves at once
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def tell(self, part: str, *behaviours) -> None:
        """Do this for the next requests whose path has this part: one behaviour each."""
        self._told += [(part, behaviour) for behaviour in behaviours]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(handler.path)
        with self._lock:
            self.asked.append((path, handler.headers.get("Range", "")))
            self.methods.append(handler.command)
            told = next((pair for pair in self._told if pair[0] in path), None)
            if told is not None:
                self._told.remove(told)
        with contextlib.suppress(ConnectionError):
            (told[1] if told else give)(handler, self.root / path.lstrip("/"))


def give(handler: BaseHTTPRequestHandler, path: Path, *, change=None, keep=None, move: int = 0) -> None:
    """Give a file, or a range of it; `change` changes its bytes, and only `keep` bytes of those promised are sent."""
    if not path.is_file():
        refuse(404)(handler, path)
        return
    content = path.read_bytes() if change is None else change(path.read_bytes())
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", handler.headers.get("Range", ""))
    size, first, last = len(content), 0, len(content) - 1
    if found:
        first = int(found[1]) if found[1] else size - int(found[2])
        last = min(last, int(found[2] or last)) if found[1] else last
    if found and first >= size:
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{size}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    first += move
    handler.send_response(206 if found else 200)
    if found:
        handler.send_header("Content-Range", f"bytes {first}-{last}/{size}")
    body = content[first : last + 1]
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command == "GET":
        handler.wfile.write(body if keep is None else body[:keep])
    if keep is not None:
        handler.close_connection = True


def refuse(status: int, **headers):
    """Answer with a status, and headers whose names have _ for -."""

    def behave(handler, _path):
        handler.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return behave


def cut(keep: int):
    """Break off after so many bytes of the body."""
    return lambda handler, path: give(handler, path, keep=keep)


def lie(change):
    """Give other bytes, of a size that fits them."""
    return lambda handler, path: give(handler, path, change=change)


def another_range(handler, path):
    """Give the range that begins a byte later."""
    give(handler, path, move=1)


def without_ranges(handler, path):
    """Give the whole file, whatever was asked for."""
    del handler.headers["Range"]
    give(handler, path)


def reset(handler, _path):
    """Close the connection without an answer."""
    handler.close_connection = True


def stall(server: Bad, keep: int):
    """Send some bytes of the body, then nothing, until the server is released."""

    def behave(handler, path):
        give(handler, path, keep=keep)
        handler.wfile.flush()
        server.reached.set()
        server.released.wait()

    return behave
