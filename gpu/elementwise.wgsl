// A function of every element of an array, or of the elements of two arrays:
//
//     out[i] (+)= f(x[i], y[i])            with DERIVATIVE:    out[i] (+)= y[i] f'(x[i])
//
// over all indices i of RANK axes. The element with index (i_0, i_1, ...) lies at first + sum of i_a * stride_a, so that slices,
// transposes and repetitions (stride 0) need no copy; axis 0 is the innermost. One of the constants AFFINE, ADD, ... chooses f; Y
// says whether there is a y; ACCUMULATE adds to what is there.
//! include functions.wgsl
//! include workgroup.wgsl

struct Parameters {
  first_group: u32, count: u32, x_first: u32, y_first: u32, out_first: u32, factor: f32, shift: f32,
//! repeat a RANK
  size_$a: u32, x_stride_$a: u32, y_stride_$a: u32, out_stride_$a: u32,
//! end
}
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
//! if Y
@group(0) @binding(3) var<storage, read> y: array<f32>;
//! end

//! if AFFINE
fn value(x: f32, y: f32) -> f32 { return parameters.factor * x + parameters.shift; }
//! end
//! if ADD
fn value(x: f32, y: f32) -> f32 { return x + y; }
//! end
//! if SUBTRACT
fn value(x: f32, y: f32) -> f32 { return x - y; }
//! end
//! if MULTIPLY
fn value(x: f32, y: f32) -> f32 { return x * y; }
//! end
//! if DIVIDE
fn value(x: f32, y: f32) -> f32 { return x / y; }
//! end
//! if MAXIMUM
// A NaN is larger than all numbers. It is found by its bits: compilers take every comparison for one of numbers.
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffff) > 0x7f800000; }
fn value(x: f32, y: f32) -> f32 { return select(select(x, y, x < y || is_nan(y)), x, is_nan(x)); }
//! end
//! if RECIPROCAL
fn value(x: f32, y: f32) -> f32 { return 1.0 / x; }
fn derivative(x: f32) -> f32 { return -1.0 / (x * x); }
//! end
//! if SQUARE
fn value(x: f32, y: f32) -> f32 { return x * x; }
fn derivative(x: f32) -> f32 { return 2.0 * x; }
//! end
//! if SQRT
fn value(x: f32, y: f32) -> f32 { return sqrt(x); }
// The derivative of the square root is 0 at 0, so that the norm of a zero vector has the gradient 0 and not infinity times 0.
fn derivative(x: f32) -> f32 {
  if (x == 0.0) { return 0.0; }
  return 0.5 / sqrt(x);
}
//! end
//! if ABS
fn value(x: f32, y: f32) -> f32 { return abs(x); }
fn derivative(x: f32) -> f32 { return sign(x); }
//! end
//! if EXP
fn value(x: f32, y: f32) -> f32 { return exp(x); }
fn derivative(x: f32) -> f32 { return exp(x); }
//! end
//! if LOG
fn value(x: f32, y: f32) -> f32 { return log(x); }
fn derivative(x: f32) -> f32 { return 1.0 / x; }
//! end
//! if SIN
fn value(x: f32, y: f32) -> f32 { return sine(x, 0); }
fn derivative(x: f32) -> f32 { return sine(x, 1); }
//! end
//! if COS
fn value(x: f32, y: f32) -> f32 { return sine(x, 1); }
fn derivative(x: f32) -> f32 { return sine(x, 2); }
//! end
//! if GELU
fn value(x: f32, y: f32) -> f32 { return gelu(x); }
fn derivative(x: f32) -> f32 { return gelu_and_derivative(x).derivative; }
//! end
//! if SILU
fn value(x: f32, y: f32) -> f32 { return x * sigmoid(x); }
fn derivative(x: f32) -> f32 { return sigmoid(x) * (1.0 + x * sigmoid(-x)); }
//! end
//! if SOFTPLUS
fn value(x: f32, y: f32) -> f32 { return softplus(x); }
fn derivative(x: f32) -> f32 { return sigmoid(x); }
//! end
//! if SIGMOID
fn value(x: f32, y: f32) -> f32 { return sigmoid(x); }
fn derivative(x: f32) -> f32 { return sigmoid(x) * sigmoid(-x); }
//! end
//! if TANH
fn value(x: f32, y: f32) -> f32 { return hyperbolic_tangent(x); }
fn derivative(x: f32) -> f32 { return 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x); }
//! end
//! if RELU
fn value(x: f32, y: f32) -> f32 { return select(x, 0.0, x < 0.0); }
fn derivative(x: f32) -> f32 { return select(0.0, 1.0, x > 0.0); }
//! end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item >= parameters.count) { return; }
  var rest = item;
  var x_at = parameters.x_first;
  var y_at = parameters.y_first;
  var out_at = parameters.out_first;
//! repeat a RANK
  {
    let i = rest % parameters.size_$a;
    rest /= parameters.size_$a;
    x_at += i * parameters.x_stride_$a;
    y_at += i * parameters.y_stride_$a;
    out_at += i * parameters.out_stride_$a;
  }
//! end
  let own_x = x[x_at];
  var own_y = 0.0;
//! if Y
  own_y = y[y_at];
//! end
//! if DERIVATIVE
  var result = own_y * derivative(own_x);
//! else
  var result = value(own_x, own_y);
//! end
//! if ACCUMULATE
  result += out[out_at];
//! end
  out[out_at] = result;
}
