/** The README's programs by their headings; to import one is to run it (src/build/examples.mjs). */
declare module "virtual:examples" {
  export const examples: Readonly<Record<string, () => Promise<unknown>>>;
}
