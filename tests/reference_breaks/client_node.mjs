/**
 * Single breaks of the JavaScript client, made at run time: one function of one package is patched.
 *
 *   REFERENCE_BREAK=NAME node --import ./tests/reference_breaks/client_node.mjs conformance/agents/js/agent.mjs
 *   node tests/reference_breaks/client_node.mjs          prints the registry as JSON
 *
 * Each is a regression or an implementer's mistake. Those of the first files came before the cases were read.
 */
import { pathToFileURL } from "node:url";
import { BREAKS as ENGINE } from "./client_node_first_engine.mjs";
import { BREAKS as SOCKET } from "./client_node_first_socket.mjs";
import { BREAKS as SECOND } from "./client_node_second.mjs";

const FIRST = { ...ENGINE, ...SOCKET };
const registry = { ...FIRST, ...SECOND };

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const listed = Object.entries(registry).map(([name, { breaks, requirements }]) => [
    name,
    { breaks, requirements, first: name in FIRST },
  ]);
  console.log(JSON.stringify(Object.fromEntries(listed)));
} else {
  const name = process.env.REFERENCE_BREAK;
  if (!Object.hasOwn(registry, name)) {
    console.error(`REFERENCE_BREAK '${name}' is not in the registry`);
    process.exit(2);
  }
  registry[name].patch();
}
