/** Breaks of engine.io and engine.io-parser. */
import { engine, patch } from "./node_packages.mjs";

const { Server, Socket, Transport, Polling, WebSocket, payload, encoding, decoding } = engine;
const RECORD_SEPARATOR = "\x1e";

/** Change what the OPEN packet says. */
function changeOpen(change) {
  patch(Socket.prototype, "sendPacket", (original) => function (type, data, ...rest) {
    return original.call(this, type, type === "open" ? JSON.stringify(change(JSON.parse(data))) : data, ...rest);
  });
}

/** Change the query of a request before anything reads it. */
function changeQuery(change) {
  patch(Server.prototype, "prepare", (original) => function (req) {
    original.call(this, req);
    change(req._query, req);
  });
}

/** Act on a session when a WebSocket is opened for it. */
function whenUpgrading(act) {
  patch(Socket.prototype, "_maybeUpgrade", (original) => function (transport) {
    original.call(this, transport);
    act(this, transport);
  });
}

/** Change how text and binary leave. */
function changeEncoding(change) {
  patch(encoding, "encodePacket", (original) => (packet, supportsBinary, callback) =>
    original(packet, supportsBinary, (encoded) => callback(change(encoded, packet, supportsBinary))));
}

export const BREAKS = {
  // Handshake
  "open-times-in-seconds": {
    breaks: "OPEN tells the ping values in seconds.",
    requirements: ["EIO-HS-12"],
    patch: () => changeOpen((open) => ({ ...open, pingInterval: open.pingInterval / 1000, pingTimeout: open.pingTimeout / 1000 })),
  },
  "open-lacks-max-payload": {
    breaks: "OPEN does not hold maxPayload.",
    requirements: ["EIO-HS-11"],
    patch: () => changeOpen(({ maxPayload, ...open }) => open),
  },
  "no-upgrades-offered": {
    breaks: "A session over polling is offered no upgrade although one is possible.",
    requirements: ["EIO-HS-13"],
    patch: () => patch(Socket.prototype, "getAvailableUpgrades", () => () => []),
  },
  "upgrades-offered-on-websocket": {
    breaks: "A session over WebSocket is offered an upgrade to WebSocket.",
    requirements: ["EIO-HS-13"],
    patch: () => patch(Socket.prototype, "getAvailableUpgrades", () => () => ["websocket"]),
  },
  "session-ids-are-counted": {
    breaks: "Session ids are 1000, 1001, 1002.",
    requirements: ["EIO-HS-15"],
    patch: () => {
      let last = 999;
      patch(Server.prototype, "generateId", () => () => String(++last));
    },
  },
  "eio-is-optional": {
    breaks: "A handshake without EIO is taken for revision 4.",
    requirements: ["EIO-HS-03"],
    patch: () => changeQuery((query) => { query.EIO ??= "4"; }),
  },
  "websocket-eio-unchecked": {
    breaks: "Any EIO will do in a WebSocket handshake.",
    requirements: ["EIO-HS-07"],
    patch: () => changeQuery((query, req) => {
      if (req.headers.upgrade) {
        query.EIO = "4";
      }
    }),
  },
  "handshake-by-post": {
    breaks: "A POST without sid is a handshake.",
    requirements: ["EIO-HS-08"],
    patch: () => patch(Server.prototype, "verify", (original) => function (req, upgrade, fn) {
      if (!req._query.sid && req.method === "POST") {
        req.method = "GET";
      }
      return original.call(this, req, upgrade, fn);
    }),
  },
  "unknown-session-starts-anew": {
    breaks: "A request with an unknown sid is answered by a new session.",
    requirements: ["EIO-HS-16"],
    patch: () => patch(Server.prototype, "verify", (original) => function (req, upgrade, fn) {
      if (req._query.sid && !Object.hasOwn(this.clients, req._query.sid) && req.method === "GET") {
        delete req._query.sid;
      }
      return original.call(this, req, upgrade, fn);
    }),
  },
  "refusals-are-500": {
    breaks: "What is refused is refused with HTTP 500.",
    requirements: ["EIO-HS-04", "EIO-HS-06", "EIO-HS-16"],
    patch: () => patch(Server.prototype, "handleRequest", (original) => function (req, res) {
      const writeHead = res.writeHead;
      res.writeHead = function (status, ...rest) {
        return writeHead.call(this, status === 400 ? 500 : status, ...rest);
      };
      return original.call(this, req, res);
    }),
  },
  "served-at-any-path": {
    breaks: "Every path is the endpoint.",
    requirements: ["EIO-HS-01"],
    patch: () => patch(Server.prototype, "_computePath", () => () => "/"),
  },
  "cors-headers-missing": {
    breaks: "A cross-origin request that is allowed is answered without a CORS header.",
    requirements: ["EIO-CO-01", "EIO-CO-02"],
    patch: () => patch(Server.prototype, "_applyMiddlewares", () => (req, res, callback) => callback()),
  },
  // Polling
  "push-is-answered-204": {
    breaks: "A push is answered by HTTP 204 without a body.",
    requirements: ["EIO-PL-01"],
    patch: () => patch(Polling.prototype, "onDataRequest", (original) => function (req, res) {
      const writeHead = res.writeHead;
      res.writeHead = function (status, headers) {
        return status === 200 ? writeHead.call(this, 204) : writeHead.call(this, status, headers);
      };
      return original.call(this, req, res);
    }),
  },
  "second-poll-is-answered-by-a-noop": {
    breaks: "A second poll gets a NOOP and the session goes on.",
    requirements: ["EIO-PL-03"],
    patch: () => patch(Polling.prototype, "onPollRequest", (original) => function (req, res) {
      if (this.req) {
        res.writeHead(200, { "Content-Type": "text/plain; charset=UTF-8" });
        res.end("6");
        return;
      }
      original.call(this, req, res);
    }),
  },
  "pushes-may-overlap": {
    breaks: "A second push is processed while the first is still open.",
    requirements: ["EIO-PL-02"],
    patch: () => patch(Polling.prototype, "onDataRequest", (original) => function (req, res) {
      this.dataReq = null;
      return original.call(this, req, res);
    }),
  },
  "poll-answers-one-packet": {
    breaks: "A poll is answered by one packet although more wait.",
    requirements: ["EIO-PL-05"],
    patch: () => patch(Socket.prototype, "flush", (original) => function () {
      const later = this.transport.name === "polling" ? this.writeBuffer.splice(1) : [];
      original.call(this);
      this.writeBuffer.push(...later);
    }),
  },
  "payload-is-reversed": {
    breaks: "The packets of a payload are written last first.",
    requirements: ["EIO-PL-05", "SIO-OR-01"],
    patch: () => patch(payload, "encodePayload", (original) => (packets, callback) => original(packets.toReversed(), callback)),
  },
  "newline-separates-packets": {
    breaks: "The packets of a payload are joined by a newline.",
    requirements: ["EIO-EN-02"],
    patch: () => patch(payload, "encodePayload", (original) => (packets, callback) =>
      original(packets, (encoded) => callback(encoded.replaceAll(RECORD_SEPARATOR, "\n")))),
  },
  "payload-ends-with-a-separator": {
    breaks: "A payload of several packets ends with a record separator.",
    requirements: ["EIO-EN-02"],
    patch: () => patch(payload, "encodePayload", (original) => (packets, callback) =>
      original(packets, (encoded) => callback(packets.length > 1 ? encoded + RECORD_SEPARATOR : encoded))),
  },
  "base64-for-urls": {
    breaks: "Binary in a payload uses the alphabet for URLs.",
    requirements: ["EIO-EN-04"],
    patch: () => changeEncoding((encoded, { data }, binary) =>
      (typeof data !== "string" && data && !binary ? encoded.replaceAll("+", "-").replaceAll("/", "_") : encoded)),
  },
  "base64-without-padding": {
    breaks: "Binary in a payload has no padding.",
    requirements: ["EIO-EN-04"],
    patch: () => changeEncoding((encoded, { data }, binary) =>
      (typeof data !== "string" && data && !binary ? encoded.replace(/=+$/, "") : encoded)),
  },
  "binary-has-a-type-digit": {
    breaks: "Binary in a payload is written as in revision 3, with a type.",
    requirements: ["EIO-EN-03"],
    patch: () => changeEncoding((encoded, { data }, binary) =>
      (typeof data !== "string" && data && !binary ? "b4" + encoded.slice(1) : encoded)),
  },
  "push-of-one-packet": {
    breaks: "Only the first packet of a push is processed.",
    requirements: ["EIO-EN-02", "EIO-PL-15"],
    patch: () => patch(payload, "decodePayload", (original) => (...given) => original(...given).slice(0, 1)),
  },
  "push-of-sixteen-packets": {
    breaks: "What follows the sixteenth packet of a push is lost.",
    requirements: ["EIO-PL-15"],
    patch: () => patch(payload, "decodePayload", (original) => (...given) => original(...given).slice(0, 16)),
  },
  "wrong-packet-in-a-push-is-skipped": {
    breaks: "A packet of a push that cannot be decoded is left out and the rest is processed.",
    requirements: ["EIO-PL-12", "EIO-EN-01"],
    patch: () => patch(payload, "decodePayload", () => (encoded) =>
      encoded.split(RECORD_SEPARATOR).map((text) => decoding.decodePacket(text)).filter(({ type }) => type !== "error")),
  },
  "poll-may-be-cached": {
    breaks: "The answer to a poll may be cached.",
    requirements: ["EIO-PL-07"],
    patch: () => patch(Polling.prototype, "headers", (original) => function (...given) {
      const { "cache-control": _, ...headers } = original.apply(this, given);
      return headers;
    }),
  },
  "octet-stream-is-read": {
    breaks: "A push of application/octet-stream is read as text.",
    requirements: ["EIO-PL-08"],
    patch: () => patch(Polling.prototype, "onDataRequest", (original) => function (req, res) {
      delete req.headers["content-type"];
      return original.call(this, req, res);
    }),
  },
  "push-of-any-size": {
    breaks: "A push longer than maxPayload is accepted.",
    requirements: ["EIO-MX-01"],
    patch: () => patch(Polling.prototype, "onDataRequest", (original) => function (req, res) {
      this.maxHttpBufferSize = Infinity;
      return original.call(this, req, res);
    }),
  },
  "message-of-any-size": {
    breaks: "A WebSocket message longer than maxPayload is accepted.",
    requirements: ["EIO-MX-02"],
    patch: () => patch(Server.prototype, "init", (original) => function () {
      original.call(this);
      this.ws.options.maxPayload = 0;
    }),
  },
  "limit-is-one-byte-early": {
    breaks: "A push of exactly maxPayload bytes is refused.",
    requirements: ["EIO-MX-04"],
    patch: () => patch(Polling.prototype, "onDataRequest", (original) => function (req, res) {
      this.limit ??= this.maxHttpBufferSize - 1;
      this.maxHttpBufferSize = this.limit;
      return original.call(this, req, res);
    }),
  },
  "aborted-poll-swallows-a-packet": {
    breaks: "After a poll that the client aborts, the next packet is written to it.",
    requirements: ["EIO-PL-16"],
    patch: () => patch(Polling.prototype, "onError", (original) => function (message, ...rest) {
      if (message !== "poll connection closed prematurely") {
        Transport.prototype.onError.call(this, message, ...rest);
      }
    }),
  },
  "close-leaves-the-poll-pending": {
    breaks: "The pending poll is not ended when the client sends CLOSE.",
    requirements: ["EIO-PL-20", "EIO-CL-01"],
    patch: () => patch(Polling.prototype, "onClose", () => Transport.prototype.onClose),
  },
  "close-over-polling-is-ignored": {
    breaks: "CLOSE over polling does nothing.",
    requirements: ["EIO-CL-01"],
    patch: () => patch(payload, "decodePayload", (original) => (...given) => original(...given).filter(({ type }) => type !== "close")),
  },
  "poll-is-always-compressed": {
    breaks: "A long answer to a poll is compressed for a client that did not ask for it.",
    requirements: ["EIO-PL-18"],
    patch: () => patch(Polling.prototype, "onPollRequest", (original) => function (req, res) {
      req.headers["accept-encoding"] = "gzip";
      return original.call(this, req, res);
    }),
  },
  "timeout-leaves-the-poll-pending": {
    breaks: "The pending poll is not ended when its session times out.",
    requirements: ["EIO-PL-19"],
    patch: () => patch(Socket.prototype, "clearTransport", (original) => function () {
      if (this.transport.name === "polling" && this.readyState === "closed") {
        return;
      }
      original.call(this);
    }),
  },
  // Heartbeat
  "one-ping-only": {
    breaks: "After the first ping no other follows.",
    requirements: ["EIO-HB-01"],
    patch: () => patch(Socket.prototype, "schedulePing", (original) => function () {
      original.call(this);
      this.pingIntervalTimer.refresh = () => {};
    }),
  },
  "pings-come-late": {
    breaks: "Pings come every three ping intervals.",
    requirements: ["EIO-HB-01"],
    patch: () => patch(Socket.prototype, "schedulePing", () => function () {
      this.pingIntervalTimer = setTimeout(() => {
        this.sendPacket("ping");
        this.resetPingTimeout();
      }, 3 * this.server.opts.pingInterval);
    }),
  },
  "pings-come-early": {
    breaks: "Pings come every quarter of the ping interval.",
    requirements: ["EIO-HB-01"],
    patch: () => patch(Socket.prototype, "schedulePing", () => function () {
      this.pingIntervalTimer = setTimeout(() => {
        this.sendPacket("ping");
        this.resetPingTimeout();
      }, this.server.opts.pingInterval / 4);
    }),
  },
  "pings-stop-after-three": {
    breaks: "After the third ping no other follows, and no timeout.",
    requirements: ["EIO-HB-01", "EIO-HB-02"],
    patch: () => patch(Socket.prototype, "sendPacket", (original) => function (type, ...rest) {
      this.pings = (this.pings ?? 0) + (type === "ping" ? 1 : 0);
      if (type !== "ping" || this.pings < 4) {
        original.call(this, type, ...rest);
      }
      if (this.pings === 3) {
        this.resetPingTimeout = () => {};
      }
    }),
  },
  "ping-timeout-is-short": {
    breaks: "The session is closed after a third of the ping timeout.",
    requirements: ["EIO-HB-02"],
    patch: () => patch(Socket.prototype, "resetPingTimeout", () => function () {
      clearTimeout(this.pingTimeoutTimer);
      this.pingTimeoutTimer = setTimeout(() => this.onClose("ping timeout"), this.server.opts.pingTimeout / 3);
    }),
  },
  "no-ping-timeout": {
    breaks: "A client that answers no ping is kept.",
    requirements: ["EIO-HB-03"],
    patch: () => patch(Socket.prototype, "resetPingTimeout", () => () => {}),
  },
  "client-ping-is-answered": {
    breaks: "A ping from the client is answered by a pong.",
    requirements: ["EIO-HB-05"],
    patch: () => patch(Socket.prototype, "onPacket", (original) => function (packet) {
      return packet.type === "ping" ? this.sendPacket("pong") : original.call(this, packet);
    }),
  },
  "unasked-pong-closes": {
    breaks: "A pong that nothing asked for closes the session.",
    requirements: ["EIO-HB-06"],
    patch: () => patch(Socket.prototype, "onPacket", (original) => function (packet) {
      if (packet.type === "pong" && this.pingTimeoutTimer === null) {
        return this.onError(new Error("unexpected pong"));
      }
      return original.call(this, packet);
    }),
  },
  "heartbeat-stops-at-the-upgrade": {
    breaks: "No ping follows after an upgrade.",
    requirements: ["EIO-HB-07"],
    patch: () => patch(Socket.prototype, "clearTransport", (original) => function () {
      original.call(this);
      clearTimeout(this.pingIntervalTimer);
    }),
  },
  "ping-needs-a-pending-poll": {
    breaks: "A ping is lost when no poll is pending.",
    requirements: ["EIO-HB-10"],
    patch: () => patch(Socket.prototype, "sendPacket", (original) => function (type, ...rest) {
      if (type !== "ping" || this.transport.writable) {
        original.call(this, type, ...rest);
      }
    }),
  },
  // Upgrade
  "probe-is-answered-without-its-data": {
    breaks: "The probe is answered by a bare pong.",
    requirements: ["EIO-UP-02"],
    patch: () => changeEncoding((encoded) => (encoded === "3probe" ? "3" : encoded)),
  },
  "probe-leaves-the-poll-pending": {
    breaks: "The pending poll is not ended by a NOOP after the probe.",
    requirements: ["EIO-UP-03"],
    patch: () => whenUpgrading((session) => {
      const polling = session.transport;
      polling.send = (packets) => packets[0].type === "noop" || Polling.prototype.send.call(polling, packets);
    }),
  },
  "one-noop-for-an-upgrade": {
    breaks: "Only the first poll during an upgrade is answered.",
    requirements: ["EIO-UP-06"],
    patch: () => whenUpgrading((session) => {
      const polling = session.transport;
      let sent = 0;
      polling.send = (packets) => {
        if (packets[0].type !== "noop" || ++sent === 1) {
          Polling.prototype.send.call(polling, packets);
        }
      };
    }),
  },
  "upgrade-loses-what-waits": {
    breaks: "What waits for a poll is lost when the upgrade completes.",
    requirements: ["EIO-UP-05"],
    patch: () => patch(Socket.prototype, "clearTransport", (original) => function () {
      original.call(this);
      this.writeBuffer = [];
    }),
  },
  "upgrade-doubles-what-waits": {
    breaks: "What waits for a poll is sent twice when the upgrade completes.",
    requirements: ["EIO-UP-05"],
    patch: () => patch(Socket.prototype, "clearTransport", (original) => function () {
      original.call(this);
      this.writeBuffer = [...this.writeBuffer, ...this.writeBuffer];
    }),
  },
  "upgrade-reverses-what-waits": {
    breaks: "What waits for a poll is sent last first when the upgrade completes.",
    requirements: ["EIO-UP-05"],
    patch: () => patch(Socket.prototype, "clearTransport", (original) => function () {
      original.call(this);
      this.writeBuffer.reverse();
    }),
  },
  "polls-are-served-after-the-upgrade": {
    breaks: "A poll after the upgrade is answered by a NOOP.",
    requirements: ["EIO-UP-07"],
    patch: () => patch(Server.prototype, "verify", (original) => function (req, upgrade, fn) {
      if (!upgrade && req.method === "GET" && this.clients[req._query.sid]?.upgraded) {
        req.res.writeHead(200, { "Content-Type": "text/plain; charset=UTF-8" });
        return req.res.end("6");
      }
      return original.call(this, req, upgrade, fn);
    }),
  },
  "second-websocket-takes-over": {
    breaks: "A second WebSocket can take an upgraded session over.",
    requirements: ["EIO-WS-04"],
    patch: () => patch(Server.prototype, "onWebSocket", (original) => function (req, ...rest) {
      const client = this.clients[req._query.sid];
      if (client) {
        client.upgraded = false;
      }
      return original.call(this, req, ...rest);
    }),
  },
  "second-websocket-joins-the-upgrade": {
    breaks: "A second WebSocket is probed while the first upgrades.",
    requirements: ["EIO-WS-05"],
    patch: () => patch(Server.prototype, "onWebSocket", (original) => function (req, ...rest) {
      const client = this.clients[req._query.sid];
      if (client) {
        client.upgrading = false;
      }
      return original.call(this, req, ...rest);
    }),
  },
  "lost-probe-ends-the-session": {
    breaks: "A WebSocket that is lost after its probe ends the polling session.",
    requirements: ["EIO-UP-12"],
    patch: () => whenUpgrading((session, transport) => {
      transport.once("close", () => session.transport !== transport && session.onClose("transport close"));
    }),
  },
  "polling-is-held-before-the-probe": {
    breaks: "Nothing is delivered by polling from the moment the WebSocket is opened.",
    requirements: ["EIO-UP-10"],
    patch: () => patch(Socket.prototype, "flush", (original) => function () {
      if (!this.upgrading) {
        original.call(this);
      }
    }),
  },
  "binary-is-base64-after-the-upgrade": {
    breaks: "After an upgrade binary travels as base64.",
    requirements: ["EIO-UP-15"],
    patch: () => whenUpgrading((session, transport) => { transport.supportsBinary = false; }),
  },
  // WebSocket
  "text-in-binary-frames": {
    breaks: "Text packets travel in binary frames.",
    requirements: ["EIO-WS-03"],
    patch: () => patch(WebSocket.prototype, "send", (original) => function (packets) {
      this._doSendLast = (data) => this.socket.send(Buffer.from(data), this._onSentLast);
      return original.call(this, packets);
    }),
  },
  "packets-share-a-message": {
    breaks: "Packets that wait are joined in one WebSocket message.",
    requirements: ["EIO-WS-02"],
    patch: () => patch(WebSocket.prototype, "send", (original) => function (packets) {
      if (packets.length < 2 || packets.some(({ data }) => data && typeof data !== "string")) {
        return original.call(this, packets);
      }
      this.writable = false;
      return payload.encodePayload(packets, this._doSendLast);
    }),
  },
  "empty-frame-is-ignored": {
    breaks: "An empty text frame is ignored.",
    requirements: ["EIO-WS-09"],
    patch: () => patch(Transport.prototype, "onData", (original) => function (data) {
      if (data.length > 0) {
        original.call(this, data);
      }
    }),
  },
  "unknown-packet-is-ignored": {
    breaks: "A packet of an unknown type over WebSocket is ignored.",
    requirements: ["EIO-EN-01"],
    patch: () => patch(Transport.prototype, "onPacket", (original) => function (packet) {
      if (packet.type !== "error") {
        original.call(this, packet);
      }
    }),
  },
  "websocket-text-is-latin-1": {
    breaks: "Text that comes over WebSocket is read as Latin-1.",
    requirements: ["EIO-EN-05"],
    patch: () => patch(Transport.prototype, "onData", (original) => function (data) {
      original.call(this, typeof data === "string" ? Buffer.from(data).toString("latin1") : data);
    }),
  },
  "poll-length-in-characters": {
    breaks: "The Content-Length of a poll's answer counts characters.",
    requirements: ["EIO-EN-05"],
    patch: () => patch(Polling.prototype, "doWrite", () => function (data, options, callback) {
      const headers = { "Content-Type": "text/plain; charset=UTF-8", "Content-Length": data.length };
      this.res.writeHead(200, this.headers(this.req, headers));
      this.res.end(Buffer.from(data).subarray(0, data.length));
      callback();
    }),
  },
  "websocket-ping-is-not-answered": {
    breaks: "A ping frame gets no pong frame.",
    requirements: ["EIO-WS-07"],
    patch: () => patch(Server.prototype, "init", (original) => function () {
      original.call(this);
      this.ws.options.autoPong = false;
    }),
  },
};
