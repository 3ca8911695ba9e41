/** Breaks of kinds that the first ones do not try, written before the suite was sharpened for those. */
import { engine, patch, socket } from "./node_packages.mjs";

export const BREAKS = {
  "characters-are-read-by-chunk": {
    breaks: "A character of a push that two reads of the connection share is damaged.",
    requirements: ["EIO-EN-05", "EIO-PL-10", "EIO-PL-11"],
    patch: () => patch(engine.Polling.prototype, "onDataRequest", (original) => function (req, res) {
      req.setEncoding = () => {};
      return original.call(this, req, res);
    }),
  },
  "questions-are-answered-by-anybody": {
    breaks: "An ACK of another client answers a question.",
    requirements: ["SIO-AK-06", "SIO-AK-07"],
    patch: () => patch(socket.Socket.prototype, "onack", (original) => function (packet) {
      const asked = [...this.nsp.sockets.values()].find(({ acks }) => acks.has(packet.id));
      original.call(asked ?? this, packet);
    }),
  },
  "namespaces-ignore-case": {
    breaks: "The name of a namespace is read in lower case.",
    requirements: ["SIO-CN-03", "SIO-CN-12"],
    patch: () => patch(socket.Decoder.prototype, "decodeString", (original) => function (text) {
      const packet = original.call(this, text);
      return { ...packet, nsp: packet.nsp.toLowerCase() };
    }),
  },
  "refusal-blocks-the-next-connect": {
    breaks: "After a refused CONNECT the session is refused everything.",
    requirements: ["SIO-CE-04", "SIO-CN-03"],
    patch: () => patch(socket.Client.prototype, "connect", (original) => function (name, auth) {
      const blocked = this.refused;
      this.refused ||= !this.server._nsps.has(name) || name === "/reject";
      return original.call(this, blocked ? "/blocked" : name, auth);
    }),
  },
  "upgrade-is-slow-to-listen": {
    breaks: "What follows the upgrade packet at once is lost.",
    requirements: ["EIO-UP", "SIO-OR-01"],
    patch: () => patch(engine.Socket.prototype, "setTransport", (original) => function (transport) {
      original.call(this, transport);
      if (transport.name === "websocket" && this.readyState === "open") {
        const [listener] = transport.listeners("packet").slice(-1);
        transport.off("packet", listener);
        setTimeout(() => transport.on("packet", listener), 50);
      }
    }),
  },
  "busy-client-is-not-pinged": {
    breaks: "Each packet of the client puts the next ping off.",
    requirements: ["EIO-HB-01", "EIO-HB-02"],
    patch: () => patch(engine.Socket.prototype, "onPacket", (original) => function (packet) {
      this.pingIntervalTimer?.refresh();
      original.call(this, packet);
    }),
  },
  "event-names-have-thirty-two-characters": {
    breaks: "The name of an event is cut after 32 characters.",
    requirements: ["SIO-EV-03"],
    patch: () => patch(socket.Encoder.prototype, "encode", (original) => function (packet) {
      if (packet.type === socket.Type.EVENT) {
        packet.data[0] = packet.data[0].slice(0, 32);
      }
      return original.call(this, packet);
    }),
  },
  "long-poll-is-cut": {
    breaks: "What a poll is answered ends after 64 KiB.",
    requirements: ["EIO-PL-05", "EIO-MX-04", "SIO-OR-01"],
    patch: () => patch(engine.Polling.prototype, "doWrite", (original) => function (data, ...rest) {
      return original.call(this, data.slice(0, 65536), ...rest);
    }),
  },
  "auth-is-that-of-the-first-namespace": {
    breaks: "Each namespace of a session sees the auth of the first.",
    requirements: ["SIO-CN-06"],
    patch: () => patch(socket.Socket.prototype, "buildHandshake", (original) => function (auth) {
      this.client.auth ??= auth;
      return original.call(this, this.client.auth);
    }),
  },
  "repeated-events-are-dropped": {
    breaks: "An event that is the same as the one before is not delivered.",
    requirements: ["SIO-EV-04"],
    patch: () => patch(socket.Client.prototype, "writeToEngine", (original) => function (encoded, options) {
      const [text, ...rest] = [encoded].flat();
      if (rest.length > 0 || text !== this.lastText) {
        original.call(this, encoded, options);
      }
      this.lastText = text;
    }),
  },
  "upgrade-drops-the-pending-poll": {
    breaks: "A poll that is pending when the upgrade completes is never answered.",
    requirements: ["EIO-UP-03", "EIO-UP-06", "EIO-UP-07"],
    patch: () => patch(engine.Polling.prototype, "doClose", (original) => function (fn) {
      if (!this.discarded) {
        original.call(this, fn);
      }
    }),
  },
  "upgrade-forgets-questions": {
    breaks: "A question that was asked over polling takes no answer over WebSocket.",
    requirements: ["SIO-AK-07", "EIO-UP-05"],
    patch: () => patch(socket.Client.prototype, "setup", (original) => function () {
      original.call(this);
      this.conn.on("upgrade", () => this.sockets.forEach(({ acks }) => acks.clear()));
    }),
  },
};
