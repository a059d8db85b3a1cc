// RMSNorm's epsilon, float32's machine epsilon (spec).
const RMS_EPSILON: f32 = 1.1920928955078125e-7;
