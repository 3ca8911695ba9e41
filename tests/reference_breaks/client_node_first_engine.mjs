/** Breaks of engine.io-client and ws that were written before the cases were read. */
import { engine, patch, SEPARATOR, websocket } from "./client_node_packages.mjs";

const { Socket, Transport, Polling, BaseXHR } = engine;

export const BREAKS = {
  "eio-is-3": {
    breaks: "Requests say that they speak revision 3.",
    requirements: ["CLI-HS-01"],
    patch: () => patch(Socket.prototype, "createTransport", (original) => function (name) {
      const transport = original.call(this, name);
      transport.query.EIO = 3;
      return transport;
    }),
  },
  "transport-stands-twice-in-the-query": {
    breaks: "A URL has the transport twice.",
    requirements: ["CLI-HS-01"],
    patch: () => patch(Transport.prototype, "_query", (original) => function (query) {
      return `${original.call(this, query)}&transport=${this.name}`;
    }),
  },
  "polls-have-no-sid": {
    breaks: "Requests of a session over polling do not name it.",
    requirements: ["CLI-HS-02"],
    patch: () => patch(Socket.prototype, "onHandshake", (original) => function (data) {
      Object.defineProperty(this.transport.query, "sid", { value: data.sid, writable: true, enumerable: false });
      original.call(this, data);
    }),
  },
  "packets-behind-open-are-lost": {
    breaks: "Of the answer to a handshake only the first packet is read.",
    requirements: ["CLI-HS-12"],
    patch: () => patch(Polling.prototype, "onData", (original) => function (data) {
      original.call(this, this.readyState === "opening" ? data.split(SEPARATOR)[0] : data);
    }),
  },
  "upgrades-against-the-wish-of-the-application": {
    breaks: "What the server offers is tried, though the application wants polling alone.",
    requirements: ["CLI-UP-05"],
    patch: () => patch(Socket.prototype, "_filterUpgrades", () => (upgrades) => upgrades),
  },
  "pong-is-sent-twice": {
    breaks: "A ping is answered by two pongs.",
    requirements: ["CLI-HB-01"],
    patch: () => patch(Socket.prototype, "_sendPacket", (original) => function (type, ...rest) {
      original.call(this, type, ...rest);
      if (type === "pong") original.call(this, type, ...rest);
    }),
  },
  "heartbeat-waits-for-one-of-both-times": {
    breaks: "A session ends after the longer of pingInterval and pingTimeout, and not after both.",
    requirements: ["CLI-HB-02", "CLI-HB-03"],
    patch: () => patch(Socket.prototype, "_resetPingTimeout", (original) => function () {
      const timeout = this._pingTimeout;
      this._pingTimeout = Math.max(0, timeout - this._pingInterval);
      original.call(this);
      this._pingTimeout = timeout;
    }),
  },
  "heartbeat-has-no-limit": {
    breaks: "A session without pings never ends.",
    requirements: ["CLI-HB-02"],
    patch: () => patch(Socket.prototype, "_resetPingTimeout", () => () => {}),
  },
  "limit-counts-characters": {
    breaks: "The size of a payload is counted in characters, and not in bytes.",
    requirements: ["CLI-PL-06"],
    patch: () => patch(Socket.prototype, "_getWritablePackets", (original) => function () {
      if (this.transport.name !== "polling") return original.call(this);
      let size = 1;
      for (let i = 0; i < this.writeBuffer.length; i++) {
        size += (this.writeBuffer[i].data ?? "").length ?? 0;
        if (i > 0 && size > this._maxPayload) return this.writeBuffer.slice(0, i);
        size += 2;
      }
      return this.writeBuffer;
    }),
  },
  "drain-takes-one-packet-too-many": {
    breaks: "A packet that was written while a POST was under way is lost.",
    requirements: ["CLI-EV-11", "CLI-PL-04", "CLI-PL-05"],
    patch: () => patch(Socket.prototype, "_onDrain", (original) => function () {
      if (this._prevBufferLen) this._prevBufferLen += 1;
      original.call(this);
    }),
  },
  "packets-of-an-upgrade-are-lost": {
    breaks: "What the application emits while the transports change is lost.",
    requirements: ["CLI-UP-03"],
    patch: () => patch(Socket.prototype, "_sendPacket", (original) => function (...args) {
      if (!this.upgrading) original.apply(this, args);
    }),
  },
  "close-does-not-wait-for-packets": {
    breaks: "A session is closed while packets wait.",
    requirements: ["CLI-DC-02", "CLI-CL-04", "CLI-PL-04"],
    patch: () => patch(Socket.prototype, "close", () => function () {
      if (this.readyState === "opening" || this.readyState === "open") this._onClose("forced close");
      return this;
    }),
  },
  "upgrade-does-not-wait-for-the-poll": {
    breaks: "The upgrade packet is sent while a poll is pending.",
    requirements: ["CLI-UP-02"],
    patch: () => patch(Polling.prototype, "pause", () => function (onPause) {
      this.readyState = "paused";
      onPause();
    }),
  },
  "a-noop-ends-a-payload": {
    breaks: "What stands behind a NOOP in a payload is lost.",
    requirements: ["CLI-PL-01"],
    patch: () => patch(Polling.prototype, "onData", (original) => function (data) {
      const packets = data.split(SEPARATOR);
      const end = packets.indexOf("6");
      original.call(this, end < 0 ? data : packets.slice(0, end + 1).join(SEPARATOR));
    }),
  },
  "base64-is-that-of-urls": {
    breaks: "Binary in a payload has - and _ for + and /.",
    requirements: ["CLI-PL-07"],
    patch: () => patch(BaseXHR.prototype, "doWrite", (original) => function (data, fn) {
      const packets = data.split(SEPARATOR).map((packet) =>
        packet[0] === "b" ? packet.replaceAll("+", "-").replaceAll("/", "_") : packet,
      );
      original.call(this, packets.join(SEPARATOR), fn);
    }),
  },
  "push-does-not-wait-for-the-last-one": {
    breaks: "A POST is sent while another one is under way.",
    requirements: ["CLI-PL-04"],
    patch: () => patch(Polling.prototype, "write", (original) => function (packets) {
      original.call(this, packets);
      setTimeout(() => {
        this.writable = true;
        this.emitReserved("drain");
      });
    }),
  },
  "push-errors-are-ignored": {
    breaks: "A POST that is answered by an error has succeeded.",
    requirements: ["CLI-PL-15"],
    patch: () => patch(BaseXHR.prototype, "doWrite", () => function (data, fn) {
      const request = this.request({ method: "POST", data });
      request.on("success", fn);
      request.on("error", fn);
    }),
  },
  "push-waits-for-the-poll": {
    breaks: "A POST waits for the end of the pending GET.",
    requirements: ["CLI-PL-05"],
    patch: () => patch(BaseXHR.prototype, "doWrite", (original) => function (data, fn) {
      if (this._polling) this.once("pollComplete", () => original.call(this, data, fn));
      else original.call(this, data, fn);
    }),
  },
  "answer-to-the-probe-is-not-read": {
    breaks: "Any packet is taken for the answer to the probe.",
    requirements: ["CLI-UP-04", "CLI-UP-12"],
    patch: () => patch(Transport.prototype, "onPacket", (original) => function (packet) {
      const probing = this.name === "websocket" && this.socket.id && this.socket.transport !== this;
      original.call(this, probing ? { type: "pong", data: "probe" } : packet);
    }),
  },
  "first-byte-4-is-eaten": {
    breaks: "The first byte of a binary frame is taken for a packet type if it is 4.",
    requirements: ["CLI-BN-08"],
    patch: () => patch(Transport.prototype, "onData", (original) => function (data) {
      original.call(this, typeof data !== "string" && data[0] === 4 ? data.subarray(1) : data);
    }),
  },
  "first-message-of-the-websocket-is-lost": {
    breaks: "The first packet that comes over the WebSocket after the upgrade is lost.",
    requirements: ["CLI-UP-07", "CLI-UP-03"],
    patch: () => patch(Socket.prototype, "setTransport", (original) => function (transport) {
      const upgrades = this.transport !== undefined;
      original.call(this, transport);
      if (!upgrades) return;
      const read = transport.onPacket;
      transport.onPacket = () => {
        transport.onPacket = read;
      };
    }),
  },
  "loss-after-the-upgrade-is-not-seen": {
    breaks: "Nobody listens for the end of the WebSocket to which a session was upgraded.",
    requirements: ["CLI-UP-09", "CLI-WS-10"],
    patch: () => patch(Socket.prototype, "setTransport", (original) => function (transport) {
      const upgrades = this.transport !== undefined;
      original.call(this, transport);
      if (upgrades) transport.off("close").off("error");
    }),
  },
  "fragments-are-decoded-one-by-one": {
    breaks: "Each fragment of a text is decoded by itself.",
    requirements: ["CLI-WS-05"],
    patch: () => patch(websocket.Receiver.prototype, "dataMessage", (original) => function (done) {
      if (this._fin && this._opcode === 1) {
        this._fragments = this._fragments.map((fragment) => Buffer.from(fragment.toString()));
        this._messageLength = this._fragments.reduce((sum, fragment) => sum + fragment.length, 0);
      }
      original.call(this, done);
    }),
  },
  "pong-frame-is-empty": {
    breaks: "A pong frame has not the data of the ping.",
    requirements: ["CLI-WS-08"],
    patch: () => patch(websocket.WebSocket.prototype, "pong", (original) => function (data, ...rest) {
      original.call(this, "", ...rest);
    }),
  },
  "mask-is-always-the-same": {
    breaks: "All frames have the same mask.",
    requirements: ["CLI-WS-02"],
    patch: () => patch(websocket.Sender, "frame", (original) => function (data, options) {
      const generateMask = (mask) => mask.fill(7);
      return original.call(this, data, { ...options, generateMask, maskBuffer: Buffer.alloc(4) });
    }),
  },
  "close-frame-is-not-answered": {
    breaks: "A close frame is answered by the end of the connection.",
    requirements: ["CLI-WS-09"],
    patch: () => patch(websocket.WebSocket.prototype, "close", (original) => function (...args) {
      if (this._closeFrameReceived) this.terminate();
      else original.apply(this, args);
    }),
  },
};
