// What both oracles share: one batch on stdin, its answers on stdout, as JSON.
// Bytes are written as {"$bytes": base64}.
import { readFileSync } from "node:fs";

const revive = (key, value) =>
  typeof value?.$bytes === "string" ? Buffer.from(value.$bytes, "base64") : value;

export function plain(value) {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("base64") };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

// The packets that an Engine.IO parser answered, or its error.
export function engineAnswer(packets) {
  const failed = packets.find(({ type }) => type === "error");
  if (failed) return { error: failed.data };
  return { packets: packets.map(({ type, data = "" }) => plain({ type, data })) };
}

// What a Socket.IO decoder makes of some messages.
export function decoded(decoder, messages) {
  const packets = [];
  decoder.on("decoded", ({ type, nsp, id, data }) => packets.push(plain({ type, nsp, id, data })));
  try {
    messages.forEach((message) => decoder.add(message));
    return { packets, waiting: Boolean(decoder.reconstructor) };
  } catch (error) {
    return { packets, error: error.message };
  }
}

// Answers each kind of the batch by its handler.
export function answerBatch(handlers) {
  const batch = JSON.parse(readFileSync(0, "utf-8"), revive);
  const answers = Object.entries(batch).map(([kind, items]) => [kind, items.map((item) => handlers[kind](item))]);
  process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
}
