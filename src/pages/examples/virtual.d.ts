/** The README's programs by their headings; importing one runs it (src/build/examples.mjs). */
declare module "virtual:examples" {
  export const examples: Readonly<Record<string, () => Promise<unknown>>>;
}
