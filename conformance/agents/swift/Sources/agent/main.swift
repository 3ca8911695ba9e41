// socket.io-client-swift, for `sioprobe conform --client swift` (CLIENT_CONTRACT.md).
// Written against the public API of version 16. Nobody has run it yet: docs/judge/clients.md says why.
import Foundation
import SocketIO

let events = ["news"]
// Delays are whole seconds there, and the judge asks for less: no `reconnection`.
let features = [
    "polling", "websocket", "upgrade", "namespaces", "auth", "connect_error_data", "id", "ack_in", "ack_out",
    "ack_timeout", "binary",
]
var managers: [SocketManager] = []
var sockets: [String: SocketIOClient] = [:]  // of each namespace, the last one
var payloads: [String: [String: Any]] = [:]

func see(_ seen: String, _ fields: [String: Any?] = [:]) {
    var word: [String: Any] = fields.mapValues { $0 ?? NSNull() }
    word["seen"] = seen
    guard let line = try? JSONSerialization.data(withJSONObject: word) else { return }
    FileHandle.standardOutput.write(line + Data("\n".utf8))
}

func pack(_ value: Any) -> Any {
    switch value {
    case let data as Data: return ["$bin": data.base64EncodedString()]
    case let list as [Any]: return list.map(pack)
    case let object as [String: Any]: return object.mapValues(pack)
    default: return value
    }
}

func unpack(_ value: Any) -> Any {
    switch value {
    case let list as [Any]: return list.map(unpack)
    case let object as [String: Any]:
        if let text = object["$bin"] as? String { return Data(base64Encoded: text) ?? Data() }
        return object.mapValues(unpack)
    default: return value
    }
}

func argument(_ value: Any) -> SocketData {
    switch unpack(value) {
    case let data as Data: return data
    case let text as String: return text
    case let number as NSNumber:
        if CFGetTypeID(number) == CFBooleanGetTypeID() { return number.boolValue }
        if CFNumberIsFloatType(number) { return number.doubleValue }
        return number.intValue
    case let list as [Any]: return list as NSArray
    case let object as [String: Any]: return object as NSDictionary
    default: return NSNull()
    }
}

func connect(_ command: [String: Any], _ namespace: String) {
    guard let text = command["url"] as? String, let url = URL(string: text) else { return }
    let options = command["options"] as? [String: Any] ?? [:]
    let transports = options["transports"] as? [String] ?? ["polling", "websocket"]
    let manager = SocketManager(
        socketURL: url,
        config: [
            .log(false), .forceNew(true), .forcePolling(transports == ["polling"]),
            .forceWebsockets(transports == ["websocket"]), .reconnects(options["reconnection"] as? Bool ?? true),
        ])
    let socket = manager.socket(forNamespace: namespace)
    managers.append(manager)
    sockets[namespace] = socket
    payloads[namespace] = options["auth"] as? [String: Any]
    var joined = false
    socket.on(clientEvent: .connect) { [unowned socket] _, _ in
        joined = true
        see("connect", ["namespace": namespace, "id": socket.sid])
    }
    socket.on(clientEvent: .disconnect) { data, _ in
        joined = false
        see("disconnect", ["namespace": namespace, "reason": data.first as? String])
    }
    socket.on(clientEvent: .reconnect) { data, _ in
        joined = false
        see("disconnect", ["namespace": namespace, "reason": data.first as? String])
    }
    socket.on(clientEvent: .error) { data, _ in
        if joined { return }
        let refusal = data.first as? [String: Any]
        let message = refusal?["message"] ?? data.first.map { "\($0)" }
        see("connect_error", ["namespace": namespace, "message": message, "data": refusal?["data"].map(pack)])
    }
    for event in events {
        socket.on(event) { data, ack in
            see("event", ["namespace": namespace, "event": event, "args": data.map(pack)])
            if ack.expected { ack.with(data) }
        }
    }
    socket.connect(withPayload: payloads[namespace])
}

func emit(_ command: [String: Any], _ namespace: String) {
    guard let socket = sockets[namespace], let event = command["event"] as? String else { return }
    let arguments = (command["args"] as? [Any] ?? []).map(argument)
    guard let name = command["ack"] as? String else {
        socket.emit(event, with: arguments, completion: nil)
        return
    }
    let seconds = (command["timeout"] as? Double ?? 0) / 1000
    socket.emitWithAck(event, with: arguments).timingOut(after: seconds) { answer in
        let late = answer.count == 1 && answer[0] as? String == SocketAckStatus.noAck.rawValue
        let error: String? = late ? "timed out" : nil
        see("acked", ["namespace": namespace, "ack": name, "args": late ? [] : answer.map(pack), "error": error])
    }
}

func obey(_ command: [String: Any]) {
    let namespace = command["namespace"] as? String ?? "/"
    switch command["do"] as? String {
    case "connect": connect(command, namespace)
    case "emit": emit(command, namespace)
    case "disconnect": sockets[namespace]?.disconnect()
    case "open": sockets[namespace]?.connect(withPayload: payloads[namespace])
    case "reset":
        for socket in sockets.values { socket.removeAllHandlers() }
        for manager in managers { manager.disconnect() }
        managers = []
        sockets = [:]
        payloads = [:]
        see("reset")
    default: see("unknown", ["do": command["do"]])
    }
}

see("hello", ["client": "socket.io-client-swift", "version": "16.1.1", "features": features])
Thread.detachNewThread {
    while let line = readLine() {
        guard let word = try? JSONSerialization.jsonObject(with: Data(line.utf8)),
            let command = word as? [String: Any]
        else { continue }
        DispatchQueue.main.async { obey(command) }
    }
    exit(0)
}
dispatchMain()
