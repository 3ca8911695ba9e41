// The client of socket.io 2 as a peer: what it gets back, one JSON object for each way to the server.
// Arguments: the package.json beside whose node_modules the package socket.io-2 is found, and the URL.
import { createRequire } from "node:module";

const io = createRequire(createRequire(process.argv[2]).resolve("socket.io-2"))("socket.io-client");
const url = process.argv[3];

function plain(value) {
  return Buffer.isBuffer(value) ? `bytes ${value.toString("hex")}` : value;
}

function visit(transports) {
  return new Promise((resolve, reject) => {
    const socket = io(url, { transports, forceNew: true, reconnection: false });
    const seen = { auth: null, back: null, ack: null, custom: null, unknown: null, upgraded: false };
    const done = () => {
      if (Object.values(seen).some((value) => value === null)) return;
      seen.upgraded = socket.io.engine.transport.name === "websocket";
      socket.io.close();
      resolve(seen);
    };
    socket.on("connect_error", reject);
    socket.on("auth", (auth) => {
      seen.auth = auth;
    });
    const talk = () => {
      socket.on("message-back", (...args) => {
        seen.back = args.map(plain);
        done();
      });
      socket.emit("message", "€\u{1f600}\n", Buffer.from([1, 2, 3]), { a: [Buffer.from([255])] }.a[0]);
      socket.emit("message-with-ack", Buffer.from([4]), "x", (...args) => {
        seen.ack = args.map(plain);
        done();
      });
      socket.io.socket("/custom", { query: { token: "t" } }).on("auth", (auth) => {
        seen.custom = auth;
        done();
      });
      socket.io.socket("/nowhere").on("error", (error) => {
        seen.unknown = error;
        done();
      });
    };
    socket.on("connect", () => {
      if (transports.length === 1) talk();
      else socket.io.engine.once("upgrade", talk);
    });
  });
}

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  console.log(JSON.stringify(await visit(transports)));
}
process.exit(0);
