/**
 * Single breaks of the JavaScript reference, made at run time: one function of one package is patched.
 *
 *   REFERENCE_BREAK=NAME node --import ./tests/reference_breaks/node.mjs server_under_test/foreign/node/server.mjs ...
 *   node tests/reference_breaks/node.mjs          prints the registry as JSON: name, sentence, requirements
 *
 * Each is a regression or an implementer's mistake that shows on the wire.
 */
import { BREAKS as ENGINE } from "./node_engine.mjs";
import { BREAKS as RECOVERY } from "./node_recovery.mjs";
import { BREAKS as SECOND } from "./node_second.mjs";
import { BREAKS as SOCKET } from "./node_socket.mjs";
import { BREAKS as THIRD } from "./node_third.mjs";
import { printOrBreak } from "./patch.mjs";

const registry = { ...ENGINE, ...SOCKET, ...SECOND, ...THIRD, ...RECOVERY };

printOrBreak(import.meta.url, registry);
