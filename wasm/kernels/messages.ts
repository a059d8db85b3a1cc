// Message passing, edge by edge. Formulas: gpu/message.wgsl (the message of an edge and the layout of the graph),
// gpu/message_mean.wgsl, gpu/message_backward.wgsl.
//
// products [nodes, 2, padded width]: the width is padded to a multiple of 4; the values in the padding do not matter.
import { EDGES } from "../out/shared";
import { MessageBackwardArriving, MessageBackwardLeaving, MessageMean } from "./commands";
import { bellOf, gelu, geluDerivative, normalShare } from "./gelu";
import { inverseDeviationOf, meanOf } from "./layer-norm";
import { firstOf } from "./threads";
import { lanesBelow, loadSome, madd, storeSome, sumOf } from "./vectors";

function padded(width: u32): u32 {
  return (width + 3) & ~3;
}

/** Transposes the message weight's last columns, which multiply the difference of the positions: [3, padded width]. */
function splitAxes(weight: usize, width: u32, dimensions: u32, axes: usize): void {
  for (let a: u32 = 0; a < 3; a++) {
    for (let c: u32 = 0; c < padded(width); c++, axes += 4) {
      const from = weight + ((<usize>(c * (2 * width + dimensions) + 2 * width + a)) << 2);
      store<f32>(axes, c < width && a < dimensions ? load<f32>(from) : 0);
    }
  }
}

/** Returns one coordinate of p_source - p_target in all lanes; 0 if there is no such axis. */
function between(positions: usize, source: u32, target: u32, dimensions: u32, axis: u32): v128 {
  if (axis >= dimensions) return f32x4.splat(0);
  const from = load<f32>(positions + ((<usize>(source * dimensions + axis)) << 2));
  return f32x4.splat(from - load<f32>(positions + ((<usize>(target * dimensions + axis)) << 2)));
}

/** Returns four elements of an edge's message before its GELU: the nodes' products plus the positions' term. */
function beforeGelu(source: usize, target: usize, x: v128, y: v128, z: v128, axes: usize, rowBytes: usize): v128 {
  let value = f32x4.add(v128.load(source), v128.load(target));
  value = madd(x, v128.load(axes), value);
  value = madd(y, v128.load(axes + rowBytes), value);
  return madd(z, v128.load(axes + 2 * rowBytes), value);
}

/** sums += (message - mean) / deviation. */
function addNormalised(message: usize, width: u32, sums: usize): void {
  const mean = meanOf(message, width);
  const scale = f32x4.splat(inverseDeviationOf(message, width, mean));
  for (let c: usize = 0; c < (<usize>width) << 2; c += 16) {
    v128.store(sums + c, madd(f32x4.sub(v128.load(message + c), f32x4.splat(mean)), scale, v128.load(sums + c)));
  }
}

export function messageMean(p: MessageMean, thread: u32, threads: u32): void {
  const width = p.width;
  const axes = p.scratch + <usize>thread * p.scratchBytes;
  const rowBytes = (<usize>padded(width)) << 2;
  const messages = axes + 3 * rowBytes;
  const sums = messages + EDGES * rowBytes;
  splitAxes(p.weight, width, p.dimensions, axes);
  const sources = p.graph + ((<usize>(p.nodes + 1)) << 2);
  const end = firstOf(p.targets, thread + 1, threads);
  for (let node = firstOf(p.targets, thread, threads); node < end; node++) {
    const firstEdge = load<u32>(p.graph + ((<usize>node) << 2));
    const endEdge = load<u32>(p.graph + ((<usize>node) << 2), 4);
    const out = p.out + ((<usize>node * width) << 2);
    memory.fill(sums, 0, rowBytes);
    for (let first = firstEdge; first < endEdge; first += EDGES) {
      const last = min(first + EDGES, endEdge);
      let message = messages;
      for (let e = first; e < last; e++) {
        const source = load<u32>(sources + ((<usize>e) << 2));
        const sent = p.products + 2 * source * rowBytes;
        const received = p.products + (2 * node + 1) * rowBytes;
        const x = between(p.positions, source, node, p.dimensions, 0);
        const y = between(p.positions, source, node, p.dimensions, 1);
        const z = between(p.positions, source, node, p.dimensions, 2);
        for (let at: usize = 0; at < rowBytes; at += 16, message += 16) {
          v128.store(message, gelu(beforeGelu(sent + at, received + at, x, y, z, axes + at, rowBytes)));
        }
      }
      for (let e = first, message = messages; e < last; e++, message += rowBytes) addNormalised(message, width, sums);
    }
    const share = f32x4.splat(endEdge > firstEdge ? 1 / <f32>(endEdge - firstEdge) : 0);
    for (let c: u32 = 0; c < width; c += 4) {
      const at = (<usize>c) << 2;
      const some = width - c;
      let value = f32x4.mul(v128.load(sums + at), share);
      if (endEdge > firstEdge) value = madd(value, loadSome(p.normWeight + at, some), loadSome(p.normBias + at, some));
      storeSome(out + at, value, some);
    }
  }
}

