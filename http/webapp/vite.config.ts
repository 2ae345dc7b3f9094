import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// What public/sw.js keeps for a start without the network.
const offlineFiles: Plugin = {
  name: 'offline-files',
  apply: 'build',
  generateBundle(_, bundle) {
    const files = [
      '/icon.svg',
      ...Object.keys(bundle)
        .filter((f) => f.startsWith('assets/'))
        .map((f) => `/${f}`),
    ];
    this.emitFile({ type: 'asset', fileName: 'offline.json', source: JSON.stringify({ files }) });
  },
};

export default defineConfig({
  plugins: [svelte(), offlineFiles],
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
    // Only against hanging: a busy machine is no failure.
    testTimeout: 60_000,
  },
});
