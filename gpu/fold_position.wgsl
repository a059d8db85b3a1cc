// The positional term folded into the weight of queries, keys and values, so that it need not pass through the large product:
//
//     folded[c, a] = sum_k W[c, k] P[k, a]        folded[c, DIMENSIONS] = sum_k W[c, k] b_P[k] + b[c]
//
//     W [3 width, width]   P [width, DIMENSIONS]   b_P [width]   b [3 width]   folded [3 width, 4], c = (t, h, e)
//
// A workgroup computes 16 columns; 16 threads share four of them, each taking every 16th k (with VEC4 every 16th vec4). Their
// sums are added up in a fixed order. A row of W is read once, with coalesced loads.
//! include packing.wgsl
//! include stored.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> weight: array<Stored>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> position_weight: array<f32>;
@group(0) @binding(4) var<storage, read> position_bias: array<Stored>;
@group(0) @binding(5) var<storage, read_write> folded: array<f32>;
//! include direction.wgsl

var<workgroup> partial: array<vec4f, 256>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let first = workgroup_number(group, groups) * 16;
  let columns = 3 * parameters.width;
  let items = parameters.width / ELEMENTS;
//! repeat c 4
  let row_$c = packed_row(min(first + thread / 16 * 4 + $c, columns - 1), parameters.width) * items;
//! repeat a DIMENSIONS
  var sum_$c_$a = Stored(0);
//! end
  var bias_sum_$c = Stored(0);
//! end
  for (var k = thread % 16; k < items; k += 16) {
//! repeat c 4
    let weight_$c = weight[row_$c + k];
//! end
    let bias_k = position_bias[k];
//! repeat a DIMENSIONS
    let direction_$a = direction(k, $a);
//! end
//! repeat c 4
//! repeat a DIMENSIONS
    sum_$c_$a = fma(weight_$c, direction_$a, sum_$c_$a);
//! end
    bias_sum_$c = fma(weight_$c, bias_k, bias_sum_$c);
//! end
  }
//! repeat c 4
  {
    var sums = vec4f(0);
//! repeat a DIMENSIONS
    sums[$a] = total_of(sum_$c_$a);
//! end
    sums[DIMENSIONS] = total_of(bias_sum_$c);
    partial[$c * 64 + thread] = sums;
  }
//! end
  workgroupBarrier();
  // From here on each thread computes one element of the result.
  let in_group = thread / 4;
  let column = first + in_group;
  let number = thread % 4;
  if (column >= columns || number > DIMENSIONS) { return; }
  var total = select(0.0, bias[packed_row(column, parameters.width)], number == DIMENSIONS);
  let base = in_group % 4 * 64 + in_group / 4 * 16;
//! repeat i 16
  total += partial[base + $i][number];
//! end
  folded[column * 4 + number] = total;
}
