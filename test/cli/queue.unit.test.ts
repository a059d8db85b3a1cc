// How a queue's address is shown.
import { expect, it } from "vitest";
import { nameOf } from "../../src/cli/queue/queue.ts";

it.each([
  ["redis://127.0.0.1:6379", "redis://127.0.0.1:6379"],
  ["rediss://:secret@host:6379/1", "rediss://@host:6379/1"],
  ["postgres://user:sec@ret@host:5432/jobs?sslmode=require", "postgres://user@host:5432/jobs?sslmode=require"],
])("the address %s is printed without its password", (address, name) => {
  expect(nameOf(address)).toBe(name);
});
