// What an edge carries before its normalisation (message_products.wgsl says why it is taken apart):
//
//     message(source, target, c) = GELU(products[source, c] + products[target, width + c] + sum_a W[c, 2 width + a] (p_source - p_target)[a])
//
// and where the edges lie: `graph` holds starts [nodes + 1], then the source of each edge, then the target of each edge,
// sorted by target, so that the edges into node j are starts[j] .. starts[j + 1]. For the backward pass the same again by
// source follows: source_starts [nodes + 1], then the edges that leave each node. The including file declares parameters
// with nodes, edges, width and weight_stride, and the arrays products, weight, positions and graph.
//! include gelu.wgsl

fn before_gelu(source: u32, target_node: u32, channel: u32) -> f32 {
  var value = products[source * 2 * parameters.width + channel] + products[(target_node * 2 + 1) * parameters.width + channel];
  let first = channel * parameters.weight_stride + 2 * parameters.width;
//! repeat a DIMENSIONS
  value = fma(weight[first + $a], positions[source * DIMENSIONS + $a] - positions[target_node * DIMENSIONS + $a], value);
//! end
  return value;
}

fn message(source: u32, target_node: u32, channel: u32) -> f32 { return gelu(before_gelu(source, target_node, channel)); }

fn edge_source(edge: u32) -> u32 { return graph[parameters.nodes + 1 + edge]; }
fn edge_target(edge: u32) -> u32 { return graph[parameters.nodes + 1 + parameters.edges + edge]; }
