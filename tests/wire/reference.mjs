// The JavaScript parsers of socket.io as an oracle.
// The argument is the package.json beside whose node_modules the parsers are found.
import { createRequire } from "node:module";
import { answerBatch, decoded, engineAnswer, plain } from "./batch.mjs";

const require = createRequire(process.argv[2]);
const socketParser = require("socket.io-parser");
const engineParser = require("engine.io-parser");

function payloadEncode(packets) {
  let body;
  engineParser.encodePayload(packets, (encoded) => (body = encoded));
  return body;
}

answerBatch({
  socketDecode: ({ messages, options }) => decoded(new socketParser.Decoder(options), messages),
  socketEncode: (packet) => plain(new socketParser.Encoder().encode(packet)),
  packetDecode: (message) => engineAnswer([engineParser.decodePacket(message)]),
  payloadDecode: (body) => engineAnswer(engineParser.decodePayload(body)),
  payloadEncode,
});
