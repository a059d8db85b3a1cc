// The XML in answers of servers: small documents, read whole.

import { SaxesParser } from "saxes";

export interface XmlElement {
  /** Without the prefix of its namespace. */
  name: string;
  children: XmlElement[];
  /** The text directly in it. */
  text: string;
}

/**
 * Returns the outermost element of a document in UTF-8; undefined if it is not XML.
 * @throws nothing: a server's answer may be a page of a proxy
 */
export function parseXml(document: Uint8Array): XmlElement | undefined {
  const parser = new SaxesParser();
  const outermost: XmlElement = { name: "", children: [], text: "" };
  const open = [outermost];
  let isValid = true;
  parser.on("error", () => {
    isValid = false;
  });
  parser.on("doctype", () => {
    isValid = false;
  });
  parser.on("opentag", ({ name }) => {
    const element: XmlElement = { name: name.slice(name.indexOf(":") + 1), children: [], text: "" };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on("text", (part) => {
    const element = open.at(-1);
    if (element) element.text += part;
  });
  parser.on("closetag", () => {
    open.pop();
  });
  parser.write(new TextDecoder().decode(document)).close();
  return isValid ? outermost.children[0] : undefined;
}

/** Returns all elements of a name in an element, at any depth. */
export function elementsOf(element: XmlElement | undefined, name: string): XmlElement[] {
  if (!element) return [];
  return element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...elementsOf(child, name)]);
}

/** Returns the text of the first element of a name, at any depth. */
export const textOf = (element: XmlElement | undefined, name: string): string | undefined =>
  elementsOf(element, name)[0]?.text;
