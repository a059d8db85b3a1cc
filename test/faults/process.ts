// Tries faults in a process of Deno or Node: prints a line of JSON for each report. Its arguments: the program, and the faults as JSON.

import process from "node:process";
import { installStepClock } from "./clock.ts";
import { tryFaults } from "./try.ts";

const { Deno } = globalThis as { Deno?: { version: { deno: string } } };
console.log(Deno ? `Deno ${Deno.version.deno}, lavapipe` : `Node ${process.versions.node}, Dawn`);
const [name, faults] = process.argv.slice(2);
installStepClock();
const isSound = await tryFaults(name!, JSON.parse(faults!), (report) => console.log(JSON.stringify(report)));
// After a defect, workers may still run. Otherwise the process has to end by itself.
if (!isSound) process.exit();
