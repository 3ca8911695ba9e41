// The JavaScript parsers of socket.io as an oracle: one batch on stdin, its answers on stdout, as JSON.
// The argument is the package.json beside whose node_modules the parsers are found.
// Bytes are written as {"$bytes": base64}.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.argv[2]);
const socketParser = require("socket.io-parser");
const engineParser = require("engine.io-parser");

const revive = (key, value) =>
  typeof value?.$bytes === "string" ? Buffer.from(value.$bytes, "base64") : value;

function plain(value) {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("base64") };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function socketDecode({ messages, options }) {
  const decoder = new socketParser.Decoder(options);
  const packets = [];
  decoder.on("decoded", ({ type, nsp, id, data }) => packets.push(plain({ type, nsp, id, data })));
  try {
    messages.forEach((message) => decoder.add(message));
    return { packets, waiting: Boolean(decoder.reconstructor) };
  } catch (error) {
    return { packets, error: error.message };
  }
}

function engineDecode(packets) {
  const failed = packets.find(({ type }) => type === "error");
  return failed ? { error: failed.data } : { packets: packets.map(({ type, data = "" }) => plain({ type, data })) };
}

function engineEncode(packets) {
  let body;
  engineParser.encodePayload(packets, (encoded) => (body = encoded));
  return body;
}

const batch = JSON.parse(readFileSync(0, "utf-8"), revive);
const answers = {
  socketDecode: batch.socketDecode.map(socketDecode),
  socketEncode: batch.socketEncode.map((packet) => plain(new socketParser.Encoder().encode(packet))),
  packetDecode: batch.packetDecode.map((message) => engineDecode([engineParser.decodePacket(message)])),
  payloadDecode: batch.payloadDecode.map((body) => engineDecode(engineParser.decodePayload(body))),
  payloadEncode: batch.payloadEncode.map(engineEncode),
};
process.stdout.write(JSON.stringify(answers));
