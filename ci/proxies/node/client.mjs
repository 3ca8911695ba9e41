// `node client.mjs URL WAY COUNT SECONDS [FLAG]...`: so many official clients, and what became of them as one JSON line.
// With the flag `stay` they reconnect, and are counted again for each line of standard input.
// With `linger` they are silent for so long after they came in; with `large` their first message has 2,000 characters.

import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, way, count, seconds, ...flags] = process.argv.slice(2);
const transports = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] }[way];
const stays = flags.includes("stay");
const errors = {};
const said = (text) => (errors[text] = (errors[text] ?? 0) + 1);

function words(error) {
  const more = error.context?.responseText ?? error.description?.message ?? error.description;
  const status = error.context?.status ? `HTTP ${error.context.status}` : "";
  return [error.message, status, more === error.context?.status ? "" : more].filter(Boolean).join(": ").trim();
}

class Client {
  constructor() {
    this.socket = io(url, {
      transports,
      forceNew: true,
      reconnection: stays,
      withCredentials: !flags.includes("no-cookies"),
    });
    this.isIn = new Promise((resolve) => (this.came = resolve));
    this.socket.on("connect_error", (error) => (said(words(error)), stays || this.came(false)));
    this.socket.on("disconnect", (reason, why) => {
      this.answered = false;
      if (reason !== "io client disconnect") said(why instanceof Error ? `${reason}: ${words(why)}` : reason);
      if (!stays) this.came(false);
    });
    this.socket.on("connect", () => {
      const engine = this.socket.io.engine;
      if (way !== "upgrade" || engine.transport.name === "websocket") this.ask();
      else {
        engine.once("upgrade", () => this.ask());
        engine.once("upgradeError", (error) => said(`upgrade: ${words(error)}`));
      }
    });
  }

  // In is who is answered twice, with time between for requests that go elsewhere.
  async ask() {
    try {
      const first = flags.includes("large") ? "x".repeat(2000) : 1;
      await this.socket.timeout(seconds * 1000).emitWithAck("message-with-ack", first);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await this.socket.timeout(seconds * 1000).emitWithAck("message-with-ack", 2);
      this.answered = this.socket.connected;
      if (flags.includes("linger")) await new Promise((resolve) => setTimeout(resolve, seconds * 500));
      this.came(this.answered);
    } catch {
      this.came(false);
    }
  }
}

const clients = Array.from({ length: count }, () => new Client());
const enough = () => new Promise((resolve) => setTimeout(resolve, seconds * 1000, false));
const tell = (list) => console.log(JSON.stringify({ in: list.filter(Boolean).length, errors }));

const first = await Promise.all(clients.map((client) => Promise.race([client.isIn, enough()])));
for (const { socket } of clients) {
  if (way === "upgrade" && socket.io.engine?.transport.name === "polling" && socket.connected) said("stays on polling");
}
tell(first);
if (stays) {
  for await (const line of createInterface({ input: process.stdin })) {
    tell(clients.map((client) => client.answered));
  }
}
process.exit(0);
