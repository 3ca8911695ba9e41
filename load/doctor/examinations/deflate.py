"""Whether the server packs WebSocket messages for clients that offer it, as browsers do."""

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
                f"permessage-deflate was offered, as browsers do, and accepted: {accepted}",
                "Each message is packed and unpacked, and each connection holds memory for it. Load"
                " generators do not offer it as a rule, and see nothing of that.",
                DEFLATE,
                INFERRED,
                examined.figures,
            )
        )
    return examined
