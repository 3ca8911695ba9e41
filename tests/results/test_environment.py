"""The fingerprint says what measured, and never who."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from sioprobe.results import environment


def test_the_fingerprint_names_the_machine_and_the_libraries() -> None:
    fingerprint = environment.fingerprint()
    assert fingerprint["cores"] >= 1
    assert fingerprint["python"] == ".".join(map(str, sys.version_info[:3]))
    assert fingerprint["libraries"]["flask-socketio"] == metadata.version("flask-socketio")


def test_the_fingerprint_holds_no_host_user_or_path() -> None:
    text = json.dumps(environment.fingerprint(Path.cwd()))
    host = Path("/proc/sys/kernel/hostname").read_text().strip()
    for private in (host, f'"{getpass.getuser()}"', str(Path.home()), str(Path.cwd())):
        # A home such as "/" is no secret.
        assert len(private) < 4 or private not in text


def test_reading_versions_imports_no_library() -> None:
    program = (
        "import sys; from sioprobe.results.environment import fingerprint; fingerprint(); "
        "print(sorted({'flask', 'gevent', 'eventlet', 'locust', 'redis'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_a_library_that_is_not_installed_is_left_out() -> None:
    assert environment.library_versions(["no-such-distribution", "click"]) == {
        "click": metadata.version("click")
    }


def test_cpu_model_and_memory_are_read_from_proc(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Quick 3000\n")
    (tmp_path / "meminfo").write_text("MemTotal:        2048 kB\n")
    assert environment.cpu_model(tmp_path / "cpuinfo") == "Quick 3000"
    assert environment.memory_bytes(tmp_path / "meminfo") == 2 * 1024 * 1024


def test_cpu_pressure_is_the_share_of_some_over_ten_seconds(tmp_path: Path) -> None:
    path = tmp_path / "cpu"
    path.write_text(
        "some avg10=12.50 avg60=3.00 avg300=0.36 total=9\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=0\n"
    )
    assert environment.cpu_pressure(path) == 12.5


def test_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert environment.cpu_pressure(tmp_path / "none") is None
    assert environment.memory_bytes(tmp_path / "none") is None
    assert environment.revision(tmp_path) is None


def test_a_container_is_recognised_by_its_mark(tmp_path: Path) -> None:
    mark = tmp_path / ".dockerenv"
    assert not environment.in_container(tmp_path / "cgroup", [str(mark)])
    mark.touch()
    assert environment.in_container(tmp_path / "cgroup", [str(mark)])


def test_the_revision_says_when_tracked_files_were_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.invalid")
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD")
    assert environment.revision(tmp_path) == commit

    (tmp_path / "file").write_text("two")

    assert environment.revision(tmp_path) == commit + "+changes"
