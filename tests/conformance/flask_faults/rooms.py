"""Rooms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server_under_test.reference.flask_contract.extensions import socketio
from tests.conformance.flask_faults.breaking import Faults, manager, nothing, replaced, server, wrapped


def leave_by_joining(original: Callable[..., Any], sid: str, namespace: str, room: str, **named: Any) -> None:
    if room in manager().get_rooms(sid, namespace):
        manager().leave_room(sid, namespace, room)
    else:
        original(sid, namespace, room, **named)


def never_leave_oneself(original: Callable[..., Any], sid: str, namespace: str, room: str) -> None:
    if room != sid:
        original(sid, namespace, room)


def emit_next_door(original: Callable[..., Any], event: str, data: Any, namespace: str, **named: Any) -> None:
    original(event, data, namespace, **named)
    if namespace == "/rooms":
        original(event, data, "/rooms-too", **named)


def keep_rooms() -> None:
    """Who connects again is in the rooms of before."""
    kept: dict[str, list[str]] = {}

    def disconnect(original: Callable[..., Any], sid: str, namespace: str, **named: Any) -> Any:
        eio_sid = manager().eio_sid_from_sid(sid, namespace)
        kept[eio_sid] = [room for room in manager().get_rooms(sid, namespace) if room != sid]
        return original(sid, namespace, **named)

    def pre_connect(original: Callable[..., Any], eio_sid: str, namespace: str) -> Any:
        sid = original(eio_sid, namespace)
        for room in kept.get(eio_sid, []):
            manager().basic_enter_room(sid, namespace, room, eio_sid=eio_sid)
        return sid

    wrapped(manager, "disconnect", disconnect)()
    wrapped(manager, "pre_connect", pre_connect)()


def close_and_tell(original: Callable[..., Any], room: str, namespace: str) -> None:
    socketio.emit("closed", room, to=room, namespace=namespace)
    original(room, namespace)


def join_by_leaving(original: Callable[..., Any], sid: str, namespace: str, room: str) -> None:
    if room in manager().get_rooms(sid, namespace):
        original(sid, namespace, room)
    else:
        manager().enter_room(sid, namespace, room)


FAULTS: Faults = {
    "own-room-is-not-listed": (
        wrapped(
            manager, "get_rooms", lambda original, sid, *rest: [r for r in original(sid, *rest) if r != sid]
        ),
        ("puts_a_client_into_the_room_of_its_id",),
    ),
    "own-room-comes-first": (
        wrapped(
            manager,
            "get_rooms",
            lambda original, sid, *rest: sorted(original(sid, *rest), key=lambda room: room != sid),
        ),
        ("lists_rooms_in_the_order_they_came_to_be",),
    ),
    "joining-again-leaves": (
        wrapped(manager, "enter_room", leave_by_joining),
        ("joins_and_leaves_once_and_again",),
    ),
    "room-is-never-closed": (replaced(server, "close_room", nothing), ("closes_a_room_for_all",)),
    "rooms-of-ids-are-free": (
        replaced(manager, "is_sid_room", lambda *arguments: False),
        ("reserves_the_rooms_of_ids",),
    ),
    "own-room-is-never-left": (
        wrapped(manager, "leave_room", never_leave_oneself),
        ("loses_a_client_that_left_its_own_room",),
    ),
    "rooms-span-namespaces": (
        wrapped(manager, "emit", emit_next_door),
        ("keeps_the_rooms_of_namespaces_apart",),
    ),
    "rooms-are-kept": (keep_rooms, ("takes_a_client_out_of_its_rooms_when_it_leaves",)),
    "closing-a-room-tells-its-members": (
        wrapped(server, "close_room", close_and_tell),
        ("closes_a_room_for_all",),
    ),
    "leaving-again-joins": (
        wrapped(manager, "leave_room", join_by_leaving),
        ("joins_and_leaves_once_and_again",),
    ),
    "rooms-of-ids-can-be-closed": (
        replaced(manager, "close_room", nothing),
        ("reserves_the_rooms_of_ids",),
    ),
}
