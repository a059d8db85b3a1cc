// The exact GELU, x Phi(x) = x (1 + erf(x / sqrt 2)) / 2. WGSL has no erf: Abramowitz and Stegun 7.1.26, error below 2e-7.

fn error_function(x: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let magnitude = 1.0 - series * exp(-x * x);
  return select(magnitude, -magnitude, x < 0.0);
}

fn gelu(x: f32) -> f32 {
  return 0.5 * x * (1.0 + error_function(x * 0.7071067811865476));
}

// d gelu(x) / dx = Phi(x) + x phi(x)
fn gelu_slope(x: f32) -> f32 {
  return 0.5 * (1.0 + error_function(x * 0.7071067811865476)) + x * exp(-0.5 * x * x) * 0.3989422804014327;
}
