/**
 * The contract of the conformance cases on socket.io with Bun's engine instead of engine.io.
 *
 *   bun server.mjs --port 5000 [--host 127.0.0.1] [--ping-interval 25] [--ping-timeout 20]
 *                  [--max-payload 1000000]
 *
 * The server prints one line that begins with READY. SIGTERM or SIGINT disconnects every client and ends it with
 * code 0.
 */
import { readFileSync } from "node:fs";
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { offerContract } from "../node/contract.mjs";
import { readOptions } from "../node/options.mjs";

// A stopping server waits so many milliseconds for its clients.
const STOP_DEADLINE = 2000;

const options = readOptions();
const engine = new Engine({
  path: "/socket.io/",
  pingInterval: options.pingInterval,
  pingTimeout: options.pingTimeout,
  maxHttpBufferSize: options.maxPayload,
  cors: { origin: "*" },
});
const io = new Server();
io.bind(engine);
offerContract(io);

// Bun looks at idle connections every four seconds. With pings every second the engine asks for a limit of two
// seconds, and Bun would end polls that wait.
const IDLE_SECONDS = 10;

const endpoint = engine.handler();
const http = Bun.serve({
  ...endpoint,
  fetch: answer,
  idleTimeout: Math.max(endpoint.idleTimeout, IDLE_SECONDS),
  port: options.port,
  hostname: options.host,
});
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, stop);
}
process.stdout.write(`READY ${JSON.stringify(about())}\n`);

/** GET /about gives the object of the READY line. The engine answers everything else. */
function answer(request, server) {
  return new URL(request.url).pathname === "/about" ? Response.json(about()) : endpoint.fetch(request, server);
}

function about() {
  return {
    urls: [`http://${options.host}:${http.port}`],
    pids: [process.pid],
    server: "bun-engine",
    detected: false,
    transports: ["polling", "websocket"],
    always_connect: true,
    nagle: false,
    workers: 1,
    queue: null,
    queue_url: null,
    versions: {
      bun: Bun.version,
      "@socket.io/bun-engine": installedVersion("@socket.io/bun-engine"),
      "socket.io": installedVersion("socket.io"),
    },
  };
}

function installedVersion(name) {
  const file = new URL(`./node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).version;
}

/** Tell every client, give the packets time to arrive, and end even if some clients stay. */
function stop() {
  for (const socket of io.of("/").sockets.values()) {
    socket.disconnect(true);
  }
  const deadline = Date.now() + STOP_DEADLINE;
  setInterval(() => {
    if (engine.clients.size === 0 || Date.now() > deadline) {
      process.exit(0);
    }
  }, 50);
}
