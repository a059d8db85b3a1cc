// LayerNorm's epsilon.
const LAYER_EPSILON: f32 = 1e-5;
