// The offset of each point from the centre of its ball, the input of attention's positional term:
//
//     offsets[i] = positions[i] - mean of the positions of i's ball          positions, offsets [rows, DIMENSIONS]
//
// With GATHER the positions are written, too: positions[i] = source[row_index[i]].
//
// One workgroup per ball; partial sums are added in a fixed order.
//! include workgroup.wgsl

struct Parameters { first_group: u32, first_ball: u32, ball_count: u32, first_row: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> balls: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> offsets: array<f32>;
//! if GATHER
@group(0) @binding(3) var<storage, read_write> positions: array<f32>;
@group(0) @binding(4) var<storage, read> source: array<f32>;
@group(0) @binding(5) var<storage, read> row_index: array<u32>;
//! else
@group(0) @binding(3) var<storage, read> positions: array<f32>;
//! end

var<workgroup> partial: array<f32, 64>;

fn position(row: u32, axis: u32) -> f32 {
//! if GATHER
  return source[row_index[row] * DIMENSIONS + axis];
//! else
  return positions[row * DIMENSIONS + axis];
//! end
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = workgroup_number(group, groups);
  if (index >= parameters.ball_count) { return; }
  let ball = balls[parameters.first_ball + index];
  let first = ball.x - parameters.first_row;
  let size = ball.y;
//! repeat a DIMENSIONS
  {
    // The sum is relative to the ball's first point, so that a cloud far from the origin loses no precision.
    let origin = position(first, $a);
    var sum = 0.0;
    for (var i = thread; i < size; i += 64) { sum += position(first + i, $a) - origin; }
    partial[thread] = sum;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < 64; i++) { total += partial[i]; }
    let mean = total / f32(size);
    for (var i = thread; i < size; i += 64) {
      let at = (first + i) * DIMENSIONS + $a;
      let coordinate = position(first + i, $a);
      offsets[at] = (coordinate - origin) - mean;
//! if GATHER
      positions[at] = coordinate;
//! end
    }
    workgroupBarrier();
  }
//! end
}
