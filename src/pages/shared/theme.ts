// Applies the colours that the user has chosen before the first paint; the default is the system's choice. It is loaded as a plain
// script, and imports nothing.

try {
  const chosen = localStorage.getItem("erwin-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // Without storage, the colours are the system's.
}
