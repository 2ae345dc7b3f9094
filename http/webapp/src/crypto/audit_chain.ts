// The user's chain of audit rows, recomputed here from what the service shows (its side: actors/audit_chain). A chain
// shows rows that were changed, swapped, put in or taken out; that rows are missing at its end shows only against a head
// that somebody kept.
import type { AuditRow } from '$lib/model/types';
import { concat, fromBase64, fromHex, prefixed, sameBytes, sha256, toHex, uint32, utf8 } from './bytes';

type Bytes = Uint8Array<ArrayBuffer>;

const rowHeader = utf8('mana-ai-audit:v1');
const headHeader = utf8('mana-ai-audit-head:v1');
const noHash = '00'.repeat(32);
const noText = uint32(0xffffffff);

export interface ChainPoint {
  position: number;
  hash: string;
}

export type ChainProblem = 'missing-or-twice' | 'does-not-follow' | 'content-changed';

export interface ChainVerdict {
  ok: boolean;
  rows: number;
  /** The last good row. */
  head: ChainPoint;
  firstBad?: { position: number; id: string; problem: ChainProblem };
}

export type ChainRow = Pick<
  AuditRow,
  | 'id'
  | 'position'
  | 'ts'
  | 'missionId'
  | 'iterationId'
  | 'tableName'
  | 'recordId'
  | 'status'
  | 'reason'
  | 'previousHash'
  | 'hash'
>;

function canonicalRow(userId: string, row: ChainRow): Bytes {
  const { position, ts, missionId, iterationId, tableName, recordId, status, reason } = row;
  const texts = [userId, String(position), ts, missionId, iterationId, tableName, recordId, status, reason];
  return concat(
    rowHeader,
    ...texts.map((t) => (t === null ? noText : prefixed(t))),
    fromHex(row.previousHash),
  );
}

async function hashOf(userId: string, row: ChainRow): Promise<string | undefined> {
  try {
    return toHex(await sha256(canonicalRow(userId, row)));
  } catch {
    return undefined; // the previous hash is none
  }
}

/**
 * Rows in any order. `anchor`: the last row that retention has removed, which the first of these continues; absent: they
 * begin with the user's first one.
 */
export async function verifyChain(
  userId: string,
  rows: readonly ChainRow[],
  anchor?: ChainPoint | null,
): Promise<ChainVerdict> {
  const ordered = [...rows].sort((a, b) => a.position - b.position);
  let head: ChainPoint = anchor
    ? { position: anchor.position, hash: anchor.hash }
    : { position: 0, hash: noHash };
  for (const row of ordered) {
    const bad = (problem: ChainProblem): ChainVerdict => ({
      ok: false,
      rows: ordered.length,
      head,
      firstBad: { position: row.position, id: row.id, problem },
    });
    if (row.position !== head.position + 1) return bad('missing-or-twice');
    if (row.previousHash !== head.hash) return bad('does-not-follow');
    if (row.hash !== (await hashOf(userId, row))) return bad('content-changed');
    head = { position: row.position, hash: row.hash };
  }
  return { ok: true, rows: ordered.length, head };
}

// -- the signed head ------------------------------------------------------------------------------------------------

/** As GET /api/v1/me/ai-audit/head answers. */
export interface SignedHead {
  statement: { userId: string; position: number; hash: string; at: string };
  canonical: string;
  signature: string;
  keyId: string;
  publicKey: string;
}

/** unsupported: this browser knows no Ed25519, so nothing is known. */
export type HeadVerdict = 'good' | 'wrong-key' | 'wrong-statement' | 'wrong-signature' | 'unsupported';

const ed25519SpkiPrefix = fromHex('302a300506032b6570032100');

function canonicalHead({ userId, position, hash, at }: SignedHead['statement']): Bytes {
  return concat(headHeader, ...[userId, String(position), hash, at].map(prefixed));
}

async function importEd25519(raw: Bytes): Promise<CryptoKey | undefined> {
  try {
    return await crypto.subtle.importKey('raw', raw, { name: 'Ed25519' }, false, ['verify']);
  } catch {
    return undefined;
  }
}

/**
 * That the signed bytes are the statement's and the signature is the key's. Which key to trust is the reader's to know:
 * `keyId` names it.
 */
export async function verifyHead(head: SignedHead): Promise<HeadVerdict> {
  const raw = fromBase64(head.publicKey);
  if (raw?.length !== 32) return 'wrong-key';
  if (toHex(await sha256(concat(ed25519SpkiPrefix, raw))).slice(0, 16) !== head.keyId) return 'wrong-key';
  const signed = canonicalHead(head.statement);
  const canonical = fromBase64(head.canonical);
  if (!canonical || !sameBytes(canonical, signed)) return 'wrong-statement';
  const signature = fromBase64(head.signature);
  if (signature?.length !== 64) return 'wrong-signature';
  const key = await importEd25519(raw);
  if (!key) return 'unsupported';
  return (await crypto.subtle.verify({ name: 'Ed25519' }, key, signature, signed))
    ? 'good'
    : 'wrong-signature';
}
