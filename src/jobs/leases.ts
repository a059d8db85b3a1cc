// Leases: small files beside the outputs, which say which process works on which output.
//
// A lease is the file OUTPUT.lease-N, which its owner writes again before the lease expires. If that has not happened for the whole
// duration, the owner is considered dead, and the process that first creates OUTPUT.lease-(N+1) has the lease. The duration, which
// the lease states, is measured by the observer's own clock, so the clocks of several machines need not agree. A process that was
// stopped and wakes up finds the next number, and knows that it has lost the lease.

import { describe } from "../arguments.ts";
import { ConfigError } from "../errors.ts";
import type { FileStore } from "./job.ts";
import { inParallel } from "./parallel.ts";

/** The number of leases that are renewed at a time. */
const RENEWALS = 16;

/** The owner and the duration of leases. */
export interface LeaseOptions {
  /** A name that no other process has. */
  owner: string;
  /** The number of seconds without a renewal after which an owner is considered dead. */
  seconds: number;
}

/** The leases of one process. */
export class Leases {
  readonly seconds: number;
  readonly #store: FileStore;
  readonly #owner: string;
  readonly #held = new Set<Lease>();
  /** The contents of other processes' leases, and when each was first seen. */
  readonly #seen = new Map<string, { text: string; since: number }>();
  readonly #timer: ReturnType<typeof setInterval>;

  /** @throws ConfigError if the seconds are no number greater than 0 */
  constructor(store: FileStore, { owner, seconds }: LeaseOptions) {
    if (!(typeof seconds === "number" && seconds > 0 && seconds < Number.POSITIVE_INFINITY)) {
      throw new ConfigError(`seconds must be a number greater than 0, not ${describe(seconds)}`, { field: "seconds" });
    }
    this.#store = store;
    this.#owner = owner;
    this.seconds = seconds;
    this.#timer = setInterval(() => void this.#renew(), (seconds * 1000) / 6);
  }

  /** Takes the lease on an output; returns undefined if another process holds it. */
  async take(output: string): Promise<Lease | undefined> {
    const others = await this.#latest(output);
    if (others && !this.#isOver(output, others.text)) return undefined;
    const lease = new Lease(this.#store, this.#owner, output, (others?.number ?? 0) + 1, this.seconds);
    if (!(await lease.create())) return undefined;
    this.#seen.delete(output);
    this.#held.add(lease);
    lease.onRelease = () => this.#held.delete(lease);
    if (others) await this.#store.sweep(output);
    return lease;
  }

  /** Deletes the remaining leases on an output that is done: the owner may have been killed before it could. */
  async clear(output: string): Promise<void> {
    const last = (await this.#latest(output))?.number ?? 0;
    for (let number = 1; number <= last; number++) await this.#store.remove(leaseFile(output, number));
  }

  /** Releases all leases. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for await (const _ of inParallel([...this.#held], RENEWALS, (lease) => lease.release()));
  }

  async #latest(output: string): Promise<{ number: number; text: string } | undefined> {
    let latest: { number: number; text: string } | undefined;
    for (let number = 1; ; number++) {
      const bytes = await this.#store.load(leaseFile(output, number));
      if (!bytes) return latest;
      latest = { number, text: new TextDecoder().decode(bytes) };
    }
  }

  /** Whether a lease has expired: it has stayed the same for its whole duration. */
  #isOver(output: string, text: string): boolean {
    const now = performance.now();
    const seen = this.#seen.get(output);
    if (seen?.text === text) return now - seen.since > 1000 * (parse(text)?.seconds ?? this.seconds);
    this.#seen.set(output, { text, since: now });
    return false;
  }

  async #renew(): Promise<void> {
    // If the disk is full, or a server does not answer, the next renewal may succeed, and a lease that expires does no harm.
    const renewals = inParallel([...this.#held], RENEWALS, (lease) => lease.renew().catch(() => {}));
    for await (const _ of renewals);
  }
}

const leaseFile = (output: string, number: number) => `${output}.lease-${number}`;

/** The right to write an output. */
export class Lease {
  onRelease = () => {};
  readonly #store: FileStore;
  readonly #owner: string;
  readonly #output: string;
  readonly #number: number;
  readonly #seconds: number;
  #renewals = 0;
  /** When the last renewal began, and when the last one began that has succeeded. */
  #renewedAt = clock();
  #keptAt = this.#renewedAt;
  #released = false;
  #renewal: Promise<void> = Promise.resolve();

  constructor(store: FileStore, owner: string, output: string, number: number, seconds: number) {
    this.#store = store;
    this.#owner = owner;
    this.#output = output;
    this.#number = number;
    this.#seconds = seconds;
  }

  /** @returns false if another process was first */
  async create(): Promise<boolean> {
    return this.#store.create(leaseFile(this.#output, this.#number), this.#text());
  }

  /**
   * Whether no other process has taken it over. Must be called right before the output is written. The files are read only if the
   * lease is old enough that another process may have done so.
   */
  async isHeld(): Promise<boolean> {
    if (secondsSince(this.#keptAt) < this.#seconds / 2) return true;
    const own = await this.#store.load(leaseFile(this.#output, this.#number));
    if (!own || parse(new TextDecoder().decode(own))?.owner !== this.#owner) return false;
    return (await this.#store.load(leaseFile(this.#output, this.#number + 1))) === undefined;
  }

  /** Writes the lease again, if a part of its duration has passed since the last time. */
  renew(): Promise<void> {
    if (secondsSince(this.#renewedAt) > this.#seconds / 4) this.#renewal = this.#write();
    return this.#renewal;
  }

  async #write(): Promise<void> {
    if (!(await this.isHeld()) || this.#released) return;
    this.#renewals++;
    const begin = clock();
    this.#renewedAt = begin;
    await this.#store.save(leaseFile(this.#output, this.#number), this.#text());
    this.#keptAt = begin;
  }

  /**
   * Gives up the lease. Files are deleted from the lowest number on: the other way round, a process that knows the lease before this
   * one as expired could take the next number, and another then begin with the first.
   */
  async release(): Promise<void> {
    this.#released = true;
    this.onRelease();
    try {
      await this.#renewal.catch(() => {});
      if (!(await this.isHeld())) return;
      for (let number = 1; number <= this.#number; number++) await this.#store.remove(leaseFile(this.#output, number));
    } catch {
      // A lease that stays expires some time later.
    }
  }

  #text(): Uint8Array<ArrayBuffer> {
    const content = { owner: this.#owner, seconds: this.#seconds, renewals: this.#renewals };
    const until = new Date(Date.now() + this.#seconds * 1000).toISOString();
    return new TextEncoder().encode(`${JSON.stringify({ ...content, until })}\n`);
  }
}

/** The time by two clocks: one may be set back, and the other may stand still while the machine sleeps. */
const clock = () => ({ steady: performance.now(), wall: Date.now() });

const secondsSince = ({ steady, wall }: ReturnType<typeof clock>): number =>
  Math.max(performance.now() - steady, Date.now() - wall) / 1000;

function parse(lease: string): { owner?: string; seconds?: number } | undefined {
  try {
    return JSON.parse(lease);
  } catch {
    return undefined; // the owner was killed while it wrote
  }
}
