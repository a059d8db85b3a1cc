// Writes the first weights of a seed for the model of spread.json, as `erwin train` would draw them:
//
//     node spread.mjs 0 seed0.safetensors
//     erwin train shapenet --data-path DATA --init seed0.safetensors --seed 0 --validation test --steps 300 --validate-every 300 \
//         --backend cpu --out RUN

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { requestDevice } from "erwin";
import { experiments } from "erwin/experiments";

const [seed, out] = process.argv.slice(2);
const config = JSON.parse(readFileSync(new URL("spread.json", import.meta.url), "utf8"));
const device = await requestDevice({ backend: "cpu" });
const model = experiments.shapenet.build(config).initialize({ device, seed: Number(seed) });
writeFileSync(out, await model.save());
process.exit();
