"""gunicorn with one worker; its class and settings are in gunicorn_config."""

from __future__ import annotations

from server_under_test.launchers.gunicorn_serving import become_gunicorn

if __name__ == "__main__":
    become_gunicorn("gunicorn-geventwebsocket")
