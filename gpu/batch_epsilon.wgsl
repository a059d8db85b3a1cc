// BatchNorm's epsilon.
const BATCH_EPSILON: f32 = 1e-5;
