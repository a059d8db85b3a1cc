// Destroys GPU devices at every call of a load, a forward pass and a training, in Deno and in browsers, called directly and in
// workers, and writes how that ended into results.json and README.md. What was survived according to results.json is not tried again,
// so a run that was ended continues where it was. `npm test` tries some of these faults.
//
//   npm run faults -- [--hosts deno,chromium,firefox] [--programs REGEXP] [--minutes N] [--again]
//
// --again forgets the results of these hosts and programs first; --minutes ends the run early.
import { readArguments } from "../../src/build/arguments.mjs";
import { build } from "../../src/build/build.mjs";
import { main } from "../../src/build/run.mjs";
import { setup } from "../../src/build/setup.mjs";
import { hosts } from "./hosts.mjs";
import { emptyResult, forgetDefects, note, readResults, untried, writeResults, writeTables } from "./results.mjs";

/** The names of the programs; a file that imports the library cannot be imported here. */
const programs = [
  "load",
  "forward",
  "training",
  "training that goes on",
  "training without recovery",
  "start of a worker",
  "load in a worker",
  "load in a worker that goes on",
  "load in a worker without recovery",
  "forward in a worker",
  "forward in a worker that goes on",
  "forward in a worker without recovery",
  "training in a worker",
  "training in a worker that goes on",
  "training in a worker without recovery",
];

/** The faults for one process or page: hosts keep some megabytes of each destroyed device. */
const BATCH = 30;
/** The number of times that a host may crash before anything is lost: Deno sometimes does when a worker with a GPU device ends. */
let crashes = 5;
/** The milliseconds without a report after which a process or page is taken to hang. */
const SILENCE = 300_000;

const results = readResults();

/**
 * Tries a batch of faults: at first only an undisturbed run, which tells what there is to try.
 * @param {string} host
 * @param {string} program
 * @returns {Promise<boolean>} whether there may be more to try
 */
async function tryBatch(host, program) {
  results[host] ??= {};
  const found = results[host][program];
  const faults = found ? untried(found).slice(0, BATCH) : [];
  if (found && faults.length === 0) return false;
  const begun = Date.now();
  const interrupt = new AbortController();
  const silent = () => interrupt.abort(new Error(`silent for ${SILENCE / 1000} s`));
  let timer = setTimeout(silent, SILENCE);
  let waiting = faults.length;
  let isUnderWay = false;
  let hasOtherCalls = false;
  let ended = false;
  /** @type {import("./hosts.mjs").Listener} */
  const listener = (report) => {
    clearTimeout(timer);
    timer = setTimeout(silent, SILENCE);
    if ("counts" in report) {
      if (!found) results[host][program] = emptyResult(report.counts);
      hasOtherCalls = JSON.stringify(results[host][program].counts) !== JSON.stringify(report.counts);
      isUnderWay = !hasOtherCalls;
      if (hasOtherCalls) interrupt.abort();
    } else if ("fault" in report) {
      waiting--;
      note(results[host][program], report.fault, report.ending);
      writeResults(results);
      if (typeof report.ending === "object") {
        process.exitCode = 1;
        ended = true;
        console.error(`\nfaults: ${host}: ${program}: ${JSON.stringify(report.fault)}: ${report.ending.defect}`);
      } else process.stdout.write(report.ending[0]);
    } else {
      ended = true;
      for (const left of report.end) {
        process.exitCode = 1;
        console.error(`\nfaults: ${host}: ${program}: at the end: ${left}`);
      }
    }
  };
  try {
    const name = await hosts[host](program, faults, listener, interrupt.signal);
    if (!ended) throw new Error("it ended without a report");
    results[host][program].host = name;
  } catch (error) {
    const problem = hasOtherCalls ? "the program makes other calls now, --again tries all of them" : error;
    console.error(`\nfaults: ${host}: ${program}: ${problem}`);
    const next = isUnderWay ? faults[faults.length - waiting] : undefined;
    if (!next && !hasOtherCalls && crashes-- > 0) return true;
    process.exitCode = 1;
    if (!next) return false;
    note(results[host][program], next, { defect: String(error) });
  } finally {
    clearTimeout(timer);
    const result = results[host][program];
    if (result) {
      result.seconds += Math.round((Date.now() - begun) / 1000);
      result.date = new Date().toISOString().slice(0, 10);
    }
    writeResults(results);
    writeTables(results);
  }
  return true;
}

await main(async () => {
  const { values } = readArguments({
    options: {
      hosts: { type: "string", default: Object.keys(hosts).join() },
      programs: { type: "string", default: "" },
      minutes: { type: "string", default: "Infinity" },
      again: { type: "boolean", default: false },
    },
  });
  await setup((programs) => build({ programs }));
  const until = Date.now() + 60_000 * Number(values.minutes);
  const chosen = programs.filter((name) => new RegExp(`^(${values.programs || ".*"})$`).test(name));
  const waiting = values.hosts.split(",").flatMap((host) => {
    if (!Object.hasOwn(hosts, host)) throw new Error(`there is no host ${host}: known are ${Object.keys(hosts)}`);
    for (const program of chosen) {
      if (values.again) delete results[host]?.[program];
      else if (results[host]?.[program]) forgetDefects(results[host][program]);
    }
    return chosen.map((program) => ({ host, program }));
  });
  // A batch of each in turn, so that a run that ends early has tried some of everything.
  for (let next = waiting.shift(); next && Date.now() < until; next = waiting.shift()) {
    console.log(`\nfaults: ${next.host}: ${next.program}`);
    if (await tryBatch(next.host, next.program)) waiting.push(next);
  }
});
