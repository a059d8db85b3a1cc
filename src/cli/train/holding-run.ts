// One process at a time trains in a run's folder. It holds a lease there, as processes that predict do on their outputs
// (src/jobs/leases.ts), which says which process it is.

import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { InputError } from "../../errors.ts";
import { isGranted } from "../../host/environment.ts";
import { type Lease, type LeaseContent, Leases, leaseFile } from "../../jobs/leases.ts";
import { FolderStore } from "../files/folder-store.ts";
import { LEASE_SECONDS } from "../options/shared.ts";
import { printError } from "../process/progress.ts";

const NAME = "training";
/** The milliseconds between two looks at the lease of such a process. */
const LOOK = 500;

export interface HoldingOptions {
  /** Whether to wait until the other process has ended, in place of an error. */
  patient?: boolean;
  seconds?: number;
}

/**
 * Runs `work` while no other process trains in the folder. It is told how to find out, before it writes, that another one has taken
 * over, because this one was stopped for long or the folder was deleted.
 * @throws InputError that names the process that trains there
 */
export async function holdingRun<Result>(
  folder: string,
  { patient = false, seconds = LEASE_SECONDS }: HoldingOptions,
  work: (expectHeld: () => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const about: About = { pid: process.pid, since: new Date().toISOString(), machine: machine() };
  // The folder of a run that was forgotten may be deleted, and trained in again, while that still runs.
  const owner = { owner: crypto.randomUUID(), seconds, about: { ...about }, isDead, alwaysRead: true };
  const leases = new Leases(new FolderStore(folder), owner);
  try {
    const lease = await takeLease(leases, folder, patient);
    return await work(async () => {
      if (!(await lease.isHeld())) throw isLost(folder, await leases.holder(NAME));
    });
  } finally {
    await leases.stop();
  }
}

async function takeLease(leases: Leases, folder: string, patient: boolean): Promise<Lease> {
  for (let seen: LeaseContent | undefined; ; ) {
    const lease = await leases.take(NAME);
    if (lease) return lease;
    const holder = await leases.holder(NAME);
    // It has ended meanwhile.
    if (!holder) continue;
    const isSame = seen?.owner === holder.owner;
    const lives = isSame
      ? seen?.renewals !== holder.renewals
      : isHere(holder) && Date.now() < Date.parse(`${holder.until}`);
    if (lives && !patient) throw isTrained(folder, holder);
    if (!isSame) {
      seen = holder;
      printError(
        `${describeHolder(holder)} trains in "${folder}"; waiting ${patient ? "until it has ended" : "to see whether it still does"}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

function isTrained(folder: string, holder: LeaseContent): InputError {
  const file = join(folder, leaseFile(NAME, 1));
  return new InputError(
    `${describeHolder(holder)} trains in "${folder}": end it first, or choose another folder. If that is no training, delete "${file}".`,
    { file: folder, holder: describeHolder(holder) },
  );
}

function isLost(folder: string, holder: LeaseContent | undefined): InputError {
  const happened = holder
    ? `${describeHolder(holder)} has taken over the run in "${folder}", because this process was stopped for long, or the folder was deleted meanwhile`
    : `"${folder}", or "${leaseFile(NAME, 1)}" in it, was deleted or moved while this process trained there`;
  return new InputError(`${happened}: nothing more is written there.`, { file: folder });
}

function describeHolder(holder: LeaseContent | undefined): string {
  const { pid, since, machine } = (holder ?? {}) as Partial<About>;
  const where = machine === undefined ? "" : ` on ${machine.host}`;
  return pid === undefined ? "Another process" : `Process ${pid}${where} (since ${since})`;
}

/** What a lease says about its owner. */
interface About {
  pid: number;
  since: string;
  machine: Machine | undefined;
}

/** Where process ids mean the same processes. */
interface Machine {
  host: string;
  /** Linux's name for the group of processes that see each other: containers have their own. */
  processes?: string;
}

/** Returns this process's machine; undefined in a Deno that may not know it, or not look at other processes. */
function machine(): Machine | undefined {
  if (!isGranted({ name: "sys", kind: "hostname" }) || !isGranted({ name: "run" })) return undefined;
  return { host: hostname(), processes: linkOf("/proc/self/ns/pid") };
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // not Linux, or not permitted
  }
}

/** Whether the owner of a lease is, or was, a process that this one can look at. */
function isHere(lease: LeaseContent): boolean {
  const [here, there] = [machine(), lease.machine as Machine | undefined];
  return here !== undefined && here.host === there?.host && here.processes === there.processes;
}

function isDead(lease: LeaseContent): boolean {
  if (!isHere(lease) || typeof lease.pid !== "number") return false;
  // After a restart of a container a process may have the id that the killed one had.
  if (lease.pid === process.pid) return true;
  try {
    process.kill(lease.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH"; // not for a process of another user
  }
}
