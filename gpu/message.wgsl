// The message of an edge before its normalisation (message_products.wgsl explains why it is split):
//
//     message(source, target, c) = GELU(products[source, c] + products[target, width + c] + sum_a W[c, 2 width + a] (p_source - p_target)[a])
//
// and the layout of the edges: `graph` holds starts [nodes + 1], then the source of each edge, then the target of each edge,
// sorted by target, so that the edges into node j are starts[j] .. starts[j + 1]. For the backward pass the order by source
// follows: source_starts [nodes + 1], then the edges that leave each node.
//
// A workgroup of 64 threads computes NODES neighbouring nodes. Their edges are contiguous, and it processes them EDGES at a time:
// the edges' nodes and offsets (`places`, `offsets`), their messages (`tile`) and the moments for LayerNorm are computed once for
// all threads, and each node's edges are added up in their order, so that the bits depend on the graph alone. A node has ACROSS
// threads, each for OWN vec4s of its channels: all of them, or every 64th; a tile has EACH edges per thread. If a tile has fewer
// than 64 edges (SHARED), several threads add up the channels of one edge.
//
// The including file declares parameters with nodes and edges.
//! include layer_epsilon.wgsl
//! include stored.wgsl
//! include vec4_read.wgsl products norm_weight
alias Argument = vec4f;
//! include gelu.wgsl

@group(0) @binding(1) var<storage, read> products: array<Stored>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<f32>;
@group(0) @binding(4) var<storage, read> graph: array<u32>;
@group(0) @binding(5) var<storage, read> norm_weight: array<Stored>;

const ROW_VEC4S: u32 = (WIDTH + 3) / 4;
const NODES: u32 = 64 / ACROSS;
const EDGES: u32 = NODES * EACH;
const LANES: u32 = 64 / EDGES;
// The stride is one more than a row's length, so that threads reading neighbouring rows use different banks.
const TILE_STRIDE: u32 = ROW_VEC4S + 1;

var<workgroup> places: array<vec2u, EDGES>;
var<workgroup> offsets: array<vec4f, EDGES>;
var<workgroup> tile: array<vec4f, TILE_VEC4S>;
//! if SHARED
var<workgroup> partial: array<vec2f, 64>;
//! end

fn edge_source(edge: u32) -> u32 { return graph[parameters.nodes + 1 + edge]; }
fn edge_target(edge: u32) -> u32 { return graph[parameters.nodes + 1 + parameters.edges + edge]; }

// Stores the nodes and the offset of an edge at place `slot` of the tile.
fn stage(slot: u32, edge: u32, last: f32) {
  let place = vec2u(edge_source(edge), edge_target(edge));
  var offset = vec4f(0, 0, 0, last);
//! repeat a DIMENSIONS
  offset[$a] = positions[place.x * DIMENSIONS + $a] - positions[place.y * DIMENSIONS + $a];
//! end
  places[slot] = place;
  offsets[slot] = offset;
}

// Returns the weights of four channels for axis `axis` of the offset.
fn direction(item: u32, axis: u32) -> vec4f {
  let row = 2 * WIDTH + DIMENSIONS;
  let at = item * 4 * row + 2 * WIDTH + axis;
  return vec4f(weight[at], weight[at + row], weight[at + 2 * row], weight[at + 3 * row]);
}

// Returns the sum of both nodes' products for four channels, before the GELU.
fn shares(place: vec2u, item: u32) -> vec4f {
  return products_vec4(place.x * 2 * WIDTH + item * 4) + products_vec4((place.y * 2 + 1) * WIDTH + item * 4);
}

// Replaces channels that do not exist by zeros.
fn existing(item: u32, values: vec4f) -> vec4f {
//! if VEC4
  return values;
//! else
  return select(vec4f(0), values, vec4u(item * 4) + vec4u(0, 1, 2, 3) < vec4u(WIDTH));
//! end
}

fn put_tile(slot: u32, item: u32, values: vec4f) {
  if (item < ROW_VEC4S) { tile[slot * TILE_STRIDE + item] = existing(item, values); }
}

// Adds up the values of an edge's threads in their order.
fn edge_total(thread: u32, own: vec2f) -> vec2f {
//! if SHARED
  workgroupBarrier();
  partial[thread] = own;
  workgroupBarrier();
  var total = vec2f(0);
  for (var i = 0u; i < LANES; i++) { total += partial[thread / LANES * LANES + i]; }
  return total;
//! else
  return own;
//! end
}

fn total_of_vec4(values: vec4f) -> f32 { return (values.x + values.y) + (values.z + values.w); }

// Returns the mean and 1 / sqrt(variance + 1e-5) of an edge's messages in the tile, to its threads.
fn edge_moments(thread: u32) -> vec2f {
  let first = thread / LANES * TILE_STRIDE;
  var sum = vec4f(0);
  for (var item = thread % LANES; item < ROW_VEC4S; item += LANES) { sum += tile[first + item]; }
  let mean = edge_total(thread, vec2f(total_of_vec4(sum), 0)).x / f32(WIDTH);
  var squares = vec4f(0);
  for (var item = thread % LANES; item < ROW_VEC4S; item += LANES) {
    let deviation = existing(item, tile[first + item] - mean);
    squares = fma(deviation, deviation, squares);
  }
  return vec2f(mean, 1.0 / sqrt(edge_total(thread, vec2f(total_of_vec4(squares), 0)).x / f32(WIDTH) + LAYER_EPSILON));
}
