//! The contract of the conformance cases on socketioxide, an independent server in Rust.
//!
//!     server --port 5000 [--host 127.0.0.1] [--transports polling,websocket]
//!            [--ping-interval 25] [--ping-timeout 20] [--max-payload 1000000]
//!
//! The server prints one line that begins with READY. SIGTERM or SIGINT disconnects every client and ends it
//! with code 0.

mod arguments;
mod contract;
mod options;

use std::io;
use std::process::exit;
use std::time::Duration;

use axum::Json;
use axum::routing::get;
use axum::serve::ListenerExt;
use serde_json::{Value, json};
use socketioxide::{SocketIo, TransportType};
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio::signal::unix::{SignalKind, signal};
use tower_http::cors::CorsLayer;

use crate::options::Options;

const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// Cargo writes this file before it compiles the program.
const LOCK: &str = include_str!("../Cargo.lock");

#[tokio::main]
async fn main() {
    let options = Options::read();
    let builder = SocketIo::builder()
        .ping_interval(options.ping_interval)
        .ping_timeout(options.ping_timeout)
        // So many packets of one session may wait to be sent. The emit of one more fails.
        .max_buffer_size(16_384)
        .max_payload(options.max_payload);
    let builder = match (options.offers("polling"), options.offers("websocket")) {
        (true, false) => builder.transports([TransportType::Polling]),
        (false, true) => builder.transports([TransportType::Websocket]),
        _ => builder,
    };
    let (layer, server) = builder.build_layer();
    contract::offer(&server);

    let listener = listen(&options).await.unwrap_or_else(|error| {
        eprintln!(
            "cannot listen on {} port {}: {error}",
            options.host, options.port
        );
        exit(2);
    });
    let port = listener.local_addr().expect("a bound socket").port();
    let about = about(&options, port);

    let answer = about.clone();
    let app = axum::Router::new()
        .route("/about", get(async move || Json(answer)))
        .layer(layer)
        .layer(CorsLayer::permissive());
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let mut terminate = signal(SignalKind::terminate()).expect("a handler of SIGTERM");
    let mut interrupt = signal(SignalKind::interrupt()).expect("a handler of SIGINT");
    println!("READY {about}");
    tokio::select! {
        result = async { axum::serve(listener, app).await } => panic!("the server ended: {result:?}"),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let _ = tokio::time::timeout(STOP_DEADLINE, server.close()).await;
    exit(0);
}

async fn listen(options: &Options) -> io::Result<TcpListener> {
    let mut found = lookup_host((options.host.as_str(), options.port)).await?;
    let address = found.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()
    } else {
        TcpSocket::new_v4()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    // A load test opens a thousand connections at once.
    socket.listen(4096)
}

/// The object after READY and under GET /about.
fn about(options: &Options, port: u16) -> Value {
    json!({
        "urls": [format!("http://{}:{port}", options.host)],
        "pids": [std::process::id()],
        "server": "socketioxide",
        "detected": false,
        "transports": options.transports,
        "always_connect": true,
        "nagle": false,
        "workers": 1,
        "queue": null,
        "queue_url": null,
        "capabilities": {"connect_error_data": false, "kick_all": false},
        "versions": {
            "socketioxide": version("socketioxide"),
            "engineioxide": version("engineioxide"),
            "axum": version("axum"),
            "hyper": version("hyper"),
        },
    })
}

fn version(name: &str) -> &'static str {
    let entry = format!("name = \"{name}\"\nversion = \"");
    LOCK.split(&entry)
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or("unknown")
}
