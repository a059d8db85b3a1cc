// three.js draws what a model computes on its GPUDevice: the numbers go from the tensor into the buffer of a geometry's attribute.

import { nn, requestDevice, Tensor } from "erwin";
import { attribute, vec3 } from "three/tsl";
import * as THREE from "three/webgpu";
import { expect, test } from "vitest";

/** Those of WebGPU by default, of which devices of OpenGL ES get less unless they ask. */
const requiredLimits = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256 };

/** Four pixels, each covered by one square that has the colour of its four corners' value. */
const squares = 4;

function row(values: THREE.BufferAttribute): THREE.Mesh {
  const corners = Array.from({ length: squares }, (_, i) => [i, 0, 0, i + 1, 0, 0, i + 1, 1, 0, i, 1, 0]);
  const triangles = Array.from({ length: squares }, (_, i) => [0, 1, 2, 0, 2, 3].map((corner) => 4 * i + corner));
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.Float32BufferAttribute(corners.flat(), 3));
  geometry.setIndex(triangles.flat());
  geometry.setAttribute("value", values);
  const material = new THREE.MeshBasicNodeMaterial();
  material.colorNode = vec3(attribute("value", "float"));
  return new THREE.Mesh(geometry, material);
}

test("three.js draws the numbers of a tensor that were copied into its buffer", async () => {
  const renderer = new THREE.WebGPURenderer({ requiredLimits });
  await renderer.init();
  const backend = renderer.backend as unknown as { device: GPUDevice; get(of: object): { buffer: GPUBuffer } };
  using device = await requestDevice({ gpuDevice: backend.device });

  const values = new THREE.BufferAttribute(new Float32Array(4 * squares), 1);
  const scene = new THREE.Scene().add(row(values));
  const camera = new THREE.OrthographicCamera(0, squares, 1, 0, -1, 1);
  const target = new THREE.RenderTarget(squares, 1, { type: THREE.FloatType });
  renderer.setRenderTarget(target);
  const drawn = async () => {
    renderer.render(scene, camera);
    const pixels = (await renderer.readRenderTargetPixelsAsync(target, 0, 0, squares, 1)) as Float32Array;
    return Array.from({ length: squares }, (_, i) => pixels[4 * i]);
  };
  expect(await drawn()).toEqual([0, 0, 0, 0]);

  using head = new nn.Linear(1, 1).initialize({ device });
  const input = Tensor.from(
    device,
    Float32Array.from({ length: 4 * squares }, (_, i) => Math.floor(i / 4)),
    [4 * squares, 1],
  );
  const output = head.forward(input);
  const numbers = await output.data();
  await output.copyTo(backend.get(values).buffer);
  expect(await drawn()).toEqual([0, 4, 8, 12].map((corner) => numbers[corner]));
  expect(new Set(numbers).size).toBe(squares);
  renderer.dispose();
});
