/** The modules of the JavaScript client that the breaks patch, as the agent loads them. */
import { createRequire } from "node:module";

export { patch } from "./patch.mjs";

const FOLDER = new URL("../../conformance/agents/js/node_modules/", import.meta.url);
const require = createRequire(FOLDER);
const load = (file) => import(new URL(file, FOLDER));

const { Socket } = await load("engine.io-client/build/esm-debug/socket.js");
const { Transport } = await load("engine.io-client/build/esm-debug/transport.js");
const { Polling } = await load("engine.io-client/build/esm-debug/transports/polling.js");
const { BaseXHR, Request } = await load("engine.io-client/build/esm-debug/transports/polling-xhr.js");
const { BaseWS } = await load("engine.io-client/build/esm-debug/transports/websocket.js");

export const engine = { Socket, Transport, Polling, BaseXHR, Request, BaseWS };

const { Decoder, Encoder, PacketType } = await load("socket.io-parser/build/esm-debug/index.js");
const { Manager } = await load("socket.io-client/build/esm-debug/manager.js");
const client = await load("socket.io-client/build/esm-debug/socket.js");

export const socket = { Manager, Socket: client.Socket, Decoder, Encoder, Type: PacketType };

export const websocket = {
  WebSocket: require(new URL("ws/lib/websocket.js", FOLDER).pathname),
  Receiver: require(new URL("ws/lib/receiver.js", FOLDER).pathname),
  Sender: require(new URL("ws/lib/sender.js", FOLDER).pathname),
};

export const SEPARATOR = "\x1e";
