// erwin serve: predictions of one model over HTTP.

import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import process from "node:process";
import type { Device } from "../../index.ts";
import { setLimits } from "../../limits.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { readBytes } from "../files/files.ts";
import { modelFile } from "../files/run-folder.ts";
import { readLimits } from "../options/limit.ts";
import { BATCH_POINTS, modelOptions, modelUsage, readModelChoice } from "../options/shared.ts";
import { stoppedBySignals } from "../process/interruption.ts";
import { printError } from "../process/progress.ts";
import { listenError, type Place } from "../serve/listen-error.ts";
import { openPredictor } from "../serve/predictor.ts";
import { Service, type ServiceOptions } from "../serve/server.ts";

const { mode: _, ...options } = modelOptions;
const defaults = { port: 8080, host: "127.0.0.1", queue: 64, megabytes: 64, timeout: 30 };

/** How many times larger a compressed file may be when decompressed, in relation to the largest request. */
const EXPANSION = 4;

export const serve: Command = {
  summary: "answer requests for predictions over HTTP",
  usage: `--model FILE_OR_RUN [--port P] [--host ADDRESS] [--token-file FILE] [--cors ORIGIN] [--queue N] [--max-megabytes N] [--timeout SECONDS] [--batch-points N] ${modelUsage.replace("[--mode eval|train] ", "")}`,
  options: {
    port: { value: "P", description: `default ${defaults.port}; 0 for any that is free` },
    host: {
      value: "ADDRESS",
      description: `default ${defaults.host}, which only this machine reaches; 0.0.0.0 for all`,
    },
    "token-file": {
      value: "FILE",
      description: "a file with the token that requests must send as Authorization: Bearer TOKEN (or ERWIN_TOKEN)",
    },
    cors: {
      value: "ORIGIN",
      description: "the origin whose pages may send requests, such as https://example.org; default none",
    },
    queue: {
      value: "N",
      description: `requests that wait or are computed at a time, default ${defaults.queue}; others are answered 429`,
    },
    "max-megabytes": {
      value: "N",
      description: `size of a request, default ${defaults.megabytes}; a compressed one up to ${EXPANSION} times this when decompressed`,
    },
    timeout: {
      value: "SECONDS",
      description: `to receive a request, and then to answer it; default ${defaults.timeout}`,
    },
    "batch-points": {
      value: "N",
      description: `points up to which waiting requests share a pass; default ${BATCH_POINTS}`,
    },
    ...options,
  },
  notes: [
    "POST /predict?from=vtu&to=vtu with the file as the body; from and to are extensions as in erwin predict (default safetensors).",
    "Of a model trained on one's own fields the address may give globals, too, which go before those of the file: &speed=12.5&inflow=1,0,0.",
    'A transformer alone takes json for small clouds, too: { "positions": [[x, y, z], ...], "features": [[...], ...] } gives { "out": [[...], ...] }.',
    "GET /health, and GET /metrics for Prometheus. SIGTERM ends it after the current requests, a second one at once.",
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const given = args.required("model");
  const modelPath = modelFile(given);
  const choice = readModelChoice(args);
  const positive = (name: string) => args.number(name, "a number greater than 0", (value) => value > 0);
  const port = args.number("port", "a port", (value) => Number.isInteger(value) && value >= 0 && value < 65_536);
  const limits = {
    queue: args.count("queue") ?? defaults.queue,
    maxBytes: (positive("max-megabytes") ?? defaults.megabytes) * 2 ** 20,
    timeout: positive("timeout") ?? defaults.timeout,
    token: readToken(args.text("token-file")),
    cors: args.text("cors"),
  };
  const batchPoints = args.count("batch-points") ?? BATCH_POINTS;
  // A megabyte can be made to decompress to a gigabyte.
  setLimits({ unpackedBytes: EXPANSION * limits.maxBytes, ...readLimits(args) });
  const weights = { bytes: readBytes(modelPath), file: modelPath };
  await withDevice(choice.device, async (device) => {
    using predictor = await openPredictor(weights, device, choice, batchPoints);
    const about = { model: basename(given), device: describeDevice(device) };
    const place = { port: port ?? defaults.port, host: args.text("host") ?? defaults.host };
    await serveUntilEnd({ ...limits, predictor, about }, device, place);
  });
}

/** Resolves at SIGTERM or Ctrl-C, after the current requests, or throws when the device is lost. */
async function serveUntilEnd(options: Omit<ServiceOptions, "onLost">, device: Device, place: Place): Promise<void> {
  let [resolve, reject] = [() => {}, (_error: unknown) => {}];
  const over = new Promise<void>((...ends) => {
    [resolve, reject] = ends;
  });
  const service = new Service({ ...options, onLost: reject });
  void device.lost.then((error) => service.lose(error));
  service.server.on("error", (error) => reject(listenError(error, place)));
  service.server.listen(place, () => {
    const { address, port, family } = service.server.address() as AddressInfo;
    console.log(`serving ${options.about.model} on http://${family === "IPv6" ? `[${address}]` : address}:${port}`);
    if (options.token === undefined && !isLoopback(address)) {
      printError(`everyone who can reach ${address} may send requests: --token-file demands a token`);
    }
  });
  await stoppedBySignals("answering the current requests", resolve, async () => {
    try {
      await over;
    } finally {
      await service.end();
    }
  });
}

const isLoopback = (address: string) => address === "::1" || address.startsWith("127.");

function readToken(file: string | undefined): string | undefined {
  if (file === undefined) return process.env.ERWIN_TOKEN || undefined;
  const token = new TextDecoder().decode(readBytes(file)).trim();
  if (token === "") throw new UsageError(`--token-file is "${file}", which is empty`);
  return token;
}
