// A graph under construction: nodes are added in the order of computation, and each names its outputs.

import { describe } from "../arguments/kinds.ts";
import { ConfigError, InputError } from "../errors.ts";
import type { Module } from "../nn/module.ts";
import { nearestName } from "../spelling.ts";
import {
  type ElementType,
  elementTypes,
  type GraphProto,
  type NodeAttribute,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto.ts";

/** The name of an input, a constant or an output of a node. */
export type Value = string;

/** A tensor of a model, on the host. */
export interface Weight {
  shape: readonly number[];
  data: Float32Array;
}

type Attributes = Readonly<Record<string, NodeAttribute>>;

/**
 * Adds the nodes for what a module computes in evaluation mode.
 * @param graph the graph as the module sees it: its weights have the names that the module declared
 */
export type Description<Part extends Module> = (graph: GraphBuilder, module: Part, ...inputs: Value[]) => Value;

/** Descriptions by module class; they also apply to derived classes. */
export class Descriptions {
  readonly #byClass = new Map<unknown, Description<never>>();

  add<Part extends Module>(type: abstract new (...args: never[]) => Part, description: Description<Part>): this {
    this.#byClass.set(type, description);
    return this;
  }

  /** @throws ConfigError if neither the module itself nor its class has one */
  of(module: Module & { onnx?(graph: GraphBuilder, ...inputs: Value[]): Value }): Description<Module> {
    const { onnx } = module;
    if (onnx) return (graph, part, ...inputs) => onnx.call(part, graph, ...inputs);
    for (let type: unknown = module.constructor; type; type = Object.getPrototypeOf(type)) {
      const description = this.#byClass.get(type);
      if (description) return description as Description<Module>;
    }
    const name = module.constructor.name;
    throw new ConfigError(
      `${name} has no ONNX description: give the class a method onnx(graph, ...inputs) that adds what it computes`,
      { field: name },
    );
  }
}

/** The input of a graph's construction, shared by all parts. */
export interface GraphSource {
  model: Module;
  /** The model's weights, by their names in checkpoints. */
  weights: ReadonlyMap<string, Weight>;
  descriptions: Descriptions;
  /** See `OnnxOptions`. */
  points: number | undefined;
}

/** The graph that all parts add to. */
interface Draft {
  names: ReadonlyMap<Module, string>;
  nodes: NodeProto[];
  constants: Map<string, TensorProto>;
  inputs: Map<string, ValueInfoProto>;
  outputs: ValueInfoProto[];
  metadata: Record<string, string>;
}

const draftOf = ({ model }: GraphSource): Draft => ({
  names: new Map([...model.modules()].map(([name, module]) => [module, name])),
  nodes: [],
  constants: new Map(),
  inputs: new Map(),
  outputs: [],
  metadata: {},
});

/** A graph as a part of the model sees it: weights, and the nodes that use them, are named relative to that part. */
export class GraphBuilder {
  constructor(
    private readonly source: GraphSource,
    private readonly draft = draftOf(source),
    private readonly place = "",
  ) {}

  /** See `OnnxOptions`. */
  get points(): number | undefined {
    return this.source.points;
  }

  /** The file's metadata. */
  get metadata(): Record<string, string> {
    return this.draft.metadata;
  }

  /**
   * Returns the same graph as one of the model's modules sees it.
   * @throws InputError for what is no part of the model
   */
  at(module: Module): GraphBuilder {
    const place = this.draft.names.get(module);
    if (place !== undefined) return new GraphBuilder(this.source, this.draft, place);
    const found = describe(module);
    throw new InputError(`${found} is no part of the exported model: declare it by this.child in its class`, { found });
  }

  /**
   * Adds the nodes for one of the model's modules, by its own method `onnx` or by the description of its class.
   * @throws ConfigError if it has neither; InputError for what is no part of the model
   */
  module(module: Module, ...inputs: Value[]): Value {
    const part = this.at(module);
    return this.source.descriptions.of(module)(part, module, ...inputs);
  }

  /** Returns the same graph as a part of this part sees it. */
  within(part: string): GraphBuilder {
    return new GraphBuilder(this.source, this.draft, this.#named(part));
  }

  /**
   * Returns an input of the model; it is added once, however often it is requested.
   * @param shape sizes; those that may vary are names
   */
  input(name: string, type: ElementType, shape: readonly (number | string)[], doc: string): Value {
    if (!this.draft.inputs.has(name)) this.draft.inputs.set(name, { name, type, shape, doc });
    return name;
  }

  /** Adds an output of the model. */
  output(value: Value, name: string, shape: readonly (number | string)[], doc: string): void {
    this.draft.nodes.push({ type: "Identity", name, inputs: [value], outputs: [name], attributes: {} });
    this.draft.outputs.push({ name, type: "float32", shape, doc });
  }

  /**
   * Returns one of this part's weights.
   * @throws InputError naming the most similar weight, or all that this part has
   */
  weight(name: string): Weight {
    const { weights } = this.source;
    const weight = weights.get(this.#named(name));
    if (weight) return weight;
    const prefix = this.#named("");
    const known = [...weights.keys()].flatMap((full) => (full.startsWith(prefix) ? full.slice(prefix.length) : []));
    const nearest = nearestName(name, known);
    const advice = nearest === undefined ? `known are ${known.join(", ") || "none"}` : `did you mean ${nearest}?`;
    throw new InputError(`${this.place || "the model"} has no weight ${name}: ${advice}`, {
      tensor: this.#named(name),
      expected: known,
    });
  }

  /** Adds one of this part's weights as a constant; throws as `weight` does. */
  parameter(name: string): Value {
    return this.constant(name, this.weight(name));
  }

  /** Adds a constant computed from this part's weights. */
  constant(name: string, { shape, data }: Weight): Value {
    return this.#constant({ name: this.#named(name), type: "float32", shape, data });
  }

  /** Returns a float constant, shared by the whole graph. */
  float(value: number): Value {
    return this.#constant({ name: `float ${value}`, type: "float32", shape: [], data: Float32Array.of(value) });
  }

  /** Returns an integer constant, shared by the whole graph. */
  integer(value: number): Value {
    return this.#constant({
      name: `integer ${value}`,
      type: "int64",
      shape: [],
      data: BigInt64Array.of(BigInt(value)),
    });
  }

  /** Returns a constant list of integers, such as a shape or axes, shared by the whole graph. */
  integers(...values: number[]): Value {
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant({ name: `integers ${values}`, type: "int64", shape: [values.length], data });
  }

  /** Adds a node with one output. */
  node(type: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    return this.nodes(type, inputs, 1, attributes)[0];
  }

  /** Adds a node with the given number of outputs. */
  nodes(type: string, inputs: readonly Value[], outputs: number, attributes: Attributes = {}): Value[] {
    const name = `${this.place}/${type} ${this.draft.nodes.length}`;
    const values = Array.from({ length: outputs }, (_, i) => (outputs === 1 ? name : `${name}.${i}`));
    this.draft.nodes.push({ type, name, inputs, outputs: values, attributes });
    return values;
  }

  reshape(x: Value, ...shape: number[]): Value {
    return this.node("Reshape", [x, this.integers(...shape)]);
  }

  transpose(x: Value, ...axes: number[]): Value {
    return this.node("Transpose", [x], { perm: { ints: axes } });
  }

  /** Gathers the rows `index` of x. */
  gather(x: Value, index: Value): Value {
    return this.node("Gather", [x, index]);
  }

  concatenate(...columns: Value[]): Value {
    return this.node("Concat", columns, { axis: { i: 1 } });
  }

  int32(x: Value): Value {
    return this.node("Cast", [x], { to: { i: elementTypes.int32 } });
  }

  add(a: Value, b: Value): Value {
    return this.node("Add", [a, b]);
  }

  subtract(a: Value, b: Value): Value {
    return this.node("Sub", [a, b]);
  }

  multiply(a: Value, b: Value): Value {
    return this.node("Mul", [a, b]);
  }

  divide(a: Value, b: Value): Value {
    return this.node("Div", [a, b]);
  }

  /** @internal Returns the graph as it is written to a file. */
  finish(name: string): GraphProto {
    return {
      name,
      nodes: this.draft.nodes,
      initializers: [...this.draft.constants.values()],
      inputs: [...this.draft.inputs.values()],
      outputs: this.draft.outputs,
    };
  }

  #named(name: string): string {
    return this.place ? `${this.place}.${name}` : name;
  }

  #constant(tensor: TensorProto): Value {
    this.draft.constants.set(tensor.name, tensor);
    return tensor.name;
  }
}
