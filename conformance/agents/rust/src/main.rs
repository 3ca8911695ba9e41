//! rust_socketio's Client, for `sioprobe conform --client rust` (CLIENT_CONTRACT.md).
//!
//! A payload of this client is either JSON or one piece of binary data. An event that mixes them cannot be sent.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use native_tls::{Certificate, TlsConnector};
use rust_socketio::client::Client;
use rust_socketio::{ClientBuilder, Event, Payload, TransportType};
use serde_json::{Value, json};
use url::Url;

const FEATURES: [&str; 14] = [
    "polling", "websocket", "upgrade", "reconnection", "namespaces", "auth", "ack_out", "binary", "connect_error_data",
    "path", "query", "headers", "headers_websocket", "tls",
];
const A_DAY: u64 = 86_400_000;
const REFUSED: &str = "Received an ConnectError frame: ";

/// Of each namespace, the last one.
type Clients = Arc<Mutex<HashMap<String, Client>>>;
type Job = Box<dyn FnOnce() + Send>;

fn main() {
    let hello = json!({"client": "rust_socketio", "version": "0.6.0", "features": FEATURES, "fresh": true});
    see("hello", hello);
    let clients = Clients::default();
    // What is emitted may block, and keeps its order.
    let (emits, jobs) = channel::<Job>();
    thread::spawn(move || jobs.into_iter().for_each(|job| job()));
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(command) = serde_json::from_str::<Value>(&line) else { continue };
        if let Err(message) = obey(&command, &clients, &emits) {
            see("threw", json!({"do": command["do"], "message": message}));
        }
    }
}

/// Commands that may block have a thread of their own.
fn obey(command: &Value, clients: &Clients, emits: &Sender<Job>) -> Result<(), String> {
    let namespace = command["namespace"].as_str().unwrap_or("/").to_owned();
    match command["do"].as_str().unwrap_or_default() {
        "connect" => {
            let (command, clients) = (command.clone(), clients.clone());
            thread::spawn(move || match builder(&command, &namespace).connect() {
                Ok(client) => drop(clients.lock().unwrap().insert(namespace, client)),
                Err(error) => see("threw", json!({"do": "connect", "message": error.to_string()})),
            });
        }
        "emit" => {
            let (clients, command) = (clients.clone(), command.clone());
            let job = move || {
                let sent = client_of(&clients, &namespace).and_then(|client| emit(&client, &command, &namespace));
                if let Err(message) = sent {
                    see("threw", json!({"do": "emit", "message": message}));
                }
            };
            emits.send(Box::new(job)).map_err(|error| error.to_string())?;
        }
        "disconnect" => {
            let clients = clients.clone();
            thread::spawn(move || {
                let left = client_of(&clients, &namespace)
                    .and_then(|client| client.disconnect().map_err(|error| error.to_string()));
                if let Err(message) = left {
                    see("threw", json!({"do": "disconnect", "message": message}));
                }
            });
        }
        "reset" => {
            for client in clients.lock().unwrap().drain() {
                thread::spawn(move || client.1.disconnect());
            }
            see("reset", json!({}));
        }
        other => see("unknown", json!({"do": other})),
    }
    Ok(())
}

