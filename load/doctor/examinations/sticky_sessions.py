"""Whether all requests of a session reach the process that knows it, on any connection."""

from __future__ import annotations

from collections import Counter

from load.doctor.findings import LIMITS, NOTE, Examined, Finding, NotExamined
from load.doctor.instruments.blocking_clients import PollingClient
from load.doctor.instruments.http_link import HttpLink
from load.doctor.mend import STICKY
from load.doctor.patient import Patient

__all__ = ["examine"]

REQUESTS = 12


def examine(patient: Patient) -> Examined:
    """Push on new connections, as browsers and proxies do, with the server's cookies and without."""
    if patient.polling:
        raise NotExamined(f"no polling: {patient.polling}")
    client = PollingClient(patient.target)
    try:
        statuses = _statuses(client, patient, client.poll.cookies)
        known = statuses[200]
        cookies = bool(client.poll.cookies)
        without = _statuses(client, patient, {}) if cookies else statuses
    finally:
        client.close()
    figures = {
        "requests": REQUESTS,
        "statuses": {str(status): count for status, count in statuses.items()},
        "cookies": cookies,
        "without_cookies": {str(status): count for status, count in without.items()},
    }
    examined = Examined(saw=f"{known} of {REQUESTS} requests of one session found it", figures=figures)
    if known < REQUESTS:
        told = ", ".join(f"{count} HTTP {status}" for status, count in sorted(statuses.items()))
        examined.findings.append(
            Finding(
                "sessions-not-sticky",
                LIMITS,
                f"{REQUESTS} requests of one session, each on a new connection: {told}",
                "Several processes answer at this address, and some requests reach a process that does not"
                " know the session. Polling clients lose their session, and upgrades fail, from time to"
                " time.",
                STICKY,
                figures=figures,
            )
        )
    elif without[200] < REQUESTS:
        examined.saw += ", by a cookie"
        examined.findings.append(
            Finding(
                "sticky-by-cookie",
                NOTE,
                f"All {REQUESTS} requests of a session found it with the server's cookie, but only"
                f" {without[200]} without it",
                "Clients that keep no cookies lose their session. Most clients that are not browsers keep"
                " none.",
                STICKY,
                figures=figures,
            )
        )
    return examined


def _statuses(client: PollingClient, patient: Patient, cookies: dict[str, str]) -> Counter[int]:
    """The statuses of pushes of harmless packets, each on a connection of its own."""
    statuses: Counter[int] = Counter()
    for _ in range(REQUESTS):
        link = HttpLink(patient.target)
        link.cookies = dict(cookies)
        answer = link.request("POST", client.endpoint, patient.unknown.next().text.encode())
        statuses[answer.status] += 1
        link.close()
    return statuses
