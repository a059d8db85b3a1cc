// The points of one view: small shaded balls, which move and change colour smoothly from one drawing to the next.

import { BufferAttribute, BufferGeometry, Color, Points, ShaderMaterial } from "three";

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
    shown = mix(ground, light * mixed.rgb, mix(0.24, 1.0, emphasis) * (1.0 - 0.4 * far));
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

/** The duration of a change from one drawing to the next. */
const TRANSITION_MS = 700;

export interface PointDrawing {
  /** [points, 4] */
  colours: Uint8Array;
  /** [points, 3] drawn positions; undefined for the cloud's own. */
  positions: Float32Array | undefined;
}

export class CloudPoints {
  readonly object: Points<BufferGeometry, ShaderMaterial>;
  #home = new BufferAttribute(new Float32Array(), 3);
  #began = 0;
  #moves = false;

  constructor() {
    const material = new ShaderMaterial({
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
    this.object = new Points(new BufferGeometry(), material);
    this.object.frustumCulled = false;
  }

  get count(): number {
    return this.#home.count;
  }

  /** The current positions of the points, or those after the transition. */
  get places(): Float32Array {
    return (this.object.geometry.getAttribute("target") as BufferAttribute).array as Float32Array;
  }

  /** @param home [points, 3], shared by the views of a cloud @param flat whether all lie in a plane */
  setCloud(home: BufferAttribute, size: number, flat: boolean): void {
    this.object.geometry.dispose();
    const geometry = new BufferGeometry();
    this.#home = home;
    const grey = new BufferAttribute(new Uint8Array(4 * home.count).fill(140), 4, true);
    for (const name of ["position", "target"]) geometry.setAttribute(name, home);
    for (const name of ["colour", "nextColour"]) geometry.setAttribute(name, grey);
    this.object.geometry = geometry;
    this.object.material.uniforms.size.value = size;
    this.object.material.uniforms.roundness.value = flat ? 0 : 1;
    this.object.material.uniforms.blend.value = 0;
    this.#moves = false;
  }

  /** @param now the time at which the transition begins; undefined for no transition */
  show({ colours, positions }: PointDrawing, now: number | undefined): void {
    const { geometry, material } = this.object;
    this.#settle();
    geometry.setAttribute("nextColour", new BufferAttribute(colours, 4, true));
    geometry.setAttribute("target", positions ? new BufferAttribute(positions, 3) : this.#home);
    this.#moves = true;
    material.uniforms.blend.value = 0;
    if (now === undefined) this.#settle();
    else this.#began = now;
  }

  /** Advances the transition. Returns whether it is still going on. */
  advance(now: number): boolean {
    if (!this.#moves) return false;
    const share = Math.min(1, (now - this.#began) / TRANSITION_MS);
    if (share === 1) this.#settle();
    else this.object.material.uniforms.blend.value = share * share * (3 - 2 * share);
    return true;
  }

  #settle(): void {
    if (!this.#moves) return;
    const { geometry, material } = this.object;
    geometry.setAttribute("position", geometry.getAttribute("target"));
    geometry.setAttribute("colour", geometry.getAttribute("nextColour"));
    material.uniforms.blend.value = 0;
    this.#moves = false;
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
  }
}
