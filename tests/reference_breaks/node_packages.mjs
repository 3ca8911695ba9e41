/** The modules of the reference that the breaks patch, as the server loads them, and the one way to patch. */
import { createRequire } from "node:module";

export { patch } from "./patch.mjs";

const FOLDER = new URL("../../server_under_test/foreign/node/node_modules/", import.meta.url);
const require = createRequire(FOLDER);
const load = (file) => require(new URL(file, FOLDER).pathname);

// Loading prints and starts nothing: a module is the same object for whoever loads it.
export const engine = {
  Server: load("engine.io/build/server.js").Server,
  Socket: load("engine.io/build/socket.js").Socket,
  Transport: load("engine.io/build/transport.js").Transport,
  Polling: load("engine.io/build/transports/polling.js").Polling,
  WebSocket: load("engine.io/build/transports/websocket.js").WebSocket,
  payload: load("engine.io-parser/build/cjs/index.js"),
  encoding: load("engine.io-parser/build/cjs/encodePacket.js"),
  decoding: load("engine.io-parser/build/cjs/decodePacket.js"),
};

export const socket = {
  Server: load("socket.io/dist/index.js").Server,
  Client: load("socket.io/dist/client.js").Client,
  Namespace: load("socket.io/dist/namespace.js").Namespace,
  Socket: load("socket.io/dist/socket.js").Socket,
  BroadcastOperator: load("socket.io/dist/broadcast-operator.js").BroadcastOperator,
  reserved: load("socket.io/dist/socket-types.js").RESERVED_EVENTS,
  Adapter: load("socket.io-adapter/dist/in-memory-adapter.js").Adapter,
  SessionAwareAdapter: load("socket.io-adapter/dist/in-memory-adapter.js").SessionAwareAdapter,
  Encoder: load("socket.io-parser/build/cjs/index.js").Encoder,
  Decoder: load("socket.io-parser/build/cjs/index.js").Decoder,
  Type: load("socket.io-parser/build/cjs/index.js").PacketType,
  binary: load("socket.io-parser/build/cjs/binary.js"),
  search: load("socket.io-parser/build/cjs/is-binary.js"),
};

// What a server with --permessage-deflate compresses by.
export const deflate = { PerMessageDeflate: load("ws/lib/permessage-deflate.js") };
