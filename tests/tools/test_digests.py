"""Digests of images, asked of a registry on this machine that speaks as the public ones do."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tools.digests import digest_of, with_digests
from tools.errors import ToolsError

DIGEST = f"sha256:{'ab' * 32}"


class Registry(BaseHTTPRequestHandler):
    server: HTTPServer

    def do_HEAD(self) -> None:
        path = "/v2/team/image/manifests/1.2.3"
        if self.headers.get("Authorization") != "Bearer for everybody":
            realm = f"http://127.0.0.1:{self.server.server_port}/token"
            self.answer(
                401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="s",scope="repository:pull"'}
            )
        elif self.path != path or "image.index" not in self.headers["Accept"]:
            self.answer(404, {})
        else:
            self.answer(200, {"Docker-Content-Digest": DIGEST})

    def do_GET(self) -> None:
        assert self.path == "/token?service=s&scope=repository%3Apull"
        self.answer(200, {}, b'{"token": "for everybody"}')

    def answer(self, code: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_registry_is_asked_with_its_anonymous_token(registry: str) -> None:
    assert digest_of(f"{registry}/team/image:1.2.3", "http") == DIGEST


def test_a_missing_tag_is_an_error_that_names_the_image(registry: str) -> None:
    with pytest.raises(ToolsError, match=r"no digest of .*team/image:9: .*404"):
        digest_of(f"{registry}/team/image:9", "http")


def test_a_registry_out_of_reach_is_reported() -> None:
    with pytest.raises(ToolsError, match="needs the network"):
        digest_of("127.0.0.1:1/image:1", "http")


def test_each_base_image_gets_its_digest_and_no_more() -> None:
    asked = []

    def digest(image: str) -> str:
        asked.append(image)
        return DIGEST

    stale = f"sha256:{'0' * 64}"
    old = (
        "# FROM x:1\nFROM golang:1.26.8-bookworm AS go\n"
        f"FROM python:3.11.14-slim@{stale}\nCOPY --from=go /a /b\n"
    )
    new = with_digests(old, digest)
    assert new == (
        f"# FROM x:1\nFROM golang:1.26.8-bookworm@{DIGEST} AS go\n"
        f"FROM python:3.11.14-slim@{DIGEST}\nCOPY --from=go /a /b\n"
    )
    assert asked == ["golang:1.26.8-bookworm", "python:3.11.14-slim"]
    assert with_digests(new, digest) == new
