// The readers of files for programs that may give a model nothing but arrays: the first file loads them, which are a third of what a
// page with such a model would download otherwise.

import { WorkerError } from "../../errors.ts";
import type { DataSource } from "../data-source.ts";
import type { Survey, SurveyOptions } from "./survey.ts";

/**
 * Returns what reads files, which a call loads unless one before it has.
 * @throws WorkerError if its script is missing, or the host is a service worker, which loads no scripts while it runs
 */
export async function readers(): Promise<typeof import("./reading.ts")> {
  try {
    return await import("./reading.ts");
  } catch (cause) {
    const advice =
      "it is a script of its own beside the library's others, which have to be copied with it; a service worker can load none: bundle it into one file, or give predict the arrays of the file";
    throw new WorkerError(
      `what reads files could not be loaded: ${(cause as Error).message}; ${advice}.`,
      {},
      { cause },
    );
  }
}

/**
 * Surveys a folder of samples by reading a few of them: finds everything that a config can name.
 * @throws InputError for what is no source; FormatError if there is no sample, or one of those that are read is damaged; WorkerError if
 *   what reads files cannot be loaded
 */
export async function survey(source: DataSource, options: SurveyOptions = {}): Promise<Survey> {
  return (await readers()).survey(source, options);
}