/**
 * For each node computes the sums over its arriving edges of dz (asTarget [nodes, width]) and of dz times the
 * difference of the positions (terms [nodes, dimensions, width]), and the mean of the normalised messages without
 * weight and bias (plain [targets, width]); and the moments of each edge.
 */
export function messageBackwardArriving(p: MessageBackwardArriving, thread: u32, threads: u32): void {
  const width = p.width;
  const rowBytes = (<usize>padded(width)) << 2;
  const axes = p.scratch + <usize>thread * p.scratchBytes;
  const message = axes + 3 * rowBytes;
  const derivative = message + rowBytes;
  const plain = derivative + rowBytes;
  const dn = plain + rowBytes;
  const arriving = dn + rowBytes;
  const terms = arriving + rowBytes;
  splitAxes(p.weight, width, p.dimensions, axes);
  const sources = p.graph + ((<usize>(p.nodes + 1)) << 2);
  const end = firstOf(p.nodes, thread + 1, threads);
  for (let node = firstOf(p.nodes, thread, threads); node < end; node++) {
    const firstEdge = load<u32>(p.graph + ((<usize>node) << 2));
    const endEdge = load<u32>(p.graph + ((<usize>node) << 2), 4);
    const share: f32 = endEdge > firstEdge ? 1 / <f32>(endEdge - firstEdge) : 0;
    memory.fill(plain, 0, rowBytes);
    memory.fill(arriving, 0, rowBytes * (1 + p.dimensions));
    if (endEdge > firstEdge) {
      for (let c: u32 = 0; c < width; c += 4) {
        const at = (<usize>c) << 2;
        const dout = loadSome(p.dout + ((<usize>node * width) << 2) + at, width - c);
        const weighted = f32x4.mul(loadSome(p.normWeight + at, width - c), dout);
        v128.store(dn + at, f32x4.mul(weighted, f32x4.splat(share)));
      }
    }
    for (let e = firstEdge; e < endEdge; e++) {
      const source = load<u32>(sources + ((<usize>e) << 2));
      const sent = p.products + 2 * source * rowBytes;
      const received = p.products + (2 * node + 1) * rowBytes;
      const x = between(p.positions, source, node, p.dimensions, 0);
      const y = between(p.positions, source, node, p.dimensions, 1);
      const z = between(p.positions, source, node, p.dimensions, 2);
      for (let c: u32 = 0; c < width; c += 4) {
        const at = (<usize>c) << 2;
        const before = beforeGelu(sent + at, received + at, x, y, z, axes + at, rowBytes);
        const bell = bellOf(before);
        const below = normalShare(before, bell);
        v128.store(message + at, v128.and(f32x4.mul(before, below), lanesBelow(width - c)));
        v128.store(derivative + at, v128.and(geluDerivative(before, below, bell), lanesBelow(width - c)));
      }
      const mean = meanOf(message, width);
      const scale = inverseDeviationOf(message, width, mean);
      let sum = f32x4.splat(0);
      let product = f32x4.splat(0);
      for (let at: usize = 0; at < (<usize>width) << 2; at += 16) {
        const n = f32x4.mul(f32x4.sub(v128.load(message + at), f32x4.splat(mean)), f32x4.splat(scale));
        v128.store(plain + at, f32x4.add(v128.load(plain + at), n));
        // Beyond the width dn is 0.
        sum = f32x4.add(sum, v128.load(dn + at));
        product = madd(v128.load(dn + at), n, product);
      }
      const moments = p.moments + ((<usize>e) << 4);
      const meanDn = sumOf(sum) / <f32>width;
      const meanProduct = sumOf(product) / <f32>width;
      store<f32>(moments, mean);
      store<f32>(moments, scale, 4);
      store<f32>(moments, meanDn, 8);
      store<f32>(moments, meanProduct, 12);
      for (let at: usize = 0; at < (<usize>width) << 2; at += 16) {
        const dz = edgeGradient(moments, v128.load(message + at), v128.load(derivative + at), v128.load(dn + at));
        v128.store(arriving + at, f32x4.add(v128.load(arriving + at), dz));
        for (let a: usize = 0; a < p.dimensions; a++) {
          const term = terms + a * rowBytes + at;
          const from = load<f32>(p.positions + ((source * p.dimensions + a) << 2));
          const to = load<f32>(p.positions + ((node * p.dimensions + a) << 2));
          v128.store(term, madd(dz, f32x4.splat(from - to), v128.load(term)));
        }
      }
    }
    for (let c: u32 = 0; c < width; c += 4) {
      const at = (<usize>c) << 2;
      const some = width - c;
      const row = ((<usize>node * width) << 2) + at;
      if (node < p.targets) storeSome(p.plain + row, f32x4.mul(v128.load(plain + at), f32x4.splat(share)), some);
      storeSome(p.asTarget + row, v128.load(arriving + at), some);
      for (let a: usize = 0; a < p.dimensions; a++) {
        const term = p.terms + (((<usize>node * p.dimensions + a) * width) << 2) + at;
        storeSome(term, v128.load(terms + a * rowBytes + at), some);
      }
    }
  }
}

