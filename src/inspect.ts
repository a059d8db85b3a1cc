// What others see of an object: `console.log` and notebooks in Deno, Node and Bun a line, instead of everything it is made of, and
// libraries that take objects apart the name of its class.

/** The name of the method that these hosts call: https://nodejs.org/api/util.html#utilinspectcustom */
export const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** Returns the line for an object: its class, and what tells it from others. */
export const lineOf = (object: object, details: string): string => `${object.constructor.name} (${details})`;

/**
 * Returns an object's tag (`Symbol.toStringTag`), by which it is not taken for a plain one: a ref of Vue would hold a proxy in its
 * place, which has none of its private fields.
 */
export const tagOf = (object: object): string => object.constructor.name;
