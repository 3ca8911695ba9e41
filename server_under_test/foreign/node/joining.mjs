/**
 * What joins several processes of one server: the adapter of a queue, and what a process does for clients of another.
 */
import { setTimeout } from "node:timers/promises";
import { createAdapter as createClusterAdapter } from "@socket.io/cluster-adapter";
import { createAdapter as createRedisAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";

// How long a client may take to answer a question of another process, and how soon to look for the others again.
const ANSWER_MS = 60_000;
const LOOK_MS = 20;

/** The packages of each queue. */
export const PACKAGES = {
  redis: ["@socket.io/redis-adapter", "ioredis"],
  cluster: ["@socket.io/cluster-adapter"],
};

/**
 * An adapter for `new Server`, and `ready(io)`, which waits until this process hears the others.
 * `queue` is redis, with its URL, or cluster, for a worker of Node's own cluster.
 */
export function join({ queue, url, workers }) {
  if (queue === "redis") {
    const publisher = new Redis(url);
    const subscriber = publisher.duplicate();
    for (const client of [publisher, subscriber]) {
      client.on("error", (error) => console.error(`redis: ${error.message}`));
    }
    return {
      adapter: createRedisAdapter(publisher, subscriber),
      // Redis answers in order: this comes after the subscriptions of the adapters.
      ready: () => subscriber.subscribe("sioprobe-ready"),
    };
  }
  return {
    adapter: createClusterAdapter(),
    // The workers of a cluster start together, and tell each other of themselves.
    ready: async (io) => {
      for (const { adapter } of io._nsps.values()) {
        while ((await adapter.serverCount()) < workers) {
          await setTimeout(LOOK_MS);
        }
      }
    },
  };
}

/** Register the events of a cluster in these namespaces. */
export function offerEventsOfACluster(namespaces) {
  for (const namespace of namespaces) {
    namespace.on("connection", (socket) => {
      socket.on("ask-other", (id, event, ...args) => {
        namespace
          .in(id)
          .timeout(ANSWER_MS)
          .emit(event, ...args, (error, answers) => {
            if (answers.length > 0) {
              socket.emit("asked", answers[0]);
            }
          });
      });
      answerWith(socket, "join-other", (id, room) => namespace.in(id).socketsJoin(room));
      answerWith(socket, "leave-other", (id, room) => namespace.in(id).socketsLeave(room));
      answerWith(socket, "disconnect-other", (id) => namespace.in(id).disconnectSockets());
      answerWith(socket, "close-room", (room) => namespace.in(room).socketsLeave(room));
      socket.on("count", (room, event, count) => {
        for (let number = 0; number < count; number += 1) {
          namespace.to(room).emit(event, number);
        }
      });
    });
  }
}

/** Handle an event, and answer with its first argument. */
function answerWith(socket, event, handler) {
  socket.on(event, (...args) => {
    handler(...args);
    const ack = args.at(-1);
    if (typeof ack === "function") {
      ack(args[0]);
    }
  });
}
