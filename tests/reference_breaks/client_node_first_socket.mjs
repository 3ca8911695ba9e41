/** Breaks of socket.io-client and socket.io-parser that were written before the cases were read. */
import { patch, socket } from "./client_node_packages.mjs";

const { Decoder, Encoder, Manager, Socket, Type } = socket;

export const BREAKS = {
  "connect-has-no-timeout": {
    breaks: "The timeout of the options is ignored.",
    requirements: ["CLI-HS-08"],
    patch: () => patch(Manager.prototype, "open", (original) => function (fn) {
      this._timeout = false;
      return original.call(this, fn);
    }),
  },
  "emits-before-it-is-connected": {
    breaks: "Events that wait for the answer to CONNECT are sent at once.",
    requirements: ["CLI-CN-01"],
    patch: () => patch(Socket.prototype, "emit", (original) => function (...args) {
      const before = this.connected;
      this.connected = before || this.io._readyState === "open";
      original.apply(this, args);
      this.connected = before;
      return this;
    }),
  },
  "joins-the-default-namespace-too": {
    breaks: "Before CONNECT to another namespace comes one to /.",
    requirements: ["CLI-CN-03"],
    patch: () => patch(Socket.prototype, "_sendConnectPacket", (original) => function (data) {
      if (this.nsp !== "/") this.io._packet({ type: Type.CONNECT, nsp: "/" });
      original.call(this, data);
    }),
  },
  "tries-a-refused-namespace-again": {
    breaks: "After CONNECT_ERROR comes a second CONNECT.",
    requirements: ["CLI-CN-06"],
    patch: () => patch(Socket.prototype, "onpacket", (original) => function (packet) {
      original.call(this, packet);
      if (packet.type === Type.CONNECT_ERROR) this.connect();
    }),
  },
  "early-events-are-lost": {
    breaks: "Events that come before the answer to CONNECT are lost.",
    requirements: ["CLI-CN-07"],
    patch: () => patch(Socket.prototype, "onevent", (original) => function (packet) {
      if (this.connected) original.call(this, packet);
    }),
  },
  "callbacks-are-kept": {
    breaks: "A second answer calls the callback again.",
    requirements: ["CLI-AK-04"],
    patch: () => patch(Socket.prototype, "onack", (original) => function (packet) {
      const callback = this.acks[packet.id];
      original.call(this, packet);
      if (callback) this.acks[packet.id] = callback;
    }),
  },
  "empty-acks-have-no-data": {
    breaks: "An ack without arguments has no array.",
    requirements: ["CLI-AK-02"],
    patch: () => patch(Encoder.prototype, "encodeAsString", (original) => function (packet) {
      const empty = packet.type === Type.ACK && packet.data.length === 0;
      return original.call(this, empty ? { ...packet, data: undefined } : packet);
    }),
  },
  "acks-have-no-namespace": {
    breaks: "Acks go to the default namespace.",
    requirements: ["CLI-AK-01", "CLI-NS-08"],
    patch: () => patch(Encoder.prototype, "encodeAsString", (original) => function (packet) {
      return original.call(this, packet.type === Type.ACK ? { ...packet, nsp: "/" } : packet);
    }),
  },
  "comes-back-after-a-kick": {
    breaks: "A DISCONNECT of the server is followed by CONNECT.",
    requirements: ["CLI-DC-01"],
    patch: () => patch(Socket.prototype, "ondisconnect", (original) => function () {
      original.call(this);
      this.connect();
    }),
  },
  "keeps-listening-after-it-left": {
    breaks: "A socket that has left stays subscribed, and subscribes again when it connects again.",
    requirements: ["CLI-DC-04"],
    patch: () => patch(Socket.prototype, "destroy", (original) => function () {
      this.subs = undefined;
      original.call(this);
    }),
  },
  "bad-packets-are-skipped": {
    breaks: "A packet that cannot be parsed is ignored.",
    requirements: ["CLI-MF-01"],
    patch: () => patch(Manager.prototype, "ondata", () => function (data) {
      try {
        this.decoder.add(data);
      } catch {
        // ignored
      }
    }),
  },
  "half-a-packet-is-kept": {
    breaks: "The decoder keeps a half packet of a session that was lost.",
    requirements: ["CLI-BN-10"],
    patch: () => patch(Decoder.prototype, "destroy", () => () => {}),
  },
  "texts-that-look-like-dates-become-dates": {
    breaks: "A text in the form of a date becomes a date.",
    requirements: ["CLI-EV-01"],
    patch: () => patch(Decoder.prototype, "tryParse", (original) => function (text) {
      const date = /^\d{4}-\d\d-\d\d(T[\d:.]+Z?)?$/;
      const revive = (value) => {
        if (Array.isArray(value)) return value.map(revive);
        return typeof value === "string" && date.test(value) ? new Date(value) : value;
      };
      return revive(original.call(this, text));
    }),
  },
  "nulls-at-the-end-are-dropped": {
    breaks: "The last arguments of an event are lost if they are null.",
    requirements: ["CLI-EV-10"],
    patch: () => patch(Socket.prototype, "emit", (original) => function (event, ...args) {
      while (args.length && args.at(-1) === null) args.pop();
      return original.call(this, event, ...args);
    }),
  },
  "text-is-composed": {
    breaks: "Text is sent in another normal form of Unicode than the application gave it.",
    requirements: ["CLI-EV-10"],
    patch: () => patch(Encoder.prototype, "encodeAsString", (original) => function (packet) {
      return original.call(this, packet).normalize("NFC");
    }),
  },
};
