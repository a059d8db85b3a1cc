/** Tells who runs a page its result: by the console, and for a browser whose driver does not read that. */
export function say(result) {
  globalThis.erwinResult = result;
  console.log(`result: ${result}`);
}
