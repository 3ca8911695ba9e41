// socket.io without a handler, of contract level 0, and without a page that says what it is.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../server_under_test/foreign/node/server.mjs", import.meta.url));
const { createServer } = require("node:http");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, { pingInterval: 1000, pingTimeout: 3000, cors: { origin: "*" } });
io.on("connection", () => {});
http.listen(0, "127.0.0.1", () => {
  console.log(`READY ${JSON.stringify({ urls: [`http://127.0.0.1:${http.address().port}`] })}`);
});
process.once("SIGTERM", () => process.exit(0));
