// What is put into the page: files that are chosen or dropped, which are a saved run or a data set, and samples that are made here.

import type { FileSource } from "erwin/experiments";
import { byId } from "../shared/dom.ts";
import { acceptChoices, acceptDrops } from "../shared/drop.ts";
import { say, saying } from "../shared/message.ts";
import type { DataSet } from "./data-set.ts";
import type { Form } from "./form.ts";

type Library = typeof import("erwin/experiments");

/** @param openRun receives a saved run @param expectIdle throws if nothing can be opened now */
export function acceptInput(
  library: Library,
  { form, data }: { form: Form; data: DataSet },
  { openRun, expectIdle }: { openRun: (file: File) => Promise<void>; expectIdle: () => void },
): void {
  const take = async (found: Promise<FileSource> | FileSource) => {
    const source = await found;
    const [file] = source.files.values();
    const isRun = source.files.size === 1 && file instanceof File && file.name.endsWith(".zip");
    expectIdle();
    await (isRun ? openRun(file) : takeData(source));
  };

  async function takeData(source: FileSource): Promise<void> {
    say();
    // If the experiment reads no files, the files are for an experiment on the user's own files.
    const own = !form.readsFiles || form.name === library.FOLDER;
    // Files without samples are refused here, before they replace those that are there.
    const proposal = own ? await data.propose(source) : undefined;
    data.take(source);
    if (!proposal) return;
    form.name = library.FOLDER;
    form.propose(proposal);
  }

  /** Generates samples for the chosen experiment, and sets the options that suit them. */
  async function generate(): Promise<void> {
    const { name } = form;
    say();
    const flags = await data.generate(name);
    if (name !== form.name) return;
    if (name === library.FOLDER) form.propose(await data.propose());
    form.setFlags(flags);
  }

  byId("generate").addEventListener("click", () => void saying(generate));
  byId("generate-samples").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    // The form would start a run.
    event.preventDefault();
    byId("generate").click();
  });
  acceptChoices(
    ["open-file", "open-folder"],
    (files) => void saying(async () => take(library.FileSource.fromInput(files))),
  );
  acceptDrops(({ items }) => void saying(() => take(library.FileSource.fromDrop(items))));
}
