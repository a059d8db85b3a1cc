// @ts-nocheck: copc is none of the packages that the project installs.
// Shows that another program reads the files beside it as they are meant: `node check.mjs`, with the package copc (0.0.8), which reads
// versions 1.2 and 1.4 without wave forms and vectors. @loaders.gl/las (4.5.1) reads the same
// coordinates and intensities from versions 1.0 to 1.2.
import assert from "node:assert";
import { readFileSync } from "node:fs";
import { Las } from "copc";

const names = { ScanAngle: "scan_angle", GpsTime: "gps_time", UserData: "user_data", Infrared: "nir" };
const nameOf = (dimension) =>
  names[dimension] ?? dimension.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
const read = (file) => readFileSync(new URL(file, import.meta.url));
const expected = JSON.parse(read("expected.json").toString());
for (const file of ["1.2-format-3.las", "1.4-format-6.las", "1.4-format-7.las"]) {
  const bytes = read(file);
  const { positions, attributes } = expected[file];
  const header = Las.Header.parse(bytes);
  const records = await Las.Vlr.walk(async (begin, end) => bytes.subarray(begin, end), header);
  const described = Las.Vlr.find(records, "LASF_Spec", 4);
  const content =
    described && bytes.subarray(described.contentOffset, described.contentOffset + described.contentLength);
  const points = bytes.subarray(header.pointDataOffset);
  const view = Las.View.create(points, header, content ? Las.ExtraBytes.parse(content) : []);
  let compared = 0;
  for (const dimension of Object.keys(view.dimensions)) {
    const axis = ["X", "Y", "Z"].indexOf(dimension);
    // Scale and offset of these are in the order of all other numbers, but it takes them for big-endian.
    if (dimension === "width") continue;
    const wanted =
      axis < 0 ? (attributes[nameOf(dimension)] ?? attributes[dimension]) : positions.filter((_, i) => i % 3 === axis);
    if (wanted === undefined) continue;
    const value = view.getter(dimension);
    wanted.forEach((one, i) => assert.strictEqual(value(i), one, `${file}: ${dimension} of point ${i}`));
    compared++;
  }
  console.log(`${file}: ${compared} values of each point agree`);
}
