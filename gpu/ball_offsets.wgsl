// The offset of each node from the centre of its ball, the input of attention's positional term:
//
//     offsets[i] = positions[i] - mean of the positions of i's ball          positions, offsets [rows, DIMENSIONS]
//
// With GATHER or MEAN the positions are written, too, the latter with the offsets from them:
//
//     positions[i] = source[row_index[i]]
//     positions[i] = mean of source[i * stride .. (i + 1) * stride]          from_means[j] = source[j] - positions[j / stride]
//
// With ROTATED the same is computed for the nodes in another order, too: rotated_positions[i] = positions[rotated_index[i]].
//
// One workgroup per ball of each order; partial sums are added in a fixed order.
//! include workgroup.wgsl

struct Parameters { first_group: u32, first_ball: u32, ball_count: u32, first_row: u32, stride: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> balls: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> offsets: array<f32>;
//! if GATHER
@group(0) @binding(3) var<storage, read_write> positions: array<f32>;
@group(0) @binding(4) var<storage, read> source: array<f32>;
@group(0) @binding(5) var<storage, read> row_index: array<u32>;
//! else
//! if MEAN
@group(0) @binding(3) var<storage, read_write> positions: array<f32>;
@group(0) @binding(4) var<storage, read> source: array<f32>;
@group(0) @binding(5) var<storage, read_write> from_means: array<f32>;
//! else
@group(0) @binding(3) var<storage, read> positions: array<f32>;
//! end
//! end
//! if ROTATED
@group(0) @binding(6) var<storage, read> rotated_index: array<u32>;
@group(0) @binding(7) var<storage, read_write> rotated_positions: array<f32>;
@group(0) @binding(8) var<storage, read_write> rotated_offsets: array<f32>;
//! end

var<workgroup> partial: array<vec4f, 64>;

//! if GATHER
//! include point_read.wgsl source
//! else
//! if MEAN
//! include point_read.wgsl source

// The first of the rows that a node is the mean of, and the mean relative to it, so that a cloud far from the origin loses no
// precision.
struct Mean { origin: vec4f, rest: vec4f }
fn mean_of(node: u32) -> Mean {
  let first = node * parameters.stride;
  let origin = source_point(first);
  var sum = vec4f(0);
  for (var i = 0u; i < parameters.stride; i++) { sum += source_point(first + i) - origin; }
  return Mean(origin, sum / f32(parameters.stride));
}
//! else
//! include point_read.wgsl positions
//! end
//! end

fn position(node: u32) -> vec4f {
//! if GATHER
  return source_point(row_index[node]);
//! else
//! if MEAN
  let mean = mean_of(node);
  return mean.origin + mean.rest;
//! else
  return positions_point(node);
//! end
//! end
}

// Returns the node at a place of the order that a workgroup computes.
fn node_at(place: u32, rotated: bool) -> u32 {
//! if ROTATED
  if (rotated) { return rotated_index[place]; }
//! end
  return place;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let number = workgroup_number(group, groups);
  let rotated = number >= parameters.ball_count;
//! if ROTATED
  if (number >= 2 * parameters.ball_count) { return; }
//! else
  if (rotated) { return; }
//! end
  let ball = balls[parameters.first_ball + number % parameters.ball_count];
  let first = ball.x - parameters.first_row;
  let size = ball.y;
  // The sum is relative to the ball's first point, so that a cloud far from the origin loses no precision.
  let origin = position(node_at(first, rotated));
  var sum = vec4f(0);
  for (var i = thread; i < size; i += 64) { sum += position(node_at(first + i, rotated)) - origin; }
  partial[thread] = sum;
  workgroupBarrier();
  var total = vec4f(0);
  for (var i = 0u; i < 64; i++) { total += partial[i]; }
  let mean = total / f32(size);
  for (var i = thread; i < size; i += 64) {
    let at = (first + i) * DIMENSIONS;
    let node = node_at(first + i, rotated);
//! if MEAN
    let centre = mean_of(node);
    let point = centre.origin + centre.rest;
//! else
    let point = position(node);
//! end
    let offset = (point - origin) - mean;
//! if ROTATED
    if (rotated) {
//! repeat a DIMENSIONS
      rotated_positions[at + $a] = point[$a];
      rotated_offsets[at + $a] = offset[$a];
//! end
      continue;
    }
//! end
//! repeat a DIMENSIONS
    offsets[at + $a] = offset[$a];
//! end
//! if GATHER
//! repeat a DIMENSIONS
    positions[at + $a] = point[$a];
//! end
//! end
//! if MEAN
//! repeat a DIMENSIONS
    positions[at + $a] = point[$a];
//! end
    for (var j = 0u; j < parameters.stride; j++) {
      let row = (first + i) * parameters.stride + j;
      let from_mean = (source_point(row) - centre.origin) - centre.rest;
//! repeat a DIMENSIONS
      from_means[row * DIMENSIONS + $a] = from_mean[$a];
//! end
    }
//! end
  }
}
