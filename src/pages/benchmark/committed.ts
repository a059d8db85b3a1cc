// The results in the repository, src/bench/results, as files of the site.

import { type Entry, readEntry } from "./entry.ts";

const urls = import.meta.glob<string>(["../../bench/results/**/*.json", "!../../bench/results/schema.json"], {
  query: "?url",
  import: "default",
  eager: true,
});

/** The result that scores are relative to. */
const REFERENCE = "cpu-amd-epyc-2-cores.json";

/** Reads all results, in the order of the files' names; a file that the host does not send is skipped. */
export async function readCommitted(): Promise<{ entries: Entry[]; reference: Entry | undefined }> {
  const files = Object.entries(urls).map(([path, url]) => ({ name: path.split("/results/")[1]!, url }));
  const entries = await Promise.all(
    files.map(async ({ name, url }) => {
      const response = await fetch(url).catch(() => undefined);
      return response?.ok ? [{ ...readEntry(await response.text(), name, "committed"), id: name }] : [];
    }),
  );
  const all = entries.flat();
  return { entries: all, reference: all.find(({ id }) => id === REFERENCE) };
}
