// The explorer in real browsers: files of every kind, a clicked point against the tree's own answer, addresses, pictures, the tour,
// the keyboard, and what it says where something does not work.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import bunny from "bunny";
import { type BallTree, buildBallTree, ErwinTransformer, requestDevice } from "erwin";
import {
  pointCloudExtensions,
  readPointCloud,
  saveHdf5,
  saveNpz,
  saveSafetensors,
  writePointCloud,
} from "erwin/formats";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { SaxesParser } from "saxes";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findFirefox, launchFirefox } from "../../src/build/firefox.mjs";
import { sampleSurface } from "../../src/drawing/surface.ts";
import { withoutLaz } from "../../src/formats/clouds/laz.ts";
import type { SelectedLevel } from "../../src/pages/explorer/highlight.ts";
import { axeViolations, launchChromium, openPage, serveSite, shareOfScripts } from "./browser.ts";

const formats = join(import.meta.dirname, "..", "formats");
const folder = mkdtempSync(join(tmpdir(), "erwin-explorer-"));
let server: Awaited<ReturnType<typeof serveSite>>;
let browser: Browser;
const address = (query = "") => `${server.url}explorer.html${query}`;

beforeAll(async () => {
  server = await serveSite("headers");
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true });
});

interface Visit {
  page: Page;
  problems: string[];
  /** Waits until the page is no longer busy, and returns its state. */
  settled(): Promise<string>;
  close(): Promise<void>;
}

async function visit(query: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const { page, problems } = await openPage(browser, address(query), { reducedMotion: "reduce", ...options });
  return {
    page,
    problems,
    async settled() {
      const settled = () => ["done", "failed"].includes(globalThis.erwinPage.state);
      await page.waitForFunction(settled, undefined, { timeout: 240_000 });
      return page.evaluate(() => globalThis.erwinPage.state);
    },
    close: () => page.context().close(),
  };
}

const written = (name: string, bytes: Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

const random = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i * i));

