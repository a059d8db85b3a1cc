// Tries faults, and tells how the program under test survived each. Runs in pages, Deno and Node as it is, so it imports nothing of
// the test runner.

import { DeviceLostError, disposeThreads } from "erwin";
import { describeFault, type Fault, type FaultyCall, outcomeOf } from "../support/faults.ts";
import { type Program, programs, type Trial } from "./programs.ts";

/** How a fault ended: with a DeviceLostError, with the same bits as without the fault, or in a way that is a defect. */
export type Ending = "error" | "same" | { defect: string };

/** What `tryFaults` reports, one after the other. */
export type Report =
  | { counts: Record<FaultyCall, number> }
  | { fault: Fault; ending: Ending; milliseconds: number }
  | { end: string[] };

/** Returns the trial without a fault of its own. */
export const undisturbed = (program: Program): Promise<Trial> => program.run(...program.before);

/** Tries one fault of a program. */
export async function tryFault(program: Program, fault: Fault, whole: Trial): Promise<Ending> {
  try {
    const ending = await outcomeOf(program.run(...program.before, fault), describeFault(fault));
    const left = program.left.splice(0);
    if (left.length > 0) {
      return { defect: `left: ${left.join("; ")}, after ${ending instanceof Error ? describe(ending) : "success"}` };
    }
    const asArmed = program.lost === program.before.length + 1;
    if (ending instanceof DeviceLostError && !program.always && asArmed) return "error";
    if (ending instanceof Error) return { defect: `${describe(ending)}\nafter ${program.lost} losses` };
    if (!asArmed) return { defect: `lost ${program.lost} devices` };
    return ending.result === whole.result ? "same" : { defect: "other bits" };
  } catch (error) {
    return { defect: describe(error as Error) };
  }
}

const describe = (error: Error): string => {
  const { name, message, stack = "", cause } = error;
  return `${name}: ${message}\n${stack}${cause ? `\ncaused by ${describe(cause as Error)}` : ""}`;
};

/**
 * Tries faults of a program one after the other, up to the first defect, after which the host may be in any state.
 * @param report receives the calls that can be lost, then each fault's ending, and then what is left at the end
 * @returns false after a defect
 */
export async function tryFaults(
  name: string,
  faults: readonly Fault[],
  report: (report: Report) => void,
): Promise<boolean> {
  const workers = countWorkers();
  const rejections = collectRejections();
  const program = programs[name]!();
  const whole = await undisturbed(program);
  report({ counts: whole.counts });
  for (const fault of faults) {
    const begun = Date.now();
    let ending = await tryFault(program, fault, whole);
    // A rejection that nobody handles is reported after the current task.
    await new Promise((resolve) => setTimeout(resolve));
    const [rejection] = rejections;
    if (rejection) ending = { defect: `unhandled: ${rejection}` };
    report({ fault, ending, milliseconds: Date.now() - begun });
    if (typeof ending === "object") return false;
  }
  await program.close();
  await disposeThreads();
  // A worker whose start failed ends after that has been reported.
  for (let i = 0; i < 100 && workers.ended < workers.started; i++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  const left = workers.started - workers.ended;
  report({ end: [...rejections, ...(left > 0 ? [`${left} workers are left`] : [])] });
  return true;
}

/** Counts this thread's workers from now on. */
function countWorkers() {
  const counts = { started: 0, ended: 0 };
  const { Worker: original } = globalThis;
  if (!original) return counts;
  globalThis.Worker = class extends original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      counts.started++;
    }
    override terminate(): void {
      super.terminate();
      counts.ended++;
    }
  };
  return counts;
}

/** Collects the rejections that nobody handles. */
function collectRejections(): string[] {
  const found: string[] = [];
  const add = (reason: unknown) => found.push(reason instanceof Error ? describe(reason) : String(reason));
  const { process } = globalThis as { process?: { on?(event: string, listener: (reason: unknown) => void): void } };
  const isNode = process?.on && !("Deno" in globalThis);
  if (isNode) process.on!("unhandledRejection", add);
  else {
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      add(event.reason);
    });
  }
  return found;
}
