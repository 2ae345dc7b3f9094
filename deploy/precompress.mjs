// Writes x.br and x.gz beside each file x below a directory that gets smaller by it: precompress.mjs <directory>.
// The web target serves them as they are. The same content always gives the same bytes.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

// What is compressed already gains nothing: images, fonts of the woff kinds.
const compressible = new Set(
  ['.html', '.js', '.mjs', '.css', '.json', '.map', '.svg', '.txt', '.wasm', '.webmanifest', '.xml'],
);

const variants = {
  '.br': (content) =>
    promisify(brotliCompress)(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      },
    }),
  '.gz': (content) => promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
};

const [directory] = process.argv.slice(2);
if (!directory) {
  console.error('usage: precompress.mjs <directory>');
  process.exit(2);
}

for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !compressible.has(extname(file))) continue;
  const content = await readFile(file);
  for (const [extension, compress] of Object.entries(variants)) {
    const compressed = await compress(content);
    if (compressed.length < content.length) await writeFile(file + extension, compressed);
    else await rm(file + extension, { force: true });
  }
}
