// The JavaScript parsers of socket.io 2 as an oracle.
// The argument is the package.json beside whose node_modules the package socket.io-2 is found.
import { createRequire } from "node:module";
import { answerBatch, decoded, engineAnswer, plain } from "./batch.mjs";

const server = createRequire(createRequire(process.argv[2]).resolve("socket.io-2"));
const socketParser = server("socket.io-parser");
const engineParser = createRequire(server.resolve("engine.io"))("engine.io-parser");

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

function socketEncode(packet) {
  let messages;
  new socketParser.Encoder().encode(packet, (encoded) => (messages = encoded.map(plain)));
  return messages;
}

answerBatch({
  packetDecode: (message) => engineAnswer([engineParser.decodePacket(message)]),
  packetEncode,
  payloadDecode,
  payloadEncode,
  socketDecode: (messages) => decoded(new socketParser.Decoder({ maxAttachments: 1000 }), messages),
  socketEncode,
});
