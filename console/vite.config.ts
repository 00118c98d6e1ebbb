import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/admin/dashboard/',
  plugins: [react(), tailwindcss()],
  build: {
    outDir: fileURLToPath(new URL('../dist/web', import.meta.url)),
    emptyOutDir: true,
    // The style sheet leans on light-dark() and oklab mixing; older browsers would get unreadable colours.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // A data: URI for a small file would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // `npx vite console` beside a running server: the page comes from Vite, the data from Signalbox.
    proxy: Object.fromEntries(['/api', '/jobs', '/assets'].map((path) => [path, 'http://127.0.0.1:8000'])),
  },
});
