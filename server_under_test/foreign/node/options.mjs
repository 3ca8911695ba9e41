/**
 * The options that every program here takes. Times are seconds on the command line, and milliseconds in the result.
 */
import { parseArgs } from "node:util";

/** Reads the common options and those of `more`. Bad input ends the process with code 2. */
export function readOptions(more = {}) {
  const { values } = parseOrExit({
    port: { type: "string", default: "5000" },
    host: { type: "string", default: "127.0.0.1" },
    transports: { type: "string", default: "polling,websocket" },
    "ping-interval": { type: "string", default: "25" },
    "ping-timeout": { type: "string", default: "20" },
    "max-payload": { type: "string", default: "1000000" },
    nagle: { type: "boolean", default: false },
    ...more,
  });
  const number = (name, greatest = Infinity) => {
    const value = Number(values[name]);
    if (!(value >= 0 && value <= greatest)) {
      console.error(`--${name} '${values[name]}' is not a number from 0 to ${greatest}`);
      process.exit(2);
    }
    return value;
  };
  return {
    ...values,
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