describe("files", () => {
  let visited: Visit;
  beforeAll(async () => {
    visited = await visit("?sample=flow");
    await visited.settled();
  });
  afterAll(() => visited?.close());

  const foreign = [
    "meshio-ascii.ply",
    "meshio.ply",
    "meshio.vtk",
    "numpy.npz",
    "open3d.off",
    "open3d.xyzn",
    "ase.extxyz",
    "pcl-compressed.pcd",
    "pandas.csv",
    "vtk-binary-51.vtk",
  ];
  const tables = ["xyz", "xyzrgb", "asc", "pts"].map((extension) =>
    written(`ours.${extension}`, new TextEncoder().encode("0 0 1 5\n1 0 0 6\n0 2 0 7\n3 1 1 8\n")),
  );
  const meshes = ["meshio.stl", "vtk-ascii.stl", "vtk-appended-raw-zlib.vtu", "vtk.vtp"];
  const grids = ["image.vti", "rectilinear.vtr", "structured.vts"];
  const ours = [
    written("ours.npy", writePointCloud({ positions: random, dimensionality: 3 }, "npy")),
    written("ours.safetensors", saveSafetensors({ node_positions: { shape: [150, 2], data: random } })),
    ...tables,
    written("ours.tsv", new TextEncoder().encode("x\ty\tz\theat\n0\t0\t1\t5\n1\t0\t0\t6\n0\t2\t0\t7\n3\t1\t1\t8\n")),
    written("ours.lammpstrj", readFileSync(join(formats, "lammps", "unwrapped.dump"))),
    written("ours.ent", readFileSync(join(formats, "pdb", "obabel.pdb"))),
    written("ours.obj", new TextEncoder().encode("v 0 0 1\nv 1 0 0\nv 0 2 0\nv 3 1 1\nf 1 2 3\n")),
  ];
  const paths = [
    ...foreign.map((name) => join(formats, "foreign", name)),
    ...meshes.map((name) => join(formats, "meshes", name)),
    ...grids.map((name) => join(formats, "grids", name)),
    join(formats, "gmsh", "plate-41-binary.msh"),
    join(formats, "las", "1.2-format-3.las"),
    join(formats, "laz", "1.4-format-7.laz"),
    join(formats, "lammps", "scaled.dump"),
    join(formats, "pdb", "obabel.pdb"),
    ...ours,
  ];

  const open = async (path: string) => {
    await visited.page.getByLabel("Open file").setInputFiles(path);
    return visited.settled();
  };
  const facts = () => visited.page.locator("#facts").textContent();

  test("every format that the library reads is among them", () => {
    const tried = new Set(paths.map((path) => path.slice(path.lastIndexOf("."))));
    expect([...tried].sort()).toEqual([...pointCloudExtensions].sort());
  });

  test.each(paths.map((path) => [basename(path), path]))("%s", async (_, path) => {
    const { positions, dimensionality } = readPointCloud(await withoutLaz(readFileSync(path), path), path);
    expect(await open(path)).toBe("done");
    expect(await facts()).toContain(`${positions.length / dimensionality} points in ${dimensionality}D`);
    expect(await visited.page.locator("#colour option").count()).toBeGreaterThanOrEqual(3);
  });

  test("HDF5 and PyTorch's tensors, whose arrays are looked through", async () => {
    const arrays = new Map([
      ["mass", { dtype: "F32" as const, shape: [100], data: random.slice(0, 100) }],
      ["positions", { dtype: "F32" as const, shape: [100, 3], data: random }],
    ]);
    expect(await open(written("arrays.h5", await saveHdf5(arrays)))).toBe("done");
    expect(await facts()).toContain("100 points in 3D");
    await visited.page.getByLabel("Colour", { exact: true }).selectOption("field:mass");
    expect(await visited.settled()).toBe("done");
    await visited.page.locator("#legend").getByText("mass").waitFor();
  });

  test("a mesh of Exodus II, by the fields of its last step", async () => {
    expect(await open(join(formats, "exodus", "steps.e"))).toBe("done");
    expect(await facts()).toContain("12 points in 3D");
    await visited.page.getByLabel("Colour", { exact: true }).selectOption("field:heat");
    expect(await visited.settled()).toBe("done");
    // The time, which is 1, with x + 10 y + 100 z: up to 206.5.
    await visited.page.locator("#legend").getByText("207").waitFor();
  });

  test("a file that is dropped, with a field and a batch", async () => {
    const columns = ["x,y,z,heat,batch_idx"];
    for (let i = 0; i < 90; i++)
      columns.push(`${random[i]},${random[i + 1]},${random[i + 2]},${i},${Math.floor(i / 30)}`);
    const transfer = await visited.page.evaluateHandle((text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], "dropped.csv"));
      return transfer;
    }, columns.join("\n"));
    await visited.page.dispatchEvent("#stage", "drop", { dataTransfer: transfer });
    expect(await visited.settled()).toBe("done");
    expect(await facts()).toContain("90 points in 3D · 3 clouds");
    await visited.page.getByLabel("Colour", { exact: true }).selectOption("field:heat");
    await visited.page.locator("#legend").getByText("89").waitFor();
    await visited.page.getByLabel("Colour", { exact: true }).selectOption("cloud");
    await visited.page.locator("#legend").getByText("cloud 2").waitFor();
  });

  test("coordinates of a map, which float32 rounds, are said to be", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${512345 + i / 2},${5412345 + (i % 7)},${i / 3}`);
    expect(await open(written("map.xyz", new TextEncoder().encode(rows.join("\n"))))).toBe("done");
    expect(await facts()).toContain("rounds them to steps of 0.5: subtract a constant");
  });

  test("several files that are dropped at once are refused", async () => {
    const shown = await facts();
    const transfer = await visited.page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      for (const name of ["a.csv", "b.csv"]) transfer.items.add(new File(["x,y,z\n1,2,3\n4,5,6\n"], name));
      return transfer;
    });
    await visited.page.dispatchEvent("#stage", "drop", { dataTransfer: transfer });
    expect(await visited.settled()).toBe("failed");
    expect(await visited.page.locator("#problem").textContent()).toContain("2 files were dropped: drop one");
    expect(await facts()).toBe(shown);
    expect(await open(written("a.e57", new Uint8Array(4)))).toBe("failed");
    const problem = await visited.page.locator("#problem").textContent();
    expect(problem).toMatch(
      /a\.e57: is a point cloud of another format: .*; known are .*\.csv, .*\.extxyz, \.lammpstrj, \.dump, \.pdb, \.ent, \.h5, .*\.pt, .*\.tfrecord\.$/,
    );
  });

  test("a setting may be changed while a file is read", async () => {
    const positions = Float32Array.from({ length: 600_000 }, (_, i) => Math.sin(i * i));
    const path = written("large.csv", writePointCloud({ positions, dimensionality: 3 }, "csv"));
    await visited.page.getByLabel("Open file").setInputFiles(path);
    await visited.page.getByLabel("Colour", { exact: true }).selectOption("plain");
    await visited.page.locator("#facts").getByText("200,000 points").waitFor();
    expect(await visited.settled()).toBe("done");
  });

  test("a damaged file is refused with the reader's words, and the next one opens", async () => {
    const path = written("damaged.ply", readFileSync(join(formats, "foreign", "meshio.ply")).subarray(0, 300));
    expect(await open(path)).toBe("failed");
    const words = (await visited.page.getByRole("alert").textContent()) ?? "";
    expect(() => readPointCloud(readFileSync(path), "damaged.ply")).toThrow(words);
    expect(await open(ours[0])).toBe("done");
    expect(await visited.page.getByRole("alert").isVisible()).toBe(false);
  });

  test("a file with wrong edges leaves the cloud before it as it was, and a field of text is told of until another is shown", async () => {
    const positions = { shape: [100, 3], data: random };
    const edges = { shape: [2, 1], data: Int32Array.of(0, 100) };
    expect(await open(ours[0])).toBe("done");
    expect(await open(written("edges.npz", saveNpz({ positions, edge_index: edges })))).toBe("failed");
    await visited.page.getByLabel("Colour", { exact: true }).selectOption("plain");
    expect(await visited.settled()).toBe("done");
    expect(await open(written("text.csv", new TextEncoder().encode("x,y,z,name,heat\n0,0,0,a,1\n1,1,1,b,2\n")))).toBe(
      "done",
    );
    await visited.page.getByLabel("Colour", { exact: true }).selectOption("field:name");
    expect(await visited.settled()).toBe("failed");
    expect(await visited.page.getByRole("alert").textContent()).toContain('"a" is not a number');
    await visited.page.getByLabel("Colour", { exact: true }).selectOption("field:heat");
    expect(await visited.settled()).toBe("done");
    expect(await visited.page.getByRole("alert").isVisible()).toBe(false);
  });

  test("where a field has no value its points are grey, which the legend says then alone", async () => {
    const positions = { shape: [100, 3], data: random };
    const depth = Float32Array.from({ length: 100 }, (_, i) => (i < 40 ? Number.NaN : i));
    const heat = Float32Array.from({ length: 100 }, (_, i) => i);
    const arrays = { positions, depth: { shape: [100], data: depth }, heat: { shape: [100], data: heat } };
    expect(await open(written("sea.npz", saveNpz(arrays)))).toBe("done");
    const legend = visited.page.locator("#legend");
    for (const [field, text] of [
      ["depth", "depth4099no value"],
      ["heat", "heat099"],
    ]) {
      await visited.page.getByLabel("Colour", { exact: true }).selectOption(`field:${field}`);
      expect(await visited.settled()).toBe("done");
      expect(await legend.textContent()).toBe(text);
    }
  });

  test("where the GPU fails the page says so, and draws again on its own ground when the browser gives the GPU back", async () => {
    const { page } = visited;
    const corner = () =>
      page.locator("#stage").evaluate((canvas) => {
        const copy = new OffscreenCanvas(1, 1).getContext("2d")!;
        copy.drawImage(canvas as HTMLCanvasElement, 0, 0);
        return [...copy.getImageData(0, 0, 1, 1).data];
      });
    const before = await corner();
    const loss = await page
      .locator("#stage")
      .evaluateHandle(
        (canvas) => (canvas as HTMLCanvasElement).getContext("webgl2")!.getExtension("WEBGL_lose_context")!,
      );
    await loss.evaluate((extension) => extension.loseContext());
    await page.getByText("or has stopped it after a failure of the GPU").waitFor();
    const frames = await page.evaluate(() => globalThis.erwinPage.frames);
    await loss.evaluate((extension) => extension.restoreContext());
    await page.waitForFunction((number) => globalThis.erwinPage.frames! > number!, frames);
    expect(await corner()).toEqual(before);
    expect(await page.locator("#no-picture").textContent()).toBe("");
  });

  test("nothing went wrong, and the policy forbade nothing", () => {
    expect(visited.problems).toEqual([]);
  });
});

describe("a selected point", () => {
  const [ballSize, levels] = [64, 3];
  let visited: Visit;
  let tree: BallTree;
  let points: number;

  beforeAll(async () => {
    visited = await visit(`?ballSize=${ballSize}&levels=${levels}&level=1`);
    const { positions } = sampleSurface(bunny, 16384, 0);
    points = positions.length / 3;
    const options = { dimensionality: 3, strides: [2, 2], ballSizes: [ballSize, ballSize, ballSize], rotate: 45 };
    tree = await buildBallTree(positions, options);
    await visited.settled();
  });
  afterAll(() => visited?.close());

  /** Of a cloud that fills its balls: the nodes of those balls that hold some, as the tree's arrays say. */
  function through(nodes: Set<number>, order?: Int32Array): Set<number> {
    const placeOf = new Map(order ? Array.from(order, (node, place) => [node, place]) : []);
    const balls = new Set([...nodes].map((node) => Math.floor((placeOf.get(node) ?? node) / ballSize)));
    const seen = new Set<number>();
    for (const ball of balls) {
      for (let place = ball * ballSize; place < (ball + 1) * ballSize; place++) seen.add(order ? order[place] : place);
    }
    return seen;
  }

  function seenBy(point: number, last: number, rotated: boolean): number[] {
    let nodes = new Set([tree.treeIdx.indexOf(point) >> last]);
    for (let level = last; level >= 0; level--) {
      if (level < last) nodes = new Set([...nodes].flatMap((node) => [2 * node, 2 * node + 1]));
      nodes = through(nodes, rotated ? tree.treeIdxRot[level] : undefined);
      nodes = through(nodes);
    }
    return [...nodes].map((slot) => tree.treeIdx[slot]).sort((a, b) => a - b);
  }

  /** The points of a node's ball. */
  function ballOf(point: number, level: number, order?: Int32Array): number[] {
    const nodes = through(new Set([tree.treeIdx.indexOf(point) >> level]), order);
    const slots = [...nodes].flatMap((node) => Array.from({ length: 2 ** level }, (_, i) => node * 2 ** level + i));
    return slots.map((slot) => tree.treeIdx[slot]).sort((a, b) => a - b);
  }

  const selected = () =>
    visited.page.evaluate(() => globalThis.erwinPage.selected) as Promise<
      { point: number; levels: SelectedLevel[] } | undefined
    >;

  test("is the one that was clicked, with its balls and its receptive field", async () => {
    const box = (await visited.page.locator("#stage").boundingBox())!;
    // A place on the bunny's body in the left half.
    await visited.page.mouse.click(box.x + box.width * 0.25, box.y + box.height * 0.58);
    await visited.page.waitForFunction(() => globalThis.erwinPage.selected !== undefined);
    await visited.settled();
    const { point, levels: told } = (await selected())!;
    expect(point).toBeLessThan(points);
    expect(told).toHaveLength(levels);
    told.forEach((level, l) => {
      expect(level.ball).toEqual(ballOf(point, l));
      expect(level.rotatedBall).toEqual(ballOf(point, l, tree.treeIdxRot[l]));
      expect(level.receptiveField).toEqual(seenBy(point, l, false));
      expect(level.receptiveFieldWithRotation).toEqual(seenBy(point, l, true));
    });
    expect(told[2].receptiveFieldWithRotation.length).toBeGreaterThan(4 * told[2].receptiveField.length);
    const seen = told[1].receptiveField.length.toLocaleString("en");
    expect(await visited.page.locator("#caption-tree").textContent()).toContain(`sees ${seen} of 16,384 points`);
  });

  test("is in the address, and comes back", async () => {
    const before = await selected();
    await visited.page.reload();
    await visited.settled();
    expect(await selected()).toEqual(before);
  });

  test("has attention that covers its ball and nothing else", async () => {
    const { point } = (await selected())!;
    await visited.page.getByLabel("Shows").selectOption("attention");
    await visited.page.locator("#caption-tree").getByText("Attention").waitFor();
    await visited.page.getByLabel("Block", { exact: true }).selectOption("1");
    const nodes = `of point ${point.toLocaleString("en")} to the ${ballSize} nodes of its ball: level 1, block 1, head 0`;
    await visited.page.locator("#caption-rotated").getByText(nodes).waitFor();
    expect(await visited.settled()).toBe("done");
    await visited.page.getByLabel("Shows").selectOption("field");
  });

  test("has the attention of a model that is opened, in the balls of its tree", async () => {
    const levels = { ballSizes: [32, 16], strides: [2], encNumHeads: [2, 8], encDepths: [3, 1] };
    const config = { cIn: 3, cHidden: 16, ...levels, decNumHeads: [2], decDepths: [1], dimensionality: 3, mpSteps: 1 };
    using device = await requestDevice({ backend: "cpu", threads: 1 });
    using model = await ErwinTransformer.create(config, { device, seed: 1 });
    const { page } = visited;
    await page.getByLabel("Shows").selectOption("attention");
    const path = written("model.safetensors", Buffer.from(await model.save()));
    await page.getByLabel("Open model").setInputFiles(path);
    await page.getByText("Of model.safetensors").waitFor();
    expect(await visited.settled()).toBe("done");
    await page.getByLabel("Level", { exact: true }).fill("0");
    await page.getByLabel("Block", { exact: true }).selectOption("2");
    await page.locator("#caption-tree").getByText("to the 32 nodes of its ball: level 0, block 2, head").waitFor();
    await page.getByLabel("Level", { exact: true }).fill("1");
    await page.getByLabel("Head").selectOption("7");
    await page.locator("#caption-tree").getByText("to the 16 nodes of its ball: level 1, block 0, head 7").waitFor();
    await page.getByLabel("Open model").setInputFiles(written("no-model.safetensors", Buffer.from("no model at all")));
    await page.locator("#problem").getByText("no-model").waitFor();
    await page.getByRole("button", { name: "Close model" }).click();
    await page.getByText("the weights it starts from").waitFor();
    expect(await visited.settled()).toBe("done");
    await page.getByLabel("Shows").selectOption("field");
  });

  test("can be chosen and left by the keyboard, as can the level", async () => {
    const stage = visited.page.getByLabel("Point cloud in three dimensions");
    await stage.press("]");
    await visited.page.waitForFunction(() => new URLSearchParams(location.search).get("level") === "2");
    await stage.press("Escape");
    await visited.page.waitForFunction(() => globalThis.erwinPage.selected === undefined);
    await visited.page.getByLabel("Number").fill("123");
    await visited.page.keyboard.press("Enter");
    await visited.page.waitForFunction(() => globalThis.erwinPage.selected?.point === 123);
    await stage.press("n");
    await visited.page.waitForFunction(() => globalThis.erwinPage.selected?.point === 124);
    const turn = async () => Number(new URL(visited.page.url()).searchParams.get("turn") ?? -24);
    const before = await turn();
    await stage.press("ArrowRight");
    await visited.page.waitForFunction((from) => {
      const turned = new URLSearchParams(location.search).get("turn");
      return turned !== null && turned !== String(from);
    }, before);
    expect(await turn()).toBeCloseTo(before + 8, 0);
    expect(visited.problems).toEqual([]);
  });
});

test("cuts, spheres, merged nodes and edges can be shown together, and saved as PNG and SVG", async () => {
  const query = "?sample=polymer&colour=splits&halvings=2&spheres=true&merged=true&graph=file&ballSize=16&level=1";
  const visited = await visit(query);
  try {
    expect(await visited.settled()).toBe("done");
    const saved = async (name: string) => {
      const [download] = await Promise.all([
        visited.page.waitForEvent("download"),
        visited.page.getByRole("button", { name }).click(),
      ]);
      return readFileSync(await download.path());
    };
    const png = await saved("Save PNG");
    expect(png.subarray(1, 4).toString("latin1")).toBe("PNG");
    expect(png.readUInt32BE(16)).toBeGreaterThanOrEqual(2400);
    const svg = (await saved("Save SVG")).toString();
    let dots = 0;
    const parser = new SaxesParser();
    parser.on("error", (error) => expect.fail(error.message));
    parser.on("opentag", ({ name, attributes: { d } }) => {
      if (name === "path") dots += d.split("h0").length - 1;
    });
    parser.write(svg).close();
    // 400 beads on each side.
    expect(dots).toBe(800);
    expect(visited.problems).toEqual([]);
  } finally {
    await visited.close();
  }
});

test("the tour goes from the cloud to the receptive field, by its buttons too", async () => {
  const visited = await visit("?sample=flow&show=attention");
  try {
    const { page } = visited;
    await visited.settled();
    const turn = page.getByRole("button", { name: "Turn", exact: true });
    await turn.click();
    await page.getByRole("button", { name: "Take the tour" }).click();
    const tour = page.getByRole("region", { name: "Guided tour" });
    await tour.getByRole("heading", { name: "A cloud of points" }).waitFor();
    const [drawing, card] = [(await page.locator("#stage").boundingBox())!, (await tour.boundingBox())!];
    expect(drawing.height, "the tour hides nothing of the drawing").toBeLessThanOrEqual(card.y - drawing.y);
    expect(drawing.height).toBeGreaterThan(300);
    expect(await turn.getAttribute("aria-pressed")).toBe("false");
    await tour.getByRole("button", { name: "Next" }).click();
    // The keys stay those of the tour.
    await tour.getByRole("button", { name: "Back" }).press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("tour-next");
    for (const title of ["A tree of balls", "Attention inside balls", "Coarser and coarser"]) {
      await tour.getByRole("button", { name: "Next" }).click();
      await tour.getByRole("heading", { name: title }).waitFor();
    }
    await tour.getByRole("button", { name: "Back" }).click();
    await tour.getByRole("heading", { name: "Attention inside balls" }).waitFor();
    for (let step = 0; step < 3; step++) await tour.getByRole("button", { name: "Next" }).click();
    await page.waitForFunction(() => globalThis.erwinPage.selected !== undefined);
    await page.locator("#caption-tree").getByText("Without rotation").waitFor();
    expect(await axeViolations(visited.page)).toEqual([]);
    await tour.getByRole("button", { name: "End tour" }).click();
    expect(await tour.isVisible()).toBe(false);
    // What it tells is not of another cloud.
    await page.getByRole("button", { name: "Take the tour" }).click();
    await page.getByLabel("Sample").selectOption("polymer");
    await tour.waitFor({ state: "hidden" });
    expect(visited.problems).toEqual([]);
  } finally {
    await visited.close();
  }
});

describe.each([
  ["dark, on a desktop", { colorScheme: "dark", viewport: { width: 1440, height: 860 } }],
  ["light, on a phone", { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true }],
] as const)("%s", (_, options) => {
  test("axe finds nothing wrong, and nothing is wider than the screen", async () => {
    const visited = await visit("?sample=flow&point=100", options);
    try {
      expect(await visited.settled()).toBe("done");
      await visited.page.getByText("Tree and model").click();
      expect(await axeViolations(visited.page)).toEqual([]);
      const width = await visited.page.evaluate(() => document.documentElement.scrollWidth);
      expect(width).toBeLessThanOrEqual(options.viewport.width);
      // Captions leave the drawings room.
      const caption = (await visited.page.locator("#caption-tree").boundingBox())!;
      const canvas = (await visited.page.locator(".stage canvas").boundingBox())!;
      const panel = canvas.width >= canvas.height ? canvas.height : canvas.height / 2;
      expect(caption.height / panel).toBeLessThan(0.2);
      expect(visited.problems).toEqual([]);
    } finally {
      await visited.close();
    }
  });
});

test("a file of 100 MB opens, and a million points turn, without blocking the page", async () => {
  const properties = Array.from({ length: 25 }, (_, i) => `property float ${"xyz"[i] ?? `field${i}`}`);
  const vertices = 1_000_000;
  const header = `ply\nformat binary_little_endian 1.0\nelement vertex ${vertices}\n${properties.join("\n")}\nend_header\n`;
  const values = new Float32Array(25 * vertices);
  for (let i = 0; i < values.length; i++) values[i] = Math.sin(i * 0.7) + Math.sin(i * 0.0013);
  const path = written("large.ply", Buffer.concat([Buffer.from(header), new Uint8Array(values.buffer)]));
  const visited = await visit("?sample=flow&view=tree", { reducedMotion: "no-preference" });
  try {
    const { page } = visited;
    await visited.settled();
    const share = await shareOfScripts(page, async () => {
      await page.getByLabel("Open file").setInputFiles(path);
      expect(await visited.settled()).toBe("done");
    });
    console.log(`scripts of the page took ${(100 * share).toFixed(0)} % of the time of opening`);
    expect(share).toBeLessThan(0.4);
    expect(await page.locator("#facts").textContent()).toContain("1,000,000 points in 3D");
    await page.getByRole("button", { name: "Turn", exact: true }).click();
    const [before, start] = [await page.evaluate(() => globalThis.erwinPage.frames ?? 0), performance.now()];
    await page.waitForTimeout(6000);
    const frames = (await page.evaluate(() => globalThis.erwinPage.frames ?? 0)) - before;
    const seconds = (performance.now() - start) / 1000;
    console.log(`a million points: ${(frames / seconds).toFixed(1)} frames a second`);
    expect(frames).toBeGreaterThan(0);
    expect(visited.problems).toEqual([]);
  } finally {
    await visited.close();
  }
});

test("where there is no WebGL, there is no picture, but a point chosen by its number is told of", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    HTMLCanvasElement.prototype.getContext = () => null;
  });
  await page.goto(address("?sample=flow"));
  await page.getByText("offers no WebGL").waitFor();
  // On a phone, where the sides are one below the other, it covers no caption.
  const desktop = page.viewportSize()!;
  await page.setViewportSize({ width: 360, height: 740 });
  const boxOf = async (id: string) => (await page.locator(id).boundingBox())!;
  await vi.waitFor(
    async () => {
      const [text, caption] = [await boxOf("#no-picture"), await boxOf("#caption-rotated")];
      expect(caption.x, "below").toBeLessThan(100);
      expect(caption.y + caption.height).toBeLessThanOrEqual(text.y);
    },
    { timeout: 60_000 },
  );
  await page.setViewportSize(desktop);
  await page.waitForFunction(() => globalThis.erwinPage.state === "done");
  await page.getByLabel("Number").fill("17");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => globalThis.erwinPage.selected?.point === 17);
  await page.getByText("How many points meet point 17").waitFor();
  await page.getByRole("button", { name: "Save PNG" }).click();
  await page.getByText("can be saved as SVG").waitFor();
  // A link to somebody's file has nothing to show, and any sample can be picked.
  await page.goto(address("?sample="));
  await page.getByText("Open a file, or pick a sample").waitFor();
  expect(await page.getByLabel("Sample").inputValue()).toBe("");
  await context.close();
});

const firefox = findFirefox();

test.skipIf(!firefox)("Firefox: a sample, a file and a selected point", async () => {
  const firefoxBrowser = await launchFirefox();
  try {
    const page = await firefoxBrowser.newPage();
    await page.goto(address("?sample=flow&point=700"));
    const settled = () => page.waitForFunction(() => ["done", "failed"].includes(globalThis.erwinPage?.state));
    await settled();
    const told = await page.evaluate(() => ({
      state: globalThis.erwinPage.state,
      error: globalThis.erwinPage.error,
      point: globalThis.erwinPage.selected?.point,
    }));
    expect(told).toEqual({ state: "done", error: undefined, point: 700 });
    const input = (await page.$("#file")) as unknown as { uploadFile(path: string): Promise<void> };
    await input.uploadFile(join(formats, "meshes", "vtk.vtp"));
    await page.waitForFunction(() => document.querySelector("#facts")?.textContent?.includes("30 points"));
    await settled();
    expect(await page.evaluate(() => globalThis.erwinPage.state)).toBe("done");
  } finally {
    await firefoxBrowser.close();
  }
});
