// Reads XML in the way that data files use it: elements and attributes, with their offsets in the file, but not text.
//
// Time and memory are bounded: a document type is rejected, because its entities can expand without limit, and text is not
// collected.

import { SaxesParser } from "saxes";
import { howToAllow, limits } from "../../limits.ts";
import { formatError } from "./bytes.ts";
import { byteOrderMarkLength, decodeName } from "./text.ts";

const CHUNK = 65_536;

/** An opening or closing tag. */
export interface XmlTag {
  name: string;
  /** The offset of its first byte in the file. */
  start: number;
  /** The offset of the first byte after it. */
  end: number;
}

export interface XmlOpenTag extends XmlTag {
  attributes: ReadonlyMap<string, string>;
  /** Whether the tag also closes the element (`<Piece/>`); the handler then gets a closing tag of no bytes, too. */
  isClosed: boolean;
}

export interface XmlHandler {
  /** @returns true to stop reading; what comes after this tag need not be XML */
  open(tag: XmlOpenTag): boolean;
  close(tag: XmlTag): void;
}

class Stop extends Error {}

/**
 * Calls a handler for the tags of a document, in their order.
 * @throws FormatError for bytes that are not XML, for a document type, and for elements that are nested too deeply
 */
export function readXml(bytes: Uint8Array, file: string, handler: XmlHandler): void {
  // Text is decoded one character per byte, so that positions in it are offsets in bytes; names are decoded properly later.
  const parser = new SaxesParser({ defaultXMLVersion: "1.0", forceXMLVersion: true });
  const origin = byteOrderMarkLength(bytes);
  const position = () => origin + parser.position;
  const refuse = (problem: string) => {
    throw formatError(file, problem, { offset: position() });
  };
  let depth = 0;
  parser.on("doctype", () => refuse("has a document type, which is not read: it can make a small file endless."));
  parser.on("opentag", ({ name, attributes, isSelfClosing }) => {
    if (++depth > limits.depth)
      refuse(`has more than ${limits.depth} nested elements, ${howToAllow("depth", 2 * limits.depth)}.`);
    const end = position();
    const named = new Map(Object.entries(attributes).map(([key, value]) => [key, decodeName(value)]));
    const start = bytes.lastIndexOf(0x3c, end - 1);
    if (handler.open({ name, attributes: named, start, end, isClosed: isSelfClosing })) throw new Stop();
  });
  parser.on("closetag", ({ name, isSelfClosing }) => {
    depth--;
    const end = position();
    handler.close({ name, start: isSelfClosing ? end : bytes.lastIndexOf(0x3c, end - 1), end });
  });
  try {
    for (let at = origin; at < bytes.length; at += CHUNK) {
      // A slice copies the bytes, because text decoders reject shared memory.
      parser.write(new TextDecoder("latin1").decode(bytes.slice(at, at + CHUNK)));
    }
    parser.close();
  } catch (error) {
    if (error instanceof Stop) return;
    if (error instanceof Error && error.name === "FormatError") throw error;
    const problem = (error as Error).message.slice(0, 200);
    throw formatError(file, `not XML, or truncated: ${problem}`, { offset: position() }, { cause: error });
  }
}

/** Escapes text for an attribute. */
export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}
