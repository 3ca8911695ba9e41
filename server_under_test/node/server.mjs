/**
 * The contract of the conformance cases on socket.io itself: a foreign server to compare with.
 *
 *   node server.mjs --port 5000 [--host 127.0.0.1] [--transports polling,websocket]
 *                   [--ping-interval 25] [--ping-timeout 20] [--max-payload 1000000] [--nagle]
 *                   [--package socket.io] [--allow-eio3]
 *
 * `--package` names the release of socket.io among the packages beside this file: socket.io (4.8) or
 * socket.io-2 (2.5, which speaks Engine.IO 3). `--allow-eio3` lets 4.8 speak both revisions.
 *
 * Prints one line that begins with READY; SIGTERM or SIGINT disconnects every client and ends it with code 0.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

// After this many milliseconds nobody is waited for any more.
const STOP_DEADLINE = 2000;

const PACKAGES = ["socket.io", "socket.io-2"];

// What Engine.IO itself puts into the query of a request: not the application's.
const ENGINE_PARAMETERS = ["EIO", "transport", "sid", "t", "b64", "j"];

const options = readOptions();
const library = await import(options.package);
const Server = library.Server ?? library.default;
const http = createServer({ noDelay: !options.nagle }, answer);
const io = new Server(http, {
  transports: options.transports,
  pingInterval: options.pingInterval,
  pingTimeout: options.pingTimeout,
  maxHttpBufferSize: options.maxPayload,
  cors: { origin: "*" },
  allowEIO3: options.allowEIO3,
  serveClient: false,
});

for (const name of ["/", "/custom", "/auth"]) {
  offerContract(io.of(name));
}

io.of("/auth").use((socket, next) => {
  next(authOf(socket).token === "good" ? undefined : new Error("bad token"));
});

io.of("/reject").use((socket, next) => {
  next(Object.assign(new Error("not authorized"), { data: { code: "E_AUTH" } }));
});

http.on("error", (error) => {
  console.error(`cannot listen on ${options.host} port ${options.port}: ${error.message}`);
  process.exit(2);
});
http.listen({ port: options.port, host: options.host, backlog: 4096 }, announce);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, stop);
}

function offerContract(namespace) {
  namespace.on("connection", (socket) => {
    socket.emit("auth", authOf(socket));

    on(socket, "message", (...args) => socket.emit("message-back", ...args));
    on(socket, "message-with-ack", (...args) => {
      const ack = args.pop();
      ack(...args);
    });

    on(socket, "join", (room, ack) => {
      enterOrLeave(socket, "join", room, ack);
    });
    on(socket, "leave", (room, ack) => {
      enterOrLeave(socket, "leave", room, ack);
    });

    on(socket, "to", (room, event, ...args) => socket.to(room).emit(event, ...args));
    on(socket, "in", (room, event, ...args) => namespace.to(room).emit(event, ...args));
    on(socket, "broadcast", (event, ...args) => socket.broadcast.emit(event, ...args));
    on(socket, "all", (event, ...args) => namespace.emit(event, ...args));

    on(socket, "ask", (event, ...args) => {
      socket.emit(event, ...args, (...answer) => socket.emit("asked", ...answer));
    });
    on(socket, "burst", (count, size) => {
      for (let number = 0; number < count; number += 1) {
        socket.emit("b", number, "x".repeat(size));
      }
    });

    on(socket, "kick", () => socket.disconnect());
    on(socket, "kick-all", () => socket.disconnect(true));
  });
}

/** A handler whose errors are logged: socket.io lets them end the process, Flask-SocketIO does not. */
function on(socket, event, handler) {
  socket.on(event, (...args) => {
    try {
      handler(...args);
    } catch (error) {
      console.error(`${event}: ${error.message}`);
    }
  });
}

/** What the client sent along with its CONNECT: to socket.io 2 that is the query of the namespace. */
function authOf(socket) {
  const { auth, query } = socket.handshake;
  return auth ?? Object.fromEntries(Object.entries(query).filter(([key]) => !ENGINE_PARAMETERS.includes(key)));
}

/** Join or leave a room, then answer. socket.io 2 knows the room only when it calls back. */
function enterOrLeave(socket, verb, room, ack) {
  const answer = () => typeof ack === "function" && ack(ownRooms(socket));
  if (socket.rooms instanceof Set) {
    socket[verb](room);
    answer();
  } else {
    socket[verb](room, answer);
  }
}

/** The rooms of a socket, sorted, without the personal one that Socket.IO gives to everybody. */
function ownRooms(socket) {
  const rooms = socket.rooms instanceof Set ? [...socket.rooms] : Object.keys(socket.rooms);
  return rooms.filter((room) => room !== socket.id).sort();
}

/** GET /about is what the READY line says; everything else that is not the endpoint's is unknown. */
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
  return {
    urls: [`http://${options.host}:${port}`],
    pids: [process.pid],
    mode: "node",
    async_mode: "node",
    detected: false,
    transports: options.transports,
    always_connect: true,
    nagle: options.nagle,
    allow_eio3: options.allowEIO3,
    workers: 1,
    queue: null,
    queue_url: null,
    versions: {
      node: process.versions.node,
      ...installedVersions(),
    },
  };
}

/** Each release of socket.io brings an engine.io of its own. */
function installedVersions() {
  const main = createRequire(import.meta.url).resolve(options.package);
  const engine = createRequire(main).resolve("engine.io");
  const version = (file) => JSON.parse(readFileSync(join(dirname(file), "..", "package.json"), "utf8")).version;
  return { "socket.io": version(main), "engine.io": version(engine) };
}

/** Tell every client, let what was written reach them, and end although some hold on. */
function stop() {
  // io.close() would wait for connections that clients keep open, and refuse the last poll of a polling client.
  if (io.disconnectSockets) {
    io.disconnectSockets(true);
  } else {
    Object.values(io.sockets.connected).forEach((socket) => socket.disconnect(true));
  }
  const deadline = Date.now() + STOP_DEADLINE;
  setInterval(() => {
    if (io.engine.clientsCount === 0 || Date.now() > deadline) {
      process.exit(0);
    }
  }, 50);
}

function readOptions() {
  const { values } = parseOrExit({
    port: { type: "string", default: "5000" },
    host: { type: "string", default: "127.0.0.1" },
    transports: { type: "string", default: "polling,websocket" },
    "ping-interval": { type: "string", default: "25" },
    "ping-timeout": { type: "string", default: "20" },
    "max-payload": { type: "string", default: "1000000" },
    nagle: { type: "boolean", default: false },
    package: { type: "string", default: "socket.io" },
    "allow-eio3": { type: "boolean", default: false },
  });
  const number = (name, greatest = Infinity) => {
    const value = Number(values[name]);
    if (!(value >= 0 && value <= greatest)) {
      console.error(`--${name} '${values[name]}' is not a number from 0 to ${greatest}`);
      process.exit(2);
    }
    return value;
  };
  if (!PACKAGES.includes(values.package)) {
    console.error(`--package '${values.package}' is not one of ${PACKAGES.join(", ")}`);
    process.exit(2);
  }
  return {
    port: number("port", 65535),
    host: values.host,
    transports: values.transports.split(","),
    pingInterval: number("ping-interval") * 1000,
    pingTimeout: number("ping-timeout") * 1000,
    maxPayload: number("max-payload"),
    nagle: values.nagle,
    package: values.package,
    allowEIO3: values["allow-eio3"],
  };
}

function parseOrExit(known) {
  try {
    return parseArgs({ options: known });
  } catch (error) {
    console.error(error.message);
    return process.exit(2);
  }
}
