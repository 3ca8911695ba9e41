/** Put `make(original)` in the place of a function; `make` answers a function that gets `this`. */
export function patch(owner, name, make) {
  owner[name] = make(owner[name]);
}
