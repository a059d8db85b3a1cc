// What Vite before 8 bundles for its development server loses its workers and WebAssembly modules.
export default { optimizeDeps: { exclude: ["erwin"] } };
