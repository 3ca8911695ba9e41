// The official JavaScript client, for `sioprobe conform --client js` (CLIENT_CONTRACT.md).
// `node agent.mjs 3` takes version 3 of it.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const name = process.argv[2] === "3" ? "socket.io-client-3" : "socket.io-client";
const { io } = await import(name);
const { version } = createRequire(import.meta.url)(`${name}/package.json`);

const EVENTS = ["news", "twice", "late", "throw"];
const sockets = new Map(); // of each namespace, the last one
const all = new Set();
const late = []; // acks that are given later

const see = (seen, fields) => process.stdout.write(`${JSON.stringify({ seen, ...fields })}\n`);

function pack(value) {
  if (Buffer.isBuffer(value) || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return { $bin: Buffer.from(value.buffer ?? value, value.byteOffset, value.byteLength).toString("base64") };
  }
  if (Array.isArray(value)) return value.map(pack);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, pack(one)]));
  }
  return value;
}

function unpack(value) {
  if (Array.isArray(value)) return value.map(unpack);
  if (value && typeof value === "object") {
    if (typeof value.$bin === "string") return Buffer.from(value.$bin, "base64");
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unpack(one)]));
  }
  return value;
}

function connect({ url, namespace, options }) {
  const known = sockets.get(namespace);
  const socket = io(url + (namespace === "/" ? "" : namespace), options);
  sockets.set(namespace, socket);
  all.add(socket);
  if (socket === known) return;
  socket.on("connect", () => see("connect", { namespace, id: socket.id }));
  socket.on("disconnect", (reason) => see("disconnect", { namespace, reason }));
  socket.on("connect_error", (error) =>
    see("connect_error", { namespace, message: error.message, data: error.data ?? null }),
  );
  for (const event of EVENTS) {
    socket.on(event, (...args) => {
      const ack = typeof args.at(-1) === "function" ? args.pop() : null;
      see("event", { namespace, event, args: pack(args), ack: ack !== null });
      if (event === "throw") throw new Error("the application throws");
      if (event === "late" && ack) late.push(() => ack(...args));
      else if (ack) ack(...args);
      if (ack && event === "twice") ack(...args);
    });
  }
}

function emit({ namespace = "/", event, args, ack, timeout }) {
  const socket = sockets.get(namespace);
  const values = unpack(args);
  if (!ack) socket.emit(event, ...values);
  else if (timeout) {
    socket.timeout(timeout).emit(event, ...values, (error, ...answer) =>
      see("acked", { namespace, ack, args: pack(answer), error: error ? error.message : null }),
    );
  } else {
    socket.emit(event, ...values, (...answer) => see("acked", { namespace, ack, args: pack(answer), error: null }));
  }
}

const COMMANDS = {
  connect,
  emit,
  open: ({ namespace = "/" }) => sockets.get(namespace).connect(),
  disconnect: ({ namespace = "/" }) => sockets.get(namespace).disconnect(),
  ack: () => late.splice(0).forEach((give) => give()),
  reset() {
    for (const socket of all) {
      socket.removeAllListeners();
      socket.io.removeAllListeners();
      socket.disconnect();
    }
    all.clear();
    sockets.clear();
    late.length = 0;
    see("reset");
  },
};

// An exception of the application's own making is not what is asked about. Every other one ends the process, as
// it would without this listener.
process.on("uncaughtException", (error) => {
  see("unhandled", { message: String(error.message) });
  if (error.message === "the application throws") return;
  console.error(error.stack);
  process.exit(1);
});
process.on("unhandledRejection", (error) => see("unhandled", { message: String(error) }));
const features = ["polling", "websocket", "upgrade", "reconnection", "namespaces", "multiplex", "auth", "ack_in"];
features.push("ack_out", "ack_late", "binary", "connect_error_data", "id", "throw");
if (name === "socket.io-client") features.push("ack_timeout");
see("hello", { client: "socket.io-client", version, features });

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    if (!Object.hasOwn(COMMANDS, command.do)) return see("unknown", { do: command.do });
    try {
      COMMANDS[command.do](command);
    } catch (error) {
      see("threw", { do: command.do, message: String(error.message) });
    }
  })
  .on("close", () => process.exit(0));
