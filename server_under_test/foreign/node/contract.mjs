/**
 * Every row of the contract, for socket.io from version 2 on, with any engine below it.
 */

// Engine.IO itself puts these parameters into the query of a request. They are not the application's.
const ENGINE_PARAMETERS = ["EIO", "transport", "sid", "t", "b64", "j"];

/** Register the handlers of all namespaces. */
export function offerContract(io) {
  for (const name of ["/", "/custom", "/auth"]) {
    offerEvents(io.of(name));
  }

  io.of("/auth").use((socket, next) => {
    next(authOf(socket).token === "good" ? undefined : new Error("bad token"));
  });

  io.of("/reject").use((socket, next) => {
    next(Object.assign(new Error("not authorized"), { data: { code: "E_AUTH" } }));
  });
}

function offerEvents(namespace) {
  namespace.on("connection", (socket) => {
    socket.emit("auth", authOf(socket));

    on(socket, "message", (...args) => socket.emit("message-back", ...args));
    on(socket, "message-with-ack", (...args) => {
      const ack = args.pop();
      ack(...args);
    });

    on(socket, "join", (room, ack) => {
      enterOrLeave(socket, "join", room, ack);
    });
    on(socket, "leave", (room, ack) => {
      enterOrLeave(socket, "leave", room, ack);
    });

    on(socket, "to", (room, event, ...args) => socket.to(room).emit(event, ...args));
    on(socket, "in", (room, event, ...args) => namespace.to(room).emit(event, ...args));
    on(socket, "broadcast", (event, ...args) => socket.broadcast.emit(event, ...args));
    on(socket, "all", (event, ...args) => namespace.emit(event, ...args));

    on(socket, "ask", (event, ...args) => {
      socket.emit(event, ...args, (...answer) => socket.emit("asked", ...answer));
    });
    on(socket, "burst", (count, size) => {
      for (let number = 0; number < count; number += 1) {
        socket.emit("b", number, "x".repeat(size));
      }
    });

    on(socket, "kick", () => socket.disconnect());
    on(socket, "kick-all", () => socket.disconnect(true));
  });
}

/** Registers a handler and logs its errors. In socket.io they would end the process, in Flask-SocketIO not. */
function on(socket, event, handler) {
  socket.on(event, (...args) => {
    try {
      handler(...args);
    } catch (error) {
      console.error(`${event}: ${error.message}`);
    }
  });
}

/** What the client sent with its CONNECT. In socket.io 2 that is the query of the namespace. */
function authOf(socket) {
  const { auth, query } = socket.handshake;
  if (auth !== undefined) {
    return auth;
  }
  return Object.fromEntries(Object.entries(query).filter(([key]) => !ENGINE_PARAMETERS.includes(key)));
}

/** Join or leave a room, then answer. socket.io 2 knows the room only when it calls back. */
function enterOrLeave(socket, verb, room, ack) {
  const answer = () => typeof ack === "function" && ack(ownRooms(socket));
  if (socket.rooms instanceof Set) {
    socket[verb](room);
    answer();
  } else {
    socket[verb](room, answer);
  }
}

/** The sorted rooms of a socket, without the personal room that Socket.IO gives everybody. */
function ownRooms(socket) {
  const rooms = socket.rooms instanceof Set ? [...socket.rooms] : Object.keys(socket.rooms);
  return rooms.filter((room) => room !== socket.id).sort();
}
