/** The options of server.mjs beside those that every program here takes, for `readOptions`. */
export const SERVER_OPTIONS = {
  package: { type: "string", default: "socket.io" },
  "allow-eio3": { type: "boolean", default: false },
  recovery: { type: "boolean", default: false },
  "permessage-deflate": { type: "boolean", default: false },
  workers: { type: "string", default: "1" },
  queue: { type: "string" },
  "queue-url": { type: "string" },
  "listen-fd": { type: "string" },
};

/** Its times. */
export const SERVER_TIMES = { "connect-timeout": "connectTimeout", "upgrade-timeout": "upgradeTimeout" };
