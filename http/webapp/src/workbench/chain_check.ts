// The whole audit, downloaded and recomputed here, and held against what the service says of it and against what this
// device saw before.
import { api, ApiError } from '$lib/api/client';
import {
  verifyChain,
  verifyHead,
  type ChainProblem,
  type ChainPoint,
  type HeadVerdict,
  type SignedHead,
} from '$lib/crypto/audit_chain';
import { db } from '$lib/store/db';
import type { AuditRow } from '$lib/model/types';

interface ServiceVerdict {
  ok: boolean;
  anchor: ChainPoint | null;
  rows: number;
  head: ChainPoint;
  firstBad: { position: number; id: string; problem: string } | null;
}

export interface ChainReport {
  /** Nothing speaks against the chain. */
  ok: boolean;
  rows: number;
  head: ChainPoint;
  firstBad?: { position: number; problem: ChainProblem };
  /** Older rows are gone because the operator keeps them for a time only. */
  removedUpTo?: number;
  /** Whether the service's own verdict and head are the ones found here. */
  service: 'agrees' | 'differs';
  signature: HeadVerdict | 'not-configured';
  keyId?: string;
  signedAt?: string;
  /** What this device saw at an earlier check: still part of the chain, gone, too old to tell, or never checked. */
  before: 'none' | 'kept' | 'lost' | 'too-old';
  beforePosition?: number;
}

const remembered = 'auditHead';
const pageSize = 1000;

async function allRows(onprogress: (rows: number) => void): Promise<AuditRow[]> {
  const out: AuditRow[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const page: { rows: AuditRow[]; nextCursor: string | null } = await api(
      'GET',
      `/api/v1/me/ai-audit?limit=${pageSize}${query}`,
    );
    out.push(...page.rows);
    cursor = page.nextCursor;
    onprogress(out.length);
  } while (cursor !== null);
  return out;
}

async function signedHead(): Promise<SignedHead | undefined> {
  try {
    return await api<SignedHead>('GET', '/api/v1/me/ai-audit/head');
  } catch (error) {
    if (error instanceof ApiError && error.code === 'SIGNING_NOT_CONFIGURED') return undefined;
    throw error;
  }
}

function compareBefore(
  before: ChainPoint | undefined,
  hashAt: (position: number) => string | undefined,
  anchor: ChainPoint | null,
): ChainReport['before'] {
  if (!before) return 'none';
  if (anchor && before.position < anchor.position) return 'too-old';
  return hashAt(before.position) === before.hash ? 'kept' : 'lost';
}

async function checkOnce(userId: string, onprogress: (rows: number) => void): Promise<ChainReport> {
  // The service's statements first: rows that come meanwhile only make the chain longer.
  const verdict = await api<ServiceVerdict>('GET', '/api/v1/me/ai-audit/verify');
  const head = await signedHead();
  const rows = await allRows(onprogress);
  const { anchor } = verdict;
  const own = await verifyChain(userId, rows, anchor);
  const hashes = new Map(rows.map((r) => [r.position, r.hash]));
  if (anchor) hashes.set(anchor.position, anchor.hash);
  else hashes.set(0, '00'.repeat(32));
  const hashAt = (position: number) => hashes.get(position);
  const isHere = (point: ChainPoint) => hashAt(point.position) === point.hash;
  const before = (await db.settings.get(remembered))?.value as ChainPoint | undefined;
  const agrees =
    verdict.ok &&
    isHere(verdict.head) &&
    (!head || (head.statement.userId === userId && isHere(head.statement)));
  const signature = head ? await verifyHead(head) : 'not-configured';
  const seen = compareBefore(before, hashAt, anchor);
  return {
    ok:
      own.ok &&
      agrees &&
      seen !== 'lost' &&
      (signature === 'good' || signature === 'unsupported' || signature === 'not-configured'),
    rows: rows.length,
    head: own.head,
    ...(own.firstBad && { firstBad: own.firstBad }),
    ...(anchor && { removedUpTo: anchor.position }),
    service: agrees ? 'agrees' : 'differs',
    signature,
    ...(head && { keyId: head.keyId, signedAt: head.statement.at }),
    before: seen,
    ...(before && { beforePosition: before.position }),
  };
}

/** Throws ApiError where the service cannot be asked. A good head is remembered on this device for the next check. */
export async function checkChain(
  userId: string,
  onprogress: (rows: number) => void = () => undefined,
): Promise<ChainReport> {
  let report = await checkOnce(userId, onprogress);
  // Old rows may have been removed while the pages came.
  if (!report.ok) report = await checkOnce(userId, onprogress);
  if (report.ok) await db.settings.put({ key: remembered, value: report.head });
  return report;
}
