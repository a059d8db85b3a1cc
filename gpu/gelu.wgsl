// The exact GELU, x Phi(x) with Phi(x) = (1 + erf(x / sqrt 2)) / 2, and its derivative. WGSL has no erf: Abramowitz and Stegun
// 7.1.26 is used, with an error of Phi below 4e-7 in float32. The including file declares Argument: f32, or a vector of them.

// exp(-x^2 / 2), which Phi and the derivative share.
fn bell(x: Argument) -> Argument { return exp(-0.5 * x * x); }

fn distribution(x: Argument, bell_of_x: Argument) -> Argument {
  let t = 1.0 / (1.0 + 0.23164189 * abs(x));
  let series = t * (0.127414796 + t * (-0.142248368 + t * (0.7107068705 + t * (-0.7265760135 + t * 0.5307027145))));
  let tail = series * bell_of_x;
  return select(1.0 - tail, tail, x < Argument(0));
}

fn gelu(x: Argument) -> Argument { return x * distribution(x, bell(x)); }

struct Gelu {
  value: Argument,
  derivative: Argument,
}

// Returns gelu(x) and d gelu(x) / dx = Phi(x) + x phi(x).
fn gelu_and_derivative(x: Argument) -> Gelu {
  let bell_of_x = bell(x);
  let share = distribution(x, bell_of_x);
  return Gelu(x * share, share + x * bell_of_x * 0.3989422804014327);
}
