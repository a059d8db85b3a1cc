// Text in SVG files.

/** Replaces the characters that would begin markup. */
export const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
