// Modules to build models from: the base class, general layers, and the parts of Erwin.

export type { GraphPart } from "../tensor/operators/messages.ts";
export { BallAttention, type BlockShape, ErwinBlock, SwiGLU } from "./block.ts";
export type { FoundValues, Misfits, RestoreOptions } from "./checkpoint.ts";
export { Dropout } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
export type { Grouping, LevelGeometry, NodeOrder } from "./geometry.ts";
export { BallLayer, type LayerShape } from "./layer.ts";
export { Linear, type LinearOptions } from "./linear.ts";
export { ErwinEmbedding, MPNN, type MPNNShape } from "./messages.ts";
export { type InitializeOptions, Module, type ModuleLoadOptions } from "./module.ts";
export * from "./norms.ts";
export { type Counter, type Initializer, normal, ones, type Parameter, uniform, zeros } from "./parameter.ts";
export { BallPooling, BallUnpooling, type PoolingShape } from "./pooling.ts";
export { GELU, type Layer, MLP, ReLU, Sequential, SiLU } from "./sequential.ts";
