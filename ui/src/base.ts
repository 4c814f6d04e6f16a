// Addresses. The server writes <base href> relative to the page, so that every
// address below is right under any path prefix.

const root = new URL(document.baseURI);

/** apiURL is the address of a call of the native API in a project. */
export function apiURL(project: string, call: string): string {
  return new URL(`../api/trimtab/v1alpha1/${encodeURIComponent(project)}/${call}`, root).href;
}

/** serverURL is what clients call this server: scheme, host and path prefix. */
export const serverURL = new URL("..", root).href.replace(/\/$/, "");

/** pageURL is the address of a page: "" is the overview. */
export function pageURL(page: string): string {
  return new URL(page, root).href;
}

/** pagePath is the part of an address below the pages' root; undefined outside. */
export function pagePath(address: URL): string | undefined {
  if (address.origin !== root.origin || !address.pathname.startsWith(root.pathname)) return undefined;
  return address.pathname.slice(root.pathname.length);
}
