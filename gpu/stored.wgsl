// How arrays of float32 are bound: with VEC4, where every row's width is a multiple of 4, as vec4s, which a GPU loads with one
// access instead of four.
//! if VEC4
alias Stored = vec4f;
const ELEMENTS: u32 = 4;
fn total_of(stored: Stored) -> f32 { return (stored.x + stored.y) + (stored.z + stored.w); }
//! else
alias Stored = f32;
const ELEMENTS: u32 = 1;
fn total_of(stored: Stored) -> f32 { return stored; }
//! end
