// Where a file of the library is, from what bundlers make of `new URL("...", import.meta.url)`.

/** What bundlers put in place of `new URL("...", import.meta.url)` may begin with the path, as Turbopack's does. */
export const absolute = (href: string) => new URL(href, globalThis.location?.href);

/** During development, Vite before 8 moves the library to a folder beside it, without its files. */
export const MOVED = "/.vite/deps/";
export const unmoved = ({ href }: URL) => absolute(href.replace(MOVED, "/erwin/dist/assets/"));
