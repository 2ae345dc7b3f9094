import { concat, prefixed, toBase64, toHex, utf8 } from '$lib/crypto/bytes';
import { verifyChain, verifyHead, type ChainRow, type SignedHead } from '$lib/crypto/audit_chain';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';

// An own construction of the format, after actors/audit_chain/audit_chain.hpp.
function hashOf(userId: string, row: ChainRow): string {
  const hash = createHash('sha256').update('mana-ai-audit:v1');
  const { position, ts, missionId, iterationId, tableName, recordId, status, reason } = row;
  for (const text of [
    userId,
    `${position}`,
    ts,
    missionId,
    iterationId,
    tableName,
    recordId,
    status,
    reason,
  ]) {
    const bytes = Buffer.from(text ?? '', 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text === null ? 0xffffffff : bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.update(Buffer.from(row.previousHash, 'hex')).digest('hex');
}

function chainOf(userId: string, count: number): ChainRow[] {
  let previousHash = '00'.repeat(32);
  return Array.from({ length: count }, (_, n) => {
    const row: ChainRow = {
      id: `${n + 1}`,
      position: n + 1,
      ts: '2026-04-16T12:00:00.000Z',
      missionId: 'm',
      iterationId: n ? 'i' : null,
      tableName: 'notes',
      recordId: `nö${n}`,
      status: 'ok',
      reason: null,
      previousHash,
      hash: '',
    };
    row.hash = previousHash = hashOf(userId, row);
    return row;
  });
}

describe('a chain', () => {
  const rows = chainOf('anna', 5);
  const edited = (position: number, change: Partial<ChainRow>) =>
    rows.map((r) => (r.position === position ? { ...r, ...change } : r));
  const badAt = async (list: ChainRow[], anchor?: { position: number; hash: string }) =>
    (await verifyChain('anna', list, anchor)).firstBad;

  it('is good, whatever the order of its rows', async () => {
    const head = { position: 5, hash: rows[4]!.hash };
    expect(await verifyChain('anna', [...rows].reverse())).toEqual({ ok: true, rows: 5, head });
    expect(await verifyChain('anna', [])).toMatchObject({ ok: true, rows: 0, head: { position: 0 } });
  });
  it('is the chain of one user', async () =>
    expect((await verifyChain('ben', rows)).firstBad).toMatchObject({
      position: 1,
      problem: 'content-changed',
    }));
  it('shows where a row is missing or twice', async () => {
    expect(await badAt(rows.filter((r) => r.position !== 3))).toMatchObject({
      position: 4,
      problem: 'missing-or-twice',
    });
    expect(await badAt([...rows, rows[2]!])).toMatchObject({ position: 3, problem: 'missing-or-twice' });
  });
  it('shows every edit', async () => {
    const changes: Partial<ChainRow>[] = [
      { status: 'failed' },
      { reason: '' },
      { iterationId: null },
      { recordId: 'other' },
      { ts: '2026-04-16T12:00:00.001Z' },
      { hash: 'ab'.repeat(32) },
    ];
    for (const change of changes)
      expect(await badAt(edited(2, change))).toMatchObject({ position: 2, problem: 'content-changed' });
    expect(await badAt(edited(2, { previousHash: 'zz' }))).toMatchObject({
      position: 2,
      problem: 'does-not-follow',
    });
  });
  it('goes on from its anchor', async () => {
    const anchor = { position: 2, hash: rows[1]!.hash };
    expect((await verifyChain('anna', rows.slice(2), anchor)).ok).toBe(true);
    expect(await badAt(rows.slice(3), anchor)).toMatchObject({ position: 4 });
    expect(await badAt(rows.slice(2), { ...anchor, hash: rows[0]!.hash })).toMatchObject({
      position: 3,
      problem: 'does-not-follow',
    });
  });
});

describe('a signed head', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const statement = { userId: 'anna', position: 5, hash: 'ab'.repeat(32), at: '2026-04-16T12:00:00.000Z' };
  const canonical = (s: typeof statement) =>
    concat(utf8('mana-ai-audit-head:v1'), ...[s.userId, `${s.position}`, s.hash, s.at].map(prefixed));
  const signed = (s: typeof statement, key: KeyObject = privateKey): SignedHead => ({
    statement: s,
    canonical: toBase64(canonical(s)),
    signature: toBase64(sign(null, canonical(s), key)),
    keyId: toHex(createHash('sha256').update(spki).digest()).slice(0, 16),
    publicKey: toBase64(spki.subarray(-32)),
  });

  it('is good', async () => expect(await verifyHead(signed(statement))).toBe('good'));
  it('is that of its statement, its key and its signature', async () => {
    const good = signed(statement);
    const other = generateKeyPairSync('ed25519').privateKey;
    expect(await verifyHead({ ...good, statement: { ...statement, position: 4 } })).toBe('wrong-statement');
    expect(await verifyHead({ ...good, keyId: '00'.repeat(8) })).toBe('wrong-key');
    expect(await verifyHead({ ...good, publicKey: 'AAAA' })).toBe('wrong-key');
    expect(await verifyHead({ ...good, signature: signed(statement, other).signature })).toBe(
      'wrong-signature',
    );
    expect(await verifyHead({ ...good, signature: '' })).toBe('wrong-signature');
  });
  it('cannot be judged without Ed25519', async () => {
    const importing = vi
      .spyOn(crypto.subtle, 'importKey')
      .mockRejectedValue(new DOMException('', 'NotSupportedError'));
    expect(await verifyHead(signed(statement))).toBe('unsupported');
    importing.mockRestore();
  });
});
