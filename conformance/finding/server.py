"""Finds out what the server at an address is: whether it speaks Socket.IO, and what is known about it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from conformance.client.about import read_about
from conformance.client.address import Address
from conformance.client.revisions import REVISION_3, REVISION_4
from conformance.client.session import sessions_of
from conformance.client.timing import Timing
from conformance.client.transcript import RECORDING, Recording
from conformance.finding.contract_level import find_level
from conformance.finding.distance import measure_round_trip
from conformance.finding.handlers import find_missing, lacking_declared, missing_note
from conformance.finding.handshakes import NoServer, find_revisions
from conformance.finding.process_software import find_software
from conformance.finding.profile import ServerProfile
from conformance.finding.recovery import recovers
from conformance.finding.software import Software, merged
from conformance.requirements import CAPABILITIES
from conformance.target import Target
from sioprobe.diagnosis import Cause, Diagnosis, Visit, diagnose, diagnose_scattering

__all__ = ["NoServer", "diagnosis_of", "find_target"]

UNJUDGEABLE = (Cause.PROCESSES, Cause.PARSER, Cause.NAMESPACE_REFUSED)
"""With these most cases would fail, and the failures would say nothing about how the protocol is kept."""


async def find_target(address: Address, profile: ServerProfile, *, clustered: bool = False) -> Target:
    """The server there, which may be one of a cluster.

    Raises NoServer within seconds if there is none that can be judged.
    """
    token = RECORDING.set(Recording(address.connection.secrets))
    try:
        try:
            opened, capabilities = await find_revisions(address)
        except NoServer as refusal:
            found = await diagnosis_of(address)
            raise NoServer(found.sentence if found else address.connection.redact(str(refusal))) from None
        # What is declared absent is not used to find out the rest.
        capabilities = CAPABILITIES | capabilities | profile.capabilities
        revision = REVISION_4 if capabilities["eio4"] else REVISION_3
        round_trip = await measure_round_trip(address, revision)
        timing = Timing(
            float(opened.ping_interval) / 1000,
            float(opened.ping_timeout) / 1000,
            round_trip=round_trip or 0.0,
        )
        target = Target(address, opened, timing, capabilities, profile.settings, level=2, revision=revision)
        # A server without /about may leave the request open, so both are asked at the same time.
        about, contract, recovery, process, scattering = await asyncio.gather(
            read_about(address),
            find_level(target, profile.contract_level),
            recovers(target, profile.contract_level),
            asyncio.to_thread(find_software, address.host, address.port),
            _scattering_of(address, profile, capabilities),
        )
        if scattering is not None:
            raise NoServer(scattering.sentence)
        if contract.lost:
            found = await diagnosis_of(address, None if capabilities["polling"] else "websocket")
            if found is not None and found.cause in UNJUDGEABLE:
                raise NoServer(found.sentence)
        declared = about.capabilities | profile.capabilities
        capabilities |= {"recovery": recovery} | declared
        target = replace(target, capabilities=capabilities, level=contract.level)
        missing = await find_missing(target, declared, clustered=clustered)
        software = Software() if profile.unlisted else merged(profile, about, process)
        target = replace(
            target,
            lacks=missing | (lacking_declared(target.capabilities) if contract.level else frozenset()),
            settings=about.settings | profile.settings,
            switches=about.switches,
            queue=about.queue,
            processes=about.processes,
            note="\n".join(filter(None, (contract.note, missing_note(missing)))) or None,
            library=software.library,
            version=software.version,
            mode=software.mode,
            versions=software.versions,
            found=software.how or None,
            shown={} if about.library else process.versions,
            named=software.named,
            unlisted=profile.unlisted,
        )
        latest = REVISION_4 if target.capabilities["eio4"] else REVISION_3
        return replace(target, title=profile.title or _title(target), revision=latest)
    finally:
        await asyncio.gather(*(session.release() for session in sessions_of(RECORDING.get())))
        RECORDING.reset(token)


async def diagnosis_of(address: Address, transport: str | None = None) -> Diagnosis | None:
    """Why the server lets no session in, or None if it does so now."""
    return await asyncio.to_thread(diagnose, _visit(address, transport), redact=address.connection.redact)


async def _scattering_of(
    address: Address, profile: ServerProfile, capabilities: dict[str, bool]
) -> Diagnosis | None:
    """Whether several processes answer. Who declares a contract level wants to have them judged."""
    if profile.contract_level is not None or not (capabilities["polling"] and capabilities["eio4"]):
        return None
    visit = _visit(address, None)
    return await asyncio.to_thread(diagnose_scattering, visit, redact=address.connection.redact)


def _visit(address: Address, transport: str | None) -> Visit:
    given = address.connection
    return Visit(
        address.url,
        address.path,
        auth=given.auth,
        transport=transport,
        revisions=(4, 3),
        **given.visit_arguments(),
    )


def _title(target: Target) -> str:
    if target.library is None:
        return target.address.url
    title = f"{target.library} {target.version or ''}".strip()
    return f"{title} ({target.mode})" if target.mode else title
