// The package has no types of its own.
declare module "bunny" {
  /** The Stanford bunny, with 1839 vertices. The package is a CommonJS module, whose exports become the default export. */
  const bunny: { positions: [number, number, number][]; cells: [number, number, number][] };
  export default bunny;
}
