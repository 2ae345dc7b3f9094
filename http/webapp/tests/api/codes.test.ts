import { errorCodes } from '$lib/api/codes';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

// The service's sources beside this app.
const http = new URL('../../..', import.meta.url).pathname;
const sources = [http, join(http, 'server')].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.cpp'))
    .map((name) => readFileSync(join(folder, name), 'utf8')),
);

describe('codes of errors', () => {
  const sent = sources.flatMap((text) => [
    ...[...text.matchAll(/return \{\d{3}, "([A-Z_]+)"\}/g)].map((m) => m[1]!),
    ...[...text.matchAll(/error_response\(\d{3}, "([A-Z_]+)"/g)].map((m) => m[1]!),
  ]);
  it('of the service are known here', () => {
    expect(sent.length).toBeGreaterThan(40);
    expect(sent.filter((code) => !errorCodes.includes(code))).toEqual([]);
  });
  it('stand there once', () => expect(new Set(errorCodes).size).toBe(errorCodes.length));
});
