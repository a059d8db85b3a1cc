// Gives the page a language that Intl accepts. In the system's locale C, WebKit's is "C", with which uPlot's first line throws.

try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en" });
}
