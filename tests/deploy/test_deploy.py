"""The files of deploy/ against what they speak of: options, ports, paths, each other. No image is built."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import ROOT, start_server

DEPLOY = ROOT / "deploy"
LOCUST = str(Path(sys.executable).with_name("locust"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (DEPLOY / "compose.yaml").read_text()
    # As compose does where the environment has nothing else.
    found: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
    return found


@pytest.fixture(scope="module")
def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if document["kind"] != "Kustomization":
                found[document["kind"], document["metadata"]["name"]] = document
    return found


def options_of(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--")}


def known_options(*command: str) -> set[str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    return set(re.findall(r"--[a-z][a-z-]+", done.stdout))


@pytest.fixture(scope="module")
def locust_options() -> set[str]:
    # Locust's own `--help` leaves out what a locustfile adds.
    program = "import load.swarm, locust.argument_parser as a; print(a.get_parser().format_help())"
    return known_options(sys.executable, "-c", program)


def test_compose_asks_locust_and_the_server_for_options_they_have(
    compose: dict[str, Any], locust_options: set[str]
) -> None:
    services = compose["services"]
    for name in ("master", "worker-1", "worker-2"):
        assert services[name]["command"][0] == "locust"
        assert options_of(services[name]["command"]) <= locust_options
    program, serve, *words = services["server"]["command"]
    assert (program, serve) == ("sioprobe", "serve")
    assert options_of(words) <= known_options(sys.executable, "-m", "server_under_test", "--help")


def test_compose_joins_what_belongs_together(compose: dict[str, Any]) -> None:
    services = compose["services"]
    workers = [name for name in services if name.startswith("worker")]
    assert f"--expect-workers={len(workers)}" in services["master"]["command"]
    for name in workers:
        assert "--master-host=master" in services[name]["command"]
    words = services["server"]["command"]
    port, processes = int(words[words.index("--port") + 1]), int(words[words.index("--workers") + 1])
    urls = [
        word.partition("=")[2] for word in services["master"]["command"] if "url" in word or "host" in word
    ]
    assert urls == [f"http://server:{port + number}" for number in range(processes)]
    assert services["server"]["environment"]["REDIS_URL"].split("/")[2].split(":")[0] in services
    for service in services.values():
        for needed in service.get("depends_on", ()):
            assert needed in services
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_kubernetes_asks_locust_for_options_it_has(
    manifests: dict[tuple[str, str], dict[str, Any]], locust_options: set[str]
) -> None:
    for name in ("locust-master", "locust-worker"):
        (container,) = pod_of(manifests, name)["containers"]
        assert container["command"] == ["locust"]
        assert options_of(container["args"]) <= locust_options


def test_kubernetes_joins_what_belongs_together(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    service = manifests["Service", "locust-master"]["spec"]
    labels = manifests["Job", "locust-master"]["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    (master,) = pod_of(manifests, "locust-master")["containers"]
    ports = {port["name"]: port["containerPort"] for port in master["ports"]}
    for port in service["ports"]:
        assert ports[port["targetPort"]] == port["port"]
    workers = manifests["Job", "locust-worker"]["spec"]
    assert workers["parallelism"] == workers["completions"]
    assert f"--expect-workers={workers['parallelism']}" in master["args"]
    (worker,) = pod_of(manifests, "locust-worker")["containers"]
    assert "--master-host=locust-master" in worker["args"]


def test_kubernetes_runs_nothing_as_root_and_mounts_the_locustfile(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    kustomization = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    (generated,) = kustomization["configMapGenerator"]
    for name in generated["files"]:
        assert (DEPLOY / "kubernetes" / name).is_file()
    user = re.search(r"^USER (\d+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert user is not None
    for name in ("locust-master", "locust-worker"):
        pod = pod_of(manifests, name)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == int(user[1]) > 0
        (container,) = pod["containers"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        (volume,) = pod["volumes"]
        (mount,) = container["volumeMounts"]
        assert (volume["name"], volume["configMap"]["name"]) == (mount["name"], generated["name"])
        assert f"--locustfile={mount['mountPath']}/{generated['files'][0]}" in container["args"]


def pod_of(manifests: dict[tuple[str, str], dict[str, Any]], name: str) -> dict[str, Any]:
    pod: dict[str, Any] = manifests["Job", name]["spec"]["template"]["spec"]
    return pod


def test_kustomize_puts_the_manifests_together() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        # What is asked above holds without it; CI has no cluster either.
        return
    done = subprocess.run(
        [kubectl, "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    made = list(yaml.safe_load_all(done.stdout))
    assert sorted(document["kind"] for document in made) == ["ConfigMap", "Job", "Job", "Service"]
    config = next(document for document in made if document["kind"] == "ConfigMap")
    assert config["data"]["locustfile.py"] == (DEPLOY / "kubernetes" / "locustfile.py").read_text()


def test_the_image_takes_what_the_wheel_is_made_of() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    taken = {
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    pyproject = (ROOT / "pyproject.toml").read_text()
    packages = re.search(r"only-include = \[(.*)\]", pyproject)
    assert packages is not None
    assert set(re.findall(r'"([^"]+)"', packages[1])) <= taken
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt"):
        assert (ROOT / name).is_file()
        assert name in taken
    # Images are public ones by their plain names, and nothing is fetched from an address.
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["python:${PYTHON}-slim"] * 2
    assert "://" not in dockerfile


def test_the_locustfile_of_the_manifests_runs(tmp_path: Path) -> None:
    with start_server("gevent") as server:
        done = subprocess.run(
            [
                *(LOCUST, "-f", str(DEPLOY / "kubernetes" / "locustfile.py"), "--headless"),
                *("-u", "2", "-r", "2", "-t", "5s", "--host", server.url, "--csv", str(tmp_path / "run")),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
    assert done.returncode == 0, done.stderr
    assert "SIO ack,message-with-ack" in (tmp_path / "run_stats.csv").read_text()
