/** Breaks of socket.io, socket.io-parser and socket.io-adapter. */
import { patch, socket } from "./node_packages.mjs";

const { Server, Client, Namespace, Socket, BroadcastOperator, Adapter, Encoder, Decoder, Type } = socket;

/** Change the packets of one type before they are encoded; they name their namespace already. */
function changeSent(type, change) {
  patch(Client.prototype, "_packet", (original) => function (packet, options) {
    return original.call(this, packet.type === type ? change({ ...packet }) : packet, options);
  });
}

/** Change each JSON value that is sent. */
function changeValues(change) {
  patch(Encoder.prototype, "encodeAsString", (original) => function (packet) {
    this.replacer = (key, value) => change(value);
    return original.call(this, packet);
  });
}

/** Change what a packet may hold. */
function allowData(type, allowed) {
  patch(Decoder, "isPayloadValid", (original) => (found, data) => (found === type && allowed(data)) || original(found, data));
}

export const BREAKS = {
  // CONNECT
  "connect-lacks-the-socket-id": {
    breaks: "The answer to CONNECT is an empty object.",
    requirements: ["SIO-CN-02"],
    patch: () => changeSent(Type.CONNECT, (packet) => ({ ...packet, data: {} })),
  },
  "socket-id-is-the-session-id": {
    breaks: "The socket id is the session id.",
    requirements: ["SIO-CN-08"],
    patch: () => patch(Namespace.prototype, "_createSocket", (original) => async function (client, auth) {
      return Object.assign(await original.call(this, client, auth), { id: client.conn.id });
    }),
  },
  "socket-id-is-shared-by-namespaces": {
    breaks: "The namespaces of one session have the same socket id.",
    requirements: ["SIO-CN-09"],
    patch: () => patch(Namespace.prototype, "_createSocket", (original) => async function (client, auth) {
      return Object.assign(await original.call(this, client, auth), { id: `of-${client.conn.id}` });
    }),
  },
  "socket-id-outlives-disconnect": {
    breaks: "CONNECT after DISCONNECT gives the old socket id.",
    requirements: ["SIO-CN-13"],
    patch: () => patch(Namespace.prototype, "_createSocket", (original) => async function (client, auth) {
      const made = await original.call(this, client, auth);
      client.ids ??= {};
      return Object.assign(made, { id: (client.ids[this.name] ??= made.id) });
    }),
  },
  "main-namespace-is-connected-unasked": {
    breaks: "The main namespace is connected as in revision 4, before the client asks.",
    requirements: ["SIO-CN-01"],
    patch: () => patch(Client.prototype, "setup", (original) => function () {
      original.call(this);
      this.connect("/");
    }),
  },
  "unknown-namespace-is-refused-by-text": {
    breaks: "An unknown namespace is refused with a string.",
    requirements: ["SIO-CE-02"],
    patch: () => changeSent(Type.CONNECT_ERROR, (packet) => ({ ...packet, data: packet.data.message })),
  },
  "unknown-namespace-closes": {
    breaks: "A CONNECT to an unknown namespace closes the session.",
    requirements: ["SIO-CN-03"],
    patch: () => patch(Client.prototype, "connect", (original) => function (name, auth) {
      return this.server._nsps.has(name) ? original.call(this, name, auth) : this.close();
    }),
  },
  "unknown-namespace-is-made": {
    breaks: "A CONNECT to an unknown namespace makes it.",
    requirements: ["SIO-CN-03"],
    patch: () => patch(Server.prototype, "_checkNamespace", () => function (name, auth, fn) { fn(this.of(name)); }),
  },
  "refusal-closes-the-session": {
    breaks: "A refused CONNECT closes the session after its answer.",
    requirements: ["SIO-CE-04"],
    patch: () => patch(Socket.prototype, "_error", (original) => function (error) {
      original.call(this, error);
      this.client.close();
    }),
  },
  "refusal-names-no-namespace": {
    breaks: "CONNECT_ERROR of a custom namespace does not name it.",
    requirements: ["SIO-CE-01", "SIO-CN-03"],
    patch: () => changeSent(Type.CONNECT_ERROR, (packet) => ({ ...packet, nsp: "/" })),
  },
  "refusal-loses-its-data": {
    breaks: "CONNECT_ERROR holds the message only.",
    requirements: ["SIO-CE-03"],
    patch: () => changeSent(Type.CONNECT_ERROR, (packet) => ({ ...packet, data: { message: packet.data.message } })),
  },
  "auth-is-lost": {
    breaks: "The application sees no auth.",
    requirements: ["SIO-CN-06"],
    patch: () => patch(Socket.prototype, "buildHandshake", (original) => function () { return original.call(this, {}); }),
  },
  "missing-auth-is-null": {
    breaks: "Where CONNECT has no data the application sees null.",
    requirements: ["SIO-CN-06"],
    patch: () => patch(Socket.prototype, "buildHandshake", (original) => function (auth) {
      return original.call(this, Object.keys(auth).length > 0 ? auth : null);
    }),
  },
  "events-overtake-connect": {
    breaks: "Events of the connection handler come before the answer to CONNECT.",
    requirements: ["SIO-CN-14"],
    patch: () => patch(Client.prototype, "_packet", (original) => function (packet, options) {
      if (packet.type === Type.CONNECT) {
        setImmediate(() => original.call(this, packet, options));
      } else {
        original.call(this, packet, options);
      }
    }),
  },
  "second-connect-is-ignored": {
    breaks: "A second CONNECT to a namespace is ignored.",
    requirements: ["SIO-CN-10"],
    patch: () => patch(Client.prototype, "ondecoded", (original) => function (packet) {
      if (packet.type !== Type.CONNECT || !this.nsps.has(packet.nsp)) {
        original.call(this, packet);
      }
    }),
  },
  "packets-before-connect-are-ignored": {
    breaks: "A packet of a namespace that is not connected is ignored.",
    requirements: ["SIO-CN-04", "SIO-NS-03", "SIO-NS-04"],
    patch: () => patch(Client.prototype, "ondecoded", (original) => function (packet) {
      if (packet.type === Type.CONNECT || this.nsps.has(packet.nsp)) {
        original.call(this, packet);
      }
    }),
  },
  "connect-error-from-the-client-is-ignored": {
    breaks: "A CONNECT_ERROR from the client is ignored.",
    requirements: ["SIO-CE-05"],
    patch: () => patch(Client.prototype, "ondecoded", (original) => function (packet) {
      if (packet.type !== Type.CONNECT_ERROR) {
        original.call(this, packet);
      }
    }),
  },
  "namespace-needs-its-comma": {
    breaks: "A namespace that no comma ends loses its last character.",
    requirements: ["SIO-CN-12"],
    patch: () => patch(Decoder.prototype, "decodeString", (original) => function (text) {
      const packet = original.call(this, text);
      return packet.nsp === "/" || text.includes(",") ? packet : { ...packet, nsp: packet.nsp.slice(0, -1) };
    }),
  },
  "auth-may-be-text": {
    breaks: "CONNECT with a string for data is accepted.",
    requirements: ["SIO-CN-07"],
    patch: () => allowData(Type.CONNECT, (data) => typeof data === "string"),
  },
  // Events
  "arguments-after-the-third-are-lost": {
    breaks: "An event has three arguments at most.",
    requirements: ["SIO-EV-03"],
    patch: () => patch(Socket.prototype, "onevent", (original) => function (packet) {
      packet.data = packet.data.slice(0, 4);
      original.call(this, packet);
    }),
  },
  "arguments-are-reversed": {
    breaks: "The arguments of an event come last first.",
    requirements: ["SIO-EV-03"],
    patch: () => patch(Socket.prototype, "onevent", (original) => function (packet) {
      packet.data = [packet.data[0], ...packet.data.slice(1).reverse()];
      original.call(this, packet);
    }),
  },
  "numbers-become-texts": {
    breaks: "Numbers are sent as strings.",
    requirements: ["SIO-EN-06"],
    patch: () => changeValues((value) => (typeof value === "number" ? String(value) : value)),
  },
  "fractions-are-rounded": {
    breaks: "A number that is no integer is rounded.",
    requirements: ["SIO-EN-06"],
    patch: () => changeValues((value) => (typeof value === "number" ? Math.round(value) : value)),
  },
  "integers-have-32-bits": {
    breaks: "Integers are cut to 32 bits.",
    requirements: ["SIO-EN-06"],
    patch: () => changeValues((value) => (Number.isInteger(value) ? value | 0 : value)),
  },
  "null-arguments-are-dropped": {
    breaks: "An argument that is null is left out.",
    requirements: ["SIO-EN-06", "SIO-EV-03"],
    patch: () => changeSent(Type.EVENT, (packet) => ({ ...packet, data: packet.data.filter((item) => item !== null) })),
  },
  "null-members-are-dropped": {
    breaks: "A member of an object that is null is left out.",
    requirements: ["SIO-EN-06"],
    patch: () => changeValues((value) => (value && !Array.isArray(value) && typeof value === "object"
      ? Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null))
      : value)),
  },
  "empty-texts-become-null": {
    breaks: "An empty string becomes null.",
    requirements: ["SIO-EN-06"],
    patch: () => changeValues((value) => (value === "" ? null : value)),
  },
  "empty-arrays-become-objects": {
    breaks: "An empty array becomes an empty object.",
    requirements: ["SIO-EN-06"],
    patch: () => changeValues((value) => (Array.isArray(value) && value.length === 0 ? {} : value)),
  },
  "texts-are-trimmed": {
    breaks: "White space around a string is lost.",
    requirements: ["SIO-EN-06"],
    patch: () => changeValues((value) => (typeof value === "string" ? value.trim() : value)),
  },
  "astral-characters-are-damaged": {
    breaks: "A character outside the basic plane becomes two replacement characters.",
    requirements: ["EIO-EN-05"],
    patch: () => changeValues((value) => (typeof value === "string" ? value.replace(/[\ud800-\udfff]/g, "\ufffd") : value)),
  },
  "events-overtake-each-other": {
    breaks: "Every second event of a client is handled a little later.",
    requirements: ["SIO-OR-02"],
    patch: () => patch(Socket.prototype, "dispatch", (original) => function (event) {
      this.turn = !this.turn;
      if (this.turn) {
        setTimeout(() => original.call(this, event), 5);
      } else {
        original.call(this, event);
      }
    }),
  },
  "events-name-no-namespace": {
    breaks: "Events of a custom namespace do not name it.",
    requirements: ["SIO-NS-01"],
    patch: () => changeSent(Type.EVENT, (packet) => ({ ...packet, nsp: "/" })),
  },
  "events-leak-to-the-main-namespace": {
    breaks: "An event of a custom namespace is handled in the main namespace as well.",
    requirements: ["SIO-NS-05"],
    patch: () => patch(Client.prototype, "ondecoded", (original) => function (packet) {
      original.call(this, packet);
      if (packet.type === Type.EVENT && packet.nsp !== "/" && this.nsps.has("/")) {
        original.call(this, { ...packet, nsp: "/", data: [...packet.data] });
      }
    }),
  },
  // Acks
  "ack-id-0-is-lost": {
    breaks: "An event with the id 0 is not acknowledged.",
    requirements: ["SIO-AK-02"],
    patch: () => patch(Socket.prototype, "onevent", (original) => function (packet) {
      original.call(this, { ...packet, id: packet.id || undefined });
    }),
  },
  "ack-ids-have-one-byte": {
    breaks: "Ack ids are cut to 8 bits.",
    requirements: ["SIO-AK-02"],
    patch: () => changeSent(Type.ACK, (packet) => ({ ...packet, id: packet.id & 0xff })),
  },
  "ack-is-sent-twice": {
    breaks: "An event is acknowledged twice.",
    requirements: ["SIO-AK-05"],
    patch: () => patch(Client.prototype, "_packet", (original) => function (packet, options) {
      original.call(this, { ...packet }, options);
      if (packet.type === Type.ACK) {
        original.call(this, packet, options);
      }
    }),
  },
  "ack-arguments-are-nested": {
    breaks: "The arguments of an ACK are one array.",
    requirements: ["SIO-AK-02", "SIO-AK-03"],
    patch: () => changeSent(Type.ACK, (packet) => ({ ...packet, data: [packet.data] })),
  },
  "empty-ack-has-no-data": {
    breaks: "An ACK without arguments has no data.",
    requirements: ["SIO-AK-03"],
    patch: () => changeSent(Type.ACK, (packet) => ({ ...packet, data: packet.data.length > 0 ? packet.data : undefined })),
  },
  "ack-names-no-namespace": {
    breaks: "An ACK of a custom namespace does not name it.",
    requirements: ["SIO-AK-04"],
    patch: () => changeSent(Type.ACK, (packet) => ({ ...packet, nsp: "/" })),
  },
  "questions-share-an-id": {
    breaks: "Every event of the server that asks for an ACK has the id 0.",
    requirements: ["SIO-AK-07"],
    patch: () => patch(Socket.prototype, "emit", (original) => function (...given) {
      this.nsp._ids = 0;
      return original.apply(this, given);
    }),
  },
  "answers-are-taken-from-any-namespace": {
    breaks: "An ACK answers the question of that id in any namespace of the session.",
    requirements: ["SIO-AK-06", "SIO-AK-07"],
    patch: () => patch(Socket.prototype, "onack", (original) => function (packet) {
      const asked = [...this.client.sockets.values()].find(({ acks }) => acks.has(packet.id));
      original.call(asked ?? this, packet);
    }),
  },
  "unknown-ack-closes": {
    breaks: "An ACK that nobody waits for closes the session.",
    requirements: ["SIO-AK-06"],
    patch: () => patch(Socket.prototype, "onack", (original) => function (packet) {
      return this.acks.has(packet.id) ? original.call(this, packet) : this.client.close();
    }),
  },
  "answers-may-be-repeated": {
    breaks: "A second ACK of the same id is an answer again.",
    requirements: ["SIO-AK-06"],
    patch: () => patch(Socket.prototype, "onack", () => function (packet) {
      this.acks.get(packet.id)?.apply(this, packet.data);
    }),
  },
  "binary-ack-is-called-ack": {
    breaks: "An ACK with binary has the type of an ACK without.",
    requirements: ["SIO-AK-08"],
    patch: () => patch(Encoder.prototype, "encodeAsString", (original) => function (packet) {
      return original.call(this, packet).replace(/^6\d+-/, "3");
    }),
  },
  // Binary
  "binary-event-is-called-event": {
    breaks: "An event with binary has the type of an event without.",
    requirements: ["SIO-BN-01"],
    patch: () => patch(Encoder.prototype, "encodeAsString", (original) => function (packet) {
      return original.call(this, packet).replace(/^5\d+-/, "2");
    }),
  },
  "placeholders-count-from-one": {
    breaks: "The first placeholder has the number 1.",
    requirements: ["SIO-BN-01"],
    patch: () => changeValues((value) => (value?._placeholder === true ? { ...value, num: value.num + 1 } : value)),
  },
  "attachments-are-reversed": {
    breaks: "Attachments are sent last first.",
    requirements: ["SIO-BN-01"],
    patch: () => patch(Encoder.prototype, "encodeAsBinary", (original) => function (packet) {
      const [header, ...attachments] = original.call(this, packet);
      return [header, ...attachments.reverse()];
    }),
  },
  "nested-binary-is-not-found": {
    breaks: "Binary is looked for in the arguments only, not inside them.",
    requirements: ["SIO-BN-02"],
    patch: () => patch(socket.search, "hasBinary", () => (packet) => packet.data.some((item) => socket.search.isBinary(item))),
  },
  "empty-attachments-are-dropped": {
    breaks: "An empty attachment is not sent.",
    requirements: ["SIO-BN-14"],
    patch: () => patch(Client.prototype, "writeToEngine", (original) => function (encoded, options) {
      return original.call(this, [encoded].flat().filter((item) => item.length > 0), options);
    }),
  },
  "attachments-come-later": {
    breaks: "Attachments are written in the next turn of the event loop.",
    requirements: ["SIO-BN-13"],
    patch: () => patch(Client.prototype, "writeToEngine", (original) => function (encoded, options) {
      const [header, ...attachments] = [encoded].flat();
      original.call(this, [header], options);
      setImmediate(() => original.call(this, attachments, options));
    }),
  },
  "text-ends-the-wait-for-attachments": {
    breaks: "A text packet where an attachment is due drops what waits for it.",
    requirements: ["SIO-BN-04"],
    patch: () => patch(Decoder.prototype, "add", (original) => function (data) {
      if (typeof data === "string") {
        this.destroy();
      }
      return original.call(this, data);
    }),
  },
  "binary-without-a-header-is-ignored": {
    breaks: "Binary that no header announced is ignored.",
    requirements: ["SIO-BN-05"],
    patch: () => patch(Decoder.prototype, "add", (original) => function (data) {
      if (typeof data === "string" || this.reconstructor) {
        original.call(this, data);
      }
    }),
  },
  "placeholder-numbers-are-unchecked": {
    breaks: "A placeholder that no attachment has stays in the data.",
    requirements: ["SIO-BN-06"],
    patch: () => patch(socket.binary, "reconstructPacket", (original) => (packet, buffers) => {
      try {
        return original(packet, buffers);
      } catch {
        return packet;
      }
    }),
  },
  "attachments-are-unlimited": {
    breaks: "There may be any number of attachments.",
    requirements: ["SIO-BN-09"],
    patch: () => patch(Decoder.prototype, "decodeString", (original) => function (text) {
      this.opts.maxAttachments = Infinity;
      return original.call(this, text);
    }),
  },
  "attachments-are-three-at-most": {
    breaks: "A fourth attachment is too many.",
    requirements: ["SIO-BN-01", "SIO-BN-02"],
    patch: () => patch(Decoder.prototype, "decodeString", (original) => function (text) {
      this.opts.maxAttachments = 3;
      return original.call(this, text);
    }),
  },
  "pong-drops-pending-attachments": {
    breaks: "A pong between a header and its attachments drops the header.",
    requirements: ["SIO-BN-10"],
    patch: () => patch(Client.prototype, "setup", (original) => function () {
      original.call(this);
      this.conn.on("heartbeat", () => this.decoder.destroy());
    }),
  },
  "placeholder-in-a-plain-event-is-read": {
    breaks: "What looks like a placeholder in a plain event is taken for one.",
    requirements: ["SIO-BN-12"],
    patch: () => patch(Decoder.prototype, "decodeString", (original) => function (text) {
      const packet = original.call(this, text);
      return packet.type === Type.EVENT ? socket.binary.reconstructPacket(packet, []) : packet;
    }),
  },
  // Rooms and broadcast
  "leave-does-nothing": {
    breaks: "Who leaves a room stays in it.",
    requirements: ["SIO-RM-01"],
    patch: () => patch(Adapter.prototype, "del", () => () => {}),
  },
  "leave-leaves-every-room": {
    breaks: "Who leaves one room leaves all.",
    requirements: ["SIO-RM-01"],
    patch: () => patch(Adapter.prototype, "del", () => function (id) { this.delAll(id); }),
  },
  "sender-is-not-left-out": {
    breaks: "`to` and `broadcast` reach the sender.",
    requirements: ["SIO-RM-03"],
    patch: () => patch(Socket.prototype, "newBroadcastOperator", () => function () { return new BroadcastOperator(this.adapter); }),
  },
  "room-is-the-namespace": {
    breaks: "An event to a room reaches everybody.",
    requirements: ["SIO-RM-02"],
    patch: () => patch(BroadcastOperator.prototype, "to", () => function () { return this; }),
  },
  "rooms-reach-other-namespaces": {
    breaks: "An event to a room reaches the room of that name in every namespace.",
    requirements: ["SIO-RM-02", "SIO-BC-03"],
    patch: () => patch(Adapter.prototype, "broadcast", (original) => function (packet, options) {
      for (const { adapter } of options.rooms.size > 0 ? this.nsp.server._nsps.values() : [this.nsp]) {
        original.call(adapter, packet, options);
      }
    }),
  },
  "rooms-outlive-disconnect": {
    breaks: "CONNECT after DISCONNECT brings back the rooms.",
    requirements: ["SIO-RM-04"],
    patch: () => patch(Socket.prototype, "_cleanup", (original) => function () {
      const rooms = [...this.rooms].filter((room) => room !== this.id);
      const { name } = this.nsp;
      this.client.conn.rooms ??= {};
      this.client.conn.rooms[name] = rooms;
      original.call(this);
      this.nsp.on("connection", (again) => again.client === this.client && again.join(rooms));
    }),
  },
  "broadcast-is-volatile": {
    breaks: "A broadcast is lost for a client whose poll is not pending.",
    requirements: ["SIO-BC-01", "SIO-BC-02"],
    patch: () => patch(Client.prototype, "writeToEngine", (original) => function (encoded, options) {
      return original.call(this, encoded, { ...options, volatile: options.preEncoded });
    }),
  },
  "broadcast-crosses-namespaces": {
    breaks: "A broadcast reaches every namespace.",
    requirements: ["SIO-BC-03"],
    patch: () => patch(Adapter.prototype, "broadcast", (original) => function (packet, options) {
      for (const { adapter } of this.nsp.server._nsps.values()) {
        original.call(adapter, packet, options);
      }
    }),
  },
  "broadcast-loses-attachments": {
    breaks: "A broadcast sends the header of a binary event without its attachments.",
    requirements: ["SIO-BC-01", "SIO-BC-02", "SIO-RM-02", "SIO-BN-01"],
    patch: () => patch(Adapter.prototype, "_encode", (original) => function (...given) {
      return original.apply(this, given).slice(0, 1);
    }),
  },
  "broadcast-is-delivered-twice": {
    breaks: "A broadcast is delivered twice.",
    requirements: ["SIO-BC-01"],
    patch: () => patch(Adapter.prototype, "apply", (original) => function (options, callback) {
      original.call(this, options, callback);
      original.call(this, options, callback);
    }),
  },
  // DISCONNECT
  "disconnect-is-answered": {
    breaks: "DISCONNECT is answered by DISCONNECT.",
    requirements: ["SIO-DC-01"],
    patch: () => patch(Socket.prototype, "ondisconnect", (original) => function () {
      this.packet({ type: Type.DISCONNECT });
      original.call(this);
    }),
  },
  "disconnect-is-ignored": {
    breaks: "DISCONNECT does nothing.",
    requirements: ["SIO-DC-01", "SIO-DC-02"],
    patch: () => patch(Socket.prototype, "ondisconnect", () => () => {}),
  },
  "disconnect-ends-the-session": {
    breaks: "DISCONNECT from one namespace closes the session.",
    requirements: ["SIO-DC-03"],
    patch: () => patch(Socket.prototype, "ondisconnect", () => function () { this.client._disconnect(); }),
  },
  "kick-says-nothing": {
    breaks: "The server disconnects a client without a packet.",
    requirements: ["SIO-DC-04"],
    patch: () => patch(Socket.prototype, "disconnect", (original) => function (close) {
      return close ? original.call(this, close) : this._onclose("server namespace disconnect");
    }),
  },
  "kick-has-data": {
    breaks: "DISCONNECT holds a reason.",
    requirements: ["SIO-DC-05"],
    patch: () => changeSent(Type.DISCONNECT, (packet) => ({ ...packet, data: { reason: "kicked" } })),
  },
  // Strictness
  "reserved-names-are-accepted": {
    breaks: "The client may send an event named disconnect.",
    requirements: ["SIO-RV-01"],
    patch: () => allowData(Type.EVENT, (data) => typeof data[0] === "string"),
  },
  "reserved-names-are-emitted": {
    breaks: "The server emits events with reserved names.",
    requirements: ["SIO-RV-02"],
    patch: () => patch(socket.reserved, "has", () => () => false),
  },
  "event-data-may-be-empty": {
    breaks: "An event with an empty array is accepted.",
    requirements: ["SIO-EV-01"],
    patch: () => allowData(Type.EVENT, (data) => Array.isArray(data) && data.length === 0),
  },
  "event-names-are-unchecked": {
    breaks: "An event may have any JSON value for its name.",
    requirements: ["SIO-EV-02"],
    patch: () => allowData(Type.EVENT, (data) => Array.isArray(data) && typeof data[0] !== "string"),
  },
  "what-follows-the-json-is-ignored": {
    breaks: "Text after the JSON of an event is ignored.",
    requirements: ["SIO-EN-05"],
    patch: () => patch(Decoder.prototype, "tryParse", (original) => function (text) {
      return original.call(this, text.slice(0, text.lastIndexOf("]") + 1 || undefined));
    }),
  },
  "unknown-types-are-ignored": {
    breaks: "A packet of a type above 6 is ignored.",
    requirements: ["SIO-EN-02"],
    patch: () => patch(Decoder.prototype, "add", (original) => function (data) {
      if (typeof data !== "string" || !/^[7-9]/.test(data)) {
        original.call(this, data);
      }
    }),
  },
  "event-may-count-attachments": {
    breaks: "A number of attachments before the data of an EVENT is skipped.",
    requirements: ["SIO-EN-03"],
    patch: () => patch(Decoder.prototype, "decodeString", (original) => function (text) {
      return original.call(this, text.replace(/^2\d+-/, "2"));
    }),
  },
  "undecodable-packets-are-ignored": {
    breaks: "A packet that cannot be decoded is ignored.",
    requirements: ["SIO-ER-01"],
    patch: () => patch(Client.prototype, "onerror", () => () => {}),
  },
  "decoder-errors-end-the-process": {
    breaks: "A packet that cannot be decoded ends the process.",
    requirements: ["EIO-SV-01", "SIO-ER-01"],
    patch: () => patch(Client.prototype, "onerror", () => (error) => { throw error; }),
  },
};
