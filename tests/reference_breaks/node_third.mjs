/** Breaks of what a handshake promises, of closes over WebSocket, and of permessage-deflate. */
import { deflate, engine, patch } from "./node_packages.mjs";

export const BREAKS = {
  "closes-by-a-packet-alone": {
    breaks: "A session that the server closes gets a CLOSE packet over WebSocket, and its WebSocket stays open.",
    requirements: ["SIO-DC-04"],
    patch: () => patch(engine.WebSocket.prototype, "doClose", () => function (done) {
      this.socket.send("1");
      done?.();
    }),
  },
  "session-is-known-late": {
    breaks: "A session is known twenty milliseconds after its handshake was answered.",
    requirements: ["EIO-HS-23"],
    patch: () => patch(engine.Server.prototype, "handshake", (original) => async function (...args) {
      const before = new Set(Object.keys(this.clients));
      const transport = await original.apply(this, args);
      const [[id, client]] = Object.entries(this.clients).filter(([name]) => !before.has(name)).slice(-1);
      delete this.clients[id];
      setTimeout(() => {
        this.clients[id] = client;
      }, 20);
      return transport;
    }),
  },
  "offered-upgrade-is-refused": {
    breaks: "The handshake offers websocket, and a WebSocket with the id of a session is refused.",
    requirements: ["EIO-UP-16"],
    patch: () => patch(engine.Server.prototype, "verify", (original) => function (req, upgrade, done) {
      if (upgrade && req._query.sid) {
        done(engine.Server.errors.BAD_REQUEST, {});
      } else {
        original.call(this, req, upgrade, done);
      }
    }),
  },
  "each-message-is-inflated-afresh": {
    breaks: "A compressed message cannot refer to those before.",
    requirements: ["EIO-PD-04"],
    patch: () => patch(deflate.PerMessageDeflate.prototype, "_decompress", (original) => function (data, fin, done) {
      original.call(this, data, fin, (...results) => {
        this._inflate = null;
        done(...results);
      });
    }),
  },
  "context-is-kept-in-spite-of-the-agreement": {
    breaks: "Answers refer to those before, although server_no_context_takeover was agreed on.",
    requirements: ["EIO-PD-04"],
    patch: () => patch(deflate.PerMessageDeflate.prototype, "_compress", (original) => function (...args) {
      this.params.server_no_context_takeover = false;
      original.apply(this, args);
    }),
  },
  "window-is-larger-than-agreed": {
    breaks: "Answers refer to what lies beyond the agreed window.",
    requirements: ["EIO-PD-05"],
    patch: () => patch(deflate.PerMessageDeflate.prototype, "_compress", (original) => function (...args) {
      this.params.server_max_window_bits = 15;
      original.apply(this, args);
    }),
  },
};
