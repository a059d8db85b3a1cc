// Records commands until they are submitted.

import { ErwinError } from "../../errors.ts";
import type { Storage } from "../device.ts";
import { commandLayouts, commandWords } from "./commands.ts";
import type { Executor } from "./executors.ts";
import { type Allocation, AllocationPool } from "./memory.ts";
import { listsAt, listsBytes } from "./module.ts";
import type { CommandTimes } from "./times.ts";

/** A command's fields by name; fields that are left out are 0. */
export type Fields = Record<string, Storage | number | boolean | undefined>;

/** The max number of commands in a list: several lists fit into their memory, so that some wait while one is executed. */
const MAX_COMMANDS = Math.floor(listsBytes / 4 / (4 * commandWords));

export class Recorder {
  /** The number of the next submission. */
  recording = 1;
  /** Set while commands are timed. */
  times: CommandTimes | undefined;
  #words = new Int32Array(commandWords * 256);
  #floats = new Float32Array(this.#words.buffer);
  #count = 0;

  readonly #lists: AllocationPool;

  constructor(readonly executor: Executor) {
    this.#lists = new AllocationPool(listsBytes, (end) => executor.reserve(end), listsAt);
  }

  /**
   * The memory that only submissions up to this one used is free. That of the last submission counts as in use even if it is done,
   * because otherwise the number of a program's allocations would depend on the speed of its device.
   */
  get settled(): number {
    return Math.max(0, Math.min(this.executor.completed, this.recording - 2));
  }

  /** @param parts the command's fields, which no two parts share */
  record(command: string, ...parts: Fields[]): void {
    const layout = commandLayouts.get(command);
    if (!layout) throw new ErwinError(`there is no command ${command}`);
    this.times?.add(command);
    if (this.#count === MAX_COMMANDS) this.submit();
    const first = this.#count++ * commandWords;
    if (first + commandWords > this.#words.length) this.#grow();
    this.#words.fill(0, first, first + commandWords);
    this.#words[first] = layout.code;
    for (const fields of parts) {
      for (const name of Object.keys(fields)) {
        const field = layout.fields.get(name);
        if (!field) throw new ErwinError(`command ${command} has no field ${name}`);
        const value = fields[name];
        if (value === undefined) continue;
        if (typeof value === "object") {
          const { whole, address } = value as Allocation;
          whole.lastUse = this.recording;
          this.#words[first + field.word] = address;
        } else if (field.isFloat) this.#floats[first + field.word] = Number(value);
        else this.#words[first + field.word] = Number(value);
      }
    }
  }

  submit(): void {
    if (this.#count === 0) return;
    const used = this.#words.subarray(0, this.#count * commandWords);
    const list = this.#writeList(new Uint8Array(used.buffer, 0, used.byteLength));
    list.lastUse = this.recording++;
    const count = this.#count;
    this.#count = 0;
    this.executor.submit({ address: list.address, count, times: this.times?.place(count) ?? 0 });
    this.#lists.release(list);
  }

  #writeList(bytes: Uint8Array): Allocation {
    const idle = this.#lists.allocateIdle(bytes.byteLength, this.settled);
    const list = idle ?? this.#lists.allocate(bytes.byteLength);
    // Otherwise it replaces the list of an earlier submission, when that is done.
    if (idle) this.executor.write(idle.address, bytes);
    else this.executor.writeInOrder(list.address, bytes);
    return list;
  }

  #grow(): void {
    const larger = new Int32Array(this.#words.length * 2);
    larger.set(this.#words);
    this.#words = larger;
    this.#floats = new Float32Array(larger.buffer);
  }
}
