/**
 * Single breaks of version 2.5 of the JavaScript client, which speaks Engine.IO 3 and Socket.IO 4.
 *
 *   REFERENCE_BREAK=NAME node --import ./tests/reference_breaks/client_node_2.mjs conformance/agents/js/agent.mjs 2
 *   node tests/reference_breaks/client_node_2.mjs        prints the registry as JSON
 *
 * All of them were written after the cases were read.
 */
import { createRequire } from "node:module";
import { patch, printOrBreak } from "./patch.mjs";

const FOLDER = new URL("../../conformance/agents/js/node_modules/", import.meta.url);
const client = createRequire(new URL("socket.io-client-2/package.json", FOLDER));
const engine = createRequire(client.resolve("engine.io-client/package.json"));

const Engine = engine("./lib/socket.js");
const codec = engine("engine.io-parser");
const { CONNECT, ERROR, Decoder } = client("socket.io-parser");
const Manager = client("./lib/manager.js");
const Socket = client("./lib/socket.js");

const registry = {
  "eio-is-4": {
    breaks: "Requests say that they speak revision 4.",
    requirements: ["CLI3-01"],
    patch: () => patch(Engine.prototype, "createTransport", (original) => function (name) {
      const transport = original.call(this, name);
      transport.query.EIO = 4;
      return transport;
    }),
  },
  "polls-have-no-sid": {
    breaks: "Requests of a session over polling do not name it.",
    requirements: ["CLI3-02"],
    patch: () => patch(Engine.prototype, "onHandshake", (original) => function (data) {
      original.call(this, data);
      delete this.transport.query.sid;
    }),
  },
  "lengths-are-read-as-bytes": {
    breaks: "The lengths of a payload that comes are taken for bytes.",
    requirements: ["CLI3-03"],
    patch: () => patch(codec, "decodePayload", (original) => (data, ...rest) =>
      original(typeof data === "string" ? Buffer.from(data).toString("latin1") : data, ...rest)),
  },
  "one-packet-for-each-payload": {
    breaks: "Of a payload only the first packet is read.",
    requirements: ["CLI3-03"],
    patch: () => patch(codec, "decodePayload", (original) => (data, type, callback) => {
      original(data, type, (packet, ...rest) => {
        callback(packet, ...rest);
        return packet.type === "open";
      });
    }),
  },
  "lengths-are-written-as-bytes": {
    breaks: "The lengths of a payload that goes out count bytes.",
    requirements: ["CLI3-04"],
    patch: () => patch(codec, "encodePayload", () => (packets, binary, callback) => {
      const text = (packet) => codec.encodePacket(packet, false, false, (message) => message);
      callback(packets.map(text).map((message) => `${Buffer.byteLength(message)}:${message}`).join(""));
    }),
  },
  "base64-has-no-type": {
    breaks: "Binary data in a payload is b and base64, without the type of its packet.",
    requirements: ["CLI3-05"],
    patch: () => patch(codec, "encodeBase64Packet", (original) => (packet, callback) =>
      original(packet, (message) => callback(message.replace("b4", "b")))),
  },
  "type-byte-is-not-sent": {
    breaks: "A binary frame has no byte for the type of its packet.",
    requirements: ["CLI3-07"],
    patch: () => patch(codec, "encodePacket", (original) => (packet, ...rest) => {
      if (Buffer.isBuffer(packet.data) && rest[0] === true) return rest.at(-1)(packet.data);
      return original(packet, ...rest);
    }),
  },
  "type-byte-is-delivered": {
    breaks: "The byte for the type of a packet stays in front of binary data.",
    requirements: ["CLI3-07"],
    patch: () => patch(codec, "decodePacket", (original) => (data, ...rest) =>
      typeof data === "string" ? original(data, ...rest) : { type: "message", data }),
  },
  "pings-twice-as-often": {
    breaks: "A ping is sent after half of pingInterval.",
    requirements: ["CLI3-08"],
    patch: () => patch(Engine.prototype, "setPing", (original) => function () {
      const interval = this.pingInterval;
      this.pingInterval = interval / 2;
      original.call(this);
      this.pingInterval = interval;
    }),
  },
  "pings-once": {
    breaks: "A pong is followed by no other ping.",
    requirements: ["CLI3-08"],
    patch: () => patch(Engine.prototype, "setPing", (original) => function () {
      if (!this.hasPinged) original.call(this);
      this.hasPinged = true;
    }),
  },
  "missing-pong-is-not-noticed": {
    breaks: "No timer waits for the pong.",
    requirements: ["CLI3-09"],
    patch: () => patch(Engine.prototype, "onHeartbeat", () => () => {}),
  },
  "timeout-is-read-as-zero": {
    breaks: "The session ends at the first ping that is not answered at once.",
    requirements: ["CLI3-09"],
    patch: () => patch(Engine.prototype, "onHeartbeat", (original) => function (timeout) {
      original.call(this, timeout && timeout / 10);
    }),
  },
  "only-pongs-are-life": {
    breaks: "Packets other than pong do not keep a session.",
    requirements: ["CLI3-10"],
    patch: () => patch(Engine.prototype, "emit", (original) => function (name, ...rest) {
      if (name === "packet") this.isPong = rest[0].type === "pong";
      return name === "heartbeat" && !this.isPong ? this : original.call(this, name, ...rest);
    }),
  },
  "ping-of-the-server-is-an-error": {
    breaks: "A ping of the server ends the session.",
    requirements: ["CLI3-11"],
    patch: () => patch(Engine.prototype, "onPacket", (original) => function (packet) {
      if (packet.type === "ping") this.onError(new Error("ping"));
      else original.call(this, packet);
    }),
  },
  "connects-to-the-main-namespace": {
    breaks: "CONNECT is sent for / as well.",
    requirements: ["CLI3-14"],
    patch: () => patch(Socket.prototype, "onopen", (original) => function () {
      if (this.nsp === "/") this.packet({ type: CONNECT });
      original.call(this);
    }),
  },
  "is-connected-by-open": {
    breaks: "The application sees connect when the session is open.",
    requirements: ["CLI3-14"],
    patch: () => patch(Socket.prototype, "onopen", (original) => function () {
      original.call(this);
      if (this.nsp === "/") this.onconnect();
    }),
  },
  "connect-has-data": {
    breaks: "CONNECT has an object as its data.",
    requirements: ["CLI3-15"],
    patch: () => patch(Manager.prototype, "packet", (original) => function (packet) {
      original.call(this, packet.type === CONNECT ? { ...packet, data: {} } : packet);
    }),
  },
  "all-namespaces-are-connected-at-once": {
    breaks: "CONNECT of any namespace counts for all.",
    requirements: ["CLI3-15"],
    patch: () => patch(Socket.prototype, "onpacket", (original) => function (packet) {
      original.call(this, packet.type === CONNECT ? { ...packet, nsp: this.nsp } : packet);
    }),
  },
  "query-stays-in-the-url": {
    breaks: "The query does not stand behind the namespace.",
    requirements: ["CLI3-16"],
    patch: () => patch(Manager.prototype, "packet", (original) => function (packet) {
      original.call(this, { ...packet, query: undefined });
    }),
  },
  "errors-have-no-payload": {
    breaks: "The payload of ERROR does not reach the application.",
    requirements: ["CLI3-17"],
    patch: () => patch(Socket.prototype, "onpacket", (original) => function (packet) {
      original.call(this, packet.type === ERROR ? { ...packet, data: null } : packet);
    }),
  },
  "ids-have-no-namespace": {
    breaks: "The id of each namespace is that of the session.",
    requirements: ["CLI3-19"],
    patch: () => patch(Manager.prototype, "generateId", () => function () {
      return this.engine.id;
    }),
  },
  "acks-need-a-payload": {
    breaks: "An ACK without payload calls nobody.",
    requirements: ["CLI3-20"],
    patch: () => patch(Socket.prototype, "onack", (original) => function (packet) {
      if (packet.data) original.call(this, packet);
    }),
  },
  "needs-the-comma": {
    breaks: "A namespace that nothing follows is not read without its comma.",
    requirements: ["CLI3-21"],
    patch: () => patch(Decoder.prototype, "add", (original) => function (packet) {
      if (!/^[01]\/[^,]*$/.test(packet)) original.call(this, packet);
    }),
  },
  "joins-its-namespace-once": {
    breaks: "After a loss CONNECT is not sent again.",
    requirements: ["CLI3-22"],
    patch: () => patch(Socket.prototype, "onopen", (original) => function () {
      if (!this.hasAsked) original.call(this);
      this.hasAsked = true;
    }),
  },
};

printOrBreak(import.meta.url, registry, () => ({ first: false }));
