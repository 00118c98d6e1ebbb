// Kept outside the bundle and outside the page: it must run before the first paint, and the
// Content-Security-Policy allows no inline script. The key is the one of src/theme/theme.ts.
try {
  const chosen = localStorage.getItem('signalbox.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is forbidden here: the system's theme holds.
}
