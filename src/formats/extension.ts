// The extension of a file's name, which chooses its format.

/** Returns what follows the last dot of a name, in lower case: "vtu"; "" for a name without a dot. */
export const extensionOf = (file: string): string => /\.(\w+)$/.exec(file)?.[1].toLowerCase() ?? "";

/** Returns the extension with its dot: ".vtu"; "" for a name without one. */
export const dottedExtensionOf = (file: string): string => /\.\w+$/.exec(file)?.[0].toLowerCase() ?? "";

/** Returns the format of a file's name, which is its extension, or of a name that is a format alone: "ply". */
export const formatNamed = (name: string): string => /(?:^|\.)(\w+)$/.exec(name)?.[1].toLowerCase() ?? "";

/** The extensions of files that torch.save writes. */
export const torchExtensions: readonly string[] = ["pt", "pth", "ckpt", "th"];
