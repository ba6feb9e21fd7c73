"""Object stores on loopback: moto's, and servers of ours that refuse or break off."""

from __future__ import annotations

import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from command import Done
from obstore.store import S3Store

KEY, SECRET = "AKIATESTTESTTESTTEST", "a-secret-that-nobody-shall-see"


def environment(endpoint: str, home: Path) -> dict[str, str]:
    """Credentials and endpoint, and a home without others."""
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "eu-west-2",
        "AWS_ENDPOINT_URL": endpoint,
        "HOME": str(home),
    }


def make_bucket(endpoint: str, name: str) -> S3Store:
    """Make a bucket and return what speaks with it."""
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT")).close()
    access = {"access_key_id": KEY, "secret_access_key": SECRET, "endpoint_url": endpoint}
    return S3Store(name, config={**access, "region": "us-east-1"}, client_options={"allow_http": True})


def without_secrets(done: Done, folder: Path) -> None:
    """No secret in any output."""
    texts = [done.out, done.err, *(p.read_text("utf-8", "replace") for p in folder.rglob("*") if p.is_file())]
    assert not [text for text in texts if KEY in text or SECRET in text]


def refuse(handler: BaseHTTPRequestHandler, code: str) -> None:
    """Refuse as S3 does: its text names the key."""
    handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    body = f"<Error><Code>{code}</Code><AWSAccessKeyId>{KEY}</AWSAccessKeyId></Error>".encode()
    handler.send_response(403)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class Server:
    """An HTTP server of ours on loopback; `asked` holds the requests."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked.append(self.path)
                if "list-type" in self.path and answer.__name__ == "break_off":
                    body = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                else:
                    answer(self)

            do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Server:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
