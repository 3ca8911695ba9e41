import { pathToFileURL } from "node:url";

/** Put `make(original)` in the place of a function; `make` answers a function that gets `this`. */
export function patch(owner, name, make) {
  owner[name] = make(owner[name]);
}

/**
 * Print the registry as JSON if `url` is the program that runs; else make the break that REFERENCE_BREAK names.
 * `more` adds to what is printed of a break.
 */
export function printOrBreak(url, registry, more = () => ({})) {
  if (process.argv[1] && url === pathToFileURL(process.argv[1]).href) {
    const listed = Object.entries(registry).map(([name, { breaks, requirements }]) => [
      name,
      { breaks, requirements, ...more(name) },
    ]);
    console.log(JSON.stringify(Object.fromEntries(listed)));
    return;
  }
  const name = process.env.REFERENCE_BREAK;
  if (!Object.hasOwn(registry, name)) {
    console.error(`REFERENCE_BREAK '${name}' is not in the registry`);
    process.exit(2);
  }
  registry[name].patch();
}
