// Draws balls as spheres: discs that face the camera, with a bright rim, because the outline of a sphere is a circle.

import {
  Color,
  DoubleSide,
  InstancedBufferAttribute,
  InstancedBufferGeometry,
  Mesh,
  PlaneGeometry,
  ShaderMaterial,
} from "three";

const vertexShader = /* glsl */ `
  attribute vec4 sphere;
  attribute vec3 tint;
  varying vec2 at;
  varying vec3 shown;
  void main() {
    at = position.xy;
    shown = tint;
    vec4 centre = modelViewMatrix * vec4(sphere.xyz, 1.0);
    // From nearby, the outline is wider than the radius.
    float widened = sphere.w * -centre.z / sqrt(max(1e-6, centre.z * centre.z - sphere.w * sphere.w));
    gl_Position = projectionMatrix * (centre + vec4(position.xy * min(widened, 4.0 * sphere.w), 0.0, 0.0));
  }
`;

const fragmentShader = /* glsl */ `
  uniform vec3 ground;
  uniform float strength;
  varying vec2 at;
  varying vec3 shown;
  void main() {
    float from = length(at);
    float edge = fwidth(from);
    if (from > 1.0) discard;
    float rim = smoothstep(0.80, 1.0, from);
    float line = smoothstep(1.0 - 3.0 * edge, 1.0 - 1.5 * edge, from) * (1.0 - smoothstep(1.0 - edge, 1.0, from));
    float light = 1.0 - 0.25 * (at.x * 0.4 - at.y * 0.6);
    gl_FragColor = vec4(shown * light, strength * (0.05 + 0.16 * rim * rim) + 0.75 * strength * line);
  }
`;

export class BallSpheres {
  readonly object: Mesh<InstancedBufferGeometry, ShaderMaterial>;

  constructor() {
    const material = new ShaderMaterial({
      vertexShader,
      fragmentShader,
      uniforms: { ground: { value: new Color() }, strength: { value: 1 } },
      transparent: true,
      depthWrite: false,
      side: DoubleSide,
    });
    this.object = new Mesh(new InstancedBufferGeometry(), material);
    this.object.frustumCulled = false;
    this.object.visible = false;
    this.object.renderOrder = 2;
  }

  /** @param spheres [balls, 4] centre and radius; undefined for none. @param colours [balls, 3] */
  show(spheres: Float32Array | undefined, colours: Uint8Array = new Uint8Array()): void {
    this.object.geometry.dispose();
    this.object.visible = spheres !== undefined && spheres.length > 0;
    if (!spheres || !this.object.visible) return;
    const geometry = new InstancedBufferGeometry();
    const { index, attributes } = new PlaneGeometry(2, 2);
    geometry.index = index;
    geometry.setAttribute("position", attributes.position);
    geometry.setAttribute("sphere", new InstancedBufferAttribute(spheres, 4));
    geometry.setAttribute("tint", new InstancedBufferAttribute(colours, 3, true));
    geometry.instanceCount = spheres.length / 4;
    this.object.geometry = geometry;
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
  }
}
