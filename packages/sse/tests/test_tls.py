"""Streams over TLS."""

import ssl
import subprocess

import pytest

from asyncworker import App, RouteTypes
from asyncworker.sse import SSEConnection


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate that nobody signed but itself, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
        "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out certificate.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "certificate.pem").read_text() + (folder / "key.pem").read_text())
    return both


@pytest.fixture
async def secure(serve, certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return await serve(ssl_context=context)


def app_with(connection, handler):
    app = App(connections=[connection])
    app.route(["/x"], type=RouteTypes.SSE)(handler)
    return app


async def test_a_server_that_nobody_vouches_for_is_refused(secure, inbox, logs):
    app = app_with(SSEConnection(secure.url), inbox)
    async with app.started():
        record = await logs.wait("trying again")
        assert "CERTIFICATE_VERIFY_FAILED" in record.getMessage()
        assert app.problems
    assert 0 == secure.count


async def test_a_context_of_the_user_is_used(secure, inbox, certificate):
    context = ssl.create_default_context(cafile=certificate)
    app = app_with(SSEConnection(secure.url, ssl=context), inbox)
    async with app.started():
        stream = await secure.stream()
        await stream.send(b"data: 1\n\n")
        assert ["1"] == await inbox.data(1)
        stream.drop()
        await (await secure.stream()).send(b"data: 2\n\n")
        assert ["2"] == await inbox.data(1)


async def test_a_context_of_the_user_is_not_used_for_another_origin(
    server, secure, inbox, certificate, logs
):
    """It may hold the certificate by which the client says who it is."""
    context = ssl.create_default_context(cafile=certificate)
    app = app_with(SSEConnection(server.url, ssl=context), inbox)
    async with app.started():
        (await server.accept()).respond(302, Location=secure.url)
        await logs.wait("CERTIFICATE_VERIFY_FAILED")
