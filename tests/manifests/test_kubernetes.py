"""What is written for Kubernetes, read by the schemas of its own API, strictly."""

from functools import partial

import pytest
import yaml
from kubernetes_validate import validate

from packages.core.tests.cli.shop import invoke

VERSIONS = ("1.30", "1.37")
HTTP = """
@app.http.get("/")
async def index():
    pass
"""
CLOSING = """
from collections.abc import AsyncIterator

class Database:
    pass

@app.resource
async def database() -> AsyncIterator[Database]:
    yield Database()

@app.run_on_shutdown
async def say_bye(app):
    pass
"""


def documents(text):
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def pod_of(text):
    return documents(text)["Deployment"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("more", ["", HTTP], ids=["queues", "queues and http"])
def test_each_object_is_one_of_kubernetes(written, version, more):
    found = documents(written("kubernetes", more=more))
    for one in found.values():
        validate(one, version, strict=True)
    service = ["Service"] if more else []
    assert list(found) == ["Deployment", "PodDisruptionBudget", *service]


def test_the_schemas_are_read_strictly(written):
    deployment = documents(written("kubernetes"))["Deployment"]
    deployment["spec"]["template"]["spec"]["terminationGraceSeconds"] = 1
    with pytest.raises(Exception, match="terminationGraceSeconds"):
        validate(deployment, VERSIONS[0], strict=True)


def test_probes_ask_the_monitor(written):
    [container] = pod_of(written("kubernetes"))["containers"]
    paths = {
        name: (container[name]["httpGet"]["path"], container[name]["httpGet"]["port"])
        for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": ("/health/live", "monitor"),
        "livenessProbe": ("/health/live", "monitor"),
        "readinessProbe": ("/health/ready", "monitor"),
    }
    assert container["ports"] == [{"name": "monitor", "containerPort": 9000}]
    environment = {one["name"]: one["value"] for one in container["env"]}
    assert environment == {
        "ASYNCWORKER_MONITOR_HOST": "0.0.0.0",
        "ASYNCWORKER_MONITOR_PORT": "9000",
        "ASYNCWORKER_SHUTDOWN_TIMEOUT": "20",
    }


@pytest.mark.parametrize(
    ("drain", "more", "grace"),
    [("20", "", 30), ("45.5", "", 56), ("20", CLOSING, 40), ("20", HTTP, 35)],
    ids=["as it is", "a longer drain", "hooks and resources", "http, which is told first"],
)
def test_the_grace_is_above_all_that_an_end_may_take(written, monkeypatch, drain, more, grace):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", drain)
    assert pod_of(written("kubernetes", more=more))["terminationGracePeriodSeconds"] == grace


def test_the_pod_may_do_little(written):
    pod = pod_of(written("kubernetes"))
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_requests_go_to_the_port_that_the_worker_listens_on(written):
    text = written("kubernetes", more=HTTP)
    [container] = pod_of(text)["containers"]
    assert {"name": "http", "containerPort": 8080} in container["ports"]
    assert {"name": "ASYNCWORKER_HTTP_PORT", "value": "8080"} in container["env"]
    assert {"name": "ASYNCWORKER_HTTP_HOST", "value": "0.0.0.0"} in container["env"]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    [port] = documents(text)["Service"]["spec"]["ports"]
    assert port == {"name": "http", "port": 80, "targetPort": "http"}


def test_name_image_and_replicas_are_those_that_are_given(written):
    arguments = ("--name", "orders", "--image", "registry:5000/shop@sha256:0a", "--replicas", "3")
    found = documents(written("kubernetes", *arguments))
    deployment = found["Deployment"]
    assert deployment["spec"]["replicas"] == 3
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry:5000/shop@sha256:0a"
    assert container["command"] == ["asyncworker", "run", "shop"]
    assert {one["metadata"]["name"] for one in found.values()} == {"orders"}


def test_the_head_says_how_it_is_written_anew(written):
    head = "`asyncworker manifest shop --kind kubernetes` writes it anew."
    assert written("kubernetes").startswith(f"# shop on Kubernetes; {head}\n")
    head = "`asyncworker manifest shop --name orders --kind kubernetes` writes it anew."
    assert written("kubernetes", "--name", "orders").startswith(f"# orders on Kubernetes; {head}\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--name", "My Shop"), "--name is 'My Shop', and must be up to 50 small letters"),
        (("--image", "a b"), "--image is 'a b', and must be no spaces or quotes"),
        (("--replicas", "0"), "0 is not in the range x>=1"),
    ],
)
def test_what_cannot_be_is_one_line(manifest, arguments, reason):
    result = manifest("kubernetes", *arguments)
    assert reason in result.stderr
    assert result.exit_code in (1, 2)


def test_a_target_that_is_no_word_is_one_line(written, tmp_path):
    written("kubernetes")
    (tmp_path / "my shop.py").write_text((tmp_path / "shop.py").read_text())
    result = invoke("manifest", "my shop.py", "--kind", "kubernetes", "--name", "shop")
    assert "the target is 'my shop.py'" in result.stderr
    assert result.exit_code == 1


def test_a_file_is_written_once_unless_it_is_forced(manifest, tmp_path):
    write = partial(manifest, "kubernetes", "-o", "shop.yaml")
    assert write().stdout == "wrote shop.yaml\n"
    assert yaml.safe_load_all((tmp_path / "shop.yaml").read_text())
    refused = write()
    assert refused.exit_code == 2
    expected = "Error: shop.yaml exists: --force overwrites it, -o names another place\n"
    assert refused.stderr == expected
    (tmp_path / "shop.yaml").write_text("")
    assert manifest("kubernetes", "-o", "shop.yaml", "--force").exit_code == 0
    assert (tmp_path / "shop.yaml").read_text()


def test_a_folder_gets_a_file_of_the_name_of_the_worker(manifest, tmp_path):
    (tmp_path / "deploy").mkdir()
    assert manifest("kubernetes", "-o", "deploy").stdout == "wrote deploy/shop.yaml\n"
    result = manifest("keda", "--handler-seconds", "1", "-o", "deploy")
    assert result.stdout == "wrote deploy/shop-keda.yaml\n"


def test_a_file_that_cannot_be_written_is_one_line(manifest, tmp_path):
    (tmp_path / "file").write_text("")
    result = manifest("kubernetes", "-o", "file/shop.yaml")
    assert result.stderr == "Error: cannot write file/shop.yaml: file is no folder\n"
    assert result.exit_code == 2
