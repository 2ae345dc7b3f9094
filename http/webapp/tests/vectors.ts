// The vectors that all programs of this repository share.
import { readFileSync } from 'node:fs';

const file = new URL('../../../tests/vectors/vectors.json', import.meta.url);
export const vectors = JSON.parse(readFileSync(file, 'utf8')) as any;
