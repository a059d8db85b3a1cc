// Leases: small files beside the outputs, which say which process works on which output.
//
// A lease is the file OUTPUT.lease-N, which its owner writes again before the lease expires. If that has not happened for the whole
// duration, the owner is considered dead, and the process that first creates OUTPUT.lease-(N+1) has the lease. The duration, which
// the lease states, is measured by the observer's own clock, so the clocks of several machines need not agree. A process that was
// stopped and wakes up finds the next number, and knows that it has lost the lease.

import { expectOption } from "../arguments/options.ts";
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
  /** Further facts about the owner, which its leases state. */
  about?: Readonly<Record<string, unknown>>;
  /** Whether the owner of a lease is known to be dead, so that nobody has to wait until the lease expires. */
  isDead?(lease: LeaseContent): boolean;
  /**
   * Whether the files are read whenever it is asked if a lease is held. Default: only if it is old enough that another process may have
   * taken it over, which does not notice for a while that its files were deleted.
   */
  alwaysRead?: boolean;
}

/** What a lease states, with the further facts about its owner. A lease that was cut short states nothing. */
export interface LeaseContent {
  owner?: string;
  seconds?: number;
  /** How often the owner has written it again. */
  renewals?: number;
  /** The time at which it expires, by the owner's clock. */
  until?: string;
  [fact: string]: unknown;
}

/** The leases of one process. */
export class Leases {
  readonly seconds: number;
  readonly #store: FileStore;
  readonly #options: LeaseOptions;
  readonly #held = new Set<Lease>();
  /** The contents of other processes' leases, and when each was first seen. */
  readonly #seen = new Map<string, { text: string; since: number }>();
  readonly #timer: ReturnType<typeof setInterval>;

  /** @throws ConfigError if the seconds are no number greater than 0 */
  constructor(store: FileStore, options: LeaseOptions) {
    const { seconds } = options;
    const fits = typeof seconds === "number" && seconds > 0 && seconds < Number.POSITIVE_INFINITY;
    expectOption("seconds", seconds, "a number greater than 0", fits);
    this.#store = store;
    this.#options = options;
    this.seconds = seconds;
    this.#timer = setInterval(() => void this.#renew(), (seconds * 1000) / 6);
  }

  /** Takes the lease on an output; returns undefined if another process holds it. */
  async take(output: string): Promise<Lease | undefined> {
    const others = await this.#latest(output);
    if (others && !this.#isOver(output, others.text)) return undefined;
    const lease = new Lease(this.#store, this.#options, output, (others?.number ?? 0) + 1);
    if (!(await lease.create())) return undefined;
    this.#seen.delete(output);
    this.#held.add(lease);
    lease.onRelease = () => this.#held.delete(lease);
    try {
      if (others) await this.#store.sweep(output);
    } catch {
      // What a killed process has left does no harm.
    }
    return lease;
  }

  /** Returns what the last lease on an output states; undefined if there is none. */
  async holder(output: string): Promise<LeaseContent | undefined> {
    const latest = await this.#latest(output);
    return latest && parse(latest.text);
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

  /** Whether a lease has expired, because it has stayed the same for its whole duration, or its owner is known to be dead. */
  #isOver(output: string, text: string): boolean {
    const lease = parse(text);
    if (this.#options.isDead?.(lease)) return true;
    const now = performance.now();
    const seen = this.#seen.get(output);
    if (seen?.text === text) return now - seen.since > 1000 * (lease.seconds ?? this.seconds);
    this.#seen.set(output, { text, since: now });
    return false;
  }

  async #renew(): Promise<void> {
    // If the disk is full, or a server does not answer, the next renewal may succeed, and a lease that expires does no harm.
    const renewals = inParallel([...this.#held], RENEWALS, (lease) => lease.renew().catch(() => {}));
    for await (const _ of renewals);
  }
}

/** The name of a lease's file. */
export const leaseFile = (output: string, number: number): string => `${output}.lease-${number}`;

/** The right to write an output. */
export class Lease {
  onRelease = () => {};
  readonly #store: FileStore;
  readonly #options: LeaseOptions;
  readonly #output: string;
  readonly #number: number;
  #renewals = 0;
  /** When the last renewal began, and when the last one began that has succeeded. */
  #renewedAt = clock();
  #keptAt = this.#renewedAt;
  #released = false;
  /** `release` waits for one renewal: of two, the other could write the lease after it was deleted. */
  #isRenewing = false;
  #renewal: Promise<void> = Promise.resolve();

  constructor(store: FileStore, options: LeaseOptions, output: string, number: number) {
    this.#store = store;
    this.#options = options;
    this.#output = output;
    this.#number = number;
  }

  /** @returns false if another process was first */
  async create(): Promise<boolean> {
    return this.#store.create(leaseFile(this.#output, this.#number), this.#text());
  }

  /** Whether no other process has taken it over. Must be called right before the output is written. */
  async isHeld(): Promise<boolean> {
    const { seconds, alwaysRead } = this.#options;
    if (!alwaysRead && secondsSince(this.#keptAt) < seconds / 2) return true;
    const own = await this.#store.load(leaseFile(this.#output, this.#number));
    if (!own || parse(new TextDecoder().decode(own)).owner !== this.#options.owner) return false;
    return (await this.#store.load(leaseFile(this.#output, this.#number + 1))) === undefined;
  }

  /** Writes the lease again, if a part of its duration has passed since the last time. */
  renew(): Promise<void> {
    if (!this.#isRenewing && secondsSince(this.#renewedAt) > this.#options.seconds / 4) {
      this.#isRenewing = true;
      this.#renewal = this.#write().finally(() => {
        this.#isRenewing = false;
      });
    }
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
    const { owner, seconds, about } = this.#options;
    const until = new Date(Date.now() + seconds * 1000).toISOString();
    const content: LeaseContent = { owner, seconds, renewals: this.#renewals, until, ...about };
    return new TextEncoder().encode(`${JSON.stringify(content)}\n`);
  }
}

/** The time by two clocks: one may be set back, and the other may stand still while the machine sleeps. */
const clock = () => ({ steady: performance.now(), wall: Date.now() });

const secondsSince = ({ steady, wall }: ReturnType<typeof clock>): number =>
  Math.max(performance.now() - steady, Date.now() - wall) / 1000;

function parse(lease: string): LeaseContent {
  try {
    return JSON.parse(lease) ?? {};
  } catch {
    return {}; // the owner was killed while it wrote
  }
}
