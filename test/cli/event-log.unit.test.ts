// TensorBoard's event files of a run that is continued.

import { readdirSync, writeFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { EventLog } from "../../src/cli/train/event-log.ts";
import { temporaryFolder } from "./command.ts";

const { path, folder, remove } = temporaryFolder();
afterAll(remove);

it("come one after the other by name, in which TensorBoard reads them, also where the clock was set back meanwhile", () => {
  const ahead = Math.floor(Date.now() / 1000) + 3600;
  writeFileSync(path(`events.out.tfevents.${ahead}.erwin`), "");
  new EventLog(folder, 10);
  new EventLog(folder, 20);
  const names = [0, 1, 2].map((later) => `events.out.tfevents.${ahead + later}.erwin`);
  expect(readdirSync(folder).sort()).toEqual(names);
});
