"""Whether the server compresses WebSocket messages for clients that offer it, as browsers do."""

from __future__ import annotations

from load.doctor.findings import CPU, INFERRED, Examined, Finding, NotExamined
from load.doctor.instruments.blocking_clients import SocketClient
from load.doctor.mend import DEFLATE
from load.doctor.patient import Patient

__all__ = ["examine"]


def examine(patient: Patient) -> Examined:
    """Offer permessage-deflate."""
    if patient.websocket:
        raise NotExamined(f"no WebSocket: {patient.websocket}")
    client = SocketClient(patient.target, extensions="permessage-deflate; client_max_window_bits")
    client.link.close()
    accepted = client.extensions
    examined = Examined(
        saw=f"accepts {accepted}" if accepted else "declines permessage-deflate",
        figures={"accepted": accepted or None},
    )
    if accepted.lower().startswith("permessage-deflate"):
        examined.findings.append(
            Finding(
                "accepts-deflate",
                CPU,
                f"The server accepted permessage-deflate, which browsers offer: {accepted}",
                "Each message is compressed and decompressed, and each connection needs memory for it. Most"
                " load generators do not offer it, so they do not see this cost.",
                DEFLATE,
                INFERRED,
                examined.figures,
            )
        )
    return examined
