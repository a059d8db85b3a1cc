// XML as data files use it: elements and attributes, by where they are in the file. Documents of text are not what this is for.
//
// Only what takes bounded time and memory is read: a document type, which is where entities that grow come from, is refused, and
// text is not collected.

import { SaxesParser } from "saxes";
import { formatError } from "./bytes.ts";
import { decodeName, latin1 } from "./text.ts";

/** No format read here is near as deep. */
const MOST_DEPTH = 32;
const CHUNK = 65_536;

/** A tag: of an element's beginning, or of its end. */
export interface XmlTag {
  name: string;
  /** Offset of its first byte in the file. */
  start: number;
  /** Offset of the first byte after it. */
  end: number;
}

export interface XmlOpenTag extends XmlTag {
  attributes: ReadonlyMap<string, string>;
  /** Whether the element ends here (`<Piece/>`): its end is told too, as a tag of no bytes. */
  isClosed: boolean;
}

export interface XmlHandler {
  /** @returns true where reading is to end, with what comes after this tag unread: it may be no XML */
  open(tag: XmlOpenTag): boolean;
  close(tag: XmlTag): void;
}

class Stop extends Error {}

/**
 * Tells of the tags of a document in their order.
 * @throws FormatError for what is no XML, for a document type, for elements in each other without end
 */
export function readXml(bytes: Uint8Array, file: string, handler: XmlHandler): void {
  // Decoded one character a byte, so that characters count bytes; names are made of them later.
  const parser = new SaxesParser({ defaultXMLVersion: "1.0", forceXMLVersion: true });
  const origin = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const position = () => origin + parser.position;
  const refuse = (problem: string) => {
    throw formatError(file, problem, { offset: position() });
  };
  let depth = 0;
  parser.on("doctype", () => refuse("has a document type, which is not read: it can make a small file endless."));
  parser.on("opentag", ({ name, attributes, isSelfClosing }) => {
    if (++depth > MOST_DEPTH) refuse(`has more than ${MOST_DEPTH} elements in each other.`);
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
      // slice, not subarray: text decoders refuse shared memory.
      parser.write(latin1.decode(bytes.slice(at, at + CHUNK)));
    }
    parser.close();
  } catch (error) {
    if (error instanceof Stop) return;
    if (error instanceof Error && error.name === "FormatError") throw error;
    const problem = (error as Error).message.slice(0, 200);
    throw formatError(file, `no XML, or cut short: ${problem}`, { offset: position() }, { cause: error });
  }
}

/** Text as it stands in an attribute. */
export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}
