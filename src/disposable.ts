// Defines `Symbol.dispose` where the language does not have it yet (Safari, Firefox before 141, Chrome before 134): `using`, as
// compilers write it for such browsers, looks for it when it ends. Every file with a class that has the method imports this one first,
// since a class takes the key when it is defined.

// The key that esbuild, Babel and Oxc take in its place.
if (!Symbol.dispose) Object.defineProperty(Symbol, "dispose", { value: Symbol.for("Symbol.dispose") });
