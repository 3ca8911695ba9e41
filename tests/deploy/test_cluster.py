"""The files of deploy/cluster/ against what they speak of: options, ports, labels, cookies, each other."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
import yaml

from server_under_test.proxies.haproxy import HAPROXY
from server_under_test.proxies.site import COOKIE, Site
from server_under_test.starting.options import Options
from tests.deploy.test_deploy import DEPLOY, known_options, options_of

CLUSTER = DEPLOY / "cluster"
Manifests = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    text = (CLUSTER / "compose.yaml").read_text()
    found: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))["services"]
    return found


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    kustomization = yaml.safe_load((CLUSTER / "kubernetes" / "kustomization.yaml").read_text())
    return {
        (document["kind"], document["metadata"]["name"]): document
        for name in kustomization["resources"]
        for document in yaml.safe_load_all((CLUSTER / "kubernetes" / name).read_text())
    }


@pytest.fixture(scope="module")
def serve_options() -> set[str]:
    return known_options(sys.executable, "-m", "server_under_test", "--help")


def servers_of(services: dict[str, Any]) -> list[str]:
    return [name for name, service in services.items() if service["image"] == "sioprobe-server"]


def pod_of(manifests: Manifests, name: str) -> dict[str, Any]:
    pod: dict[str, Any] = manifests["Deployment", name]["spec"]["template"]["spec"]
    return pod


def redis_of(url: str) -> tuple[str, int]:
    found = re.fullmatch(r"redis://([\w-]+):(\d+)", url)
    assert found is not None
    return found[1], int(found[2])


def test_compose_joins_what_belongs_together(services: dict[str, Any], serve_options: set[str]) -> None:
    servers = servers_of(services)
    assert len(servers) > 1
    for name in servers:
        program, serve, *words = services[name]["command"]
        assert (program, serve) == ("sioprobe", "serve")
        assert options_of(words) <= serve_options
        assert redis_of(services[name]["environment"]["REDIS_URL"])[0] in services
        build = services[name]["build"]
        assert (CLUSTER / build["context"] / build["dockerfile"]).is_file()
    # HAProxy ends if a name cannot be looked up when it starts.
    assert list(services["front"]["depends_on"]) == servers
    [volume] = services["front"]["volumes"]
    assert (CLUSTER / volume.split(":")[0]).is_file()


def test_the_proxy_is_the_one_that_serve_generates_and_tests(services: dict[str, Any]) -> None:
    head, _, written = (CLUSTER / "haproxy.cfg").read_text().partition("\n")
    words = services["server-1"]["command"]
    port = int(words[words.index("--port") + 1])
    published, inside = services["front"]["ports"][0].split(":")

    assert head.startswith("# ")
    site = Site("*", int(inside), tuple(f"{name}:{port}" for name in servers_of(services)))
    assert written == HAPROXY.configuration(site)
    assert published == inside


def test_kubernetes_joins_what_belongs_together(manifests: Manifests, serve_options: set[str]) -> None:
    for name in ("redis", "server"):
        service = manifests["Service", name]["spec"]
        deployment = manifests["Deployment", name]["spec"]
        labels = deployment["template"]["metadata"]["labels"]
        assert service["selector"] == deployment["selector"]["matchLabels"] == labels
        [container] = pod_of(manifests, name)["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert [ports[port["targetPort"]] for port in service["ports"]] == [
            port["port"] for port in service["ports"]
        ]
    [server] = pod_of(manifests, "server")["containers"]
    serve, *words = server["args"]
    assert (server["command"], serve) == (["sioprobe"], "serve")
    assert options_of(words) <= serve_options
    assert words[words.index("--port") + 1] == str(server["ports"][0]["containerPort"])
    name, port = redis_of({each["name"]: each["value"] for each in server["env"]}["REDIS_URL"])
    assert manifests["Service", name]["spec"]["ports"][0]["port"] == port
    [rule] = manifests["Ingress", "server"]["spec"]["rules"]
    [path] = rule["http"]["paths"]
    backend = path["backend"]["service"]
    assert backend["port"]["name"] in {
        port["name"] for port in manifests["Service", backend["name"]]["spec"]["ports"]
    }


def test_sessions_stay_with_their_process_and_quiet_ones_are_not_cut(manifests: Manifests) -> None:
    of_nginx = manifests["Ingress", "server"]["metadata"]["annotations"]
    of_traefik = manifests["Service", "server"]["metadata"]["annotations"]
    assert of_nginx["nginx.ingress.kubernetes.io/affinity"] == "cookie"
    assert of_traefik["traefik.ingress.kubernetes.io/service.sticky.cookie"] == "true"
    names = {
        value for name, value in {**of_nginx, **of_traefik}.items() if re.search(r"cookie[.-]name", name)
    }
    assert names == {COOKIE}
    heartbeat = Options().ping_interval + Options().ping_timeout
    for way in ("read", "send"):
        assert int(of_nginx[f"nginx.ingress.kubernetes.io/proxy-{way}-timeout"]) > heartbeat


def test_kubernetes_runs_nothing_as_root(manifests: Manifests) -> None:
    user = re.search(r"^USER (\d+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert user is not None
    for name in ("redis", "server"):
        pod = pod_of(manifests, name)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        [container] = pod["containers"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod_of(manifests, "server")["securityContext"]["runAsUser"] == int(user[1])


def test_the_generator_can_load_this_cluster(manifests: Manifests) -> None:
    """Its manifests name the server, and keep away from its nodes."""
    generator = {
        document["metadata"]["name"]: document
        for name in ("master", "workers")
        for document in yaml.safe_load_all((DEPLOY / "kubernetes" / f"{name}.yaml").read_text())
        if document["kind"] == "Job"
    }
    master, workers = generator["locust-master"], generator["locust-worker"]
    [container] = master["spec"]["template"]["spec"]["containers"]
    [port] = manifests["Service", "server"]["spec"]["ports"]
    assert f"--host=http://server:{port['port']}" in container["args"]
    labels = manifests["Deployment", "server"]["spec"]["template"]["metadata"]["labels"]
    affinity = workers["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]
    [apart] = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
    assert apart["podAffinityTerm"]["labelSelector"]["matchLabels"] == labels


def test_paths_in_the_documentation_exist() -> None:
    page = (DEPLOY.parent / "docs" / "load" / "containers.md").read_text()
    named = set(re.findall(r"deploy/[\w./-]+", page))
    assert "deploy/cluster/kubernetes" in named
    # The folder for a wheel is there if somebody has one.
    assert [
        name for name in named if "wheel" not in name and not (DEPLOY.parent / name.rstrip(".")).exists()
    ] == []
