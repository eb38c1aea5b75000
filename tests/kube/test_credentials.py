"""Where credentials come from, and that they may be replaced while a client runs."""

import asyncio
import base64
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway_components.kube.client import KubeClient
from gateway_components.kube.credentials import load_credentials
from gateway_components.kube.errors import ApiError, ApiUnreachableError, CredentialsError
from gateway_components.kube.resources import NAMESPACES
from gateway_components.kube.transport import Transport
from lab import ControlPlane

PATH = NAMESPACES.item(None, "default")
EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "command": "cat", "interactiveMode": "Never"}


def kubeconfig(file: Path, cluster: dict[str, Any], user: dict[str, Any], context: str = "here") -> Path:
    content = {
        "current-context": context,
        "contexts": [{"name": "here", "context": {"cluster": "there", "user": "me"}}],
        "clusters": [{"name": "other", "cluster": {}}, {"name": "there", "cluster": cluster}],
        "users": [{"name": "me", "user": user}],
    }
    file.write_text(yaml.safe_dump(content))
    return file


def cluster_of(lab: ControlPlane) -> dict[str, Any]:
    return {"server": lab.url, "certificate-authority": str(lab.certificate)}


async def name_of(client: KubeClient) -> str:
    found = await client.get(NAMESPACES.item(None, "default"))
    assert found is not None
    return str(found["metadata"]["name"])


@pytest.mark.parametrize("excepted", [False, True])
async def test_the_environment_names_a_proxy(
    excepted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.headers["Host"], request.headers.get("Authorization")))
        metadata = {"name": "default", "uid": "u", "resourceVersion": "1"}
        return web.json_response({"metadata": metadata})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    (tmp_path / "netrc").write_text("default login me password secret\n")
    async with TestServer(application) as server:
        own = f"http://{server.host}:{server.port}"
        host = f"{'excepted' if excepted else 'far-away'}.{server.port}.invalid"
        monkeypatch.setenv("HTTP_PROXY", own)
        monkeypatch.setenv("http_proxy", own)
        monkeypatch.setenv("no_proxy", f"excepted.{server.port}.invalid")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        file = kubeconfig(tmp_path / "config", {"server": f"http://{host}"}, {"token": "ours"})
        async with await KubeClient.connect(file) as client:
            if excepted:
                with pytest.raises(ApiUnreachableError):
                    await client.get(PATH)
            else:
                assert await name_of(client) == "default"

    assert asked == ([] if excepted else [(host, "Bearer ours")])


