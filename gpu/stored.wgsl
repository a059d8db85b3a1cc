// How arrays of float32 are bound: with VEC4, where every row's width is a multiple of 4, as vec4s, which a GPU loads with one
// access instead of four. A place in an array is counted in what it holds: index i of an element is place i >> STORED_SHIFT.
//! if VEC4
alias Stored = vec4f;
const ELEMENTS: u32 = 4;
const STORED_SHIFT: u32 = 2;
fn total_of(stored: Stored) -> f32 { return (stored.x + stored.y) + (stored.z + stored.w); }
//! else
alias Stored = f32;
const ELEMENTS: u32 = 1;
const STORED_SHIFT: u32 = 0;
fn total_of(stored: Stored) -> f32 { return stored; }
//! end
