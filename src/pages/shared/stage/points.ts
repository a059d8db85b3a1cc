// The points of one view: small shaded balls, or the corners of a surface; they move and change colour smoothly from one drawing to
// the next.

import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DoubleSide,
  Group,
  Mesh,
  Points,
  ShaderMaterial,
  Sphere,
  Vector3,
} from "three";
import type { Surface } from "./surface.ts";

const vertexShader = /* glsl */ `
  attribute vec3 target;
  attribute vec4 colour;
  attribute vec4 nextColour;
  uniform float blend;
  uniform float size;
  uniform float pixels;
  uniform float least;
  uniform vec3 ground;
  uniform vec2 depths;
  uniform float roundness;
  varying vec3 shown;
  void main() {
    vec4 place = modelViewMatrix * vec4(mix(position, target, blend), 1.0);
    gl_Position = projectionMatrix * place;
    vec4 mixed = mix(colour, nextColour, blend);
    // The emphasis is the fourth channel of the colour; points without it are small and fade into the background.
    float emphasis = mixed.a;
    gl_PointSize = clamp(size * mix(0.42, 1.0, emphasis) * pixels / -place.z, least, 64.0);
    float far = smoothstep(depths.x, depths.y, -place.z);
    // Points have no normals; most clouds are round enough to be lit as a ball around the centre.
    vec3 outwards = normalize(mat3(modelViewMatrix) * position + vec3(1e-6));
    float light = mix(1.0, 0.86 + 0.2 * dot(outwards, vec3(-0.4, 0.7, 0.6)), roundness);
#ifdef SURFACE
    // What is behind is hidden.
    shown = light * mixed.rgb;
#else
    shown = mix(ground, light * mixed.rgb, mix(0.24, 1.0, emphasis) * (1.0 - 0.4 * far));
#endif
  }
`;

const fragmentShader = /* glsl */ `
  varying vec3 shown;
  void main() {
    vec2 at = 2.0 * gl_PointCoord - 1.0;
    float squared = dot(at, at);
    if (squared > 1.0) discard;
    // The light comes from the upper left, and the rim is darker.
    float light = 0.70 + 0.30 * sqrt(1.0 - squared) - 0.12 * at.x * 0.5 - 0.12 * at.y;
    gl_FragColor = vec4(shown * light, 1.0);
  }
`;

const surfaceFragmentShader = /* glsl */ `
  varying vec3 shown;
  void main() {
    gl_FragColor = vec4(shown, 1.0);
  }
`;

/** The duration of a change from one drawing to the next. */
const TRANSITION_MS = 700;

export interface PointDrawing {
  /** [points, 4] */
  colours: Uint8Array;
  /** [points, 3] drawn positions; undefined for the cloud's own. */
  positions: Float32Array | undefined;
}

/**
 * The points of one buffer. A buffer is uploaded as a whole when it is drawn for the first time, but a frame draws only the first
 * points of a large cloud: slices spread the upload over several frames, as the drawing is.
 */
const SLICE = 2 ** 17;
/** All points lie about here. Without this sphere three.js computes one around all points, which blocks the page. */
const stage = new Sphere(new Vector3(), 1);

/**
 * Returns the values of the points in buffers of one slice each.
 * @param values [points, width]
 * @param size the number of points in a slice; those of a surface are all in one
 */
export function slicesOf(values: Float32Array | Uint8Array, width: number, size = SLICE): BufferAttribute[] {
  const slices = Math.ceil(values.length / width / size);
  return Array.from({ length: slices }, (_, slice) => {
    const part = values.subarray(width * size * slice, width * size * (slice + 1));
    return new BufferAttribute(part, width, part instanceof Uint8Array);
  });
}

export class CloudPoints {
  readonly object = new Group();
  readonly material: ShaderMaterial;
  /** That of a surface, with the same uniforms. */
  readonly #surfaceMaterial: ShaderMaterial;
  #surface: Surface | undefined;
  /** [points, 3] the current positions, or those after the transition. */
  places: Float32Array = new Float32Array();
  /** [points, 4] the current colours, or those after the transition. */
  colours: Uint8Array = new Uint8Array();
  #home: readonly BufferAttribute[] = [];
  #homePlaces: Float32Array = new Float32Array();
  #slices: (Points<BufferGeometry, ShaderMaterial> | Mesh<BufferGeometry, ShaderMaterial>)[] = [];
  #began = 0;
  #moves = false;

