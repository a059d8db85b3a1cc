// Computes the normals of a triangle mesh at its vertices.

/** A mesh in the form of npm's mesh packages. */
export interface TriangleMesh {
  positions: readonly (readonly number[])[];
  /** The three vertices of each triangle, counter-clockwise as seen from outside. */
  cells: readonly (readonly number[])[];
}

/** Returns unit normals [vertices, 3]: the mean of the adjacent triangles' normals, weighted by their areas. */
export function vertexNormals({ positions, cells }: TriangleMesh): Float32Array {
  const normals = new Float32Array(positions.length * 3);
  for (const [a, b, c] of cells as readonly [number, number, number][]) {
    const [p, q, r] = [positions[a], positions[b], positions[c]];
    const u = [q[0] - p[0], q[1] - p[1], q[2] - p[2]];
    const v = [r[0] - p[0], r[1] - p[1], r[2] - p[2]];
    const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    for (const vertex of [a, b, c]) for (let i = 0; i < 3; i++) normals[vertex * 3 + i] += normal[i];
  }
  for (let vertex = 0; vertex < positions.length; vertex++) {
    const at = vertex * 3;
    // The normal of a vertex without triangles stays 0.
    const length = Math.hypot(normals[at], normals[at + 1], normals[at + 2]) || 1;
    for (let i = 0; i < 3; i++) normals[at + i] /= length;
  }
  return normals;
}
