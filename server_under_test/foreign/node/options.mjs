/**
 * The options that every program here takes. Times are seconds on the command line, and milliseconds in the result.
 */
import { parseArgs } from "node:util";

/**
 * Reads the common options and those of `more`; those in `seconds` are times. Bad input ends the process with code 2.
 */
export function readOptions(more = {}, seconds = {}) {
  const { values } = parseOrExit({
    port: { type: "string", default: "5000" },
    host: { type: "string", default: "127.0.0.1" },
    transports: { type: "string", default: "polling,websocket" },
    "ping-interval": { type: "string", default: "25" },
    "ping-timeout": { type: "string", default: "20" },
    "max-payload": { type: "string", default: "1000000" },
    nagle: { type: "boolean", default: false },
    ...more,
    ...Object.fromEntries(Object.keys(seconds).map((name) => [name, { type: "string" }])),
  });
  const number = (name, greatest = Infinity) => {
    const value = Number(values[name]);
    if (!(value >= 0 && value <= greatest)) {
      console.error(`--${name} '${values[name]}' is not a number from 0 to ${greatest}`);
      process.exit(2);
    }
    return value;
  };
  // Those that are not given are left to the library.
  const given = Object.entries(seconds).filter(([name]) => values[name] !== undefined);
  return {
    ...values,
    times: Object.fromEntries(given.map(([name, key]) => [key, number(name) * 1000])),
    port: number("port", 65535),
    transports: values.transports.split(","),
    pingInterval: number("ping-interval") * 1000,
    pingTimeout: number("ping-timeout") * 1000,
    maxPayload: number("max-payload"),
  };
}

function parseOrExit(known) {
  try {
    return parseArgs({ options: known });
  } catch (error) {
    console.error(error.message);
    return process.exit(2);
  }
}
