// Addresses of pages, by fragment.

/** Return the address of a call's page. */
export function callAddress(id) {
  return `#/calls/${encodeURIComponent(id)}`;
}

/** Return the address of a function's page. */
export function functionAddress(name) {
  return `#/functions/${encodeURIComponent(name)}`;
}
