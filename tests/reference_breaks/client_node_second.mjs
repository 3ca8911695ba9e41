/** Breaks of the JavaScript client that were written after the cases were read. */
import http from "node:http";
import { createHash } from "node:crypto";
import { engine, patch, SEPARATOR, socket, websocket } from "./client_node_packages.mjs";

const { Socket: Engine, Transport, Polling, BaseXHR, BaseWS } = engine;
const { Decoder, Encoder, Manager, Socket, Type } = socket;

/** Change each packet that the encoder writes: `change` answers it or another one. */
const encoded = (change) => () => patch(Encoder.prototype, "encodeAsString", (original) => function (packet) {
  return original.call(this, change(packet));
});

export const BREAKS = {
  "open-needs-max-payload": {
    breaks: "A handshake without maxPayload is an error.",
    requirements: ["CLI-HS-03"],
    patch: () => patch(Engine.prototype, "onHandshake", (original) => function (data) {
      if (data.maxPayload === undefined) this._onError(new Error("no maxPayload"));
      else original.call(this, data);
    }),
  },
  "any-packet-opens": {
    breaks: "A session is open whatever the first packet is.",
    requirements: ["CLI-HS-05"],
    patch: () => patch(Engine.prototype, "_onPacket", (original) => function (packet) {
      if (this.readyState === "opening" && packet.type !== "open") {
        this.onHandshake({ sid: "", upgrades: [], pingInterval: 25_000, pingTimeout: 20_000 });
      }
      original.call(this, packet);
    }),
  },
  "auth-is-flattened": {
    breaks: "The values of auth are texts.",
    requirements: ["CLI-CN-02"],
    patch: encoded((packet) => {
      if (packet.type !== Type.CONNECT || !packet.data) return packet;
      const data = Object.fromEntries(Object.entries(packet.data).map(([key, value]) => [key, String(value)]));
      return { ...packet, data };
    }),
  },
  "refusal-has-no-data": {
    breaks: "The data of a refused CONNECT does not reach the application.",
    requirements: ["CLI-CN-04"],
    patch: () => patch(Socket.prototype, "onpacket", (original) => function (packet) {
      if (packet.type === Type.CONNECT_ERROR) packet.data = { message: packet.data.message };
      original.call(this, packet);
    }),
  },
  "further-keys-refuse": {
    breaks: "An answer to CONNECT with more than a sid is a refusal.",
    requirements: ["CLI-CN-11"],
    patch: () => patch(Socket.prototype, "onpacket", (original) => function (packet) {
      if (packet.type === Type.CONNECT && Object.keys(packet.data ?? {}).length > 1) packet.data = {};
      original.call(this, packet);
    }),
  },
  "id-is-that-of-the-session": {
    breaks: "The id of the connection is that of the Engine.IO session.",
    requirements: ["CLI-CN-12"],
    patch: () => patch(Socket.prototype, "onconnect", (original) => function (id, pid) {
      original.call(this, this.io.engine.id, pid);
    }),
  },
  "ids-begin-anew": {
    breaks: "Each question has the id 0.",
    requirements: ["CLI-AK-03"],
    patch: () => patch(Socket.prototype, "emit", (original) => function (...args) {
      this.ids = 0;
      return original.apply(this, args);
    }),
  },
  "ids-have-32-bits": {
    breaks: "The id of an event is taken for a number of 32 bits.",
    requirements: ["CLI-AK-06"],
    patch: () => patch(Socket.prototype, "ack", (original) => function (id) {
      return original.call(this, id | 0);
    }),
  },
  "late-answers-call-back": {
    breaks: "An answer that comes after the timeout calls the callback again.",
    requirements: ["CLI-AK-07"],
    patch: () => patch(Socket.prototype, "_registerAckCallback", (original) => function (id, ack) {
      original.call(this, id, ack);
      if (this.flags.timeout) setTimeout(() => (this.acks[id] = ack), this.flags.timeout);
    }),
  },
  "loss-forgets-questions": {
    breaks: "Open questions are forgotten when the session ends.",
    requirements: ["CLI-AK-08"],
    patch: () => patch(Socket.prototype, "_clearAcks", () => function () {
      this.acks = {};
    }),
  },
  "ack-can-be-sent-twice": {
    breaks: "A second call of the function that acknowledges sends a second ACK.",
    requirements: ["CLI-AK-09"],
    patch: () => patch(Socket.prototype, "ack", () => function (id) {
      return (...args) => this.packet({ type: Type.ACK, id, data: args });
    }),
  },
  "binary-ack-has-the-type-of-an-event": {
    breaks: "An ACK with binary is a BINARY_EVENT.",
    requirements: ["CLI-BN-03"],
    patch: encoded((packet) => packet.type === Type.BINARY_ACK ? { ...packet, type: Type.BINARY_EVENT } : packet),
  },
  "attachments-come-last-first": {
    breaks: "The attachments of an event are sent in reverse.",
    requirements: ["CLI-BN-02"],
    patch: () => patch(Encoder.prototype, "encodeAsBinary", (original) => function (packet) {
      const [header, ...buffers] = original.call(this, packet);
      return [header, ...buffers.reverse()];
    }),
  },
  "empty-attachments-are-skipped": {
    breaks: "An attachment of no bytes is ignored.",
    requirements: ["CLI-BN-05"],
    patch: () => patch(Decoder.prototype, "add", (original) => function (data) {
      if (typeof data === "string" || data.length > 0) original.call(this, data);
    }),
  },
  "noop-forgets-half-a-packet": {
    breaks: "A NOOP drops the header that waits for its attachments.",
    requirements: ["CLI-BN-07"],
    patch: () => patch(Manager.prototype, "onopen", (original) => function () {
      original.call(this);
      this.engine.on("packet", (packet) => packet.type === "noop" && this.decoder.destroy());
    }),
  },
  "large-attachments-are-cut": {
    breaks: "Of an attachment the first 65536 bytes are delivered.",
    requirements: ["CLI-BN-09"],
    patch: () => patch(Decoder.prototype, "add", (original) => function (data) {
      original.call(this, typeof data === "string" ? data : data.subarray(0, 65536));
    }),
  },
  "long-texts-are-cut": {
    breaks: "A packet of more than 2^18 characters is ignored.",
    requirements: ["CLI-EV-03"],
    patch: () => patch(Decoder.prototype, "add", (original) => function (data) {
      if (data.length <= 2 ** 18) original.call(this, data);
    }),
  },
  "sixteen-arguments-at-most": {
    breaks: "An event has no more than sixteen arguments.",
    requirements: ["CLI-EV-06"],
    patch: () => patch(Socket.prototype, "emitEvent", (original) => function (args) {
      original.call(this, args.slice(0, 17));
    }),
  },
  "reserved-names-are-delivered": {
    breaks: "An event of the server may be named connect.",
    requirements: ["CLI-EV-04"],
    patch: () => patch(Decoder, "isPayloadValid", (original) => function (type, payload) {
      return type === Type.EVENT && Array.isArray(payload) ? payload.length > 0 : original.call(this, type, payload);
    }),
  },
  "handlers-run-in-the-parser": {
    breaks: "An exception of a handler is taken for one of the parser.",
    requirements: ["CLI-EV-08"],
    patch: () => patch(Manager.prototype, "ondecoded", () => function (packet) {
      this.emitReserved("packet", packet);
    }),
  },
  "parse-errors-are-not-caught": {
    breaks: "A packet that cannot be parsed ends the process.",
    requirements: ["CLI-MF-03"],
    patch: () => patch(Manager.prototype, "ondata", () => function (data) {
      this.decoder.add(data);
    }),
  },
  "texts-are-trimmed": {
    breaks: "Texts lose the space around them.",
    requirements: ["CLI-EV-01"],
    patch: () => patch(Decoder.prototype, "tryParse", (original) => function (text) {
      const trim = (value) => {
        if (Array.isArray(value)) return value.map(trim);
        return typeof value === "string" ? value.trim() : value;
      };
      return trim(original.call(this, text));
    }),
  },
  "base64-is-not-padded": {
    breaks: "Base64 in a payload ends without =.",
    requirements: ["CLI-PL-07"],
    patch: () => patch(BaseXHR.prototype, "doWrite", (original) => function (data, fn) {
      const packets = data.split(SEPARATOR).map((one) => one[0] === "b" ? one.replace(/=+$/, "") : one);
      original.call(this, packets.join(SEPARATOR), fn);
    }),
  },
  "polls-wait-for-the-heartbeat": {
    breaks: "The next poll comes pingInterval after the last answer.",
    requirements: ["CLI-PL-17"],
    patch: () => patch(Polling.prototype, "_poll", (original) => function () {
      if (this.readyState === "opening") original.call(this);
      else setTimeout(() => this.readyState === "open" && original.call(this), this.socket._pingInterval);
    }),
  },
  "push-is-followed-by-a-poll": {
    breaks: "After a POST another GET is sent.",
    requirements: ["CLI-PL-03"],
    patch: () => patch(BaseXHR.prototype, "doWrite", (original) => function (data, fn) {
      original.call(this, data, () => {
        fn();
        if (this.readyState === "open") this.doPoll();
      });
    }),
  },
  "pongs-pass-the-queue": {
    breaks: "A PONG does not wait for the POST that is under way.",
    requirements: ["CLI-PL-04"],
    patch: () => patch(Engine.prototype, "_sendPacket", (original) => function (type, ...rest) {
      const { transport } = this;
      if (type === "pong" && transport.name === "polling") transport.doWrite("3", () => {});
      else original.call(this, type, ...rest);
    }),
  },
  "good-answers-are-ok": {
    breaks: "A POST that is not answered by `ok` has failed.",
    requirements: ["CLI-PL-13"],
    patch: () => patch(BaseXHR.prototype, "doWrite", () => function (data, fn) {
      const request = this.request({ method: "POST", data });
      request.on("data", (body) => body === "ok" ? fn() : this.onError("xhr post error"));
      request.on("error", () => this.onError("xhr post error"));
    }),
  },
  "answers-are-read-as-latin-1": {
    breaks: "An answer that does not say UTF-8 is read as Latin-1.",
    requirements: ["CLI-PL-12"],
    patch: () => patch(BaseXHR.prototype, "doPoll", () => function () {
      const request = this.request();
      request.on("data", (data) => {
        const said = request._xhr.getResponseHeader("content-type") ?? "";
        this.onData(/utf-8/i.test(said) ? data : Buffer.from(data).toString("latin1"));
      });
      request.on("error", (status, context) => this.onError("xhr poll error", status, context));
    }),
  },
  "close-packet-is-ignored": {
    breaks: "A CLOSE packet of the server is ignored over polling.",
    requirements: ["CLI-CL-01"],
    patch: () => patch(Polling.prototype, "onData", (original) => function (data) {
      original.call(this, data.split(SEPARATOR).map((packet) => packet === "1" ? "6" : packet).join(SEPARATOR));
    }),
  },
  "leaves-without-a-close-packet": {
    breaks: "Over polling no CLOSE packet is sent.",
    requirements: ["CLI-CL-04"],
    patch: () => patch(Polling.prototype, "doClose", () => () => {}),
  },
  "polls-after-leaving": {
    breaks: "A session that the application has left is polled on.",
    requirements: ["CLI-CL-05"],
    patch: () => patch(Polling.prototype, "doClose", (original) => function () {
      original.call(this);
      setTimeout(() => this.doPoll(), 600);
    }),
  },
  "leaving-is-told-twice": {
    breaks: "The application sees disconnect twice.",
    requirements: ["CLI-DC-03", "CLI-DC-07"],
    patch: () => patch(Socket.prototype, "onclose", (original) => function (...args) {
      original.apply(this, args);
      this.emitReserved("disconnect", ...args);
    }),
  },
  "cannot-leave-before-it-is-connected": {
    breaks: "Leaving is ignored until CONNECT is answered.",
    requirements: ["CLI-DC-05"],
    patch: () => patch(Socket.prototype, "disconnect", (original) => function () {
      return this.connected ? original.call(this) : this;
    }),
  },
  "upgrade-packet-before-the-answer": {
    breaks: "The upgrade packet follows the probe at once.",
    requirements: ["CLI-UP-12"],
    patch: () => patch(BaseWS.prototype, "write", (original) => function (packets) {
      const probes = packets[0].data === "probe";
      if (packets[0].type !== "upgrade") original.call(this, probes ? [...packets, { type: "upgrade" }] : packets);
    }),
  },
  "probes-twice": {
    breaks: "Two WebSockets are opened for an upgrade.",
    requirements: ["CLI-WS-13"],
    patch: () => patch(Engine.prototype, "_probe", (original) => function (name) {
      original.call(this, name);
      original.call(this, name);
    }),
  },
  "polls-on-after-the-upgrade": {
    breaks: "The poll is sent again after the upgrade.",
    requirements: ["CLI-UP-01"],
    patch: () => patch(Polling.prototype, "pause", (original) => function (onPause) {
      original.call(this, () => {
        onPause();
        setTimeout(() => this.doPoll(), 50);
      });
    }),
  },
  "begins-with-websocket": {
    breaks: "WebSocket is the first transport.",
    requirements: ["CLI-UP-06"],
    patch: () => patch(Engine.prototype, "_open", (original) => function () {
      this.transports.sort().reverse();
      original.call(this);
    }),
  },
  "probe-stays-open": {
    breaks: "An application that leaves during an upgrade leaves the WebSocket open.",
    requirements: ["CLI-UP-10"],
    patch: () => patch(BaseWS.prototype, "doClose", (original) => function () {
      if (this.socket.transport === this) original.call(this);
    }),
  },
  "accept-key-is-not-checked": {
    breaks: "Any accept key will do.",
    requirements: ["CLI-WS-04"],
    patch: () => patch(http.ClientRequest.prototype, "emit", (original) => function (event, ...args) {
      if (event === "upgrade") {
        const key = `${this.getHeader("sec-websocket-key")}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
        args[0].headers["sec-websocket-accept"] = createHash("sha1").update(key).digest("base64");
      }
      return original.call(this, event, ...args);
    }),
  },
  "text-need-not-be-utf-8": {
    breaks: "Text frames are not validated.",
    requirements: ["CLI-WS-11"],
    patch: () => patch(websocket.Receiver.prototype, "dataMessage", (original) => function (done) {
      this._skipUTF8Validation = true;
      original.call(this, done);
    }),
  },
  "length-of-8-bytes-is-not-known": {
    breaks: "A frame of 65536 bytes or more is refused.",
    requirements: ["CLI-WS-07"],
    patch: () => patch(websocket.Receiver.prototype, "getPayloadLength64", () => function (done) {
      done(new RangeError("too long"));
    }),
  },
  "large-messages-are-overtaken": {
    breaks: "A large message is sent after the small ones that follow it.",
    requirements: ["CLI-WS-12"],
    patch: () => patch(BaseWS.prototype, "write", (original) => function (packets) {
      const size = (packet) => Number((packet.data?.length ?? 0) > 50_000);
      const sorted = [...packets].sort((one, other) => size(one) - size(other));
      if (sorted.some(size)) setTimeout(() => this.ws && original.call(this, sorted), 30);
      else original.call(this, packets);
      this.writable = true;
      setTimeout(() => this.emitReserved("drain"));
    }),
  },
  "ping-with-data-has-no-answer": {
    breaks: "A PING with data is not answered.",
    requirements: ["CLI-HB-07"],
    patch: () => patch(Transport.prototype, "onPacket", (original) => function (packet) {
      if (packet.type !== "ping" || !packet.data) original.call(this, packet);
    }),
  },
};
