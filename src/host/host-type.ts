/**
 * The type of the objects of one of the host's classes, by its name; unknown in a program whose libraries do not declare the class, as
 * those of Node declare no DOM. There its plain name would be an error in our declarations.
 */
export type HostType<Name extends string> =
  typeof globalThis extends Record<Name, { prototype: infer Type }> ? Type : unknown;