/** dz = scale (dn - mean(dn) - n mean(dn n)) gelu'(z). */
function edgeGradient(moments: usize, message: v128, derivative: v128, dn: v128): v128 {
  const scale = v128.load_splat<f32>(moments, 4);
  const n = f32x4.mul(f32x4.sub(message, v128.load_splat<f32>(moments)), scale);
  const centred = f32x4.sub(
    f32x4.sub(dn, v128.load_splat<f32>(moments, 8)),
    f32x4.mul(n, v128.load_splat<f32>(moments, 12)),
  );
  return f32x4.mul(f32x4.mul(scale, centred), derivative);
}

/** asSource[i, c] = sum of dz over the edges that leave i. */
export function messageBackwardLeaving(p: MessageBackwardLeaving, thread: u32, threads: u32): void {
  const width = p.width;
  const rowBytes = (<usize>padded(width)) << 2;
  const axes = p.scratch + <usize>thread * p.scratchBytes;
  const leaving = axes + 3 * rowBytes;
  splitAxes(p.weight, width, p.dimensions, axes);
  const targets = p.graph + ((<usize>(p.nodes + 1 + p.edges)) << 2);
  const starts = targets + ((<usize>p.edges) << 2);
  const entries = starts + ((<usize>(p.nodes + 1)) << 2);
  const end = firstOf(p.nodes, thread + 1, threads);
  for (let node = firstOf(p.nodes, thread, threads); node < end; node++) {
    memory.fill(leaving, 0, rowBytes);
    const last = load<u32>(starts + ((<usize>node) << 2), 4);
    for (let i = load<u32>(starts + ((<usize>node) << 2)); i < last; i++) {
      const edge = load<u32>(entries + ((<usize>i) << 2));
      const target = load<u32>(targets + ((<usize>edge) << 2));
      const degree = load<u32>(p.graph + ((<usize>target) << 2), 4) - load<u32>(p.graph + ((<usize>target) << 2));
      const share = f32x4.splat(1 / <f32>degree);
      const sent = p.products + 2 * node * rowBytes;
      const received = p.products + (2 * target + 1) * rowBytes;
      const x = between(p.positions, node, target, p.dimensions, 0);
      const y = between(p.positions, node, target, p.dimensions, 1);
      const z = between(p.positions, node, target, p.dimensions, 2);
      for (let c: u32 = 0; c < width; c += 4) {
        const at = (<usize>c) << 2;
        const dout = loadSome(p.dout + ((<usize>target * width) << 2) + at, width - c);
        const dn = f32x4.mul(f32x4.mul(loadSome(p.normWeight + at, width - c), dout), share);
        const before = beforeGelu(sent + at, received + at, x, y, z, axes + at, rowBytes);
        const bell = bellOf(before);
        const below = normalShare(before, bell);
        const message = f32x4.mul(before, below);
        const dz = edgeGradient(p.moments + ((<usize>edge) << 4), message, geluDerivative(before, below, bell), dn);
        v128.store(leaving + at, f32x4.add(v128.load(leaving + at), dz));
      }
    }
    for (let c: u32 = 0; c < width; c += 4) {
      storeSome(p.asSource + ((<usize>node * width + c) << 2), v128.load(leaving + ((<usize>c) << 2)), width - c);
    }
  }
}
