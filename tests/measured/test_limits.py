"""What the errors at a server's limits are called, and which advice comes with them."""

from __future__ import annotations

from sioprobe.measured.limits import advice, message_above, packets_dropped


def test_each_limit_has_one_sentence_with_the_settings() -> None:
    kinds = ["timeout", packets_dropped(16), packets_dropped(50), message_above(1e6), message_above(20_000)]

    small, large, payload = advice(kinds)

    assert small.startswith("the server takes 16 packets in one POST of polling.")
    assert "Payload.max_decode_packets" in small
    assert "--max-packets-per-post 16" in small
    assert "--max-packets-per-post 50" in large
    assert "max_http_buffer_size" in payload
    assert advice(["timeout", "http 400"]) == []


def test_the_kinds_name_the_limits() -> None:
    assert packets_dropped(16) == "POST of more than 16 packets dropped"
    assert message_above(1e6) == message_above(1_000_000) == "message above maxPayload (1,000,000 bytes)"
