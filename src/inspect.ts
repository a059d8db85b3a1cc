// What `console.log` and notebooks show of an object in Deno, Node and Bun: a line, instead of everything it is made of.

/** The name of the method that these hosts call: https://nodejs.org/api/util.html#utilinspectcustom */
export const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** Returns the line for an object: its class, and what tells it from others. */
export const lineOf = (object: object, details: string): string => `${object.constructor.name} (${details})`;
