// Workers whose script lies on another host than the page, as when the library comes from a CDN.

/**
 * Browsers run worker scripts of the page's own origin only, while modules may come from anywhere: a script from elsewhere
 * is started through a module that imports it.
 * @returns the URL itself, or that of a Blob, to be revoked once the worker runs
 */
export function sameOriginScript(url: URL): URL {
  // Deno has no origin, and runs scripts from everywhere.
  const { origin } = globalThis;
  if (origin === undefined || url.origin === origin || !/^https?:$/.test(url.protocol)) return url;
  const source = new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" });
  return new URL(URL.createObjectURL(source));
}
