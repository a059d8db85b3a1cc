// A graph under construction: nodes are added in the order they compute, each gives its values a name.

import {
  type Attribute,
  type ElementType,
  elementTypes,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto.ts";

/** What an input, a constant or a node holds, by its name. */
export type Value = string;

/** A tensor of a model, on the host. */
export interface Weight {
  shape: readonly number[];
  data: Float32Array;
}

type Attributes = Readonly<Record<string, Attribute>>;

/** What all parts of a graph add to. */
interface Draft {
  nodes: NodeProto[];
  constants: Map<string, TensorProto>;
  inputs: ValueInfoProto[];
  outputs: ValueInfoProto[];
}

/** A part of the model, whose weights are named by their place in it, as are the nodes that compute it. */
export class GraphBuilder {
  /** @param weights of the model, by the names of its checkpoints */
  constructor(
    private readonly weights: ReadonlyMap<string, Weight>,
    private readonly draft: Draft = { nodes: [], constants: new Map(), inputs: [], outputs: [] },
    private readonly place = "",
  ) {}

  /** The same graph, seen from one of the parts of this one. */
  within(part: string): GraphBuilder {
    return new GraphBuilder(this.weights, this.draft, this.#named(part));
  }

  input(name: string, type: ElementType, shape: readonly (number | string)[], doc: string): Value {
    this.draft.inputs.push({ name, type, shape, doc });
    return name;
  }

  output(value: Value, name: string, shape: readonly (number | string)[], doc: string): void {
    this.draft.nodes.push({ type: "Identity", name, inputs: [value], outputs: [name], attributes: {} });
    this.draft.outputs.push({ name, type: "float32", shape, doc });
  }

  /** The numbers of one of this part's weights. */
  weight(name: string): Weight {
    return this.weights.get(this.#named(name))!;
  }

  /** One of this part's weights, as it is. */
  parameter(name: string): Value {
    return this.constant(name, this.weight(name));
  }

  /** Numbers computed from this part's weights. */
  constant(name: string, { shape, data }: Weight): Value {
    return this.#constant({ name: this.#named(name), type: "float32", shape, data });
  }

  /** One float, for all of the graph. */
  float(value: number): Value {
    return this.#constant({ name: `float ${value}`, type: "float32", shape: [], data: Float32Array.of(value) });
  }

  /** One whole number, for all of the graph. */
  integer(value: number): Value {
    return this.#constant({
      name: `integer ${value}`,
      type: "int64",
      shape: [],
      data: BigInt64Array.of(BigInt(value)),
    });
  }

  /** A list of whole numbers, such as a shape or axes, for all of the graph. */
  integers(...values: number[]): Value {
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant({ name: `integers ${values}`, type: "int64", shape: [values.length], data });
  }

  /** Adds a node with one output. */
  node(type: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    return this.nodes(type, inputs, 1, attributes)[0]!;
  }

  /** Adds a node with as many outputs as are asked for. */
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

  /** The rows of x that `index` names. */
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

  finish(name: string): GraphProto {
    return {
      name,
      nodes: this.draft.nodes,
      initializers: [...this.draft.constants.values()],
      inputs: this.draft.inputs,
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
