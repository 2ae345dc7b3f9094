import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  resolve: {
    alias: { $lib: new URL('./src', import.meta.url).pathname },
    // Components under test are those of the browser.
    conditions: ['browser'],
  },
  server: {
    // `npm run dev` beside a running service: MANA_SERVICE_URL, default that of deploy/up.sh.
    proxy: Object.fromEntries(
      ['/api', '/sync', '/ws', '/config.json'].map((path) => [
        path,
        { target: process.env.MANA_SERVICE_URL ?? 'http://127.0.0.1:3067', ws: path === '/ws' },
      ]),
    ),
  },
  build: {
    target: 'es2022',
    // Data URLs of scripts and fonts would need a weaker content-security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
  },
});