/// The client of a namespace. `connect` gives it to the application when it returns, soon after CONNECT was sent.
fn client_of(clients: &Clients, namespace: &str) -> Result<Client, String> {
    for _ in 0..100 {
        if let Some(client) = clients.lock().unwrap().get(namespace) {
            return Ok(client.clone());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err("connect has not returned".to_owned())
}

fn builder(command: &Value, namespace: &str) -> ClientBuilder {
    let options = &command["options"];
    let mut address = command["url"].as_str().unwrap_or_default().to_owned();
    if let Some(path) = options["path"].as_str() {
        address += path;
    }
    if let Some(query) = options["query"].as_object() {
        let pairs = query.iter().map(|(name, value)| (name, value.as_str().unwrap_or_default()));
        address = Url::parse_with_params(&address, pairs).map_or(address, String::from);
    }
    let upgraded = options["transports"].as_array().is_some_and(|names| names.len() > 1);
    let transport = match options["transports"][0].as_str() {
        _ if upgraded => TransportType::Any,
        Some("polling") => TransportType::Polling,
        Some("websocket") => TransportType::Websocket,
        _ => TransportType::Any,
    };
    let mut builder = ClientBuilder::new(address)
        .namespace(namespace)
        .transport_type(transport)
        .reconnect(options["reconnection"].as_bool().unwrap_or(true))
        .reconnect_delay(
            options["reconnectionDelay"].as_u64().unwrap_or(1000),
            options["reconnectionDelayMax"].as_u64().unwrap_or(5000),
        );
    if let Some(attempts) = options["reconnectionAttempts"].as_u64() {
        builder = builder.max_reconnect_attempts(attempts.try_into().unwrap_or(u8::MAX));
    }
    if options["auth"].is_object() {
        builder = builder.auth(options["auth"].clone());
    }
    for (name, value) in options["extraHeaders"].as_object().into_iter().flatten() {
        builder = builder.opening_header(name.as_str(), value.as_str().unwrap_or_default());
    }
    if let Some(authority) = options["ca"].as_str() {
        builder = builder.tls_config(trusting(authority));
    }
    let [on_connect, on_close, on_error] = [(); 3].map(|()| namespace.to_owned());
    builder = builder
        .on(Event::Connect, move |_, _| see("connect", json!({"namespace": on_connect})))
        .on(Event::Close, move |_, _| see("disconnect", json!({"namespace": on_close, "reason": null})))
        .on(Event::Error, move |payload, _| {
            let message = packed(payload)[0].as_str().unwrap_or_default().to_owned();
            // Of all errors, these alone are about CONNECT.
            let Some(refusal) = message.strip_prefix(REFUSED) else {
                return see("unhandled", json!({"message": message}));
            };
            let told: Value = serde_json::from_str(refusal).unwrap_or_default();
            let (message, data) = (&told["message"], &told["data"]);
            see("connect_error", json!({"namespace": on_error, "message": message, "data": data}));
        });
    let namespace = namespace.to_owned();
    builder.on("news", move |payload, _| {
        see("event", json!({"namespace": namespace, "event": "news", "args": packed(payload), "ack": false}));
    })
}

/// Trusts this certificate (PEM), and no others.
fn trusting(authority: &str) -> TlsConnector {
    let certificate = Certificate::from_pem(authority.as_bytes()).expect("a certificate");
    let mut builder = TlsConnector::builder();
    builder.disable_built_in_roots(true).add_root_certificate(certificate);
    builder.build().expect("TLS")
}

fn emit(client: &Client, command: &Value, namespace: &str) -> Result<(), String> {
    let event = command["event"].as_str().unwrap_or_default();
    let payload = payload(command["args"].as_array().map_or(&[], Vec::as_slice))?;
    let sent = if command["ack"].is_null() || command["ack"] == false {
        client.emit(event, payload)
    } else {
        let (ack, namespace) = (command["ack"].clone(), namespace.to_owned());
        let timeout = Duration::from_millis(command["timeout"].as_u64().unwrap_or(A_DAY));
        client.emit_with_ack(event, payload, timeout, move |answer, _| {
            // The arguments come as one array.
            let args = match packed(answer) {
                Value::Array(mut values) if values.len() == 1 && values[0].is_array() => values.remove(0),
                other => other,
            };
            see("acked", json!({"namespace": namespace, "ack": ack, "args": args, "error": null}));
        })
    };
    sent.map_err(|error| error.to_string())
}

fn payload(args: &[Value]) -> Result<Payload, String> {
    if let [only] = args
        && let Some(text) = only["$bin"].as_str()
    {
        return STANDARD.decode(text).map(Payload::from).map_err(|error| error.to_string());
    }
    if args.iter().any(|one| one.to_string().contains("\"$bin\"")) {
        return Err("a Payload is JSON or one piece of binary data".to_owned());
    }
    Ok(Payload::Text(args.to_vec()))
}

fn packed(payload: Payload) -> Value {
    match payload {
        Payload::Binary(data) => json!([{"$bin": STANDARD.encode(data)}]),
        Payload::Text(values) => Value::Array(values),
        #[allow(deprecated)]
        Payload::String(text) => json!([text]),
    }
}

fn see(what: &str, mut fields: Value) {
    fields["seen"] = what.into();
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{fields}");
    let _ = out.flush();
}
