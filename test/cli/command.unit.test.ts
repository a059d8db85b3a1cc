// How the command line reads its words, and writes numbers and words for people.
import { describe, expect, it } from "vitest";
import { Arguments, type Command, UsageError } from "../../src/cli/command.ts";
import { formatBytes, formatTable, formatTime, quoteWord } from "../../src/cli/text.ts";

const option = { value: "V", description: "" };
const command: Command = {
  summary: "",
  usage: "",
  options: {
    sizes: option,
    angle: option,
    mode: option,
    file: option,
    from: { ...option, repeats: true },
    quick: { description: "" },
  },
  positionals: 1,
  run: async () => {},
};
const parse = (...words: string[]) => Arguments.parse(command, words);

describe("Arguments", () => {
  it("refuses a long word of letters after one dash, which Node's parser takes many seconds for", () => {
    expect(() => parse(`-${"1".repeat(60_000)}`)).toThrow(new UsageError('Unknown option "-1111111111111111111..."'));
  });

  it("says how a name that begins with a dash is given", () => {
    const problem = "Option '--file' has no value: one that begins with a dash is given as --file=VALUE";
    expect(() => parse("--file", "-a.npz")).toThrow(new UsageError(problem));
    expect(parse("--file=-a.npz", "./-b.npz").text("file")).toBe("-a.npz");
    expect(() => parse("-b.npz")).toThrow(
      new UsageError("Unknown option '-b': a file of such a name is given as ./-NAME"),
    );
    expect(() => parse("--other")).toThrow(new UsageError("Unknown option '--other'"));
  });

  it("reads what is given, and leaves out what is not", () => {
    const args = parse("--sizes", "2, 4,8", "--angle=-4.5e1", "--mode", "eval", "stray");
    expect(args.counts("sizes")).toEqual([2, 4, 8]);
    expect(args.number("angle", "", () => true)).toBe(-45);
    expect(args.choice("mode", ["eval", "train"])).toBe("eval");
    for (const angle of ["-45", "-.5", "-4.5e1"]) {
      expect(parse("--angle", angle, "stray").number("angle", "", () => true)).toBe(Number(angle));
    }
    expect(args.text("file")).toBeUndefined();
    expect(args.positionals).toEqual(["stray"]);
    expect([args.texts("from"), args.has("quick")]).toEqual([[], false]);
    const more = parse("--from", "a", "--quick", "--file", "x", "--from", "b", "--file", "y");
    expect([more.texts("from"), more.has("quick"), more.text("file")]).toEqual([["a", "b"], true, "y"]);
  });

  it.each<[string, () => unknown]>([
    ["an unknown option", () => parse("--other", "1")],
    ["an option without its value", () => parse("--sizes")],
    ["an option in place of a value", () => parse("--sizes", "--quick")],
    ["a number for a switch", () => parse("--quick", "-1")],
    ["a value for a switch", () => parse("--quick=1")],
    ["an empty one of several values", () => parse("--from", "a", "--from", "").texts("from")],
    ["an argument too many", () => parse("a", "b")],
    ["an empty list", () => parse("--sizes", "").counts("sizes")],
    ["a hole in a list", () => parse("--sizes", "1,,2").counts("sizes")],
    ["a fraction for a count", () => parse("--sizes", "1.5").counts("sizes")],
    ["a word for a number", () => parse("--angle", "right").number("angle", "degrees", () => true)],
    ["an infinite number", () => parse("--angle", "Infinity").number("angle", "degrees", () => true)],
    ["another choice", () => parse("--mode", "test").choice("mode", ["eval", "train"])],
    ["a missing option", () => parse().required("file")],
  ])("refuses %s", (_, read) => {
    expect(read).toThrow(UsageError);
  });
});

describe("text", () => {
  it("writes times, sizes and tables for people", () => {
    expect([0.1234, 12.34, 999.9, 4321].map(formatTime)).toEqual(["0.12 ms", "12.3 ms", "999.9 ms", "4.32 s"]);
    expect([0, 512, 1536, 2 ** 27].map(formatBytes)).toEqual(["0 bytes", "512 bytes", "1.5 KiB", "128 MiB"]);
    expect(
      formatTable([
        ["a", 1000],
        ["bcd", 5],
      ]),
    ).toBe("  a    1,000\n  bcd      5");
  });
});

it("quotes words that a shell would divide or interpret", () => {
  expect(["runs/größe-1", "my data", "it's", "$HOME"].map(quoteWord)).toEqual([
    "runs/größe-1",
    "'my data'",
    "'it'\\''s'",
    "'$HOME'",
  ]);
});
