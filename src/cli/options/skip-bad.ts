// The option --skip-bad of calls that read samples, and what they say of a damaged one without it.

import { FormatError } from "../../errors.ts";

export const skipBadOption = {
  "skip-bad": { description: "leave out samples whose files are damaged, and say which" },
};

/**
 * Runs work that reads samples. If it ends by the error of a sample's file, the error says how to do without the sample.
 * @param choice.skipBad whether the call does so already
 * @param choice.others files that the work reads besides the samples: weights, a list of samples
 */
export async function advisingSkipBad<Result>(
  { skipBad, others }: { skipBad: boolean; others: readonly (string | undefined)[] },
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (skipBad || !(error instanceof FormatError) || others.includes(error.details.file as string)) throw error;
    // What was found in place of something else is so in all samples: an array's name is wrong, or the folder has other files.
    // Of a field of the config, such as the split that lists a sample, the files cannot be left out.
    if (Array.isArray(error.details.found) || error.details.field !== undefined) throw error;
    throw new FormatError(`${error.message} --skip-bad leaves out samples whose files are damaged.`, error.details, {
      cause: error,
    });
  }
}
