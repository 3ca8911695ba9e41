// The JavaScript parsers of socket.io 2 as an oracle: one batch on stdin, its answers on stdout, as JSON.
// The argument is the package.json beside whose node_modules the package socket.io-2 is found.
// Bytes are written as {"$bytes": base64}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const server = createRequire(createRequire(process.argv[2]).resolve("socket.io-2"));
const socketParser = server("socket.io-parser");
const engineParser = createRequire(server.resolve("engine.io"))("engine.io-parser");

const revive = (key, value) =>
  typeof value?.$bytes === "string" ? Buffer.from(value.$bytes, "base64") : value;

function plain(value) {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("base64") };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function engineAnswer(packets) {
  const failed = packets.find(({ type }) => type === "error");
  if (failed) return { error: failed.data };
  return { packets: packets.map(({ type, data = "" }) => plain({ type, data })) };
}

function payloadDecode(body) {
  const packets = [];
  engineParser.decodePayload(body, (packet) => packets.push(packet));
  return engineAnswer(packets);
}

function payloadEncode(packets) {
  const bodies = {};
  engineParser.encodePayload(packets, false, (body) => (bodies.text = body));
  engineParser.encodePayloadAsBinary(packets, (body) => (bodies.binary = plain(body)));
  return bodies;
}

function packetEncode(packet) {
  let message;
  engineParser.encodePacket(packet, true, false, (encoded) => (message = plain(encoded)));
  return message;
}

function socketDecode(messages) {
  const decoder = new socketParser.Decoder({ maxAttachments: 1000 });
  const packets = [];
  decoder.on("decoded", ({ type, nsp, id, data }) => packets.push(plain({ type, nsp, id, data })));
  try {
    messages.forEach((message) => decoder.add(message));
    return { packets, waiting: Boolean(decoder.reconstructor) };
  } catch (error) {
    return { packets, error: error.message };
  }
}

function socketEncode(packet) {
  let messages;
  new socketParser.Encoder().encode(packet, (encoded) => (messages = encoded.map(plain)));
  return messages;
}

const handlers = {
  packetDecode: (message) => engineAnswer([engineParser.decodePacket(message)]),
  packetEncode,
  payloadDecode,
  payloadEncode,
  socketDecode,
  socketEncode,
};
const batch = JSON.parse(readFileSync(0, "utf-8"), revive);
const answers = Object.entries(batch).map(([kind, items]) => [kind, items.map(handlers[kind])]);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