  constructor() {
    this.material = new ShaderMaterial({
      vertexShader,
      fragmentShader,
      uniforms: {
        blend: { value: 0 },
        size: { value: 0.01 },
        pixels: { value: 1 },
        least: { value: 1.5 },
        ground: { value: new Color() },
        depths: { value: [2, 5] },
        roundness: { value: 1 },
      },
    });
    this.#surfaceMaterial = new ShaderMaterial({
      vertexShader,
      fragmentShader: surfaceFragmentShader,
      uniforms: this.material.uniforms,
      defines: { SURFACE: "" },
      side: DoubleSide,
    });
  }

  get count(): number {
    return this.#homePlaces.length / 3;
  }

  /** Whether they are drawn as a surface, of which a frame cannot draw a part. */
  get areSurface(): boolean {
    return this.#surface !== undefined;
  }

  /** How many points a slice has. */
  get #size(): number {
    return this.#surface ? this.count : SLICE;
  }

  /**
   * @param places [points, 3]
   * @param home the same positions as slices, shared by the views of a cloud
   * @param flat whether all points lie in a plane
   * @param surface whose corners they are; undefined for balls
   */
  setCloud(
    places: Float32Array,
    home: readonly BufferAttribute[],
    { size, flat, surface }: { size: number; flat: boolean; surface: Surface | undefined },
  ): void {
    this.#clear();
    this.#home = home;
    this.#homePlaces = places;
    this.#surface = surface;
    this.places = places;
    this.colours = new Uint8Array(4 * this.count).fill(140);
    const grey = slicesOf(this.colours, 4, this.#size);
    this.#slices = home.map((places, slice) => {
      const geometry = new BufferGeometry();
      for (const name of ["position", "target"]) geometry.setAttribute(name, places);
      for (const name of ["colour", "nextColour"]) geometry.setAttribute(name, grey[slice]);
      geometry.boundingSphere = stage;
      if (surface) geometry.setIndex(new BufferAttribute(surface.corners, 1));
      const points = surface ? new Mesh(geometry, this.#surfaceMaterial) : new Points(geometry, this.material);
      points.frustumCulled = false;
      return points;
    });
    if (this.#slices.length > 0) this.object.add(...this.#slices);
    this.material.uniforms.size.value = size;
    this.material.uniforms.roundness.value = flat ? 0 : 1;
    this.material.uniforms.blend.value = 0;
    this.#moves = false;
  }

  /** @param now the time at which the transition begins; undefined for no transition */
  show({ colours, positions }: PointDrawing, now: number | undefined): void {
    this.#settle();
    this.colours = colours;
    this.places = positions ?? this.#homePlaces;
    const nextColours = slicesOf(colours, 4, this.#size);
    const targets = positions ? slicesOf(positions, 3, this.#size) : this.#home;
    this.#slices.forEach(({ geometry }, slice) => {
      geometry.setAttribute("nextColour", nextColours[slice]);
      geometry.setAttribute("target", targets[slice]);
    });
    this.#moves = true;
    this.material.uniforms.blend.value = 0;
    if (now === undefined) this.#settle();
    else this.#began = now;
  }

  /** Draws only `count` points, beginning with the point `first` in the drawing's order; of a surface a resolution with so many quads. */
  setRange(first: number, count: number): void {
    if (this.#surface) this.#setResolution(this.#surface, count);
    else this.#setPart(first, count);
  }

  #setPart(first: number, count: number): void {
    this.#slices.forEach((points, slice) => {
      const from = Math.max(0, first - slice * SLICE);
      const to = Math.min(SLICE, first + count - slice * SLICE);
      points.visible = to > from;
      points.geometry.setDrawRange(from, to - from);
    });
  }

  #setResolution({ counts }: Surface, quads: number): void {
    const found = counts.findIndex((corners) => corners <= 6 * quads);
    const resolution = found < 0 ? counts.length - 1 : found;
    const first = counts.slice(0, resolution).reduce((sum, corners) => sum + corners, 0);
    for (const { geometry } of this.#slices) geometry.setDrawRange(first, counts[resolution]);
  }

  /** Advances the transition. Returns whether it is still going on. */
  advance(now: number): boolean {
    if (!this.#moves) return false;
    const share = Math.min(1, (now - this.#began) / TRANSITION_MS);
    if (share === 1) this.#settle();
    else this.material.uniforms.blend.value = share * share * (3 - 2 * share);
    return true;
  }

  #settle(): void {
    if (!this.#moves) return;
    for (const { geometry } of this.#slices) {
      geometry.setAttribute("position", geometry.getAttribute("target"));
      geometry.setAttribute("colour", geometry.getAttribute("nextColour"));
    }
    this.material.uniforms.blend.value = 0;
    this.#moves = false;
  }

  #clear(): void {
    this.object.clear();
    for (const { geometry } of this.#slices) geometry.dispose();
    this.#slices = [];
  }

  dispose(): void {
    this.#clear();
    this.material.dispose();
    this.#surfaceMaterial.dispose();
  }
}
