// The independent reference of the model: the forward pass of src/SPECIFICATION.md in float64, sharing no code with the library.

export { type ReferenceConfig, type ReferenceConfigInput, readConfig, stateShapes } from "./reference/config.ts";
export { erf } from "./reference/erf.ts";
export { knnEdges, radiusEdges } from "./reference/graph.ts";
export { type BatchTree, buildTrees, offsetsOf } from "./reference/levels.ts";
export { type ReferenceInput, type ReferenceOutput, type ReferenceState, referenceForward } from "./reference/model.ts";
export { buildCloudTree, partition, rotatePositions } from "./reference/tree.ts";
