// The weights of feed_forward.wgsl in the order in which it reads them:
//
//     for each 32 columns of the hidden layer, for each of WIDTH inner positions: these columns of W1, then those of W2, both
//         multiplied by the norm's weight of the position
//     for each column of the hidden layer: its WIDTH elements of W3
//     b1, b2 [hidden_width], b3 [WIDTH]
//! include workgroup.wgsl

struct Parameters { first_group: u32, hidden_width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read> gate_weight: array<f32>;
@group(0) @binding(3) var<storage, read> gate_bias: array<f32>;
@group(0) @binding(4) var<storage, read> value_weight: array<f32>;
@group(0) @binding(5) var<storage, read> value_bias: array<f32>;
@group(0) @binding(6) var<storage, read> output_weight: array<f32>;
@group(0) @binding(7) var<storage, read> output_bias: array<f32>;
@group(0) @binding(8) var<storage, read_write> weights: array<f32>;

fn element(item: u32) -> f32 {
  let hidden_width = parameters.hidden_width;
  var at = item;
  if (at < 2 * hidden_width * WIDTH) {
    let inner = at / 64 % WIDTH;
    let place = (at / 64 / WIDTH * 32 + at % 32) * WIDTH + inner;
    if (at % 64 < 32) { return gate_weight[place] * norm[inner]; }
    return value_weight[place] * norm[inner];
  }
  at -= 2 * hidden_width * WIDTH;
  if (at < hidden_width * WIDTH) { return output_weight[at % WIDTH * hidden_width + at / WIDTH]; }
  at -= hidden_width * WIDTH;
  if (at < hidden_width) { return gate_bias[at]; }
  at -= hidden_width;
  if (at < hidden_width) { return value_bias[at]; }
  return output_bias[at - hidden_width];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item < 3 * parameters.hidden_width * WIDTH + 2 * parameters.hidden_width + WIDTH) { weights[item] = element(item); }
}
