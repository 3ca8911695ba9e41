// socket_io_client for Dart, for `sioprobe conform --client dart` (CLIENT_CONTRACT.md).
// Written against the public API of version 3. Nobody has run it yet: docs/judge/clients.md says why.
import 'dart:async';
import 'dart:convert';
import 'dart:io';
import 'dart:typed_data';

import 'package:socket_io_client/socket_io_client.dart' as io;

const events = ['news', 'twice', 'late'];
// Its polling is for browsers.
const features = [
  'websocket', 'reconnection', 'namespaces', 'multiplex', 'auth', 'connect_error_data', 'id', 'ack_in', //
  'ack_out', 'ack_late', 'binary', 'buffer', 'volatile',
];
const none = Object();

final sockets = <String, io.Socket>{}; // of each namespace, the last one
final all = <io.Socket>{};
final late_ = <void Function()>[]; // acks that are given later

void see(String seen, [Map<String, Object?> fields = const {}]) =>
    stdout.writeln(jsonEncode({'seen': seen, ...fields}));

Object? pack(Object? value) {
  if (value is ByteBuffer) return {r'$bin': base64Encode(value.asUint8List())};
  if (value is TypedData) return {r'$bin': base64Encode(value.buffer.asUint8List(value.offsetInBytes, value.lengthInBytes))};
  if (value is List) return [for (final one in value) pack(one)];
  if (value is Map) return {for (final one in value.entries) '${one.key}': pack(one.value)};
  return value;
}

Object? unpack(Object? value) {
  if (value is List) return [for (final one in value) unpack(one)];
  if (value is! Map) return value;
  if (value[r'$bin'] is String) return base64Decode(value[r'$bin'] as String);
  return {for (final one in value.entries) one.key: unpack(one.value)};
}

// A handler gets one argument as it is, and several as a list.
List<Object?> arguments(Object? data) => identical(data, none)
    ? []
    : data is List && data is! TypedData
        ? [...data]
        : [data];

void connect(String url, String namespace, Map<String, dynamic> options) {
  final known = sockets[namespace];
  final socket = io.io(namespace == '/' ? url : '$url$namespace', {...options, 'autoConnect': false});
  sockets[namespace] = socket;
  all.add(socket);
  if (!identical(socket, known)) listen(socket, namespace);
  socket.connect();
}

void listen(io.Socket socket, String namespace) {
  void refused(Object? data) {
    final refusal = data is Map ? data : null;
    see('connect_error', {
      'namespace': namespace,
      'message': refusal == null ? '$data' : refusal['message'],
      'data': pack(refusal?['data']),
    });
  }

  socket.on('connect', (_) => see('connect', {'namespace': namespace, 'id': socket.id}));
  socket.on('disconnect', (reason) => see('disconnect', {'namespace': namespace, 'reason': '$reason'}));
  socket.on('connect_error', refused);
  socket.on('error', refused);
  for (final event in events) {
    socket.on(event, ([dynamic data = none]) {
      final args = arguments(data);
      final ack = args.isNotEmpty && args.last is Function ? args.removeLast() as Function : null;
      see('event', {'namespace': namespace, 'event': event, 'args': pack(args)});
      if (ack == null) return;
      if (event == 'late') {
        late_.add(() => ack(args));
        return;
      }
      ack(args);
      if (event == 'twice') ack(args);
    });
  }
}

void emit(Map<String, dynamic> command, String namespace) {
  final known = sockets[namespace]!;
  final socket = command['volatile'] == true ? known.volatile : known;
  final values = unpack(command['args']);
  final name = command['ack'];
  if (name is! String) {
    socket.emit(command['event'], values);
    return;
  }
  socket.emitWithAck(command['event'], values, ack: ([dynamic answer = none]) {
    see('acked', {'namespace': namespace, 'ack': name, 'args': pack(arguments(answer)), 'error': null});
  });
}

void obey(Map<String, dynamic> command) {
  final namespace = command['namespace'] as String? ?? '/';
  switch (command['do']) {
    case 'connect':
      connect(command['url'], namespace, command['options']);
    case 'emit':
      emit(command, namespace);
    case 'disconnect':
      sockets[namespace]!.disconnect();
    case 'open':
      sockets[namespace]!.connect();
    case 'ack':
      for (final give in late_) {
        give();
      }
      late_.clear();
    case 'reset':
      for (final socket in all) {
        socket.dispose();
      }
      all.clear();
      sockets.clear();
      late_.clear();
      see('reset');
    default:
      see('unknown', {'do': command['do']});
  }
}

void main() {
  runZonedGuarded(() {
    see('hello', {'client': 'socket_io_client', 'version': '3.1', 'features': features});
    stdin.transform(utf8.decoder).transform(const LineSplitter()).listen((line) {
      final command = jsonDecode(line) as Map<String, dynamic>;
      try {
        obey(command);
      } catch (error) {
        see('threw', {'do': command['do'], 'message': '$error'});
      }
    }, onDone: () => exit(0));
  }, (error, _) => see('unhandled', {'message': '$error'}));
}
