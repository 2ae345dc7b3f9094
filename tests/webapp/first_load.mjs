// How much a browser fetches before the app shows: first_load.mjs <dist> <limit in kB>. The page, its style sheets and
// its scripts with all that they import at once, each as the web target sends it to a browser that takes Brotli.
// Prints the sum and its parts; exit code 1 when it exceeds the limit.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

const [dist, limit] = process.argv.slice(2);
if (!dist || !(Number(limit) > 0)) {
  console.error('usage: first_load.mjs <dist> <limit in kB>');
  process.exit(2);
}

function* matches(text, pattern) {
  for (const found of text.matchAll(pattern)) yield found[1];
}

// `import "./x.js"` and `from "./x.js"`, not `import("./x.js")`, which waits until it is needed.
const importedAtOnce = /\b(?:import|from)\s*["'](\.{1,2}\/[^"']+)["']/g;

const parts = new Map();
function add(path) {
  if (parts.has(path)) return;
  const file = join(dist, path);
  parts.set(path, statSync(existsSync(`${file}.br`) ? `${file}.br` : file).size);
  if (path.endsWith('.js'))
    for (const imported of matches(readFileSync(file, 'utf8'), importedAtOnce))
      add(posix.join(posix.dirname(path), imported));
}

const page = readFileSync(join(dist, 'index.html'), 'utf8');
add('index.html');
for (const path of matches(page, /<script[^>]*\ssrc="\/?([^"]+)"/g)) add(path);
for (const link of page.match(/<link[^>]*>/g) ?? [])
  if (/rel="(stylesheet|modulepreload)"/.test(link)) for (const path of matches(link, /href="\/?([^"]+)"/g)) add(path);

if (![...parts.keys()].some((path) => path.endsWith('.js'))) {
  console.error('index.html loads no script: this is not the built app');
  process.exit(1);
}
const kilobytes = [...parts.values()].reduce((sum, size) => sum + size, 0) / 1000;
for (const [path, size] of parts) console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${path}`);
console.log(`${kilobytes.toFixed(1).padStart(7)} kB  in all, of ${limit} kB`);
process.exit(kilobytes <= Number(limit) ? 0 : 1);
