// The package has no types of its own.
declare module "bunny" {
  /** The Stanford bunny, 1839 vertices. A CommonJS module: its exports come as the default. */
  const bunny: { positions: [number, number, number][]; cells: [number, number, number][] };
  export default bunny;
}
