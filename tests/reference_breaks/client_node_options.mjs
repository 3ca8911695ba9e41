/** Breaks of the options of the JavaScript client. They were written after the cases were read. */
import { engine, patch, socket } from "./client_node_packages.mjs";

const { Socket: Engine, Transport, BaseXHR, BaseWS } = engine;
const { Manager } = socket;

/** Change the options of a session before it creates a transport. */
const options = (change) => () => patch(Engine.prototype, "createTransport", (original) => function (name) {
  change(this.opts);
  return original.call(this, name);
});

export const BREAKS = {
  "path-is-its-first-part": {
    breaks: "Of a path with several parts the first one is used.",
    requirements: ["CLI-OP-01"],
    patch: options((opts) => (opts.path = opts.path.split("/").slice(0, 2).join("/") + "/")),
  },
  "slash-is-always-added": {
    breaks: "addTrailingSlash is ignored.",
    requirements: ["CLI-OP-10"],
    patch: options((opts) => (opts.path = opts.path.replace(/\/?$/, "/"))),
  },
  "query-is-not-encoded": {
    breaks: "An ampersand in the query stays as it is.",
    requirements: ["CLI-OP-02"],
    patch: () => patch(Transport.prototype, "_query", (original) => function (query) {
      return original.call(this, query).replaceAll("%26", "&");
    }),
  },
  "query-ends-with-the-handshake": {
    breaks: "Later requests do not have the query of the application.",
    requirements: ["CLI-OP-02"],
    patch: () => patch(Transport.prototype, "_query", (original) => function (query) {
      const { EIO, transport, sid } = query;
      return original.call(this, sid ? { EIO, transport, sid } : query);
    }),
  },
  "headers-are-not-in-posts": {
    breaks: "A POST does not have the headers of the application.",
    requirements: ["CLI-OP-03"],
    patch: () => patch(BaseXHR.prototype, "doWrite", (original) => function (...args) {
      const { opts } = this;
      this.opts = { ...opts, extraHeaders: {} };
      original.apply(this, args);
      this.opts = opts;
    }),
  },
  "headers-are-not-in-the-upgrade": {
    breaks: "The request for a WebSocket does not have the headers of the application.",
    requirements: ["CLI-OP-11"],
    patch: () => patch(BaseWS.prototype, "doOpen", (original) => function () {
      delete this.opts.extraHeaders;
      original.call(this);
    }),
  },
  "cookies-are-not-kept": {
    breaks: "Cookies of the server are not remembered.",
    requirements: ["CLI-OP-04"],
    patch: () => patch(Engine.prototype, "_open", (original) => function () {
      if (this._cookieJar) this._cookieJar.parseCookies = () => {};
      original.call(this);
    }),
  },
  "base64-is-only-asked-for": {
    breaks: "forceBase64 asks for b64, and binary data is sent as it is.",
    requirements: ["CLI-OP-05"],
    patch: () => patch(BaseWS.prototype, "write", (original) => function (packets) {
      this.supportsBinary = true;
      original.call(this, packets);
    }),
  },
  "timestamps-are-alike": {
    breaks: "Each request has the same timestamp.",
    requirements: ["CLI-OP-06"],
    patch: () => patch(Transport.prototype, "_query", (original) => function (query) {
      return original.call(this, query.t ? { ...query, t: "now" } : query);
    }),
  },
  "only-one-protocol-is-offered": {
    breaks: "Of several protocols the last one is offered.",
    requirements: ["CLI-OP-12"],
    patch: options((opts) => (opts.protocols = opts.protocols?.slice(-1))),
  },
  "connects-at-once": {
    breaks: "autoConnect is ignored.",
    requirements: ["CLI-OP-07"],
    patch: () => patch(Manager.prototype, "socket", (original) => function (...args) {
      return original.apply(this, args).open();
    }),
  },
  "ipv6-has-no-brackets": {
    breaks: "An IPv6 address stands in a URL without its brackets.",
    requirements: ["CLI-OP-13"],
    patch: () => patch(Transport.prototype, "_hostname", () => function () {
      return this.opts.hostname;
    }),
  },
  "ca-is-not-handed-on": {
    breaks: "The certificates of the application are not handed on.",
    requirements: ["CLI-TL-01"],
    patch: options((opts) => delete opts.ca),
  },
  "certificates-are-not-looked-at": {
    breaks: "Any certificate will do.",
    requirements: ["CLI-TL-02"],
    patch: options((opts) => (opts.rejectUnauthorized = false)),
  },
  "upgrade-is-not-remembered": {
    breaks: "rememberUpgrade is ignored.",
    requirements: ["CLI-UP-11"],
    patch: () => patch(Engine.prototype, "_open", (original) => function () {
      Engine.priorWebsocketSuccess = false;
      original.call(this);
    }),
  },
  "first-failure-is-the-last": {
    breaks: "A first attempt that fails is not followed by another.",
    requirements: ["CLI-HS-13"],
    patch: () => patch(Manager.prototype, "maybeReconnectOnOpen", () => function () {}),
  },
  "next-transport-is-not-tried": {
    breaks: "tryAllTransports is ignored.",
    requirements: ["CLI-HS-14"],
    patch: options((opts) => (opts.tryAllTransports = false)),
  },
  "interval-of-0-is-no-time": {
    breaks: "A session whose pingInterval is 0 has no time for a PING.",
    requirements: ["CLI-HS-10"],
    patch: () => patch(Engine.prototype, "_resetPingTimeout", (original) => function () {
      if (this._pingInterval === 0) this._pingTimeout = 1;
      original.call(this);
    }),
  },
};
