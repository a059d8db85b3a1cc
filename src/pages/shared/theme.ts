// Applies the colours the visitor has chosen before the first paint; without a choice they are the system's. It is loaded as a
// plain script, and imports nothing.

try {
  const chosen = localStorage.getItem("erwin-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // A visitor who allows no storage has the system's colours.
}
