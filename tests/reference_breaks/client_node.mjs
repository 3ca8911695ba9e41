/**
 * Single breaks of the JavaScript client, made at run time: one function of one package is patched.
 *
 *   REFERENCE_BREAK=NAME node --import ./tests/reference_breaks/client_node.mjs conformance/agents/js/agent.mjs
 *   node tests/reference_breaks/client_node.mjs          prints the registry as JSON
 *
 * Each is a regression or an implementer's mistake. Those of the first files came before the cases were read.
 */
import { BREAKS as ENGINE } from "./client_node_first_engine.mjs";
import { BREAKS as SOCKET } from "./client_node_first_socket.mjs";
import { BREAKS as OPTIONS } from "./client_node_options.mjs";
import { BREAKS as SECOND } from "./client_node_second.mjs";
import { printOrBreak } from "./patch.mjs";

const FIRST = { ...ENGINE, ...SOCKET };
const registry = { ...FIRST, ...SECOND, ...OPTIONS };

printOrBreak(import.meta.url, registry, (name) => ({ first: name in FIRST }));
