// The application above the official JavaScript client: in Node (agent.mjs) and in a page (../browser).
export function application({ io, see, toBase64, fromBase64 }) {
  const EVENTS = ["news", "twice", "late", "throw", "wait"];
  const sockets = new Map(); // of each namespace, the last one
  const all = new Set();
  const late = []; // acks that are given later, and handlers that wait

  function pack(value) {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return { $bin: toBase64(value) };
    if (Array.isArray(value)) return value.map(pack);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, pack(one)]));
    }
    return value;
  }

  function unpack(value) {
    if (Array.isArray(value)) return value.map(unpack);
    if (value && typeof value === "object") {
      if (typeof value.$bin === "string") return fromBase64(value.$bin);
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unpack(one)]));
    }
    return value;
  }

  function connect({ url, namespace, options }) {
    const known = sockets.get(namespace);
    if (options.auth?.$function) {
      let count = 0;
      options = { ...options, auth: (give) => give({ count: ++count }) };
    }
    const socket = io(url + (namespace === "/" ? "" : namespace), options);
    sockets.set(namespace, socket);
    all.add(socket);
    if (socket === known) return;
    socket.on("connect", () => see("connect", { namespace, id: socket.id, recovered: socket.recovered }));
    socket.on("disconnect", (reason) => see("disconnect", { namespace, reason }));
    socket.on("connect_error", (error) =>
      see("connect_error", { namespace, message: error.message ?? error, data: error.data ?? null }),
    );
    // Version 2 tells by this event that the server refuses, with its payload. Errors of its own are told otherwise.
    if (io.protocol === 4) {
      socket.on("error", (data) => {
        if (!(data instanceof Error)) see("connect_error", { namespace, message: null, data: data ?? null });
      });
    }
    for (const event of EVENTS) {
      socket.on(event, (...args) => {
        const ack = typeof args.at(-1) === "function" ? args.pop() : null;
        see("event", { namespace, event, args: pack(args), ack: ack !== null });
        if (event === "wait") return new Promise((go) => late.push(go)); // as an async handler does
        if (event === "throw") throw new Error("the application throws");
        if (event === "late" && ack) late.push(() => ack(...args));
        else if (ack) ack(...args);
        if (ack && event === "twice") ack(...args);
      });
    }
  }

  function emit({ namespace = "/", event, args, ack, timeout, volatile }) {
    const known = sockets.get(namespace);
    const socket = volatile ? known.volatile : known;
    const values = unpack(args);
    if (!ack) socket.emit(event, ...values);
    else if (timeout) {
      socket.timeout(timeout).emit(event, ...values, (error, ...answer) =>
        see("acked", { namespace, ack, args: pack(answer), error: error ? error.message : null }),
      );
    } else {
      socket.emit(event, ...values, (...answer) => see("acked", { namespace, ack, args: pack(answer), error: null }));
    }
  }

  return {
    connect,
    emit,
    open: ({ namespace = "/" }) => sockets.get(namespace).connect(),
    disconnect: ({ namespace = "/" }) => sockets.get(namespace).disconnect(),
    ack: () => late.splice(0).forEach((give) => give()),
    reset() {
      for (const socket of all) {
        socket.removeAllListeners();
        socket.io.removeAllListeners();
        socket.disconnect();
      }
      all.clear();
      sockets.clear();
      late.length = 0;
      see("reset");
    },
  };
}
