/**
 * Several server.mjs in Node's own cluster, each at a port of its own, joined by @socket.io/cluster-adapter.
 *
 *   node workers.mjs --workers 2 --port 5000 [the options of server.mjs]
 *
 * It prints one READY line for all. When one of them ends, it ends the others.
 */
import cluster from "node:cluster";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { setupPrimary } from "@socket.io/cluster-adapter";
import { readOptions } from "./options.mjs";
import { SERVER_OPTIONS, SERVER_TIMES } from "./server_options.mjs";

const options = readOptions(SERVER_OPTIONS, SERVER_TIMES);
const count = Number(options.workers);
const abouts = new Map();
let stopping = false;

// Buffers must stay buffers on their way between the processes.
cluster.setupPrimary({
  exec: fileURLToPath(new URL("server.mjs", import.meta.url)),
  serialization: "advanced",
  silent: true,
});
setupPrimary();

for (let number = 0; number < count; number += 1) {
  // The last one of an option counts.
  const port = options.port === 0 ? 0 : options.port + number;
  cluster.setupPrimary({ args: [...process.argv.slice(2), "--port", String(port)] });
  const worker = cluster.fork();
  worker.process.stderr.pipe(process.stderr);
  createInterface(worker.process.stdout).on("line", (line) => take(number, line));
}

cluster.on("exit", (worker, code, signal) => {
  if (!stopping) {
    const how = signal ? `by ${signal}` : `with code ${code}`;
    console.error(`server ${worker.id} of ${count} ended ${how}; stopping the others`);
    process.exitCode = code || 1;
    stop();
  }
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, stop);
}

function take(number, line) {
  if (line.startsWith("READY ")) {
    abouts.set(number, JSON.parse(line.slice("READY ".length)));
    if (abouts.size === count) {
      announce();
    }
  }
}

/** The object of the first one, with the addresses and process ids of all. */
function announce() {
  const all = Array.from({ length: count }, (_, number) => abouts.get(number));
  const [urls, pids] = ["urls", "pids"].map((key) => all.flatMap((about) => about[key]));
  const about = { ...all[0], urls, worker_urls: urls, pids };
  process.stdout.write(`READY ${JSON.stringify(about)}\n`);
}

/** Each tells its clients; this process ends with the last of them. */
function stop() {
  stopping = true;
  for (const worker of Object.values(cluster.workers)) {
    worker.process.kill("SIGTERM");
  }
}
