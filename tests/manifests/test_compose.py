"""What is written for Docker Compose, read by its schema, and by what its services are.

Prometheus reads its configuration. Of Grafana there is neither a program nor a schema here: what it
is given is compared with the rest.
"""

import json

import pytest
import yaml

from scripts.prometheus import find_or_install
from tests.manifests.tools import passes, problems_of

HTTP = """
@app.http.get("/")
async def index():
    pass
"""
ONLY_HTTP = "from asyncworker import App\napp = App()\n" + HTTP


@pytest.fixture
def composed(manifest, tmp_path):
    """Write the files into a folder; return what `compose.yaml` holds."""

    def write(*arguments, **more):
        result = manifest("compose", "-o", "here", *arguments, **more)
        assert (result.exit_code, result.stderr) == (0, "")
        text = (tmp_path / "here" / "compose.yaml").read_text()
        assert problems_of("compose-spec", text) == []
        return yaml.safe_load(text)

    return write


@pytest.mark.parametrize(
    ("more", "services"),
    [
        ({}, ["shop", "rabbitmq", "prometheus", "grafana"]),
        ({"more": HTTP}, ["shop", "rabbitmq", "prometheus", "grafana"]),
        ({"app": ONLY_HTTP}, ["shop", "prometheus", "grafana"]),
    ],
    ids=["queues", "queues and http", "http"],
)
def test_the_services_are_those_of_the_app(composed, more, services):
    found = composed(**more)
    assert list(found["services"]) == services
    assert ("volumes" in found) is ("rabbitmq" in services)
    ports = found["services"]["shop"].get("ports")
    assert ports == (["127.0.0.1:8080:8080"] if more else None)


def test_the_worker_may_do_little_and_has_time_to_stop(composed, monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "60")
    shop = composed("--replicas", "2")["services"]["shop"]
    assert (shop["stop_grace_period"], shop["deploy"]) == ("70s", {"replicas": 2})
    assert (shop["read_only"], shop["cap_drop"]) == (True, ["ALL"])
    assert shop["build"] == "."
    assert composed("--image", "shop:1.4.2", "--force")["services"]["shop"]["image"] == "shop:1.4.2"


def test_nothing_listens_beyond_the_machine(composed):
    services = composed(more=HTTP)["services"]
    ports = [port for one in services.values() for port in one.get("ports", ())]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_services_mount_is_written(composed, tmp_path):
    mounted = {
        source
        for one in composed()["services"].values()
        for volume in one.get("volumes", ())
        if (source := volume.partition(":")[0]).startswith(".")
    }
    assert mounted
    assert all((tmp_path / "here" / source).exists() for source in mounted)


def test_prometheus_takes_its_configuration(composed, tmp_path):
    composed()
    config = tmp_path / "here" / "monitoring" / "prometheus.yml"
    passes(find_or_install("promtool"), "check", "config", config)
    [job] = yaml.safe_load(config.read_text())["scrape_configs"]
    assert job["dns_sd_configs"][0]["names"] == ["shop"]


def test_grafana_finds_prometheus_and_the_dashboard(composed, tmp_path):
    grafana = composed()["services"]["grafana"]
    here = tmp_path / "here" / "monitoring"
    [source] = yaml.safe_load((here / "grafana/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    [provider] = yaml.safe_load((here / "grafana/dashboards/folder.yml").read_text())["providers"]
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    assert mounts == {
        "./monitoring/grafana": "/etc/grafana/provisioning",
        "./monitoring/dashboards": provider["options"]["path"],
    }
    dashboard = json.loads((here / "dashboards" / "asyncworker.json").read_text())
    assert dashboard["uid"] == "asyncworker"


def test_several_files_need_a_folder(manifest):
    result = manifest("compose")
    assert "it is 6 files: say -o FOLDER" in result.stderr
    assert result.exit_code == 2
