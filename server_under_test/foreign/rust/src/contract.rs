//! Every row of the contract.
//!
//! Handlers do their work before they return. A future that they return runs as a task of its own, and tasks
//! overtake each other.

use std::fmt;
use std::future::{Future, Ready, ready};

use rmpv::Value;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::handler::ConnectHandler;

use crate::arguments::Arguments;

/// Why a CONNECT was refused. socketioxide sends it as `message` and has no place for `data`.
#[derive(Debug)]
struct Refused(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for Refused {}

/// Register the handlers of all namespaces.
pub fn offer(io: &SocketIo) {
    io.ns("/", connected);
    io.ns("/custom", connected);
    io.ns("/auth", connected.with(wants_token));
    io.ns("/reject", connected.with(refuses));
}

async fn wants_token(Data(auth): Data<serde_json::Value>) -> Result<(), Refused> {
    if auth.get("token").and_then(|token| token.as_str()) == Some("good") {
        Ok(())
    } else {
        Err(Refused("bad token"))
    }
}

async fn refuses() -> Result<(), Refused> {
    Err(Refused("not authorized"))
}

fn connected(socket: SocketRef, Data(auth): Data<Value>) -> Ready<()> {
    socket.on(
        "message",
        |socket: SocketRef, Data(arguments): Data<Arguments>| {
            done(socket.emit("message-back", &arguments))
        },
    );
    socket.on(
        "message-with-ack",
        |Data(arguments): Data<Arguments>, ack: AckSender| done(ack.send(&arguments)),
    );
    socket.on(
        "join",
        |socket: SocketRef, Data(room): Data<String>, ack: AckSender| {
            socket.join(room);
            done(ack.send(&own_rooms(&socket)))
        },
    );
    socket.on(
        "leave",
        |socket: SocketRef, Data(room): Data<String>, ack: AckSender| {
            socket.leave(room);
            done(ack.send(&own_rooms(&socket)))
        },
    );
    socket.on(
        "to",
        |socket: SocketRef, Data(arguments): Data<Arguments>| {
            if let Some((room, arguments)) = arguments.split()
                && let Some((event, arguments)) = arguments.split()
            {
                now(socket.to(room).emit(event, &arguments));
            }
            ready(())
        },
    );
    socket.on(
        "in",
        |socket: SocketRef, Data(arguments): Data<Arguments>| {
            if let Some((room, arguments)) = arguments.split()
                && let Some((event, arguments)) = arguments.split()
            {
                now(socket.within(room).emit(event, &arguments));
            }
            ready(())
        },
    );
    socket.on(
        "broadcast",
        |socket: SocketRef, Data(arguments): Data<Arguments>| {
            if let Some((event, arguments)) = arguments.split() {
                now(socket.broadcast().emit(event, &arguments));
            }
            ready(())
        },
    );
    socket.on(
        "all",
        |socket: SocketRef, io: SocketIo, Data(arguments): Data<Arguments>| {
            if let Some((event, arguments)) = arguments.split()
                && let Some(namespace) = io.of(socket.ns())
            {
                now(namespace.emit(event, &arguments));
            }
            ready(())
        },
    );
    socket.on(
        "ask",
        |socket: SocketRef, Data(arguments): Data<Arguments>| {
            let asked = arguments.split().and_then(|(event, arguments)| {
                socket.emit_with_ack::<_, Arguments>(event, &arguments).ok()
            });
            async move {
                if let Some(question) = asked
                    && let Ok(answer) = question.await
                {
                    let _ = socket.emit("asked", &answer);
                }
            }
        },
    );
    socket.on(
        "burst",
        |socket: SocketRef, Data((count, size)): Data<(u32, usize)>| {
            let text = "x".repeat(size);
            for number in 0..count {
                let _ = socket.emit("b", &(number, &text));
            }
            ready(())
        },
    );
    socket.on("kick", |socket: SocketRef| done(socket.disconnect()));
    done(socket.emit("auth", &auth))
}

/// The rooms of a socket, sorted.
fn own_rooms(socket: &SocketRef) -> Vec<String> {
    let mut rooms: Vec<String> = socket.rooms().iter().map(ToString::to_string).collect();
    rooms.sort();
    rooms
}

/// The end of a handler. It ignores errors: a client may have gone, or its queue may be full.
fn done<E>(_result: Result<(), E>) -> Ready<()> {
    ready(())
}

/// Broadcasts at once. With one process there is nothing to wait for.
fn now<F: Future>(broadcast: F) {
    let mut broadcast = std::pin::pin!(broadcast);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = broadcast.as_mut().poll(&mut context);
}
