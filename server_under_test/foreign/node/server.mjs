/**
 * The contract of the conformance cases on socket.io itself: a foreign server to compare with.
 *
 *   node server.mjs --port 5000 [--host 127.0.0.1] [--transports polling,websocket]
 *                   [--ping-interval 25] [--ping-timeout 20] [--max-payload 1000000] [--nagle]
 *                   [--package socket.io | socket.io-3 | socket.io-2] [--allow-eio3] [--recovery]
 *                   [--permessage-deflate] [--connect-timeout 45] [--upgrade-timeout 10]
 *                   [--workers 2 --queue redis --queue-url URL | --queue cluster] [--listen-fd 3]
 *
 * package.json gives each major of socket.io a name of its own. Version 2 speaks Engine.IO 3.
 * `--package FOLDER` serves another release, which npm installed there.
 * `--allow-eio3` lets 4.8 speak both revisions. `--recovery` lets it recover the state of lost connections.
 * `--permessage-deflate` compresses what goes over WebSocket.
 * `--queue` joins several of these processes; workers.mjs starts those of `--queue cluster`.
 * The server prints one line that begins with READY. SIGTERM or SIGINT disconnects every client and ends it with
 * code 0.
 */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { offerContract } from "./contract.mjs";
import { join, offerEventsOfACluster, PACKAGES } from "./joining.mjs";
import { readOptions } from "./options.mjs";
import { SERVER_OPTIONS, SERVER_TIMES } from "./server_options.mjs";

// A stopping server waits so many milliseconds for its clients.
const STOP_DEADLINE = 2000;

// The name of each package in `sioprobe serve --server`.
const NAMES = { "socket.io": "node", "socket.io-3": "node-3", "socket.io-2": "node-2" };

const options = readOptions(SERVER_OPTIONS, SERVER_TIMES);
const folder = Object.hasOwn(NAMES, options.package)
  ? fileURLToPath(new URL(`node_modules/${options.package}`, import.meta.url))
  : resolve(options.package);
if (!existsSync(`${folder}/package.json`)) {
  const names = Object.keys(NAMES).join(", ");
  console.error(`--package '${options.package}' is not one of ${names}, and no package's folder`);
  process.exit(2);
}
const library = createRequire(import.meta.url)(folder);
const Server = library.Server ?? library;
const workers = Number(options.workers);
const joined = options.queue && join({ queue: options.queue, url: options["queue-url"], workers });
const http = createServer({ noDelay: !options.nagle }, answer);
const io = new Server(http, {
  transports: options.transports,
  pingInterval: options.pingInterval,
  pingTimeout: options.pingTimeout,
  maxHttpBufferSize: options.maxPayload,
  cors: { origin: "*" },
  allowEIO3: options["allow-eio3"],
  connectionStateRecovery: options.recovery ? {} : undefined,
  ...(options["permessage-deflate"] && { perMessageDeflate: true }),
  ...(joined && { adapter: joined.adapter }),
  serveClient: false,
  ...options.times,
});

// socket.io 2.0 forgets the CONNECT of `/` as soon as any namespace gets a middleware.
const { initialPacket } = io.engine;
offerContract(io);
io.engine.initialPacket = initialPacket;
if (joined) {
  offerEventsOfACluster(["/", "/custom", "/auth"].map((name) => io.of(name)));
  await joined.ready(io);
}

http.on("error", (error) => {
  console.error(`cannot listen on ${options.host} port ${options.port}: ${error.message}`);
  process.exit(2);
});
const inherited = options["listen-fd"];
// Node's cluster shares ports. With `exclusive` each process has its own.
const place = inherited ? { fd: Number(inherited) } : { port: options.port, host: options.host, exclusive: true };
http.listen({ ...place, backlog: 4096 }, announce);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, stop);
}

/** GET /about gives the object of the READY line. Other paths outside the endpoint are unknown. */
function answer(request, response) {
  const known = request.url === "/about";
  response.writeHead(known ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(known ? about() : { error: "not found" }));
}

function announce() {
  process.stdout.write(`READY ${JSON.stringify(about())}\n`);
}

function about() {
  const { port } = http.address();
  // engine.io of its own, or the one that several majors share.
  const nested = `${folder}/node_modules/engine.io`;
  return {
    urls: [`http://${options.host}:${port}`],
    pids: [process.pid],
    server: NAMES[options.package] ?? basename(folder),
    detected: false,
    transports: options.transports,
    always_connect: true,
    allow_eio3: options["allow-eio3"],
    recovery: options.recovery,
    nagle: options.nagle,
    settings: declaredTimes(),
    workers,
    message_queue: joined !== undefined,
    cluster_events: joined !== undefined,
    queue: options.queue ?? null,
    queue_url: options["queue-url"]?.replace(/\/\/.*@/, "//") ?? null,
    versions: {
      ...runtime(),
      "socket.io": versionIn(folder),
      "engine.io": versionIn(existsSync(nested) ? nested : `${folder}/../engine.io`),
      ...Object.fromEntries(joinedBy().map((name) => [name, versionIn(`${folder}/../${name}`)])),
    },
  };
}

function joinedBy() {
  return PACKAGES[options.queue] ?? [];
}

/** In seconds, by their names in the contract. */
function declaredTimes() {
  const { connectTimeout, upgradeTimeout } = options.times;
  const times = { connect_timeout: connectTimeout / 1000, upgrade_timeout: upgradeTimeout / 1000 };
  return Object.fromEntries(Object.entries(times).filter(([, seconds]) => seconds > 0));
}

/** Deno says for which Node its modules stand, beside its own version. */
function runtime() {
  const { node, deno } = process.versions;
  return deno === undefined ? { node } : { deno };
}

function versionIn(folder) {
  return JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version;
}

/** Tell every client, give the packets time to arrive, and end even if some clients stay. */
function stop() {
  // io.close() would wait for open connections, and refuse the last poll of a polling client.
  const { sockets } = io.of("/");
  // A map since version 3, an object in version 2.
  for (const socket of sockets instanceof Map ? sockets.values() : Object.values(sockets)) {
    socket.disconnect(true);
  }
  const deadline = Date.now() + STOP_DEADLINE;
  setInterval(() => {
    if (io.engine.clientsCount === 0 || Date.now() > deadline) {
      process.exit(0);
    }
  }, 50);
}