async def test_a_replaced_token_is_taken_up_without_a_new_client(lab: ControlPlane, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", cluster_of(lab), {"token": "expired"})
    async with await KubeClient.connect(file) as client:
        with pytest.raises(ApiError) as raised:
            await client.get(NAMESPACES.item(None, "default"))
        assert raised.value.status == 401

        kubeconfig(file, cluster_of(lab), {"token": lab.admin_token})

        assert set(await asyncio.gather(*(name_of(client) for _ in range(5)))) == {"default"}


async def test_a_file_that_is_broken_for_a_moment_changes_nothing(lab: ControlPlane, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", cluster_of(lab), {"token": "expired"})
    async with await KubeClient.connect(file) as client:
        file.write_text("current-context: [")
        with pytest.raises(ApiError) as raised:
            await client.get(NAMESPACES.item(None, "default"))
        assert raised.value.status == 401

        kubeconfig(file, cluster_of(lab), {"token": lab.admin_token})

        assert await name_of(client) == "default"


async def test_a_replaced_authority_is_taken_up(lab: ControlPlane, tmp_path: Path) -> None:
    strange = identity(tmp_path)[0]
    file = kubeconfig(
        tmp_path / "config",
        {**cluster_of(lab), "certificate-authority": strange.name},
        {"token": lab.admin_token},
    )
    async with await KubeClient.connect(file) as client:
        with pytest.raises(ApiUnreachableError, match="certificate verify failed"):
            await client.get(NAMESPACES.item(None, "default"))

        kubeconfig(file, cluster_of(lab), {"token": lab.admin_token})

        assert await name_of(client) == "default"


async def test_a_pod_reads_each_new_token_of_its_service_account(lab: ControlPlane, tmp_path: Path) -> None:
    host, port = lab.url.removeprefix("https://").rsplit(":", 1)
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    (tmp_path / "ca.crt").write_bytes(lab.certificate.read_bytes())
    token = tmp_path / "token"
    token.write_text(lab.admin_token + "\n")
    credentials = await load_credentials(None, service_account=tmp_path, environment=environment)

    async def unused() -> Any:
        pytest.fail("a token in a file needs no second reading of all the rest")

    async with KubeClient(Transport(credentials, unused)) as client:
        assert await name_of(client) == "default"
        token.write_text("another")
        assert credentials.authorization() == "Bearer another"
        token.unlink()
        with pytest.raises(ApiUnreachableError, match="token"):
            await client.get(NAMESPACES.item(None, "default"))


async def test_the_address_of_a_pod_may_be_of_the_sixth_version(tmp_path: Path, lab: ControlPlane) -> None:
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    (tmp_path / "ca.crt").write_bytes(lab.certificate.read_bytes())
    (tmp_path / "token").write_text("t")

    found = await load_credentials(None, service_account=tmp_path, environment=environment)

    assert found.server == "https://[fd00::1]:443"


async def test_a_plugin_is_asked_again_once_its_token_is_refused(lab: ControlPlane, tmp_path: Path) -> None:
    answer = tmp_path / "answer"

    def issue(token: str) -> None:
        answer.write_text(
            json.dumps(
                {"apiVersion": EXEC["apiVersion"], "kind": "ExecCredential", "status": {"token": token}}
            )
        )

    issue("expired")
    file = kubeconfig(tmp_path / "config", cluster_of(lab), {"exec": {**EXEC, "args": [str(answer)]}})
    async with await KubeClient.connect(file) as client:
        with pytest.raises(ApiError):
            await client.get(NAMESPACES.item(None, "default"))

        issue(lab.admin_token)

        assert await name_of(client) == "default"


def identity(folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=localhost"
    names = "-addext subjectAltName=DNS:localhost"
    command = ["openssl", *made.split(), *names.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture
async def strict_server(tmp_path: Path) -> AsyncIterator[str]:
    """A server that talks only to who shows its own certificate, and tells the name on it."""
    certificate, key = identity(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificate)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED

    async def handle(request: web.Request) -> web.Response:
        assert request.transport is not None
        subject = request.transport.get_extra_info("peercert")["subject"]
        metadata = {"name": subject[0][0][1], "uid": "u", "resourceVersion": "1"}
        return web.json_response({"metadata": metadata})

    application = web.Application()
    application.router.add_get(PATH, handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


CERTIFICATES = [
    (False, "files, named relative to the kubeconfig"),
    (True, "text in the kubeconfig"),
]


@pytest.mark.parametrize(("as_data", "why"), CERTIFICATES, ids=[case[1] for case in CERTIFICATES])
async def test_a_client_certificate_is_shown(
    as_data: bool, why: str, strict_server: str, tmp_path: Path
) -> None:
    files = {
        "certificate-authority": "certificate.pem",
        "client-certificate": "certificate.pem",
        "client-key": "key.pem",
    }
    given = {
        f"{name}-data": base64.b64encode((tmp_path / file).read_bytes()).decode()
        for name, file in files.items()
    }
    values = given if as_data else files
    cluster = {"server": strict_server, "tls-server-name": "localhost"}
    cluster |= {name: value for name, value in values.items() if "authority" in name}
    user = {name: value for name, value in values.items() if "client" in name}

    async with await KubeClient.connect(kubeconfig(tmp_path / "config", cluster, user)) as client:
        assert await name_of(client) == "localhost", why


async def test_a_kubeconfig_can_disable_verification(lab: ControlPlane, tmp_path: Path) -> None:
    blind = {"server": lab.url, "insecure-skip-tls-verify": True}
    (tmp_path / "token").write_text(lab.admin_token)
    file = kubeconfig(tmp_path / "config", blind, {"tokenFile": "token"})

    async with await KubeClient.connect(file) as client:
        assert await name_of(client) == "default"


MISTAKES = [
    ({"context": "elsewhere"}, "no entry 'elsewhere' in contexts", "the context is not there"),
    ({"cluster": {"server": 7}}, "server: Input should be a valid string", "a field has another type"),
    ({"user": {"client-key-data": "hunter2!"}}, "client-key-data: ", "no base64; its text is not shown"),
    ({"user": {"tokenFile": "nowhere"}}, "nowhere", "the file of the token is missing"),
    ({"user": {"exec": {"command": "x"}}}, "apiVersion", "a plugin without its version"),
]


@pytest.mark.parametrize(("change", "said", "why"), MISTAKES, ids=[case[2] for case in MISTAKES])
async def test_a_mistake_in_a_kubeconfig_is_named(
    change: dict[str, Any], said: str, why: str, tmp_path: Path
) -> None:
    values = {"cluster": {"server": "http://localhost:1"}, "user": {"token": "hunter2"}, **change}

    with pytest.raises(CredentialsError) as raised:
        await load_credentials(kubeconfig(tmp_path / "config", **values))

    assert said in str(raised.value), why
    assert "hunter2" not in str(raised.value)


def test_a_token_needs_no_models_of_all_of_kubernetes(lab: ControlPlane) -> None:
    program = """
import asyncio, sys, pathlib
from gateway_components.kube.client import KubeClient
from gateway_components.kube.resources import NAMESPACES
async def main():
    async with await KubeClient.connect(pathlib.Path(sys.argv[1])) as client:
        await client.get(NAMESPACES.item(None, "default"))
asyncio.run(main())
print(*(name for name in sys.modules if name.startswith("kubernetes_asyncio")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, lab.kubeconfig], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "", "they take 36 MB"


async def test_a_refreshed_token_is_asked_for_at_no_other_place(tmp_path: Path) -> None:
    reached: list[str] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        reached.append(await request.text())
        return web.json_response({"id_token": "t", "refresh_token": "t"})

    async def issuer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/.well-known"):
            return web.json_response({"token_endpoint": str(request.url.with_path("/token"))})
        raise web.HTTPTemporaryRedirect(str(other.make_url("/token")))

    thief, provider = web.Application(), web.Application()
    thief.router.add_route("*", "/{path:.*}", elsewhere)
    provider.router.add_route("*", "/{path:.*}", issuer)
    async with TestServer(thief) as other, TestServer(provider) as asked:
        oidc = {
            "client-id": "me",
            "client-secret": "s",
            "idp-issuer-url": str(asked.make_url("")),
            "id-token": ".".join(
                base64.urlsafe_b64encode(part).decode() for part in (b"{}", b'{"exp": 1}', b"")
            ),
            "refresh-token": "precious",
        }
        user = {"auth-provider": {"name": "oidc", "config": oidc}}
        with pytest.raises(CredentialsError):
            await load_credentials(kubeconfig(tmp_path / "config", {"server": "https://localhost"}, user))

    assert reached == []


@pytest.mark.parametrize("plugin", [False, True], ids=["a token", "a plugin"])
async def test_the_first_current_context_of_several_files_wins(tmp_path: Path, plugin: bool) -> None:
    answer = tmp_path / "answer"
    answer.write_text(
        json.dumps({"apiVersion": EXEC["apiVersion"], "kind": "ExecCredential", "status": {"token": "t"}})
    )
    user = {"exec": {**EXEC, "args": [str(answer)]}} if plugin else {"token": "t"}
    files = [tmp_path / name for name in ("first", "second")]
    for file in files:
        cluster = {"server": f"https://{file.name}", "insecure-skip-tls-verify": True}
        content = {
            "current-context": file.name,
            "contexts": [{"name": file.name, "context": {"cluster": file.name, "user": "me"}}],
            "clusters": [{"name": file.name, "cluster": cluster}],
            "users": [{"name": "me", "user": user}],
        }
        file.write_text(yaml.safe_dump(content))

    found = await load_credentials(Path(":".join(map(str, [tmp_path / "gone", *files]))))

    assert (found.server, found.authorization()) == ("https://first", "Bearer t")
