// How arrays of float32 are bound: with QUADS, where every row's width is a multiple of 4, a quad of numbers at a time, for
// which a GPU needs one access where it would need four.
//! if QUADS
alias Stored = vec4f;
//! else
alias Stored = f32;
//! end
