/** Breaks of connection state recovery. The server of these has it switched on. */
import { patch, socket } from "./node_packages.mjs";

const { Namespace, Socket, SessionAwareAdapter, Type } = socket;

/** Change what a lost connection gets back; `change` may look at the adapter and at the offset. */
function changeRestored(change) {
  patch(SessionAwareAdapter.prototype, "restoreSession", (original) => async function (pid, offset) {
    const session = await original.call(this, pid, offset);
    return session && change(session, this, offset);
  });
}

/** Change the events that are replayed; each is its data, the offset at the end. */
function changeMissed(change) {
  changeRestored((session, adapter, offset) => ({ ...session, missedPackets: change(session.missedPackets, adapter, offset) }));
}

export const BREAKS = {
  "private-id-is-the-public-one": {
    breaks: "The pid is the socket id.",
    requirements: ["SIO-RC-01"],
    patch: () => patch(Namespace.prototype, "_createSocket", (original) => async function (client, auth) {
      const made = await original.call(this, client, auth);
      return Object.assign(made, { pid: made.id });
    }),
  },
  "direct-events-have-no-offset": {
    breaks: "An event that socket.emit sends has no offset.",
    requirements: ["SIO-RC-02"],
    patch: () => patch(Socket.prototype, "emit", (original) => function (event, ...args) {
      if (typeof args.at(-1) === "function") {
        return original.call(this, event, ...args);
      }
      this.packet({ type: Type.EVENT, data: [event, ...args] }, this.flags);
      this.flags = {};
      return true;
    }),
  },
  "questions-have-an-offset": {
    breaks: "An event that asks for an ack has an offset.",
    requirements: ["SIO-RC-03"],
    patch: () => patch(SessionAwareAdapter.prototype, "broadcast", (original) => function (packet, options) {
      if (packet.id !== undefined) {
        packet.data.push("offset");
      }
      original.call(this, packet, options);
    }),
  },
  "state-is-never-found": {
    breaks: "No session is restored.",
    requirements: ["SIO-RC-04"],
    patch: () => patch(SessionAwareAdapter.prototype, "restoreSession", () => () => null),
  },
  "state-is-given-once": {
    breaks: "A client that was recovered is not recovered again.",
    requirements: ["SIO-RC-04"],
    patch: () => {
      const given = new Set();
      changeRestored((session) => (given.has(session.pid) ? null : given.add(session.pid) && session));
    },
  },
  "recovered-socket-id-is-new": {
    breaks: "A recovered client gets a new socket id.",
    requirements: ["SIO-RC-04"],
    patch: () => changeRestored((session) => ({ ...session, sid: `${session.sid}-again` })),
  },
  "last-missed-event-is-lost": {
    breaks: "The last event that was missed is not replayed.",
    requirements: ["SIO-RC-05"],
    patch: () => changeMissed((missed) => missed.slice(0, -1)),
  },
  "replay-begins-one-too-early": {
    breaks: "The event that the client got last is replayed.",
    requirements: ["SIO-RC-05"],
    patch: () => changeMissed((missed, adapter, offset) => [
      ...adapter.packets.filter(({ id }) => id === offset).map(({ data }) => data),
      ...missed,
    ]),
  },
  "replay-is-sorted-otherwise": {
    breaks: "Missed events are replayed last first.",
    requirements: ["SIO-RC-05"],
    patch: () => changeMissed((missed) => missed.toReversed()),
  },
  "replay-loses-its-offsets": {
    breaks: "Replayed events have no offset, as in an adapter of 2025.",
    requirements: ["SIO-RC-05"],
    patch: () => changeMissed((missed) => missed.map((data) => data.slice(0, -1))),
  },
  "replay-is-everybodys": {
    breaks: "Events to all rooms are replayed.",
    requirements: ["SIO-RC-06"],
    patch: () => changeMissed((missed, adapter, offset) => {
      const place = adapter.packets.findIndex(({ id }) => id === offset);
      return adapter.packets.slice(place + 1).map(({ data }) => data);
    }),
  },
  "rooms-are-lost": {
    breaks: "A recovered client is in no room but its own.",
    requirements: ["SIO-RC-06"],
    patch: () => changeRestored((session) => ({ ...session, rooms: [session.sid] })),
  },
  "leaving-is-recoverable": {
    breaks: "Who left the namespace, or was put out, is recovered.",
    requirements: ["SIO-RC-07"],
    patch: () => patch(Socket.prototype, "_onclose", (original) => function (reason, description) {
      return original.call(this, reason.endsWith("namespace disconnect") ? "transport close" : reason, description);
    }),
  },
  "unknown-offset-misses-nothing": {
    breaks: "A client that shows an unknown offset is recovered, without what it missed.",
    requirements: ["SIO-RC-08"],
    patch: () => patch(SessionAwareAdapter.prototype, "restoreSession", (original) => async function (pid, offset) {
      const session = this.sessions.get(pid);
      return (await original.call(this, pid, offset)) ?? (session && { ...session, missedPackets: [] });
    }),
  },
};
