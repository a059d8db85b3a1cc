// Draws shaded spheres on a page with three.js, on a transparent background.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { serve } from "./serve-dist.mjs";

const three = dirname(createRequire(import.meta.url).resolve("three"));

/**
 * The contents of a picture: spheres, each a row of x, y, z, radius, red, green, blue (0 to 1), rotated about the vertical by
 * `turn` radians.
 * @typedef {{ turn: number, spheres: number[][] }} Frame
 */

/**
 * @param {import("playwright-core").Browser} browser
 * @param {number} size the width and height of a picture in pixels
 * @returns {Promise<{ draw: (frame: Frame) => Promise<Buffer>, close: () => Promise<void> }>} `draw` returns a PNG
 */
export async function startSpheres(browser, size) {
  const server = await serve(({ url = "/" }, response) => {
    const isScript = url.endsWith(".js");
    response.writeHead(200, { "Content-Type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? readFileSync(join(three, basename(url))) : "<!doctype html><title>spheres</title>");
  });
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.evaluate(start, size);
  return {
    async draw(frame) {
      const url = await page.evaluate((given) => /** @type {any} */ (globalThis).draw(given), frame);
      return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
    },
    async close() {
      await page.close();
      server.close();
    },
  };
}

/**
 * Runs on the page, to which it is sent as text, and defines a function `draw` there.
 * @param {number} size
 */
async function start(size) {
  const address = "/three.module.js";
  /** @type {typeof import("three")} */
  const THREE = await import(address);
  const renderer = new THREE.WebGLRenderer({ alpha: true, preserveDrawingBuffer: true });
  renderer.setSize(size, size);
  const scene = new THREE.Scene();
  const key = new THREE.DirectionalLight(0xffffff, 2.1);
  key.position.set(-2, 3, 4);
  const rim = new THREE.DirectionalLight(0xcfe0ff, 0.9);
  rim.position.set(3, 1, -2);
  scene.add(key, rim, new THREE.HemisphereLight(0xffffff, 0x8890a8, 1.15));
  const camera = new THREE.PerspectiveCamera(26, 1, 0.1, 20);
  camera.position.set(0, 0.45, 4.6);
  camera.lookAt(0, -0.02, 0);
  const material = new THREE.MeshStandardMaterial({ roughness: 0.6 });
  /** @type {import("three").InstancedMesh | undefined} */
  let mesh;
  /** @param {Frame} frame */
  const draw = ({ turn, spheres }) => {
    // If there are few spheres, they are large, and their outlines would show corners.
    const detail = spheres.length > 1000 ? 2 : spheres.length > 100 ? 6 : 20;
    if (mesh) {
      scene.remove(mesh);
      mesh.geometry.dispose();
      mesh.dispose();
    }
    mesh = new THREE.InstancedMesh(new THREE.IcosahedronGeometry(1, detail), material, spheres.length);
    const matrix = new THREE.Matrix4();
    const colour = new THREE.Color();
    spheres.forEach(([x, y, z, radius, red, green, blue], i) => {
      mesh?.setMatrixAt(i, matrix.makeScale(radius, radius, radius).setPosition(x, y, z));
      mesh?.setColorAt(i, colour.setRGB(red, green, blue, THREE.SRGBColorSpace));
    });
    mesh.rotation.y = turn;
    mesh.frustumCulled = false;
    scene.add(mesh);
    renderer.render(scene, camera);
    return renderer.domElement.toDataURL("image/png");
  };
  Object.assign(globalThis, { draw });
}
