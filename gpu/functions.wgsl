// Scalar functions that WGSL lacks, or defines only to a few digits.
alias Argument = f32;
//! include gelu.wgsl

// 1 / (1 + exp(-x)) without overflow. 1 - sigmoid(x) is sigmoid(-x), to full precision.
fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

// tanh(x) to full relative precision, where WGSL's own need only be as exact as sinh(x) / cosh(x): near 0 the odd polynomial of Moshier's
// Cephes.
fn hyperbolic_tangent(x: f32) -> f32 {
  let t = x * x;
  let near = x + x * t * (-3.33332819422e-1 + t * (1.33314422036e-1 + t * (-5.37397155531e-2 + t * (2.06390887954e-2 - t * 5.70498872745e-3))));
  let e = exp(-2.0 * abs(x));
  let far = (1.0 - e) / (1.0 + e);
  return select(near, select(far, -far, x < 0.0), abs(x) >= 0.625);
}

// log(1 + e) for e in 0 .. 1, to full relative precision: the series of 2 atanh(s) with s = e / (2 + e) <= 1/3.
fn log_one_plus(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let t = s * s;
  return 2.0 * s * (1.0 + t * (1.0 / 3 + t * (1.0 / 5 + t * (1.0 / 7 + t * (1.0 / 9 + t * (1.0 / 11 + t * (1.0 / 13)))))));
}

// log(1 + exp(x)), which tends to x for large x and to exp(x) for large -x, without overflow or early underflow.
fn softplus(x: f32) -> f32 { return max(x, 0.0) + log_one_plus(exp(-abs(x))); }

// sin(x + quarters_ahead pi / 2) with an error below 2e-7 for |x| < 8192; WGSL's own sine need only be accurate to 5e-4. The
// quarter turns are subtracted in three steps, whose constants have few digits, so that the products are exact (Cody and Waite
// 1980); the polynomials for the remainder, at most pi / 4, are those of Moshier's Cephes.
fn sine(x: f32, quarters_ahead: i32) -> f32 {
  let quarters = round(x * 0.6366197723675814);
  let rest = ((x - quarters * 1.5703125) - quarters * 4.837512969970703e-4) - quarters * 7.549789948768648e-8;
  let t = rest * rest;
  let odd = rest + rest * t * (-1.6666654611e-1 + t * (8.3321608736e-3 - t * 1.9515295891e-4));
  let even = 1.0 - 0.5 * t + t * t * (4.166664568298827e-2 + t * (-1.388731625493765e-3 + t * 2.443315711809948e-5));
  let quadrant = i32(quarters) + quarters_ahead;
  let magnitude = select(odd, even, (quadrant & 1) == 1);
  return select(magnitude, -magnitude, (quadrant & 2) == 2);
}
