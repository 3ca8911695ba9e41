/**
 * Every row of the contract, on a server of any major of socket.io from 3 on, and on any engine below it.
 */

/** Register the handlers of all namespaces. */
export function offerContract(io) {
  for (const name of ["/", "/custom", "/auth"]) {
    offerEvents(io.of(name));
  }

  io.of("/auth").use((socket, next) => {
    next(socket.handshake.auth.token === "good" ? undefined : new Error("bad token"));
  });

  io.of("/reject").use((socket, next) => {
    next(Object.assign(new Error("not authorized"), { data: { code: "E_AUTH" } }));
  });
}

function offerEvents(namespace) {
  namespace.on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);

    on(socket, "message", (...args) => socket.emit("message-back", ...args));
    on(socket, "message-with-ack", (...args) => {
      const ack = args.pop();
      ack(...args);
    });

    on(socket, "join", (room, ack) => {
      socket.join(room);
      ack?.(ownRooms(socket));
    });
    on(socket, "leave", (room, ack) => {
      socket.leave(room);
      ack?.(ownRooms(socket));
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

/** A handler whose errors are logged: socket.io lets them end the process, Flask-SocketIO does not. */
function on(socket, event, handler) {
  socket.on(event, (...args) => {
    try {
      handler(...args);
    } catch (error) {
      console.error(`${event}: ${error.message}`);
    }
  });
}

/** The rooms of a socket, sorted, without the personal one that Socket.IO gives to everybody. */
function ownRooms(socket) {
  return [...socket.rooms].filter((room) => room !== socket.id).sort();
}
