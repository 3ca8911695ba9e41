// The official JavaScript client, for `sioprobe conform --client js` (CLIENT_CONTRACT.md).
// `node agent.mjs 3` takes version 3 of it, `node agent.mjs 2` version 2.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { application } from "./application.mjs";

const old = /^[23]$/.test(process.argv[2]); // it may be the URL of the first visit
const name = old ? `socket.io-client-${process.argv[2]}` : "socket.io-client";
const client = await import(name);
// Version 2 would take the WebSocket of Node 22 for that of a browser.
const ofVersion2 = (url, options) => client.default(url, { forceNode: true, ...options });
const io = client.io ?? Object.assign(ofVersion2, client.default);
const { version } = createRequire(import.meta.url)(`${name}/package.json`);

const see = (seen, fields) => process.stdout.write(`${JSON.stringify({ seen, ...fields })}\n`);
const commands = application({
  io,
  see,
  toBase64: (data) => Buffer.from(data.buffer ?? data, data.byteOffset, data.byteLength).toString("base64"),
  fromBase64: (text) => Buffer.from(text, "base64"),
});

// An exception of the application's own making is not what is asked about. Every other one ends the process, as
// it would without this listener.
process.on("uncaughtException", (error) => {
  see("unhandled", { message: String(error.message) });
  if (error.message === "the application throws") return;
  console.error(error.stack);
  process.exit(1);
});
process.on("unhandledRejection", (error) => see("unhandled", { message: String(error) }));
const features = ["polling", "websocket", "upgrade", "reconnection", "namespaces", "multiplex", "ack_in", "wait"];
features.push("ack_out", "ack_late", "binary", "connect_error_data", "id", "throw", "buffer");
if (name !== "socket.io-client-2") features.push("auth", "auth_function", "volatile", "protocols");
if (name === "socket.io-client") features.push("ack_timeout", "retries", "recovery");
features.push("path", "query", "headers", "headers_websocket", "force_base64", "timestamp_requests");
features.push("auto_connect", "remember_upgrade", "tls");
if (name === "socket.io-client") features.push("cookies", "add_trailing_slash", "try_all_transports");
see("hello", { client: "socket.io-client", version, features });

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    if (!Object.hasOwn(commands, command.do)) return see("unknown", { do: command.do });
    try {
      commands[command.do](command);
    } catch (error) {
      see("threw", { do: command.do, message: String(error.message) });
    }
  })
  .on("close", () => process.exit(0));
